//! Requests whose length two readers could understand in two ways. One of them would see a request hidden in
//! another's body, so there is no second way here: one answer, or none.

use std::net::Shutdown;

use hearth_tests::Hearth;

use super::{FUNCTIONS, Line, head, is_well, statuses};

/// Writes a head, and a body that holds a request to be smuggled; gives what the server said.
fn said_to(hearth: &Hearth, lengths: &str, body: &str) -> String {
    let mut line = Line::to(hearth);
    let smuggled = head(hearth, "GET", &format!("{FUNCTIONS}/smuggled"), "");
    let path = format!("{FUNCTIONS}/victim/invocations");
    line.write(format!("{}{}", head(hearth, "POST", &path, lengths), body.replace("SMUGGLED", &smuggled)));
    let _ = line.0.shutdown(Shutdown::Write);
    line.rest()
}

#[test]
fn two_lengths_are_not_two_requests() {
    let hearth = Hearth::start();
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 2\r\nContent-Length: 200\r\n",
        "Content-Length: 2, 200\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Content-Length: \r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ] {
        let said = said_to(&hearth, lengths, "0\r\n\r\nSMUGGLED");
        assert!(!said.contains("function:smuggled"), "{lengths:?} smuggled: {said}");
        assert!(!said.contains("HTTP/1.1 5"), "{lengths:?}: {said}");
        is_well(&hearth);
    }
}

#[test]
fn chunks_that_are_none_end_the_connection() {
    let hearth = Hearth::start();
    for body in [
        "x\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "2\n{}\n0\n\nSMUGGLED",
        "2\r{}\r0\r\rSMUGGLED",
        "-2\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "+2\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "0x2\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "2 \t \r\n{}XX0\r\n\r\nSMUGGLED",
        "2;a\nb\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "ffffffffffffffff\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "10000000000000002\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "3\r\n{}\r\n0\r\n\r\nSMUGGLED",
        "1\r\n{}\r\n0\r\n\r\nSMUGGLED",
    ] {
        let said = said_to(&hearth, "Transfer-Encoding: chunked\r\n", body);
        assert!(!said.contains("function:smuggled"), "{body:?} smuggled: {said}");
        is_well(&hearth);
    }
    // The same request, said clearly, is a second one.
    let mut line = Line::to(&hearth);
    let path = format!("{FUNCTIONS}/victim/invocations");
    line.write(head(&hearth, "POST", &path, "Transfer-Encoding: chunked\r\n") + "2\r\n{}\r\n0\r\n\r\n");
    line.write(head(&hearth, "GET", &format!("{FUNCTIONS}/smuggled"), ""));
    let said = line.until(|said| said.contains("function:smuggled\""));
    assert_eq!(statuses(&said), [404, 404], "{said}");
}

#[test]
fn chunk_extensions_and_trailers_have_limits() {
    let hearth = Hearth::start();
    let chunked = "Transfer-Encoding: chunked\r\n";
    for body in [
        format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "e".repeat(10_000_000)),
        format!("{}0\r\n\r\n", format!("1;{}\r\n \r\n", "e".repeat(1_000)).repeat(10_000)),
        format!("2\r\n{{}}\r\n0\r\n{}\r\n", "X-Trailer: t\r\n".repeat(100_000)),
        format!("2\r\n{{}}\r\n0\r\nX-Trailer: {}\r\n\r\n", "t".repeat(10_000_000)),
        format!("{}2\r\n{{}}\r\n0\r\n\r\n", "0".repeat(10_000_000)),
    ] {
        let said = said_to(&hearth, chunked, &body);
        assert!(statuses(&said).iter().all(|status| (400..500).contains(status)), "{said}");
        is_well(&hearth);
    }
}

#[test]
fn a_hundred_thousand_chunks_of_one_byte_are_one_body() {
    let hearth = Hearth::start();
    let body = format!("{}0\r\n\r\n", "1\r\n \r\n".repeat(100_000));
    let mut line = Line::to(&hearth);
    let path = format!("{FUNCTIONS}/missing/invocations");
    line.write(head(&hearth, "POST", &path, "Transfer-Encoding: chunked\r\nConnection: close\r\n"));
    line.write(body);
    assert_eq!(statuses(&line.rest()), [404]);
    is_well(&hearth);
}
