//! What a web page could try, and what it gets.

use super::toys::{door, form, lambda, listener};
use crate::front_door::{FrontDoor, Options};

const INVOKE: &str = "/2015-03-31/functions/f/invocations";

#[tokio::test]
async fn a_cross_site_form_post_is_refused() {
    // What a browser sends for a form of another site: no preflight, no Authorization.
    let page = |sent: super::toys::Sent| {
        sent.unsigned().header("origin", "https://evil.example").header("sec-fetch-site", "cross-site")
    };
    let answer = page(form("iam", "Action=CreateRole&Version=2010-05-08&RoleName=r")).send().await;
    assert!(answer.starts_with("403\n") && answer.contains("evil.example"), "{answer}");
    // A browser too old to say where it comes from still has no signature.
    let answer = form("iam", "Action=CreateRole&Version=2010-05-08&RoleName=r").unsigned().send().await;
    let error =
        "<Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message>";
    assert!(answer.starts_with("403\n") && answer.contains(error), "{answer}");
}

#[tokio::test]
async fn an_invoke_as_plain_text_is_refused() {
    let sent = lambda("POST", INVOKE).unsigned().header("content-type", "text/plain").body("{}");
    let answer = sent.send().await;
    let expected = concat!(
        "403\ncontent-type: application/json\nx-amzn-errortype: MissingAuthenticationTokenException\n\n",
        r#"{"message":"Missing Authentication Token"}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_request_from_another_site_is_refused_even_when_signed() {
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:3000"),
        ("origin", "http://localhost:4566"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let answer = lambda("POST", INVOKE).header(name, value).body("{}").send().await;
        assert!(answer.starts_with("403\n"), "{name}: {value}: {answer}");
    }
    for (name, value) in
        [("origin", "http://127.0.0.1:4566"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]
    {
        let answer = lambda("POST", INVOKE).header(name, value).body("{}").send().await;
        assert!(answer.starts_with("200\n"), "{name}: {value}: {answer}");
    }
}

#[tokio::test]
async fn a_name_that_was_rebound_to_us_is_refused() {
    for host in [
        "evil.example:4566",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "10.9.8.7",
        "evilamazonaws.com",
        "[2001:db8::1]:4566",
        "amazonaws.com.evil.example",
    ] {
        let answer = lambda("POST", INVOKE).header("host", host).body("{}").send().await;
        assert!(
            answer.starts_with("403\n") && answer.contains("is not a name of this endpoint"),
            "{host}: {answer}"
        );
    }
}

#[tokio::test]
async fn names_and_addresses_of_ours_are_accepted() {
    let options = Options { hosts: vec!["hearth.internal".to_owned()], ..Options::default() };
    let world = hearth_world::World::simulated(1);
    let door_ = FrontDoor::new(super::toys::services(), options, world, std::sync::Arc::new(crate::AllowAll));
    for host in [
        "127.0.0.1:4566",
        "127.0.0.2",
        "[::1]:4566",
        "localhost:4566",
        "LOCALHOST",
        "bucket.localhost:4566",
        "lambda.eu-west-1.amazonaws.com",
        "hearth.internal:4566",
        "localhost.:4566",
    ] {
        let answer = lambda("POST", INVOKE).header("host", host).body("{}").to(&door_).await;
        assert!(answer.starts_with("200\n"), "{host}: {answer}");
    }
}

#[tokio::test]
async fn what_is_served_beside_aws_has_the_same_defences() {
    let admit = |sent: super::toys::Sent| {
        let (parts, _) = sent.request().into_parts();
        door().admit(&parts, &super::toys::listener()).is_ok()
    };
    assert!(admit(lambda("GET", "/_hearth/health").unsigned()));
    assert!(!admit(lambda("GET", "/_hearth/health").header("host", "evil.example")));
    assert!(!admit(lambda("GET", "/_hearth/health").header("sec-fetch-site", "cross-site")));
}

proptest::proptest! {
    /// Whatever a stranger sends, there is an answer.
    #[test]
    fn no_request_makes_it_panic(
        method in "[A-Z]{1,7}",
        target in "/[ -~]{0,60}",
        name in "host|origin|authorization|content-length|content-type|x-amz-target|x-amz-date|expect",
        value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
    ) {
        let signed = super::toys::authorization("lambda");
        let request = http::Request::builder().method(method.as_str()).uri(target).header("authorization", signed);
        let request = request.header("host", "localhost").header(name, value).body(http_body_util::Full::new(body.into()));
        if let Ok(request) = request {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let response = runtime.block_on(door().handle::<http_body_util::Full<bytes::Bytes>>(request, super::toys::listener()));
            proptest::prop_assert!(response.headers().contains_key("x-amzn-requestid"));
        }
    }
}

#[test]
fn a_bare_address_is_what_nothing_says_more_about() {
    let is_bare = |target: &str, headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(http::Request::get(target), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        door().is_bare(&parts, &listener())
    };
    let local = ("host", "127.0.0.1:4566");
    assert!(is_bare("/", &[local, ("user-agent", "curl/8"), ("accept", "*/*")]));
    assert!(is_bare("/", &[("host", "[::1]:4566")]) && is_bare("/", &[("host", "localhost")]));
    for (target, more) in [
        ("/x", local),
        ("/?Action=GetCallerIdentity&Version=2011-06-15", local),
        ("/?X-Amz-Credential=a", local),
        ("/", ("host", "lambda.us-east-1.amazonaws.com")),
        ("/", ("host", "pictures.localhost:4566")),
        ("/", ("authorization", "AWS4-HMAC-SHA256 anything")),
        ("/", ("x-amz-target", "Logs_20140328.DescribeLogGroups")),
        ("/", ("smithy-protocol", "rpc-v2-cbor")),
    ] {
        let headers = if more.0 == "host" { vec![more] } else { vec![local, more] };
        assert!(!is_bare(target, &headers), "{target} {more:?}");
    }
}
