//! Signatures of keys that Hearth made: accepted when true, and refused in the words and the protocol of the service.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hearth_world::{Timestamp, World};
use http::Request;
use http_body_util::{BodyExt, Full};

use super::toys::{listener, services};
use crate::dispatch::AllowAll;
use crate::front_door::{FrontDoor, Key, Options};
use crate::operation::Caller;
use crate::sigv4::{SigningKey, body_sha256, sign};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What an attacker or a mistaken client changes after signing.
type Change = fn(&mut Request<Full<Bytes>>);

struct Test {
    door: FrontDoor,
    now: Timestamp,
}

impl Test {
    fn new() -> Self {
        let world = World::simulated(1);
        let now = world.physical().now();
        let caller = Caller {
            access_key_id: "AKIDHEARTH".to_owned(),
            arn: "arn:aws:iam::111111111111:user/u".to_owned(),
            user_id: "AIDA".to_owned(),
            session: None,
        };
        let key = |session_token: Option<&str>| Key {
            secret: SECRET.to_owned(),
            session_token: session_token.map(str::to_owned),
            expires: None,
            account: "111111111111".to_owned(),
            caller: caller.clone(),
        };
        let keys = HashMap::from([
            ("AKIDHEARTH".to_owned(), key(None)),
            ("ASIAHEARTH".to_owned(), key(Some("TOKEN"))),
        ]);
        let door = FrontDoor::new(services(), Options::default(), world, Arc::new(AllowAll));
        Self { door: door.with_keys(Arc::new(keys)), now }
    }

    async fn send(&self, sent: Sent, change: Change) -> String {
        let mut request = sent.signed(self.now);
        change(&mut request);
        let response = self.door.handle(request, listener()).await;
        let status = response.status().as_u16();
        let kind = response.headers().get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let body = response.into_body().collect().await.expect("in memory").to_bytes();
        format!("{status} {kind} {}", String::from_utf8_lossy(&body))
    }
}

struct Sent {
    method: &'static str,
    target: &'static str,
    service: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    key: SigningKey,
    /// Minutes from now.
    at: i64,
}

fn key(id: &str, token: Option<&str>) -> SigningKey {
    SigningKey {
        access_key_id: id.to_owned(),
        secret: SECRET.to_owned(),
        session_token: token.map(str::to_owned),
    }
}

/// restJson1.
fn lambda() -> Sent {
    let target = "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST";
    let (headers, key) = (&[("host", "127.0.0.1:4566")], key("AKIDHEARTH", None));
    Sent { method: "POST", target, service: "lambda", headers, body: "{}", key, at: 0 }
}

/// awsQuery.
fn sts() -> Sent {
    let headers = &[("host", "localhost"), ("content-type", "application/x-www-form-urlencoded")];
    Sent {
        target: "/",
        service: "sts",
        headers,
        body: "Action=GetCallerIdentity&Version=2011-06-15",
        ..lambda()
    }
}

/// awsJson 1.1.
fn logs() -> Sent {
    let headers = &[
        ("host", "localhost"),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "Logs_20140328.CreateLogGroup"),
    ];
    Sent { target: "/", service: "logs", headers, body: r#"{"logGroupName":"g"}"#, ..lambda() }
}

impl Sent {
    fn signed(self, now: Timestamp) -> Request<Full<Bytes>> {
        let request = Request::builder().method(self.method).uri(self.target);
        let request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request =
            request.body(Full::new(Bytes::from_static(self.body.as_bytes()))).expect("a good request");
        let (mut parts, body) = request.into_parts();
        let at = Timestamp::from_micros(now.as_micros() + self.at * 60_000_000);
        let digest = body_sha256(self.body.as_bytes());
        sign(&mut parts, &digest, &self.key, "eu-west-1", self.service, at).expect("signed");
        Request::from_parts(parts, body)
    }
}

fn same(_: &mut Request<Full<Bytes>>) {}

fn replace(request: &mut Request<Full<Bytes>>, from: &str, to: &str) {
    let text = request.headers()["authorization"].to_str().expect("text").replace(from, to);
    request.headers_mut().insert("authorization", text.parse().expect("a header"));
}

fn begins(answer: &str, expected: &str) {
    assert!(answer.starts_with(expected), "{expected}: {answer}");
}

#[tokio::test]
async fn a_true_signature_is_accepted_in_every_protocol() {
    let test = Test::new();
    begins(&test.send(lambda(), same).await, "200  {}");
    begins(&test.send(logs(), same).await, "200 ");
    assert!(test.send(sts(), same).await.contains("<Arn>arn:aws:iam::111111111111:user/u</Arn>"));
}

#[tokio::test]
async fn a_wrong_signature_is_told_in_the_words_of_the_service() {
    let test = Test::new();
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                Access Key and signing method. Consult the service documentation for details.";
    let change: Change = |request| {
        request.headers_mut().insert("x-amz-client-context", "e30=".parse().expect("a header"));
        *request.body_mut() = Full::new(Bytes::from_static(b"{ }"));
    };
    let answer = test.send(lambda(), change).await;
    assert_eq!(answer, format!("403 InvalidSignatureException {{\"message\":\"{text}\"}}"));
    let answer = test.send(logs(), change).await;
    assert_eq!(answer, format!("400  {{\"__type\":\"InvalidSignatureException\",\"message\":\"{text}\"}}"));
    let answer = test.send(sts(), |request| *request.method_mut() = http::Method::PUT).await;
    begins(&answer, "403  ");
    assert!(
        answer.contains(&format!("<Code>SignatureDoesNotMatch</Code><Message>{text}</Message>")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_date_that_is_not_now_is_refused_with_both_times() {
    let test = Test::new();
    begins(&test.send(Sent { at: -4, ..lambda() }, same).await, "200 ");
    let answer = test.send(Sent { at: -6, ..lambda() }, same).await;
    begins(&answer, r#"403 InvalidSignatureException {"message":"Signature expired: "#);
    assert!(answer.ends_with(r#" - 5 min.)"}"#), "{answer}");
    let answer = test.send(Sent { at: 6, ..logs() }, same).await;
    assert!(answer.contains("Signature not yet current: ") && answer.contains(" + 5 min.)"), "{answer}");
    let answer = test.send(Sent { at: -16, ..sts() }, same).await;
    assert!(answer.contains("<Code>SignatureDoesNotMatch</Code><Message>Signature expired: "), "{answer}");
    begins(&test.send(Sent { at: -14, ..sts() }, same).await, "200 ");
}

#[tokio::test]
async fn a_scope_of_another_place_is_refused() {
    let test = Test::new();
    let at_aws: Change = |request| {
        request.headers_mut().insert("host", "lambda.us-east-2.amazonaws.com".parse().expect("a host"));
    };
    let answer = test.send(lambda(), at_aws).await;
    let text = "Credential should be scoped to a valid region, not 'eu-west-1'. ";
    assert_eq!(answer, format!("403 InvalidSignatureException {{\"message\":\"{text}\"}}"));
    let at_another: Change = |request| {
        request.headers_mut().insert("host", "sqs.eu-west-1.amazonaws.com".parse().expect("a host"));
    };
    let answer = test.send(lambda(), at_another).await;
    assert!(answer.contains("Credential should be scoped to correct service: 'sqs'. "), "{answer}");
    let answer = test.send(lambda(), |request| replace(request, "/20", "/19")).await;
    assert!(answer.contains("Date in Credential scope does not match YYYYMMDD"), "{answer}");
    let answer = test.send(lambda(), |request| replace(request, "eu-west-1", "eu-west-2")).await;
    assert!(answer.contains("The request signature we calculated"), "{answer}");
}

#[tokio::test]
async fn a_header_that_is_not_whole_is_told_what_it_lacks() {
    let test = Test::new();
    let answer = test.send(lambda(), |request| replace(request, "Signature=", "Sig=")).await;
    begins(
        &answer,
        "400 IncompleteSignatureException {\"message\":\"Authorization header requires 'Signature' parameter. (Hashed \
         with SHA-256 and encoded with Base64) Authorization=",
    );
    let bearer: Change = |request| {
        request.headers_mut().insert("authorization", "Bearer token".parse().expect("a header"));
    };
    let answer = test.send(lambda(), bearer).await;
    assert!(
        answer.contains("Invalid key=value pair (missing equal-sign) in Authorization header (hashed"),
        "{answer}"
    );
    let undated: Change = |request| drop(request.headers_mut().remove("x-amz-date"));
    let answer = test.send(lambda(), undated).await;
    begins(&answer, "400 IncompleteSignatureException ");
    assert!(answer.contains("requires existence of either a 'X-Amz-Date' or a 'Date' header."), "{answer}");
    let twice: Change = |request| {
        let header = request.headers()["authorization"].clone();
        request.headers_mut().append("authorization", header);
    };
    begins(&test.send(lambda(), twice).await, "400 IncompleteSignatureException ");
    let answer = test.send(sts(), bearer).await;
    assert!(answer.contains("IncompleteSignature"), "{answer}");
}

#[tokio::test]
async fn temporary_credentials_come_with_their_token() {
    let test = Test::new();
    let with = |token| Sent { key: key("ASIAHEARTH", token), ..lambda() };
    begins(&test.send(with(Some("TOKEN")), same).await, "200 ");
    let unsigned: Change = |request| {
        request.headers_mut().insert("x-amz-security-token", "TOKEN".parse().expect("a token"));
    };
    begins(&test.send(with(None), unsigned).await, "200 ");
    for token in [None, Some("ANOTHER")] {
        begins(&test.send(with(token), same).await, "403 UnrecognizedClientException ");
    }
}

#[tokio::test]
async fn a_body_goes_unsigned_at_s3_alone() {
    let test = Test::new();
    let unsigned: Change = |request| {
        request.headers_mut().insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().expect("a header"));
    };
    begins(&test.send(lambda(), unsigned).await, "403 InvalidSignatureException ");
}

#[tokio::test]
async fn over_http_2_the_authority_is_the_host() {
    let test = Test::new();
    let mut request = lambda().signed(test.now);
    request.headers_mut().remove("host");
    *request.uri_mut() = format!("http://127.0.0.1:4566{}", lambda().target).parse().expect("an address");
    assert_eq!(test.door.handle(request, listener()).await.status(), 200);
}

#[tokio::test]
async fn a_link_that_nobody_verified_does_nothing() {
    let test = Test::new();
    let link = |target: String| {
        let request = Request::builder().uri(target).header("host", "localhost");
        request.body(Full::new(Bytes::new())).expect("a good request")
    };
    let signature = |service: &str| {
        format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20251125%2Feu-west-1%2F{service}\
             %2Faws4_request&X-Amz-Date=20251125T022654Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        )
    };
    let status = async |target: String| test.door.handle(link(target), listener()).await.status().as_u16();
    let role = "RoleName=r&AssumeRolePolicyDocument=%7B%7D&Version=2010-05-08";
    assert_eq!(status(format!("/?Action=CreateRole&{role}&{}", signature("iam"))).await, 403);
    assert_eq!(status(format!("/2015-03-31/functions/f/invocations?{}", signature("lambda"))).await, 405);
    assert_eq!(status(format!("/2015-03-31/functions/f/configuration?{}", signature("lambda"))).await, 403);
    let call = format!("/?Action=GetCallerIdentity&Version=2011-06-15&{}", signature("sts"));
    assert_eq!(status(call.clone()).await, 200);
    assert_eq!(status(format!("{call}&X-Amz-Signature=00")).await, 400);
    assert_eq!(status(format!("{call}&%58-Amz-Signature=00")).await, 400);
    assert_eq!(status(call.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")).await, 400);
}
