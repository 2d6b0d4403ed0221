//! Heads that are too large, too many, or no heads.

use hearth_tests::Hearth;

use super::{FUNCTIONS, Line, head, is_well, statuses};

/// What the server says to these bytes, and that it says no and closes.
#[track_caller]
fn is_refused(hearth: &Hearth, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let mut line = Line::to(hearth);
    line.write(bytes);
    let said = line.rest();
    let shown = bytes[..bytes.len().min(200)].escape_ascii();
    // Some are not worth an answer; none is worth a good one.
    assert!(statuses(&said).iter().all(|status| (400..500).contains(status)), "{shown} was {said:?}");
    assert!(line.is_closed(), "{shown} did not end its connection: {said:?}");
    is_well(hearth);
}

#[test]
fn large_heads_and_many_headers_are_refused() {
    let hearth = Hearth::start();
    let large =
        |bytes: usize| head(&hearth, "GET", FUNCTIONS, &format!("X-Large: {}\r\n", "x".repeat(bytes)));
    let mut line = Line::to(&hearth);
    line.write(large(60_000));
    assert_eq!(statuses(&line.until(|said| said.ends_with('}'))), [200], "60 KB are AWS's own limit");
    is_refused(&hearth, large(70_000));
    is_refused(&hearth, large(20_000_000));
    is_refused(&hearth, head(&hearth, "GET", FUNCTIONS, &"X-Many: x\r\n".repeat(1_000)));
    is_refused(&hearth, head(&hearth, "GET", &format!("/{}", "p".repeat(70_000)), ""));
    is_refused(&hearth, "G".repeat(200_000));
}

#[test]
fn what_is_no_head_is_refused() {
    let hearth = Hearth::start();
    let with = |rest: &str| head(&hearth, "GET", FUNCTIONS, rest);
    for bytes in [
        with("X-A: a\rX-B: b\r\n"),
        with("X-A: a\0b\r\n"),
        with(" folded: yes\r\n"),
        with("X-A: a\r\n folded\r\n"),
        with("X A: a\r\n"),
        with("X-A : a\r\n"),
        with(": a\r\n"),
        with("no colon\r\n"),
        "GET\r\n\r\n".to_owned(),
        "GET /\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /\u{1} HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".repeat(20),
    ] {
        is_refused(&hearth, bytes);
    }
}

#[test]
fn a_request_needs_one_host_that_is_ours() {
    let hearth = Hearth::start();
    for hosts in [
        "",
        "Host:\r\n",
        "Host: evil.example\r\n",
        "Host: localhost\r\nHost: evil.example\r\n",
        "Host: a@localhost\r\n",
    ] {
        let mut line = Line::to(&hearth);
        line.write(format!("GET {FUNCTIONS} HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n"));
        let said = line.rest();
        assert!(matches!(statuses(&said)[..], [400..=499]), "{hosts:?} was {said:?}");
    }
    is_well(&hearth);
}

#[test]
fn lines_that_end_without_a_return_are_one_request_or_none() {
    let hearth = Hearth::start();
    let mut line = Line::to(&hearth);
    line.write(head(&hearth, "GET", FUNCTIONS, "Connection: close\r\n").replace("\r\n", "\n"));
    let said = line.rest();
    assert_eq!(statuses(&said).len(), 1, "{said:?}");
    is_well(&hearth);
}
