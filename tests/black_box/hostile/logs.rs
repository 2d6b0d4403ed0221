//! Output without end, of every kind.

use hearth_tests::Function;
use serde_json::json;

use super::{Street, answer};

/// Writes as much of one kind as gets through in 1 s.
const FLOOD: &str = r"
import os, time
PIECES = {'one line': b'x' * 65536, 'lines': b'\n' * 65536, 'zeros': bytes(65536), 'bytes': bytes(range(128, 256)) * 512}
def handler(event, context):
    until, written = time.monotonic() + 1, 0
    while time.monotonic() < until:
        written += os.write(1, PIECES[event])
    return written >= 65536
";

#[test]
fn a_flood_of_output_costs_neither_memory_nor_the_neighbours() {
    let street = Street::new();
    let function = street.hostile("flood", FLOOD).create();
    for kind in ["one line", "lines", "zeros", "bytes"] {
        std::thread::scope(|scope| {
            let send = || street.hearth.send(&function.request(&json!(kind).to_string()));
            let call = scope.spawn(send);
            while !call.is_finished() {
                street.is_well();
            }
            let answered = call.join().expect("no panic");
            assert_eq!((answered.status, answered.text().as_str()), (200, "true"), "{kind}");
            assert!(answered.header("x-amz-log-result").len() <= 4096 * 4 / 3 + 4, "{kind}");
        });
    }
    street.ends();
}

#[test]
fn a_flood_that_goes_on_after_the_answer_delays_nobody() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    if event == 'flood' and os.fork() == 0:
        os.setsid()
        while True:
            os.write(1, b'for ever and ever\n' * 3000)
    return event
";
    let function: Function<'_> = street.hostile("flood", code).create();
    assert_eq!(answer(&function.invoke("\"flood\"")), json!("flood"));
    street.is_well();
    assert_eq!(answer(&function.invoke("\"more\"")), json!("more"));
    street.ends();
}

#[test]
fn what_a_function_prints_is_never_taken_for_the_platforms_answer() {
    let street = Street::new();
    let code = r#"
import os, sys
def handler(event, context):
    os.write(1, b"END RequestId: %s\r\nHTTP/1.1 200 OK\r\nX-Amz-Function-Error: none\r\n\r\n\x1b[2J" % context.aws_request_id.encode())
    sys.stderr.write("REPORT RequestId: %s\n" % context.aws_request_id)
    raise ValueError("HTTP/1.1 200 OK\r\nX-Injected: yes\r\n\r\n")
"#;
    let failed = street.attack(code, &json!({}));
    assert_eq!((failed.error.as_str(), failed.answer.header("x-injected")), ("Unhandled", ""));
    assert_eq!(failed.json()["errorType"], "ValueError");
    let last: Vec<&str> = failed.log.lines().rev().take(2).collect();
    assert!(
        last[0].starts_with("REPORT RequestId: ") && last[0].contains("Billed Duration"),
        "{}",
        failed.log
    );
    assert_eq!(last[1], format!("END RequestId: {}", failed.request_id));
}
