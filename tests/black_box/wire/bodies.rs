//! Bodies that are too long, too short, too slow, or held back.

use std::net::Shutdown;

use hearth_tests::{Hearth, Request};

use super::{FUNCTIONS, Line, head, is_well, statuses};

/// The limit of an invocation and of most requests.
const BODY_BYTES_MAX: usize = 6_291_456;

fn invoke(hearth: &Hearth, rest: &str) -> String {
    head(hearth, "POST", &format!("{FUNCTIONS}/missing/invocations"), rest)
}

#[test]
fn a_body_over_its_limit_is_refused_when_it_is_announced() {
    let hearth = Hearth::start();
    let mut line = Line::to(&hearth);
    line.write(invoke(&hearth, "Content-Length: 4000000000000\r\n"));
    let said = line.until(|said| said.ends_with('}'));
    assert_eq!(statuses(&said), [413], "{said}");
    assert!(said.contains("RequestEntityTooLargeException"), "{said}");
    assert!(line.is_closed(), "nobody waits for 4 TB");
    is_well(&hearth);
}

#[test]
fn a_body_over_its_limit_is_refused_when_it_comes_and_none_of_it_is_kept() {
    let hearth = Hearth::start();
    let mut lines: Vec<Line> = (0..8).map(|_| Line::to(&hearth)).collect();
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(0x10_0000));
    for line in &mut lines {
        line.write(invoke(&hearth, "Transfer-Encoding: chunked\r\n"));
    }
    for _ in 0..(2 * BODY_BYTES_MAX / 0x10_0000) {
        for line in &mut lines {
            line.write(&chunk);
        }
        is_well(&hearth);
    }
    for mut line in lines {
        line.write("0\r\n\r\n");
        let said = line.until(|said| said.ends_with('}'));
        assert_eq!(statuses(&said), [413], "{said}");
    }
}

#[test]
fn a_body_that_ends_too_soon_is_no_body() {
    let hearth = Hearth::start();
    for (length, body) in [
        ("Content-Length: 100\r\n", "{\"ReservedConcurrentExecutions\":1}"),
        ("Transfer-Encoding: chunked\r\n", "22\r\n{\"ReservedConcurrentExecutions\":1}\r\n"),
        ("Transfer-Encoding: chunked\r\n", "100\r\n{\"ReservedConcurrentExecutions\":1}"),
    ] {
        let mut line = Line::to(&hearth);
        line.write(invoke(&hearth, length) + body);
        line.0.shutdown(Shutdown::Write).expect("half-closed");
        let said = line.rest();
        assert!(statuses(&said).iter().all(|status| *status == 400), "{said}");
        assert!(line.is_closed());
    }
    is_well(&hearth);
}

#[test]
fn a_client_that_asks_before_it_sends_is_told_to_go_on_or_why_not() {
    let hearth = Hearth::start();
    let mut line = Line::to(&hearth);
    line.write(head(&hearth, "POST", FUNCTIONS, "Expect: 100-continue\r\nContent-Length: 2\r\n"));
    let said = line.until(|said| said.ends_with("\r\n\r\n"));
    assert_eq!(said, "HTTP/1.1 100 Continue\r\n\r\n");
    line.write("{}");
    let said = line.until(|said| said.ends_with('}'));
    assert_eq!(statuses(&said), [400], "{said}");
    assert!(said.contains("ValidationException"), "{said}");

    let mut line = Line::to(&hearth);
    line.write(head(&hearth, "POST", FUNCTIONS, "Expect: 100-continue\r\nContent-Length: 80000000\r\n"));
    let said = line.rest();
    assert_eq!(statuses(&said), [413], "without a word of going on: {said}");
    is_well(&hearth);
}

#[test]
fn a_client_that_has_sent_all_may_close_its_side() {
    let hearth = Hearth::start();
    for _ in 0..50 {
        let mut line = Line::to(&hearth);
        line.write(head(&hearth, "GET", FUNCTIONS, ""));
        line.0.shutdown(Shutdown::Write).expect("half-closed");
        let said = line.rest();
        // Answered, or taken for one that has left: never half an answer.
        assert!(said.is_empty() || (statuses(&said) == [200] && said.ends_with('}')), "{said:?}");
        assert!(line.is_closed());
    }
    is_well(&hearth);
}

#[test]
fn slow_senders_slow_down_nobody_else() {
    let hearth = Hearth::start();
    let mut slow: Vec<Line> = (0..200).map(|_| Line::to(&hearth)).collect();
    let heads = [
        head(&hearth, "POST", FUNCTIONS, "Content-Length: 1000\r\n"),
        head(&hearth, "POST", FUNCTIONS, "Content-Length: 60000000\r\n"),
        head(&hearth, "POST", FUNCTIONS, "Transfer-Encoding: chunked\r\n") + "ff\r\n",
        head(&hearth, "GET", FUNCTIONS, "X-Slow: "),
    ];
    for (at, line) in slow.iter_mut().enumerate() {
        line.write(heads[at % heads.len()].trim_end_matches("\r\n\r\n"));
    }
    for round in 0..20 {
        for (at, line) in slow.iter_mut().enumerate() {
            // The last line of the head comes first, then the body byte by byte.
            line.write(if round == 0 && at % heads.len() < 2 { "\r\n\r\n" } else { " " });
        }
        is_well(&hearth);
    }
    let small = Request::new("POST", FUNCTIONS).signed("lambda").body("{}");
    hearth.send(&small).is_error(400, "ValidationException");
}
