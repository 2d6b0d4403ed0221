//! Ordered keys made of parts.

use std::fmt;

/// A key: parts in order, compared part by part. Strings keep their order; numbers sort as numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key of the space with this name (`lambda/function`), to be followed by parts.
    pub fn of(space: &str) -> Self {
        Self(Vec::with_capacity(64)).text(space)
    }

    /// Appends a text part.
    #[must_use]
    pub fn text(mut self, part: &str) -> Self {
        // 0x00 ends a part and is escaped inside one, so that "a" sorts before "ab" and parts never run together.
        for byte in part.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend([0, 1]);
        self
    }

    /// Appends a number part.
    #[must_use]
    pub fn number(mut self, part: u64) -> Self {
        self.0.extend(part.to_be_bytes());
        self
    }

    /// From stored bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Its parts, to be read back.
    pub fn parts(&self) -> KeyParts<'_> {
        KeyParts::of(&self.0)
    }

    /// As stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Everything below this key: all keys that begin with its parts and have more.
    pub fn children(&self) -> KeyRange {
        let mut from = self.0.clone();
        from.push(0);
        KeyRange { from, to: successor(self.0.clone()) }
    }

    /// Everything below this key that comes after `last`, a key under it: the next page of a listing.
    pub fn children_after(&self, last: &Key) -> KeyRange {
        let mut from = last.0.clone();
        from.push(0);
        KeyRange { from, to: successor(self.0.clone()) }
    }

    /// Everything below this key whose next part is a text that begins with `prefix`.
    pub fn children_from(&self, prefix: &str) -> KeyRange {
        let mut front = self.clone().text(prefix).0;
        // A text's end mark is not part of longer texts.
        front.truncate(front.len() - 2);
        let to = successor(front.clone());
        KeyRange { from: front, to }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({})", self.0.escape_ascii())
    }
}

/// Keys from `from` (included) to `to` (excluded; empty means the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key.
    pub from: Vec<u8>,
    /// The first key behind the range.
    pub to: Vec<u8>,
}

/// The smallest byte string that is larger than all that begin with `prefix`; empty when there is none.
fn successor(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < 0xff {
            prefix.push(last + 1);
            return prefix;
        }
    }
    prefix
}

/// The parts of a key, read in their order by one who knows what they are.
#[derive(Clone, Debug)]
pub struct KeyParts<'k> {
    rest: &'k [u8],
}

impl<'k> KeyParts<'k> {
    /// The parts of a stored key. The first one is the name of its space.
    pub fn of(key: &'k [u8]) -> Self {
        Self { rest: key }
    }

    /// The next part, a text; `None` when there is none, or no text.
    pub fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut rest = self.rest;
        loop {
            match rest {
                [0, 0xff, after @ ..] => {
                    text.push(0);
                    rest = after;
                }
                [0, 1, after @ ..] => {
                    self.rest = after;
                    return String::from_utf8(text).ok();
                }
                [byte, after @ ..] if *byte != 0 => {
                    text.push(*byte);
                    rest = after;
                }
                _ => return None,
            }
        }
    }

    /// The next part, a number; `None` when there are not eight more bytes.
    pub fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*number))
    }

    /// Whether all parts were read.
    pub fn is_end(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests;
