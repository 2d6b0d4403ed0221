//! Where an event stands among all events of its group: by its time, then its stream, then the order of arrival.
//!
//! The same digits are the event's id, which is stable and unique, and the tokens between pages.

use std::fmt;

/// An event's place; places are ordered as readers see events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    /// The stream's number.
    pub(crate) stream: u64,
    /// The number of the batch in its stream.
    pub(crate) batch: u64,
    /// The event's number in its batch.
    pub(crate) index: u32,
}

/// How AWS's event ids look: 56 digits.
const DIGITS: usize = 56;

impl Position {
    /// Before all events of this millisecond.
    pub(crate) fn at(time: u64) -> Self {
        Self { time, ..Self::default() }
    }

    /// The first place after this one.
    pub(crate) fn next(self) -> Self {
        Self { index: self.index.saturating_add(1), ..self }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            time: text[..14].parse().ok()?,
            stream: text[14..34].parse().ok()?,
            batch: text[34..50].parse().ok()?,
            index: text[50..].parse().ok()?,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, batch) = (self.time.min(99_999_999_999_999), self.batch.min(9_999_999_999_999_999));
        write!(out, "{time:014}{:020}{batch:016}{:06}", self.stream, self.index.min(999_999))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written_and_orders_as_its_digits_do() {
        let one = Position { time: 1_700_000_000_000, stream: u64::MAX, batch: 7, index: 9_999 };
        assert_eq!(Position::parse(&one.to_string()), Some(one));
        let two = one.next();
        assert!(one < two && one.to_string() < two.to_string());
        for wrong in ["", "1", &"9".repeat(56), &"x".repeat(56), &"é".repeat(28)] {
            assert_eq!(Position::parse(wrong), None, "{wrong}");
        }
    }
}
