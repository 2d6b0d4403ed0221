//! `cargo xtask gaps`: what we know to be missing, as the code says it.

use anyhow::Result;

use crate::sources;

/// How a comment that owns up to a gap begins. Assembled so that this file does not find itself.
const MARK: &str = concat!("// GAP", "(");

/// Prints every gap: topic, place, text.
pub(crate) fn run() -> Result<()> {
    for file in sources::all()? {
        for (index, line) in file.text.lines().enumerate() {
            if let Some((topic, text)) = gap(line) {
                println!("{topic:<14} {}:{}  {text}", file.path, index + 1);
            }
        }
    }
    Ok(())
}

fn gap(line: &str) -> Option<(&str, &str)> {
    let (topic, text) = line.trim_start().strip_prefix(MARK)?.split_once("):")?;
    Some((topic, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_has_a_topic_and_a_text() {
        let line = format!("    {MARK}egress): functions reach no network yet");
        assert_eq!(gap(&line), Some(("egress", "functions reach no network yet")));
        assert_eq!(gap("// an ordinary comment"), None);
    }
}
