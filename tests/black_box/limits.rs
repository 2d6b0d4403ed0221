//! Bodies and heads over their limits.

use hearth_tests::{Function, Hearth, Request};

const ECHO: &str = "def handler(event, context):\n    return len(event)\n";

#[test]
fn an_event_may_have_6_mb_and_not_one_byte_more() {
    let hearth = Hearth::start();
    let function =
        hearth.function("echo").code(ECHO).with("MemorySize", 512.into()).with("Timeout", 30.into()).create();
    let event = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(function.invoke(&event(6_291_456)).json(), 6_291_454);
    let refused = hearth.send(&function.request(&event(6_291_457)));
    refused.is_error(413, "RequestEntityTooLargeException");
    let text = "Request must be smaller than 6291456 bytes for the InvokeFunction operation";
    assert_eq!(refused.message(), text);
}

#[test]
fn a_create_request_over_its_limit_is_too_large() {
    let hearth = Hearth::start();
    let request = Request::new("POST", "/2015-03-31/functions").signed("lambda").body(vec![b' '; 70_167_212]);
    let refused = hearth.send(&request);
    refused.is_error(413, "RequestEntityTooLargeException");
    let text = "Request must be smaller than 70167211 bytes for the CreateFunction operation";
    assert_eq!(refused.message(), text);
}

#[test]
fn a_head_over_its_limit_is_refused_and_the_server_goes_on() {
    let hearth = Hearth::start();
    let request = Request::new("GET", "/_hearth/health").header("X-Large", &"x".repeat(200_000));
    // Refused with a status or by closing: either way nothing of it is kept.
    if let Ok(answer) = request.send(hearth.address()) {
        answer.is_refused();
    }
    assert_eq!(hearth.send(&Request::new("GET", "/_hearth/health")).status, 200);
}

#[test]
fn bytes_that_are_no_http_close_the_connection_and_nothing_else() {
    use std::io::{Read, Write};
    let hearth = Hearth::start();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let mut stream = std::net::TcpStream::connect(hearth.address()).expect("connected");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("set");
        stream.write_all(garbage).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("shut down");
        let mut answer = Vec::new();
        // An orderly end, a reset or an HTTP error: each is an end.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 4_096);
    }
    let function = hearth.function("well").code(ECHO).create();
    assert_eq!(Function::invoke(&function, "[]").json(), 0);
}
