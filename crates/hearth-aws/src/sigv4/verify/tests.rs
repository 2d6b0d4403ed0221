//! Signatures made by botocore 1.43.11 on 2025-11-25T02:26:54Z.

use http::Request;

use super::*;
use crate::sigv4::Claim;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SIGNED_AT: i64 = 1_764_037_614_000_000;

struct Signed {
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
}

fn invoke() -> Signed {
    Signed {
        method: "POST",
        target: "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations?Qualifier=%24LATEST",
        headers: vec![
            ("x-amz-invocation-type", "RequestResponse"),
            ("user-agent", "not signed"),
            ("x-amz-date", "20251125T022654Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251125/eu-west-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-invocation-type, Signature=439445bcb178b83796e0e94b14b65dd83620da8ffe187c9fa2f473624d7ddb8b",
            ),
        ],
        body: br#"{"a": 1}"#,
    }
}

fn list() -> Signed {
    Signed {
        method: "GET",
        target: "/2017-03-31/tags/x?tagKeys=b&tagKeys=a%20c",
        headers: vec![
            ("x-amz-folded", "  a   b "),
            ("x-amz-date", "20251125T022654Z"),
            ("x-amz-security-token", "TOKEN"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251125/eu-west-1/lambda/aws4_request, SignedHeaders=host;x-amz-date;x-amz-folded;x-amz-security-token, Signature=2d3a62e8f86bcfea43287365faba88291ddc02037de34b735d5a09dcef11bde6",
            ),
        ],
        body: b"",
    }
}

fn form() -> Signed {
    Signed {
        method: "POST",
        target: "/",
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-amz-date", "20251125T022654Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251125/us-east-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=51965427253d99c7c6db72314ca80eadf17bd2ab28e631bd4835e4014b214720",
            ),
        ],
        body: b"Action=GetCallerIdentity&Version=2011-06-15",
    }
}

fn presigned() -> Signed {
    Signed {
        method: "GET",
        target: "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20251125%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20251125T022654Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=2523c5bfce06431e41f85645818fd77292c2645aa04c680555ee93594732f101",
        headers: vec![],
        body: b"",
    }
}

impl Signed {
    fn verify(&self, secret: &str, seconds_later: i64) -> Result<(), String> {
        let mut request =
            Request::builder().method(self.method).uri(self.target).header("host", "127.0.0.1:4566");
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a good request").into_parts();
        let claim = Claim::of(&parts.headers, parts.uri.query().unwrap_or_default())
            .expect("readable")
            .expect("signed");
        let now = Timestamp::from_micros(SIGNED_AT + seconds_later * 1_000_000);
        check(&claim, &parts, self.body, secret, now).map_err(|error| error.message)
    }

    fn is_refused(&self, why: &str) {
        let refused = self.verify(SECRET, 0).expect_err(why);
        assert!(
            refused.starts_with("The request signature we calculated does not match"),
            "{why}: {refused}"
        );
    }
}

#[test]
fn what_botocore_signed_is_true() {
    for signed in [invoke(), list(), form(), presigned()] {
        assert_eq!(signed.verify(SECRET, 0), Ok(()), "{}", signed.target);
        assert!(signed.verify("another", 0).is_err(), "{}", signed.target);
    }
}

#[test]
fn whatever_was_signed_may_not_change() {
    Signed { body: b"{}", ..invoke() }.is_refused("the body");
    Signed { method: "GET", ..invoke() }.is_refused("the method");
    Signed { target: "/2015-03-31/functions/g/invocations", ..invoke() }.is_refused("the path");
    Signed { target: "/2017-03-31/tags/x?tagKeys=b", ..list() }.is_refused("the query");
    let mut header = invoke();
    header.headers[0].1 = "Event";
    header.is_refused("a header");
}

#[test]
fn a_signature_has_its_time() {
    let check = |signed: Signed, seconds: i64, text: &str| {
        assert_eq!(signed.verify(SECRET, seconds), Err(text.to_owned()));
    };
    assert_eq!(invoke().verify(SECRET, 300), Ok(()));
    assert_eq!(invoke().verify(SECRET, -300), Ok(()));
    check(
        invoke(),
        301,
        "Signature expired: 20251125T022654Z is now earlier than 20251125T022655Z (20251125T023155Z - 5 min.)",
    );
    check(
        invoke(),
        -301,
        "Signature not yet current: 20251125T022654Z is still later than 20251125T022653Z (20251125T022153Z + 5 min.)",
    );
    assert_eq!(form().verify(SECRET, 900), Ok(()));
    check(
        form(),
        901,
        "Signature expired: 20251125T022654Z is now earlier than 20251125T022655Z (20251125T024155Z - 15 min.)",
    );
}

#[test]
fn a_presigned_call_lives_for_15_minutes_whatever_it_says() {
    // It says 60 s, as tokens of EKS do, which are used for 14 minutes.
    assert_eq!(presigned().verify(SECRET, 840), Ok(()));
    let refused = presigned().verify(SECRET, 901).expect_err("expired");
    assert!(refused.starts_with("Signature expired: 20251125T022654Z is now earlier than"), "{refused}");
    assert!(presigned().verify(SECRET, -901).is_err());
}

#[test]
fn temporary_credentials_come_with_their_token_and_end() {
    let with = |token: Option<&str>| {
        let request = token
            .into_iter()
            .fold(Request::builder(), |request, token| request.header("x-amz-security-token", token));
        let (parts, ()) = request.body(()).expect("a good request").into_parts();
        let now = Timestamp::from_micros(SIGNED_AT);
        let code = |expires| session(&parts, Some("TOKEN"), expires, now).err().map(|error| error.code);
        (code(None), code(Some(now)))
    };
    assert_eq!(with(Some("TOKEN")), (None, Some(Code::ExpiredToken)));
    assert_eq!(with(Some("OTHER")).0, Some(Code::UnrecognizedClient));
    assert_eq!(with(None).0, Some(Code::UnrecognizedClient));
}
