//! What functions write to standard output and error.

use serde_json::{Value, json};

use super::cases::{Bench, Case, answer};

pub(crate) const CASES: &[Case] = &[
    ("standard output and error are one log, in the order of writing", order),
    ("bytes that are no text neither end the call nor the log", binary),
    ("a line of any length leaves the report whole", long_line),
];

/// What stands between START and END in the log of one call.
fn written(bench: &Bench<'_>, event: &Value) -> String {
    let invocation = bench.function.invoke(&event.to_string());
    answer(&invocation);
    let log = invocation.log_shape();
    let (_, after) = log.split_once("START RequestId: ID Version: $LATEST\n").unwrap_or(("", &log));
    let (written, report) = after.split_once("END RequestId: ID\n").expect("an END line");
    assert!(report.starts_with("REPORT RequestId: ID\tDuration: N ms\tBilled Duration: N ms\t"), "{log}");
    written.to_owned()
}

fn order(bench: &Bench<'_>) {
    let lines = json!([["out", "one"], ["err", "zwei ✓"], ["out", ""], ["err", "four"], ["out", "\tfive "]]);
    assert_eq!(written(bench, &json!({ "do": "lines", "lines": lines })), "one\nzwei ✓\n\nfour\n\tfive \n");
}

fn binary(bench: &Bench<'_>) {
    let written = written(bench, &json!({ "do": "binary" }));
    assert!(written.contains("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "{written:?}");
}

fn long_line(bench: &Bench<'_>) {
    let line = "y".repeat(600_000);
    let written = written(bench, &json!({ "do": "lines", "lines": [["out", line], ["out", "last"]] }));
    assert!(written.ends_with("last\n"), "{written:?}");
}
