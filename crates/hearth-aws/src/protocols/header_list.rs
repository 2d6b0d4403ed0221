//! Lists in one header: `a, "b, c", d`.

use std::borrow::Cow;

use crate::model::{Kind, Model, ShapeId, TimestampFormat};

/// The entries of a header's value. Texts may be quoted, and an HTTP date has a comma of its own.
pub(super) fn split<'v>(model: &Model, entry: ShapeId, value: &'v str) -> Vec<Cow<'v, str>> {
    if value.trim().is_empty() {
        return Vec::new();
    }
    match &model.shape(entry).kind {
        Kind::String { .. } => texts(value),
        Kind::Timestamp(None | Some(TimestampFormat::HttpDate)) => {
            let commas: Vec<usize> = value.match_indices(',').map(|(at, _)| at).skip(1).step_by(2).collect();
            let mut from = 0;
            let mut dates = Vec::with_capacity(commas.len() + 1);
            for at in commas.into_iter().chain([value.len()]) {
                dates.push(Cow::Borrowed(value[from..at].trim()));
                from = at + 1;
            }
            dates
        }
        _ => value.split(',').map(|entry| Cow::Borrowed(entry.trim())).collect(),
    }
}

fn texts(value: &str) -> Vec<Cow<'_, str>> {
    let mut texts = Vec::new();
    let mut rest = Some(value);
    while let Some(value) = rest {
        let value = value.trim_start();
        if let Some((text, after)) = value.strip_prefix('"').and_then(unquote) {
            texts.push(Cow::Owned(text));
            rest = after.split_once(',').map(|(_, rest)| rest);
            continue;
        }
        let (text, after) = value.split_once(',').map_or((value, None), |(text, rest)| (text, Some(rest)));
        texts.push(Cow::Borrowed(text.trim_end()));
        rest = after;
    }
    texts
}

/// A text up to its closing quote, and what follows. `None` where there is none: the quote is then a character.
fn unquote(value: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = value.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, &value[at + 1..])),
            '\\' => text.push(characters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

/// One entry as it stands in a list: a text with a comma or quote in it is quoted.
pub(super) fn quoted(text: String) -> String {
    match text.contains([',', '"']) {
        true => format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The number of a shape that the predicate finds in a model.
    fn shape(service: &str, is_meant: fn(&Kind) -> bool) -> (&'static Model, ShapeId) {
        let model = Model::of(service).expect("in models/");
        let at = model.facts().shapes.iter().position(|shape| is_meant(&shape.kind)).expect("one such shape");
        (model, ShapeId(u16::try_from(at).expect("few shapes")))
    }

    fn texts_of(value: &str) -> Vec<String> {
        let (model, text) = shape("lambda", |kind| matches!(kind, Kind::String { .. }));
        split(model, text, value).into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn texts_may_be_quoted() {
        assert_eq!(texts_of(r#"a , "b, \"c\"",d"#), ["a", r#"b, "c""#, "d"]);
        assert_eq!(texts_of(r#""never closed, x"#), ["\"never closed", "x"]);
        assert!(texts_of("  ").is_empty());
    }

    #[test]
    fn dates_have_a_comma_of_their_own() {
        let (model, time) = shape("scheduler", |kind| matches!(kind, Kind::Timestamp(_)));
        let dates = "Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT";
        let found = split(model, time, dates);
        assert_eq!(found, ["Mon, 16 Dec 2019 23:48:18 GMT", "Tue, 17 Dec 2019 23:48:18 GMT"]);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value in "\\PC{0,60}", quotes in "[\"\\\\, é]{0,20}") {
            let (model, time) = shape("scheduler", |kind| matches!(kind, Kind::Timestamp(_)));
            for value in [value, quotes] {
                texts_of(&value);
                split(model, time, &value);
            }
        }

        #[test]
        fn what_is_quoted_is_read_back(texts in prop::collection::vec("[a-z,\" ]{1,10}[a-z]", 1..5)) {
            let texts: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
            let written: Vec<String> = texts.iter().cloned().map(quoted).collect();
            prop_assert_eq!(texts_of(&written.join(", ")), texts);
        }
    }
}
