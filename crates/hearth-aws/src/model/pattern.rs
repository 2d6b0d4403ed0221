//! Patterns of the models, which are Java's: the whole text must match, and `\d`, `\w`, `\s` mean ASCII.

use fancy_regex::{Regex, RegexBuilder};

/// Steps of a match with look-around before it is given up and counts as no match.
const BACKTRACK_STEPS_MAX: usize = 100_000;

/// One pattern, compiled.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Every text matches: `.*` is in the model where AWS checks nothing.
    Any,
    /// Compiled.
    Compiled(Box<Regex>),
    /// Our engine cannot read it. A test names every such pattern; none is left unchecked.
    #[allow(dead_code, reason = "its text is for the test that lists it")]
    Unreadable(String),
}

impl Pattern {
    /// Compiles a pattern of Java's.
    pub(crate) fn new(java: &str) -> Self {
        if java == r"[\s\S]*" {
            return Self::Any;
        }
        let regex = format!(r"\A(?:{})\z", translate(java));
        match RegexBuilder::new(&regex).backtrack_limit(BACKTRACK_STEPS_MAX).build() {
            Ok(regex) => Self::Compiled(Box::new(regex)),
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any | Self::Unreadable(_) => true,
            Self::Compiled(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

/// Java's ASCII classes and its dot, written for an engine where they mean Unicode's.
fn translate(java: &str) -> String {
    let mut out = String::with_capacity(java.len() * 2);
    let mut characters = java.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                if let Some((character, rest)) = surrogates(characters.as_str()) {
                    out.push_str(&format!(r"\x{{{:X}}}", u32::from(character)));
                    characters = rest.chars();
                    continue;
                }
                let escaped = characters.next().unwrap_or('\\');
                match class(escaped) {
                    Some((negated, class)) if in_class && !negated => out.push_str(class),
                    Some((negated, class)) => {
                        out.push_str(if negated { "[^" } else { "[" });
                        out.push_str(class);
                        out.push(']');
                    }
                    None => out.extend(['\\', escaped]),
                }
            }
            '.' if !in_class => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            '[' if in_class => out.push_str(r"\["),
            '[' | ']' => {
                in_class = character == '[';
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// Java writes a character beyond the first 65,536 as two escapes; what follows the first backslash is `rest`.
fn surrogates(rest: &str) -> Option<(char, &str)> {
    let (high, rest) = (rest.strip_prefix('u')?.get(..4)?, rest.get(5..)?);
    let (low, rest) = (rest.strip_prefix(r"\u")?.get(..4)?, rest.get(6..)?);
    let units = [u16::from_str_radix(high, 16).ok()?, u16::from_str_radix(low, 16).ok()?];
    let text = String::from_utf16(&units).ok()?;
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none()).map(|character| (character, rest))
}

fn class(escaped: char) -> Option<(bool, &'static str)> {
    let class = match escaped.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "a-zA-Z0-9_",
        's' => r"\x20\t\n\x0B\x0C\r",
        _ => return None,
    };
    Some((escaped.is_ascii_uppercase(), class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    /// Patterns that the engine cannot read, with the check written by hand in their place. None so far.
    const WRITTEN_BY_HAND: &[&str] = &[];

    #[test]
    fn every_pattern_of_every_model_compiles() {
        for service in Model::services() {
            for text in &Model::of(service).expect("listed").facts().patterns {
                let readable = !matches!(Pattern::new(text), Pattern::Unreadable(_));
                assert_eq!(
                    readable,
                    !WRITTEN_BY_HAND.contains(text),
                    "{service}: {text}: {:?}",
                    Pattern::new(text)
                );
            }
        }
    }

    /// Patterns that look ahead or back, with texts that match and texts that do not: engines differ here.
    const LOOK_AROUND: &[(&str, &[&str], &[&str])] = &[
        (r"^(?!\s*$).+", &["a", " a", "*"], &["", " ", "\t \t", "a\nb"]),
        (
            r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
            &["abc", "a-b-c"],
            &["a--b", "-ab", "ab-", "a", "Abc"],
        ),
        (r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)", &["a", "1a", "1-1", "_"], &["1", "123456", "", "a b"]),
        (
            r"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)",
            &["a", "_a.b", "systems", "system"],
            &["system.users", "a$b", "", "-a"],
        ),
        (
            r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?",
            &[
                "f",
                "f:prod",
                "f:1a",
                "arn:aws:lambda:us-east-1:123456789012:function:f:live",
                "123456789012:function:f",
            ],
            &["f:1", "f:12", "f:", "f:$LATEST", "arn:aws:lambda:us-east-1:123456789012:function:f:7"],
        ),
        (r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", &["a", "1a", "1-"], &["1", "42", "", "$LATEST"]),
        (r"[0-9A-Za-z\.\-_]*(?<!\.)", &["", "a", "a.b", ".a"], &[".", "a.", "a/b"]),
        (
            r"(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)",
            &["my.app", "awsome", "a", "$.a[0]", "/"],
            &["aws.lambda", "", "!a", "$."],
        ),
    ];

    #[test]
    fn patterns_that_look_around_take_and_refuse_what_java_does() {
        let is_listed = |text: &str| LOOK_AROUND.iter().any(|(listed, ..)| *listed == text);
        for service in Model::services() {
            for text in &Model::of(service).expect("listed").facts().patterns {
                let looks_around = ["(?=", "(?!", "(?<"].iter().any(|look| text.contains(look));
                assert_eq!(looks_around, is_listed(text), "{service}: {text}");
            }
        }
        for (pattern, good, bad) in LOOK_AROUND {
            let compiled = Pattern::new(pattern);
            for (texts, expected) in [(good, true), (bad, false)] {
                for text in *texts {
                    assert_eq!(compiled.matches(text), expected, "{pattern} on {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_makes_an_engine_search_for_ever_matches_nothing() {
        let compiled = Pattern::new(r"((?!^\d+$)(a+)+b)");
        assert!(!compiled.matches(&"a".repeat(5_000)));
    }

    #[test]
    fn patterns_mean_what_java_means() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} on {text:?}");
        };
        check(r"\d{12}", "123456789012", true);
        check(r"\d{12}", "1234567890123", false); // The whole text, though nothing anchors the pattern.
        check(r"\d{12}", "١٢٣٤٥٦٧٨٩٠١٢", false); // Digits of other scripts are not Java's \d.
        check(r"[\w+=,.@-]+", "role-1@x", true);
        check(r"[\w+=,.@-]+", "rôle", false);
        check(r"[^\s]+", "a\u{a0}b", true); // Java's \s does not know the no-break space.
        check(r"[\s\S]+", "a\nb", true);
        check(".*", "a\nb", false);
        check(r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", "12", false);
        check(r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", "1a", true);
        check(r"[0-9A-Za-z\.\-_]*(?<!\.)", "a.", false);
        check(r"(|[a-zA-Z0-9$_-]+)", "", true);
        check(r"[\u0020-\u00FF]+", "ÿ", true);
        check(r"[\u0020-\uD7FF\uD800\uDC00-\uDBFF\uDFFF]+", "a🦀", true);
        check(r"[\uD800\uDC00-\uDBFF\uDFFF]", "a", false);
    }
}
