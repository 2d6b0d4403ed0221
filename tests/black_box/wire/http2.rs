//! HTTP/2 with prior knowledge: what it is for, and what it has been abused for.

use std::time::Duration;

use hearth_tests::Hearth;

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Http2, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, literal, post, request,
};
use super::{FUNCTIONS, RESIDENT_BYTES_MAX, is_well, is_well_within};

/// `SETTINGS_HEADER_TABLE_SIZE` and `SETTINGS_INITIAL_WINDOW_SIZE`.
const TABLE_SIZE: u16 = 1;
const INITIAL_WINDOW: u16 = 4;

/// The numbers of the first streams of a client.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|at| at * 2 + 1)
}

#[test]
fn two_hundred_streams_of_one_connection_are_answered() {
    let hearth = Hearth::start();
    let mut http2 = Http2::to(&hearth, &[]);
    for stream in streams(200) {
        assert!(http2.get(&hearth, stream, &format!("{FUNCTIONS}/missing-{stream}")));
    }
    let mut answered = Vec::new();
    while answered.len() < 200 {
        let frame = http2.next_of(&[HEADERS, DATA, GOAWAY]).expect("an answer");
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        if frame.kind == DATA && !frame.payload.is_empty() {
            let text = String::from_utf8_lossy(&frame.payload).into_owned();
            assert!(text.contains(&format!("function:missing-{}\"", frame.stream)), "{text}");
            answered.push(frame.stream);
        }
    }
    answered.sort_unstable();
    assert!(answered.iter().copied().eq(streams(200)));
    is_well(&hearth);
}

#[test]
fn streams_above_the_limit_are_refused_one_by_one() {
    let hearth = Hearth::start();
    let mut http2 = Http2::to(&hearth, &[]);
    let mut all = Vec::new();
    for stream in streams(1_000) {
        // Without its end, so that it stays open.
        all.extend(frame(HEADERS, END_HEADERS, stream, &request(&hearth, FUNCTIONS)));
    }
    http2.0.write(all);
    let refused = http2.next_of(&[RST_STREAM, GOAWAY]).expect("a refusal");
    assert!(refused.kind == GOAWAY || refused.stream > 256, "{refused:?}");
    is_well(&hearth);
}

#[test]
fn a_flood_of_requests_taken_back_at_once_ends_its_connection() {
    let hearth = Hearth::start();
    for _ in 0..5 {
        let mut http2 = Http2::to(&hearth, &[]);
        let block = request(&hearth, FUNCTIONS);
        let (mut stream, mut taken) = (1, true);
        while taken && stream < 40_000 {
            let mut piece = Vec::new();
            for _ in 0..100 {
                piece.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &block));
                piece.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
                stream += 2;
            }
            taken = http2.0.write(piece);
        }
        assert!(http2.is_ended(), "20,000 requests were taken back");
        is_well(&hearth);
    }
}

#[test]
fn a_head_that_is_continued_for_ever_ends_its_connection() {
    let hearth = Hearth::start();
    for payload in [Vec::new(), literal(0, "x-a", &"a".repeat(16_000)), literal(0x40, "x-a", "b")] {
        let mut http2 = Http2::to(&hearth, &[]);
        http2.send(HEADERS, 0, 1, &request(&hearth, FUNCTIONS));
        let mut piece = Vec::new();
        for _ in 0..100 {
            piece.extend(frame(CONTINUATION, 0, 1, &payload));
        }
        let mut sent = 0;
        while sent < 1_000 && http2.0.write(&piece) {
            sent += 1;
        }
        assert!(http2.is_ended(), "{} continuations were taken", sent * 100);
        is_well(&hearth);
    }
}

#[test]
fn headers_that_unpack_to_many_more_are_refused() {
    let hearth = Hearth::start();
    let mut http2 = Http2::to(&hearth, &[(TABLE_SIZE, 4_096)]);
    // Remembered once (4 KB), then named 12,000 times with one byte each: 48 MB.
    let mut block = request(&hearth, FUNCTIONS);
    block.extend(literal(0x40, "x-bomb", &"b".repeat(3_900)));
    block.extend(std::iter::repeat_n(0x80 | 62, 12_000));
    for stream in streams(50) {
        if !http2.send(HEADERS, END_STREAM | END_HEADERS, stream, &block) {
            break;
        }
    }
    let said = http2.next_of(&[HEADERS, RST_STREAM, GOAWAY]);
    // 431 or a reset; 200 would be the static table's entry 8.
    assert!(said.is_none_or(|frame| frame.kind != HEADERS || frame.payload.first() != Some(&0x88)));
    is_well(&hearth);
}

#[test]
fn floods_of_pings_settings_and_empty_frames_are_nobody_else_s_trouble() {
    let hearth = Hearth::start();
    let settings = [&INITIAL_WINDOW.to_be_bytes()[..], &65_535_u32.to_be_bytes()].concat();
    for (what, flood) in [
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("acknowledged pings", frame(PING, ACK, 0, &[7; 8])),
        ("settings", frame(SETTINGS, 0, 0, &settings)),
        ("windows", frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())),
        ("priorities", frame(2, 0, 1, &[0, 0, 0, 3, 16])),
        ("unknown frames", frame(0xfe, 0, 0, &[0; 1_000])),
        ("empty data", frame(DATA, 0, 1, &[])),
    ] {
        let mut http2 = Http2::to(&hearth, &[]);
        http2.send(HEADERS, END_HEADERS, 1, &request(&hearth, FUNCTIONS));
        http2.0.0.set_write_timeout(Some(Duration::from_secs(1))).expect("set");
        let piece = flood.repeat(1_000);
        // Nobody reads what the server answers: it stops reading, or ends the connection.
        for _ in 0..200 {
            if !http2.0.write(&piece) {
                break;
            }
        }
        println!("{what}");
        is_well(&hearth);
    }
}

#[test]
fn windows_that_never_open_hold_little() {
    let hearth = Hearth::start();
    let mut closed: Vec<Http2> = (0..100).map(|_| Http2::to(&hearth, &[(INITIAL_WINDOW, 0)])).collect();
    for http2 in &mut closed {
        for stream in streams(100) {
            http2.get(&hearth, stream, FUNCTIONS);
        }
    }
    is_well(&hearth);
    for http2 in &mut closed {
        let answer = http2.next_of(&[HEADERS, DATA, GOAWAY]).expect("a head needs no window");
        assert_eq!(answer.kind, HEADERS, "{answer:?}");
    }
    is_well(&hearth);
}

#[test]
fn large_answers_that_nobody_takes_end_their_connection() {
    let hearth = Hearth::start();
    let code = "def handler(event, context):\n    return 'x' * 6000000\n";
    let large = hearth.function("large").code(code).with("MemorySize", 512.into()).create();
    assert_eq!(large.invoke("{}").json().as_str().map(str::len), Some(6_000_000));
    let mut http2 = Http2::to(&hearth, &[(INITIAL_WINDOW, 0)]);
    let path = format!("{FUNCTIONS}/large/invocations");
    let block = post(&hearth, &path);
    for stream in streams(20) {
        http2.send(HEADERS, END_STREAM | END_HEADERS, stream, &block);
    }
    // Heads come; the eleventh body would be too much to keep for one who takes none.
    assert!(http2.is_ended());
    is_well_within(&hearth, RESIDENT_BYTES_MAX);
}

#[test]
fn frames_against_the_rules_end_their_connection() {
    let hearth = Hearth::start();
    let block = request(&hearth, FUNCTIONS);
    let window = [&INITIAL_WINDOW.to_be_bytes()[..], &0xffff_ffff_u32.to_be_bytes()].concat();
    for (what, bad) in [
        (
            "a window that grows beyond its size",
            [
                frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()),
                frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()),
            ]
            .concat(),
        ),
        ("a window that grows by nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a setting out of range", frame(SETTINGS, 0, 0, &window)),
        ("settings of half a setting", frame(SETTINGS, 0, 0, &[0; 3])),
        ("a ping of another length", frame(PING, 0, 0, &[0; 7])),
        ("data on no stream", frame(DATA, 0, 0, b"x")),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &block)),
        ("a stream of the server's", frame(HEADERS, END_HEADERS | END_STREAM, 2, &block)),
        ("a head of no headers", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 50])),
        ("a frame longer than any", vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1]),
        ("padding longer than its frame", frame(HEADERS, END_HEADERS | END_STREAM | 8, 1, &[255, 0, 0])),
    ] {
        let mut http2 = Http2::to(&hearth, &[]);
        http2.0.write(bad);
        assert!(http2.is_ended(), "{what} did not end the connection");
        is_well(&hearth);
    }
}

#[test]
fn heads_that_are_no_requests_are_refused() {
    let hearth = Hearth::start();
    let good = request(&hearth, FUNCTIONS);
    let with = |name: &str, value: &str| [&good[..], &literal(0, name, value)].concat();
    for block in [
        Vec::new(),
        literal(0, ":method", "GET"),
        with(":path", "/twice"),
        with(":status", "200"),
        with("connection", "close"),
        with("transfer-encoding", "chunked"),
        with("X-Large-Letters", "a"),
        with("x-a", "a\r\nx-b: b"),
        with("x-a", "a\0"),
        with("content-length", "5"),
    ] {
        let mut http2 = Http2::to(&hearth, &[]);
        http2.send(HEADERS, END_HEADERS | END_STREAM, 1, &block);
        let said = http2.next_of(&[HEADERS, RST_STREAM, GOAWAY]);
        assert!(
            said.as_ref().is_none_or(|frame| frame.kind != HEADERS || frame.payload.first() != Some(&0x88)),
            "{} was {said:?}",
            block.escape_ascii()
        );
    }
    is_well(&hearth);
}
