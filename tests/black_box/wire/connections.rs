//! Connections that are many, silent, or never read.

use std::io::Write;
use std::time::{Duration, Instant};

use hearth_tests::{Hearth, Request};

use super::{FELT, FUNCTIONS, Line, head, is_well, is_well_within, statuses};

/// More than the listener has seats.
const CROWD: usize = 4_500;

/// What the server may hold while every seat is taken, in bytes: some 20 KB a connection.
const CROWDED_BYTES_MAX: u64 = 256 * 1024 * 1024;

const SLOW: &str = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'slept'\n";

fn crowd(hearth: &Hearth, dawdle: impl Fn(usize) -> String) -> Vec<Line> {
    let connect = |at| {
        let mut line = Line::to(hearth);
        line.write(dawdle(at));
        line
    };
    let crowd = (0..CROWD).map(connect).collect();
    // The first neighbour stands behind all of them in one queue; what is asked is how those fare that come then.
    let first = hearth.send(&Request::new("GET", "/_hearth/health"));
    assert_eq!(first.status, 200);
    crowd
}

#[test]
fn a_crowd_that_dawdles_in_every_way_keeps_nobody_out() {
    let hearth = Hearth::start();
    let body = head(&hearth, "POST", FUNCTIONS, "Content-Length: 1000\r\n") + "{";
    let large = head(&hearth, "POST", FUNCTIONS, "Content-Length: 60000000\r\n") + "{";
    let answered = head(&hearth, "GET", FUNCTIONS, "");
    let crowd = crowd(&hearth, |at| match at % 6 {
        0 => String::new(),
        1 => answered[..40].to_owned(),
        2 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        3 => body.clone(),
        4 => large.clone(),
        _ => answered.clone(),
    });
    for _ in 0..20 {
        is_well_within(&hearth, CROWDED_BYTES_MAX);
    }
    drop(crowd);
    is_well_within(&hearth, CROWDED_BYTES_MAX);
}

#[test]
fn who_is_being_answered_keeps_the_seat_that_a_crowd_wants() {
    let hearth = Hearth::start();
    let slow = hearth.function("slow").code(SLOW).with("Timeout", 60.into()).create();
    assert_eq!(slow.invoke("0").json(), "slept");
    let mut caller = Line::to(&hearth);
    let path = format!("{FUNCTIONS}/slow/invocations");
    caller.write(head(&hearth, "POST", &path, "Content-Length: 1\r\n") + "6");
    let crowd = crowd(&hearth, |_| String::new());
    is_well_within(&hearth, CROWDED_BYTES_MAX);
    let said = caller.until(|said| said.ends_with("\"slept\""));
    assert_eq!(statuses(&said), [200], "{said}");
    drop(crowd);
}

#[test]
fn a_silent_crowd_takes_the_seat_of_who_did_nothing_for_longest() {
    let hearth = Hearth::start();
    let mut first = Line::to(&hearth);
    first.write(head(&hearth, "GET", FUNCTIONS, ""));
    assert_eq!(statuses(&first.until(|said| said.ends_with('}'))), [200]);
    let crowd = crowd(&hearth, |_| String::new());
    assert!(first.is_closed(), "it did nothing for longest");
    for _ in 0..20 {
        is_well_within(&hearth, CROWDED_BYTES_MAX);
    }
    drop(crowd);
    is_well(&hearth);
}

#[test]
fn clients_that_never_read_are_not_listened_to_for_ever() {
    let hearth = Hearth::start();
    let request = head(&hearth, "GET", &format!("{FUNCTIONS}/{}", "m".repeat(100)), "");
    let many = request.repeat(1_000);
    let mut deaf: Vec<Line> = (0..10).map(|_| Line::to(&hearth)).collect();
    let began = Instant::now();
    for line in &mut deaf {
        line.0.set_write_timeout(Some(Duration::from_millis(100))).expect("set");
        // Until the server stops reading, because nobody takes its answers.
        for _ in 0..20 {
            if line.0.write_all(many.as_bytes()).is_err() || began.elapsed() > FELT * 5 {
                break;
            }
        }
    }
    is_well(&hearth);
    drop(deaf);
    is_well(&hearth);
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    let hearth = Hearth::start();
    is_well(&hearth);
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", hearth.process())).map_or(0, Iterator::count);
    let before = descriptors();
    for at in 0..5_000 {
        let mut line = Line::to(&hearth);
        if at % 2 == 0 {
            line.write(head(&hearth, "GET", FUNCTIONS, ""));
        }
    }
    let began = Instant::now();
    while descriptors() > before + 10 {
        assert!(began.elapsed() < FELT * 3, "{} descriptors stay open", descriptors());
        std::thread::sleep(Duration::from_millis(10));
    }
    is_well(&hearth);
}
