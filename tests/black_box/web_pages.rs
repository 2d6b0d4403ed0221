//! Every web page that a developer opens can send requests to this machine. None of them may do anything.

use hearth_tests::{Answer, Function, Hearth, Request, authorization};
use serde_json::json;

const COUNTS: &str = "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n";

/// Sends what a page could send to Invoke; the function must not have run, and nothing may be readable.
#[track_caller]
fn attack(request: impl FnOnce(Request, &Hearth) -> Request) {
    let hearth = Hearth::start();
    let function = hearth.function("victim").code(COUNTS).create();
    let invoke = Request::new("POST", "/2015-03-31/functions/victim/invocations").body("{}");
    let answer = hearth.send(&request(invoke, &hearth));
    answer.is_refused();
    is_not_readable(&answer);
    assert_eq!(function.invoke("{}").json(), json!(1), "the attack ran the function");
}

#[track_caller]
fn is_not_readable(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[test]
fn a_text_plain_invoke_from_a_page_is_refused() {
    attack(|invoke, _| {
        let invoke = invoke.header("Content-Type", "text/plain").header("Origin", "https://evil.example");
        invoke.header("Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", "no-cors")
    });
}

#[test]
fn an_invoke_without_authorization_is_refused_even_without_a_sign_of_a_browser() {
    attack(|invoke, _| invoke.header("Content-Type", "text/plain"));
}

#[test]
fn a_signed_looking_invoke_with_a_foreign_origin_is_refused() {
    attack(|invoke, _| invoke.signed("lambda").header("Origin", "https://evil.example"));
}

#[test]
fn a_signed_looking_invoke_from_a_sandboxed_frame_is_refused() {
    attack(|invoke, _| invoke.signed("lambda").header("Origin", "null"));
}

#[test]
fn a_cross_site_request_is_refused_even_without_an_origin() {
    attack(|invoke, _| invoke.signed("lambda").header("Sec-Fetch-Site", "cross-site"));
}

#[test]
fn a_foreign_host_is_refused_because_its_name_was_bound_to_this_machine() {
    attack(|invoke, hearth| {
        let port = hearth.address().rsplit(':').next().unwrap_or_default();
        let host = format!("rebound.evil.example:{port}");
        invoke.signed("lambda").header("Host", &host).header("Origin", &format!("http://{host}"))
    });
}

#[test]
fn a_form_posted_by_a_page_does_nothing() {
    let hearth = Hearth::start();
    let form = "Action=CreateRole&Version=2010-05-08&RoleName=planted&AssumeRolePolicyDocument=%7B%7D";
    let post =
        Request::new("POST", "/").header("Content-Type", "application/x-www-form-urlencoded").body(form);
    hearth.send(&post.clone().header("Origin", "https://evil.example")).is_refused();
    hearth.send(&post.clone().header("Sec-Fetch-Site", "cross-site")).is_refused();
    hearth.send(&post).is_refused();
    let read = "Action=GetRole&Version=2010-05-08&RoleName=planted";
    let read =
        Request::new("POST", "/").header("Content-Type", "application/x-www-form-urlencoded").body(read);
    assert_eq!(hearth.send(&read.signed("iam")).status, 404);
}

#[test]
fn a_preflight_of_a_page_gets_no_permission() {
    let hearth = Hearth::start();
    let preflight = Request::new("OPTIONS", "/2015-03-31/functions")
        .header("Origin", "https://evil.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization");
    let answer = hearth.send(&preflight);
    answer.is_refused();
    is_not_readable(&answer);
}

#[test]
fn what_is_hearths_own_is_closed_to_pages_and_to_foreign_names() {
    let hearth = Hearth::start();
    let health = Request::new("GET", "/_hearth/health");
    assert_eq!(hearth.send(&health).status, 200);
    hearth.send(&health.clone().header("Host", "rebound.evil.example")).is_refused();
    hearth.send(&health.clone().header("Origin", "https://evil.example")).is_refused();
    hearth.send(&health.header("Sec-Fetch-Site", "cross-site")).is_refused();
}

#[test]
fn garbage_goes_for_those_who_have_the_token_alone() {
    let hearth = Hearth::start();
    let garbage = Request::new("POST", "/_hearth/garbage");
    hearth.send(&garbage).is_refused();
    hearth
        .send(&garbage.clone().header("Authorization", "Bearer 00000000000000000000000000000000"))
        .is_refused();
    hearth.send(&garbage.clone().header("Authorization", &authorization("test", "lambda"))).is_refused();
    let token = std::fs::read_to_string(hearth.data().join("token")).expect("a token");
    let shown = hearth.send(&garbage.header("Authorization", &format!("Bearer {}", token.trim())));
    assert_eq!(shown.status, 200, "{}", shown.text());
}

#[test]
fn names_of_this_machine_and_of_aws_are_welcome() {
    let hearth = Hearth::start();
    hearth.function("f").code(COUNTS).create();
    let port = hearth.address().rsplit(':').next().unwrap_or_default().to_owned();
    let hosts = [
        "localhost".to_owned(),
        format!("localhost:{port}"),
        format!("x.localhost:{port}"),
        format!("127.0.0.1:{port}"),
    ];
    for host in hosts.iter().map(String::as_str).chain(["lambda.us-east-1.amazonaws.com"]) {
        let request = Function::existing(&hearth, "f").request("{}").header("Host", host);
        assert_eq!(hearth.send(&request).status, 200, "{host}");
    }
}
