use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A part as its owner sees it. Keys of one space have parts of the same kinds at the same places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    name: String,
    number: u64,
    rest: Vec<String>,
}

impl Record {
    fn key(&self) -> Key {
        let key = Key::of("space").text(&self.name).number(self.number);
        self.rest.iter().fold(key, |key, text| key.text(text))
    }

    fn read(key: &Key) -> Option<Self> {
        let mut parts = key.parts();
        assert_eq!(parts.text().as_deref(), Some("space"));
        let mut record = Self { name: parts.text()?, number: parts.number()?, rest: Vec::new() };
        while !parts.is_end() {
            record.rest.push(parts.text()?);
        }
        Some(record)
    }
}

/// Short texts of the characters that escaping turns on, so that they meet.
fn text() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('b'), Just('\u{ff}'), Just('\u{10ffff}')],
        0..4,
    )
    .prop_map(String::from_iter)
}

fn record() -> impl Strategy<Value = Record> {
    let number = prop_oneof![0..3_u64, any::<u64>()];
    (text(), number, vec(text(), 0..3)).prop_map(|(name, number, rest)| Record { name, number, rest })
}

fn contains(range: &KeyRange, key: &Key) -> bool {
    key.as_bytes() >= range.from.as_slice() && (range.to.is_empty() || key.as_bytes() < range.to.as_slice())
}

proptest! {
    #[test]
    fn keys_are_in_the_order_of_their_parts(one in record(), other in record()) {
        prop_assert_eq!(one.key().cmp(&other.key()), one.cmp(&other));
    }

    #[test]
    fn the_parts_of_a_key_can_be_read_back(record in record()) {
        prop_assert_eq!(Record::read(&record.key()), Some(record.clone()));
        prop_assert_eq!(Key::from_bytes(record.key().as_bytes()), record.key());
    }

    #[test]
    fn the_children_of_a_key_are_those_with_its_parts_and_more(parent in text(), record in record()) {
        let children = Key::of("space").text(&parent).children();
        prop_assert_eq!(contains(&children, &record.key()), record.name == parent);
        prop_assert!(!contains(&record.key().children(), &record.key()));
    }

    #[test]
    fn foreign_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..40)) {
        let mut parts = KeyParts::of(&bytes);
        while parts.text().is_some() || parts.number().is_some() {}
        prop_assert!(parts.clone().number().is_none());
    }
}

#[test]
fn a_part_of_another_kind_is_not_read() {
    let key = Key::of("space").number(7);
    let mut parts = key.parts();
    assert_eq!(parts.text().as_deref(), Some("space"));
    assert_eq!(parts.text(), None, "a number is no text");
    assert_eq!(parts.number(), Some(7), "and is still there");
    assert!(parts.is_end());
    assert_eq!(parts.number(), None);
}

#[test]
fn the_children_of_the_last_key_have_no_end() {
    let last = Key::from_bytes(&[0xff, 0xff]);
    assert_eq!(last.children(), KeyRange { from: vec![0xff, 0xff, 0], to: Vec::new() });
}
