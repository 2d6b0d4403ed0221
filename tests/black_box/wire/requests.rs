//! Requests that are well-formed HTTP and mean nothing: each has its exact answer.

use hearth_tests::{Answer, Hearth, Request};

use super::{FUNCTIONS, Line, head, is_well, statuses};

/// Status, `x-amzn-ErrorType` and text.
fn check(answer: &Answer, status: u16, code: &str, text: &str) {
    answer.is_error(status, code);
    assert_eq!(answer.message(), text);
    let id = answer.header("x-amzn-requestid");
    assert_eq!((id.len(), id.matches('-').count()), (36, 4), "{id}");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn what_no_operation_is_called_is_unknown_and_what_has_another_method_is_not_allowed() {
    let hearth = Hearth::start();
    let send = |method: &str, path: &str| hearth.send(&Request::new(method, path).signed("lambda"));
    let unknown = "UnknownOperationException";
    check(&send("POST", "/no/such/path"), 404, unknown, "Could not find operation /no/such/path");
    check(&send("POST", "/"), 404, unknown, "Could not find operation /");
    let text = format!("Method DELETE is not allowed at {FUNCTIONS}");
    check(&send("DELETE", FUNCTIONS), 405, unknown, &text);
    check(&send("BREW", FUNCTIONS), 405, unknown, &format!("Method BREW is not allowed at {FUNCTIONS}"));
    is_well(&hearth);
}

#[test]
fn services_and_actions_that_nobody_has_are_told_in_the_shape_of_their_protocol() {
    let hearth = Hearth::start();
    let form = |body: &str| {
        let request = Request::new("POST", "/").signed("iam").body(body);
        hearth.send(&request.header("Content-Type", "application/x-www-form-urlencoded"))
    };
    let answer = form("Action=Dance&Version=2010-05-08");
    assert_eq!((answer.status, answer.header("content-type")), (400, "text/xml"));
    let text = answer.text();
    assert!(text.contains("<Code>InvalidAction</Code>"), "{text}");
    assert!(
        text.contains("<Message>Could not find operation Dance for version 2010-05-08</Message>"),
        "{text}"
    );
    assert_eq!(form("").status, 400);
    let json = Request::new("POST", "/").signed("kinesis").header("X-Amz-Target", "Kinesis_20131202.Dance");
    let answer = hearth.send(&json.header("Content-Type", "application/x-amz-json-1.1").body("{}"));
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/x-amz-json-1.1"));
    assert!(answer.json()["__type"].is_string(), "{}", answer.text());
    is_well(&hearth);
}

#[test]
fn bytes_that_are_no_utf_8_are_refused_in_paths_headers_and_bodies() {
    let hearth = Hearth::start();
    let post = |body: &[u8]| hearth.send(&Request::new("POST", FUNCTIONS).signed("lambda").body(body));
    post(b"{\"FunctionName\":\"\xff\xfe\"}").is_error(400, "SerializationException");
    post(b"{\"FunctionName\":\"\\ud800\"}").is_error(400, "SerializationException");
    let escaped = Request::new("GET", &format!("{FUNCTIONS}/%ff%fe")).signed("lambda");
    hearth.send(&escaped).is_error(400, "SerializationException");
    for bytes in [
        &b"GET /2015-03-31/functions/\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"[..],
        b"GET /2015-03-31/functions HTTP/1.1\r\nHost: local\xffhost\r\nConnection: close\r\n\r\n",
        b"GET /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 \xff\r\nConnection: close\r\n\r\n",
        b"GET /2015-03-31/functions?Marker=\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"\xff\xfe\xfd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let mut line = Line::to(&hearth);
        line.write(bytes);
        let said = line.rest();
        let found = statuses(&said);
        assert!(matches!(found[..], [400..=499]), "{} was {said:?}", bytes.escape_ascii());
    }
    is_well(&hearth);
}

#[test]
fn deep_json_is_refused_whether_its_values_are_known_or_not() {
    let hearth = Hearth::start();
    for (start, piece) in [
        ("{\"Tags\":", "{\"a\":"),
        ("{\"unknown\":", "["),
        ("", "["),
        ("{\"VpcConfig\":{\"SubnetIds\":", "[{\"a\":"),
    ] {
        let body = format!("{start}{}", piece.repeat(100_000));
        let answer = hearth.send(&Request::new("POST", FUNCTIONS).signed("lambda").body(body));
        answer.is_error(400, "SerializationException");
    }
    is_well(&hearth);
}

#[test]
fn a_body_of_another_content_type_is_still_lambda_s_to_read() {
    let hearth = Hearth::start();
    for content in [
        "text/plain",
        "application/x-amz-json-1.1",
        "application/cbor",
        "x",
        "application/json; charset=utf-8",
    ] {
        let request = Request::new("POST", FUNCTIONS).signed("lambda").header("Content-Type", content);
        let answer = hearth.send(&request.body("{\"FunctionName\":1}"));
        answer.is_error(400, "SerializationException");
    }
    is_well(&hearth);
}

#[test]
fn a_hundred_requests_in_one_piece_are_answered_in_their_order() {
    let hearth = Hearth::start();
    let mut line = Line::to(&hearth);
    let paths = (0..100).map(|at| head(&hearth, "GET", &format!("{FUNCTIONS}/missing-{at:03}"), ""));
    assert!(line.write(paths.collect::<String>()));
    let said = line.until(|said| said.matches("HTTP/1.1 404").count() == 100 && said.ends_with('}'));
    assert_eq!(statuses(&said), [404; 100]);
    let named: Vec<&str> = said.split("function:missing-").skip(1).filter_map(|rest| rest.get(..3)).collect();
    let expected: Vec<String> = (0..100).map(|at| format!("{at:03}")).collect();
    assert_eq!(named, expected);
    is_well(&hearth);
}
