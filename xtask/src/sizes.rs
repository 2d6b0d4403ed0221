//! No file over 400 lines, no function over 70, but for the named exceptions, which may only shrink.
//!
//! Functions are counted by clippy's `too_many_lines` (threshold in clippy.toml); here is held that nobody
//! switches that lint off.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use crate::sources::{self, Source};

/// Lines of one file at most.
const FILE_LINES_MAX: usize = 400;

/// Where the exceptions stand: `PATH LINES` or `PATH::function`, one a line.
const EXCEPTIONS: &str = "xtask/exceptions.txt";

/// Files that are too long, exceptions that could be smaller, and functions that hide from the lint.
pub(crate) fn check(files: &[Source]) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(sources::root().join(EXCEPTIONS)).with_context(|| format!("read {EXCEPTIONS}"))?;
    Ok(findings(files, &text))
}

fn findings(files: &[Source], exceptions: &str) -> Vec<String> {
    let lines: Vec<&str> =
        exceptions.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let mut lengths: BTreeMap<&str, usize> = lines
        .iter()
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(p, n)| Some((p, n.parse().ok()?)))
        .collect();
    let mut found = Vec::new();
    for file in files {
        let count = file.text.lines().count();
        found.extend(length_finding(&file.path, count, lengths.remove(file.path.as_str())));
        let hidden = file.is_rust() && file.text.lines().any(hides_from_the_lint);
        if hidden && !lines.contains(&file.path.as_str()) {
            found
                .push(format!("{}: switches too_many_lines off without an entry in {EXCEPTIONS}", file.path));
        }
    }
    found.extend(lengths.keys().map(|path| format!("{EXCEPTIONS}: {path} does not exist any more")));
    found
}

fn length_finding(path: &str, count: usize, excepted: Option<usize>) -> Option<String> {
    match excepted {
        None if count > FILE_LINES_MAX => Some(format!("{path}: {count} lines, over {FILE_LINES_MAX}")),
        Some(allowed) if count > allowed => {
            Some(format!("{path}: {count} lines, over its exception of {allowed}"))
        }
        Some(allowed) if count < allowed => {
            Some(format!("{EXCEPTIONS}: lower {path} from {allowed} to {count}"))
        }
        _ => None,
    }
}

fn hides_from_the_lint(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#") && line.contains(concat!("too_many", "_lines"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> Source {
        Source { path: path.to_owned(), text: "line\n".repeat(lines) }
    }

    #[test]
    fn a_file_may_have_400_lines_and_not_one_more() {
        assert_eq!(findings(&[file("a.rs", 400)], ""), Vec::<String>::new());
        assert_eq!(findings(&[file("a.rs", 401)], ""), ["a.rs: 401 lines, over 400"]);
    }

    #[test]
    fn an_exception_may_only_shrink() {
        assert_eq!(findings(&[file("a.rs", 500)], "a.rs 500"), Vec::<String>::new());
        assert_eq!(
            findings(&[file("a.rs", 501)], "a.rs 500"),
            ["a.rs: 501 lines, over its exception of 500"]
        );
        assert_eq!(
            findings(&[file("a.rs", 450)], "a.rs 500"),
            ["xtask/exceptions.txt: lower a.rs from 500 to 450"]
        );
        assert_eq!(findings(&[], "a.rs 500"), ["xtask/exceptions.txt: a.rs does not exist any more"]);
    }
}
