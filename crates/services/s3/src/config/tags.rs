//! Tags of buckets and objects. Texts as recorded from S3.

use s3s::dto::{Tag, Tagging};
use s3s::xml;

use super::document::decode;
use super::error::ConfigError;

/// Tags of one bucket, by S3's reference.
const BUCKET_TAGS_MAX: usize = 50;

/// Tags of one object, by S3's reference.
const OBJECT_TAGS_MAX: usize = 10;

/// Characters of a key.
const KEY_CHARACTERS_MAX: usize = 128;

/// Characters of a value.
const VALUE_CHARACTERS_MAX: usize = 256;

/// What tags are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Bucket,
    Object,
}

/// The tags of a document, in the order of their keys, as S3 shows them.
pub(crate) fn read(tagging: &Tagging, of: Of) -> Result<Vec<(String, String)>, ConfigError> {
    let pair = |tag: &Tag| Some((tag.key.clone()?, tag.value.clone()?));
    let tags: Option<Vec<_>> = tagging.tag_set.iter().map(pair).collect();
    let mut tags = tags.ok_or(ConfigError::MalformedXml)?;
    check(&tags, of)?;
    tags.sort();
    Ok(tags)
}

/// The tags that a new bucket is to have: in the document of its creation, whose shape has no member for them.
pub(crate) fn of_new_bucket(document: &[u8]) -> Result<Option<Tagging>, ConfigError> {
    struct Created(Option<Tagging>);

    impl<'xml> xml::Deserialize<'xml> for Created {
        fn deserialize(reader: &mut xml::Deserializer<'xml>) -> xml::DeResult<Self> {
            let mut tags = None;
            reader.named_element("CreateBucketConfiguration", |reader| {
                reader.for_each_element(|reader, name| match name {
                    b"Tags" => {
                        tags = Some(Tagging { tag_set: reader.list_content("Tag")? });
                        Ok(())
                    }
                    // Another element, with whatever is in it.
                    _ => reader.list_content::<Tag>("").map(drop),
                })
            })?;
            Ok(Self(tags))
        }
    }

    if document.is_empty() {
        return Ok(None);
    }
    decode::<Created>(document).map(|created| created.0)
}

/// The document of tags.
pub(crate) fn write(tags: &[(String, String)]) -> Vec<Tag> {
    let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    tags.iter().map(tag).collect()
}

/// Refuses what S3 refuses, in its order.
pub(crate) fn check(tags: &[(String, String)], of: Of) -> Result<(), ConfigError> {
    let refuse = |message, key: &str, value: Option<&str>| {
        Err(ConfigError::Tag { message, key: key.to_owned(), value: value.map(str::to_owned) })
    };
    let (most, what) = match of {
        Of::Bucket => (BUCKET_TAGS_MAX, "Bucket"),
        Of::Object => (OBJECT_TAGS_MAX, "Object"),
    };
    if tags.len() > most {
        return Err(ConfigError::TooManyTags(format!("{what} tag count cannot be greater than {most}")));
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > KEY_CHARACTERS_MAX || !key.chars().all(is_tag_character) {
            return refuse("The TagKey you have provided is invalid", key, None);
        }
        if value.chars().count() > VALUE_CHARACTERS_MAX || !value.chars().all(is_tag_character) {
            return refuse("The TagValue you have provided is invalid", key, Some(value));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            let message = match of {
                Of::Bucket => "System tags cannot be added/updated by requester",
                Of::Object => "Your TagKey cannot be prefixed with aws:",
            };
            return refuse(message, key, None);
        }
        if tags[..at].iter().any(|(earlier, _)| earlier == key) {
            return refuse("Cannot provide multiple Tags with the same key", key, None);
        }
    }
    Ok(())
}

/// Letters, numbers and spaces of every script, and `_ . : / = + - @`.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::decode;

    type Case<'c> = (Of, &'c [(&'c str, &'c str)], &'c str);

    fn outcome(of: Of, pairs: &[(&str, &str)]) -> String {
        let tags: Vec<_> = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        check(&tags, of).map_or_else(
            |error| format!("{}: {error} {:?}", error.code(), error.details()),
            |()| "good".to_owned(),
        )
    }

    #[test]
    fn tags_are_refused_in_s3s_words() {
        use Of::*;
        let long = ("k".repeat(129), "v".repeat(257));
        let table: [Case<'_>; 10] = [
            (Bucket, &[("tag1", "one"), ("tag2", "")], "good"),
            (Object, &[("Ünïcode /:=+-@._", "日本 語")], "good"),
            (
                Bucket,
                &[("Key1", "a"), ("Key1", "b")],
                r#"InvalidTag: Cannot provide multiple Tags with the same key [("TagKey", "Key1")]"#,
            ),
            (
                Object,
                &[("Key1,Key2", "a")],
                r#"InvalidTag: The TagKey you have provided is invalid [("TagKey", "Key1,Key2")]"#,
            ),
            (
                Bucket,
                &[("Key1", "Val1,Val2")],
                r#"InvalidTag: The TagValue you have provided is invalid [("TagKey", "Key1"), ("TagValue", "Val1,Val2")]"#,
            ),
            (
                Bucket,
                &[("aws:prefixed", "a")],
                r#"InvalidTag: System tags cannot be added/updated by requester [("TagKey", "aws:prefixed")]"#,
            ),
            (
                Object,
                &[("aws:prefixed", "a")],
                r#"InvalidTag: Your TagKey cannot be prefixed with aws: [("TagKey", "aws:prefixed")]"#,
            ),
            (Bucket, &[("", "a")], r#"InvalidTag: The TagKey you have provided is invalid [("TagKey", "")]"#),
            (Object, &[(&long.0, "a")], "InvalidTag: The TagKey"),
            (Object, &[("a", &long.1)], "InvalidTag: The TagValue"),
        ];
        for (of, pairs, expected) in table {
            let found = outcome(of, pairs);
            assert!(found.starts_with(expected), "{pairs:?}: {found}");
        }
    }

    #[test]
    fn a_bucket_has_at_most_50_tags_and_an_object_10() {
        let tags =
            |count: usize| -> Vec<_> { (0..count).map(|at| (format!("k{at}"), String::new())).collect() };
        assert!(check(&tags(50), Of::Bucket).is_ok() && check(&tags(10), Of::Object).is_ok());
        assert!(matches!(check(&tags(51), Of::Bucket), Err(ConfigError::TooManyTags(_))));
        let many = check(&tags(11), Of::Object).unwrap_err();
        assert_eq!(many.to_string(), "Object tag count cannot be greater than 10");
    }

    #[test]
    fn a_document_gives_its_tags_by_key() {
        let xml = "<Tagging><TagSet><Tag><Key>b</Key><Value/></Tag><Tag><Key>a</Key><Value>&lt;1</Value></Tag></TagSet></Tagging>";
        let tagging: Tagging = decode(xml.as_bytes()).unwrap();
        assert!(read(&tagging, Of::Bucket).is_err(), "the character < is none of a tag's");
        let xml = xml.replace("&lt;", "");
        let tagging: Tagging = decode(xml.as_bytes()).unwrap();
        let tags = read(&tagging, Of::Bucket).unwrap();
        assert_eq!(tags, [("a".into(), "1".into()), ("b".into(), String::new())]);
        assert_eq!(Tagging { tag_set: write(&tags) }.tag_set.len(), 2);
        let keyless = Tagging { tag_set: vec![Tag { key: None, value: None }] };
        assert_eq!(read(&keyless, Of::Object), Err(ConfigError::MalformedXml));
    }
}
