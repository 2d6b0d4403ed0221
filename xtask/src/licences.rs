//! Licences of everything that is linked or used to build: each must be one that we can pass on.

use crate::metadata::Package;

/// Licences that ask for no more than their text being kept.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that must never be in the tree, by the beginning of their name, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-", "one TLS provider: ring"),
    ("aws-sdk-", "we are the server; its clients are tested from outside"),
    ("openssl", "one TLS provider: ring"),
    ("native-tls", "one TLS provider: ring"),
];

/// Packages without an allowed licence and packages that are banned.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(findings).collect()
}

fn findings(package: &Package) -> Vec<String> {
    let name = format!("{} {}", package.name, package.version);
    let mut found = Vec::new();
    match package.license.as_deref() {
        None => found.push(format!("{name}: no licence is declared")),
        Some(licence) if !is_allowed(licence) => found.push(format!("{name}: {licence} is not on the list")),
        Some(_) => {}
    }
    let banned = BANNED.iter().filter(|(start, _)| package.name.starts_with(start));
    found.extend(banned.map(|(_, why)| format!("{name} is banned: {why}")));
    found
}

/// An SPDX expression, or the older `MIT/Apache-2.0`: one of its alternatives must be allowed whole.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let expression = expression.trim();
    for operator in [" OR ", " AND "] {
        if let Some(at) = outside_parentheses(expression, operator) {
            let (left, right) = (&expression[..at], &expression[at + operator.len()..]);
            return match operator {
                " OR " => is_allowed(left) || is_allowed(right),
                _ => is_allowed(left) && is_allowed(right),
            };
        }
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => ALLOWED.contains(&expression),
    }
}

fn outside_parentheses(text: &str, operator: &str) -> Option<usize> {
    let mut depth = 0_i32;
    text.char_indices().find_map(|(at, letter)| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        (depth == 0 && text[at..].starts_with(operator)).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_when_one_alternative_is_allowed_whole() {
        assert!(is_allowed("MIT OR Apache-2.0"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("GPL-3.0 OR MIT"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!is_allowed("(MIT OR Apache-2.0) AND GPL-3.0"));
        assert!(!is_allowed("GPL-3.0"));
    }
}
