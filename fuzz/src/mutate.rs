//! Changes to bytes, as random as their source.

use hearth_world::Random;

/// An input is never longer.
pub(crate) const BYTES_MAX: usize = 16_384;

/// Changes made to one input at most.
const CHANGES_MAX: u64 = 6;

/// Numbers at which readers go wrong.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "9",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "-9223372036854775808",
    "1e308",
    "1e-308",
    "0.1",
    "NaN",
    "Infinity",
];

/// Bytes that mean something in one format or another.
const TOKENS: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "%",
    "%00",
    "%2F",
    "%zz",
    "&",
    "=",
    "+",
    "/",
    "//",
    "/../",
    "/./",
    ".",
    "..",
    ",",
    ";",
    ":",
    "::",
    "{",
    "}",
    "[",
    "]",
    "[[[[",
    "<",
    ">",
    "<![CDATA[",
    "]]>",
    "null",
    "true",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "漢",
    "🎉",
    "$LATEST",
    "arn:aws:lambda:",
    ".member.1",
    "\u{7f}",
];

/// A changed copy of one of the inputs.
pub(crate) fn mutate(random: &Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = pick(random, inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(CHANGES_MAX) {
        change(random, &mut bytes, inputs);
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn change(random: &Random, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let at = below(random, bytes.len() + 1);
    match random.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.bytes::<1>()[0],
        2 => bytes.insert(at, random.bytes::<1>()[0]),
        3 => drop(bytes.drain(at..(at + 1 + below(random, 8)).min(bytes.len()))),
        4 => bytes.truncate(at),
        5 => insert(bytes, at, pick(random, TOKENS).map_or(&b""[..], |token| token.as_bytes())),
        6 => number(random, bytes, at),
        // A piece again, once or often: depth, and many of a kind.
        7 => {
            let piece = bytes[at..(at + 1 + below(random, 32)).min(bytes.len())].to_vec();
            let times = 1 << random.below(9);
            insert(bytes, at, &piece.repeat(times));
        }
        8 => {
            let other = pick(random, inputs).cloned().unwrap_or_default();
            let from = below(random, other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            let other = pick(random, inputs).cloned().unwrap_or_default();
            let from = below(random, other.len() + 1);
            let to = (from + below(random, 64)).min(other.len());
            insert(bytes, at, &other[from..to]);
        }
    }
}

/// Another number in place of the digits at or after this place.
fn number(random: &Random, bytes: &mut Vec<u8>, at: usize) {
    let Some(from) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let to = bytes[from..]
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .map_or(bytes.len(), |found| from + found);
    let number = pick(random, NUMBERS).map_or("0", |number| *number);
    bytes.splice(from..to, number.bytes());
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let piece = &piece[..piece.len().min(BYTES_MAX)];
    bytes.splice(at..at, piece.iter().copied());
}

fn pick<'p, T>(random: &Random, from: &'p [T]) -> Option<&'p T> {
    from.get(below(random, from.len()))
}

fn below(random: &Random, bound: usize) -> usize {
    if bound == 0 { 0 } else { usize::try_from(random.below(bound as u64)).unwrap_or(0) }
}
