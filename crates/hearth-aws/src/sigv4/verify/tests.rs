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

#[test]
fn the_date_header_stands_for_the_other_in_the_forms_that_clients_sign() {
    let check = |date: &str, signed_as: &str, is_good: bool| {
        let (mut parts, ()) = Request::builder().uri("/").body(()).expect("a good request").into_parts();
        parts.headers.insert("host", "localhost".parse().expect("a host"));
        parts.headers.insert("date", date.parse().expect("a date"));
        let scope = crate::sigv4::claim::Scope {
            access_key_id: "AKIDEXAMPLE",
            date: "20251125",
            region: "us-east-1",
            service: "sts",
        };
        let digest = canonical::sha256_hex(b"");
        let canonical = canonical::request(Rules::General, &parts, None, "date;host", &digest);
        let to_sign = canonical::to_sign(signed_as, &scope, &canonical);
        let signature = canonical::hmac(&canonical::key(SECRET, &scope), &to_sign).finalize().into_bytes();
        let header = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}, SignedHeaders=date;host, Signature={}",
            scope.without_key(),
            hex::encode(signature)
        );
        parts.headers.insert("authorization", header.parse().expect("a header"));
        let claim = Claim::of(&parts.headers, "").expect("readable").expect("signed");
        let checked = check(&claim, &parts, b"", SECRET, Timestamp::from_micros(SIGNED_AT));
        assert_eq!(checked.is_ok(), is_good, "{date} signed as {signed_as}: {checked:?}");
    };
    let http = "Tue, 25 Nov 2025 02:26:54 GMT";
    check(http, "20251125T022654Z", true);
    check(http, http, true);
    check("Tue, 25 Nov 2025 02:26:54 -0000", "20251125T022654Z", true);
    check("20251125T022654Z", "20251125T022654Z", true);
    check("Wed, 25 Nov 2025 02:26:54 GMT", "20251125T022654Z", false);
    check("now", "20251125T022654Z", false);
    check(http, "20251125T022655Z", false);
}

#[test]
fn objects_have_rules_of_their_own() {
    use crate::sigv4::sign::{SigningKey, UNSIGNED_PAYLOAD, sign};
    let key = SigningKey { access_key_id: "AKID".to_owned(), secret: SECRET.to_owned(), session_token: None };
    let now = Timestamp::from_micros(SIGNED_AT);
    let check = |digest: &str, minutes: i64, change: fn(&mut Parts)| {
        let request = Request::builder().method("PUT").uri("/b//a/../c%20d+e").header("host", "s3.localhost");
        let (mut parts, ()) = request.body(()).expect("a good request").into_parts();
        sign(&mut parts, digest, &key, "eu-west-1", "s3", now).expect("signed");
        change(&mut parts);
        let claim = Claim::of(&parts.headers, "").expect("readable").expect("signed");
        let now = Timestamp::from_micros(SIGNED_AT + minutes * 60_000_000);
        check(&claim, &parts, b"body", SECRET, now).map_err(|error| error.code)
    };
    let digest = canonical::sha256_hex(b"body");
    assert_eq!(check(&digest, 0, |_| {}), Ok(()));
    assert_eq!(check(UNSIGNED_PAYLOAD, 15, |_| {}), Ok(()));
    let normal = |parts: &mut Parts| parts.uri = "/b/c%20d+e".parse().expect("a path");
    assert_eq!(check(&digest, 0, normal), Err(Code::InvalidSignature));
    let spelt = |parts: &mut Parts| parts.uri = "/%62//a/../c%20d%2Be".parse().expect("a path");
    assert_eq!(check(&digest, 0, spelt), Ok(()), "the same name in another spelling");
    let other = canonical::sha256_hex(b"other");
    assert_eq!(check(&other, 0, |_| {}), Err(Code::Modelled("XAmzContentSHA256Mismatch")));
    assert_eq!(check("garbage", 0, |_| {}), Err(Code::Modelled("InvalidArgument")));
    assert_eq!(check(&digest, 16, |_| {}), Err(Code::RequestTimeTooSkewed));
    assert_eq!(check(&digest, -16, |_| {}), Err(Code::RequestTimeTooSkewed));
    let more = |parts: &mut Parts| {
        parts.headers.insert("x-amz-acl", "public-read".parse().expect("a header"));
    };
    assert_eq!(check(&digest, 0, more), Err(Code::AccessDenied));
    let fewer = |parts: &mut Parts| drop(parts.headers.remove("x-amz-content-sha256"));
    assert_eq!(check(&digest, 0, fewer), Err(Code::Modelled("InvalidRequest")));
}

#[test]
fn a_link_to_an_object_lives_as_long_as_it_says() {
    let check = |expires: &str, seconds: i64| {
        let scope = crate::sigv4::claim::Scope {
            access_key_id: "AKID",
            date: "20251125",
            region: "us-east-1",
            service: "s3",
        };
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20251125%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20251125T022654Z{expires}&X-Amz-SignedHeaders=host"
        );
        let parts = |query: &str| {
            let request = Request::builder().uri(format!("/b/k?{query}")).header("host", "s3.localhost");
            request.body(()).expect("a good request").into_parts().0
        };
        let canonical = canonical::request(Rules::S3, &parts(&query), None, "host", "UNSIGNED-PAYLOAD");
        let to_sign = canonical::to_sign("20251125T022654Z", &scope, &canonical);
        let signature = canonical::hmac(&canonical::key(SECRET, &scope), &to_sign).finalize().into_bytes();
        let parts = parts(&format!("{query}&X-Amz-Signature={}", hex::encode(signature)));
        let claim = Claim::of(&parts.headers, parts.uri.query().unwrap_or_default());
        let claim = claim.expect("readable").expect("signed");
        let now = Timestamp::from_micros(SIGNED_AT + seconds * 1_000_000);
        check(&claim, &parts, b"", SECRET, now).map_err(|error| error.message)
    };
    let says = |text: &str| Err(text.to_owned());
    assert_eq!(check("&X-Amz-Expires=60", 60), Ok(()));
    assert_eq!(check("&X-Amz-Expires=60", 61), says("Request has expired"));
    assert_eq!(check("&X-Amz-Expires=604800", 604_800), Ok(()));
    assert_eq!(check("&X-Amz-Expires=1", -900), Ok(()));
    assert_eq!(check("&X-Amz-Expires=1", -901), says("Request is not valid yet"));
    assert_eq!(check("&X-Amz-Expires=-1", 0), says("X-Amz-Expires must be non-negative"));
    assert_eq!(check("&X-Amz-Expires=soon", 0), says("X-Amz-Expires should be a number"));
    assert!(check("&X-Amz-Expires=0", 0).is_err());
    let week = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                than 604800 seconds";
    assert_eq!(check("&X-Amz-Expires=604801", 0), says(week));
    assert!(check("", 0).expect_err("no life").starts_with("Query-string authentication version 4 requires"));
}
