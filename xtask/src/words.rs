//! What the text of a source file must say or must not say.

use anyhow::Result;

use crate::sources::Source;

/// The one folder where `unsafe` may stand.
const UNSAFE_ALLOWED: &str = "crates/hearth-sandbox/";

/// Macros that stand for code nobody wrote. Assembled so that this file does not find itself.
const UNWRITTEN: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];

/// Findings of all files.
pub(crate) fn check(files: &[Source]) -> Result<Vec<String>> {
    Ok(files.iter().filter(|file| file.is_rust()).flat_map(findings).collect())
}

fn findings(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if wants_header(&file.path) && !file.text.starts_with("//!") {
        found.push(format!("{}: begins without a module header (`//!`)", file.path));
    }
    for (index, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        if !file.path.starts_with(UNSAFE_ALLOWED) && is_unsafe(line) {
            found.push(format!("{place}: unsafe code belongs into hearth-sandbox"));
        }
        if UNWRITTEN.iter().any(|word| line.contains(word)) {
            found.push(format!("{place}: code that is not written must not be called"));
        }
        if line.contains(concat!("GAP", ":")) {
            found.push(format!("{place}: a gap names its topic: GAP(topic)"));
        }
    }
    found
}

/// Tests speak for themselves, beside their code and in a crate's `tests/`.
fn wants_header(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    !is_test
}

fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default().trim_start();
    let keyword = concat!("unsa", "fe");
    [" {", " fn ", " impl ", " extern "].iter().any(|next| code.contains(&format!("{keyword}{next}")))
        || (code.starts_with("#") && code.contains(concat!("allow(unsa", "fe_code")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, line: &str) -> Vec<String> {
        findings(&Source { path: path.to_owned(), text: format!("//! Header.\n{line}\n") })
    }

    #[test]
    fn unsafe_code_stands_in_one_crate_alone() {
        let line = concat!("let x = unsa", "fe { f() };");
        assert_eq!(of("crates/hearth-sandbox/src/a.rs", line), Vec::<String>::new());
        assert_eq!(of("crates/hearth-aws/src/a.rs", line).len(), 1);
        assert_eq!(of("crates/hearth-aws/src/a.rs", "// speaks of unsafe { } only"), Vec::<String>::new());
    }

    #[test]
    fn a_module_without_a_header_is_named() {
        let bare = Source { path: "crates/a/src/b.rs".to_owned(), text: "fn f() {}\n".to_owned() };
        assert_eq!(findings(&bare), ["crates/a/src/b.rs: begins without a module header (`//!`)"]);
    }
}
