//! What a protocol makes of a request's bytes: a tree of plain values, by the model, before any operation sees it.
//!
//! A payload member (the event of Invoke) is a [`Document::Blob`] that shares the received bytes: it is never
//! parsed into a tree.

use std::collections::BTreeMap;

use bytes::Bytes;

mod stream;

pub use stream::Stream;

/// A value on its way between the wire and an operation. Structures keep the order in which members were set.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Document {
    /// Absent. A structure's member that is `Null` is never written.
    #[default]
    Null,
    /// A JSON boolean.
    Bool(bool),
    /// `integer` and `long` shapes.
    Integer(i64),
    /// `float` and `double` shapes.
    Float(f64),
    /// `string` shapes.
    String(String),
    /// `blob` shapes, already decoded from base64 where the protocol encodes them.
    Blob(Bytes),
    /// `timestamp` shapes: microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// `list` shapes.
    List(Vec<Document>),
    /// `map` shapes, in the order received.
    Map(Vec<(String, Document)>),
    /// `structure` shapes: model member name and value.
    Structure(Vec<(&'static str, Document)>),
    /// An event stream, in an answer alone.
    Stream(Stream),
}

/// A document did not have the type that an operation declares. With a checked request this is a fault of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("member {member}: expected {expected}")]
pub struct ShapeError {
    /// The member's path, outermost first.
    pub member: String,
    /// The kind of value that was wanted.
    pub expected: &'static str,
}

impl ShapeError {
    /// An error at this place; callers outside prefix their member with [`ShapeError::within`].
    pub fn expected(expected: &'static str) -> Self {
        Self { member: String::new(), expected }
    }

    /// The same error seen from the structure that holds `member`.
    pub fn within(self, member: &str) -> Self {
        let path =
            if self.member.is_empty() { member.to_owned() } else { format!("{member}.{}", self.member) };
        Self { member: path, expected: self.expected }
    }
}

/// Made from a [`Document`]; implemented by [`shape!`](crate::shape) structures and plain values.
pub trait FromDocument: Sized {
    /// Reads the value; `Null` stands for an absent member.
    fn from_document(document: Document) -> Result<Self, ShapeError>;
}

/// Turned into a [`Document`]; implemented by [`shape!`](crate::shape) structures and plain values.
pub trait IntoDocument {
    /// The value; `Null` leaves the member out of the answer.
    fn into_document(self) -> Document;
}

impl FromDocument for Document {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        Ok(document)
    }
}

impl IntoDocument for Document {
    fn into_document(self) -> Document {
        self
    }
}

macro_rules! plain_value {
    ($type:ty, $name:literal, $from:pat => $value:expr, $into:expr) => {
        impl FromDocument for $type {
            fn from_document(document: Document) -> Result<Self, ShapeError> {
                match document {
                    $from => Ok($value),
                    _ => Err(ShapeError::expected($name)),
                }
            }
        }
        impl IntoDocument for $type {
            fn into_document(self) -> Document {
                let into: fn($type) -> Document = $into;
                into(self)
            }
        }
    };
}

plain_value!(bool, "boolean", Document::Bool(value) => value, Document::Bool);
plain_value!(i64, "long", Document::Integer(value) => value, Document::Integer);
plain_value!(f64, "double", Document::Float(value) => value, Document::Float);
plain_value!(String, "string", Document::String(value) => value, Document::String);
plain_value!(Bytes, "blob", Document::Blob(value) => value, Document::Blob);

macro_rules! small_integer {
    ($($type:ty)*) => {$(
        impl FromDocument for $type {
            fn from_document(document: Document) -> Result<Self, ShapeError> {
                let Document::Integer(value) = document else { return Err(ShapeError::expected("integer")) };
                <$type>::try_from(value).map_err(|_| ShapeError::expected("integer in range"))
            }
        }
        impl IntoDocument for $type {
            fn into_document(self) -> Document {
                Document::Integer(i64::from(self))
            }
        }
    )*};
}

small_integer!(i32 u32 u16);

impl IntoDocument for &'static str {
    fn into_document(self) -> Document {
        Document::String(self.to_owned())
    }
}

impl<T: FromDocument> FromDocument for Option<T> {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        match document {
            Document::Null => Ok(None),
            present => T::from_document(present).map(Some),
        }
    }
}

impl<T: IntoDocument> IntoDocument for Option<T> {
    fn into_document(self) -> Document {
        self.map_or(Document::Null, T::into_document)
    }
}

impl<T: FromDocument> FromDocument for Vec<T> {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        match document {
            Document::List(items) => items.into_iter().map(T::from_document).collect(),
            _ => Err(ShapeError::expected("list")),
        }
    }
}

impl<T: IntoDocument> IntoDocument for Vec<T> {
    fn into_document(self) -> Document {
        Document::List(self.into_iter().map(T::into_document).collect())
    }
}

impl<T: FromDocument> FromDocument for BTreeMap<String, T> {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        let Document::Map(entries) = document else { return Err(ShapeError::expected("map")) };
        entries.into_iter().map(|(key, value)| Ok((key, T::from_document(value)?))).collect()
    }
}

impl<T: IntoDocument> IntoDocument for BTreeMap<String, T> {
    fn into_document(self) -> Document {
        Document::Map(self.into_iter().map(|(key, value)| (key, value.into_document())).collect())
    }
}

/// The members of a structure while a [`shape!`](crate::shape) type is made from it.
#[derive(Debug)]
pub struct Members(Vec<(&'static str, Document)>);

impl Members {
    /// The members of a structure; an absent structure has none.
    pub fn of(document: Document) -> Result<Self, ShapeError> {
        match document {
            Document::Structure(members) => Ok(Self(members)),
            Document::Null => Ok(Self(Vec::new())),
            _ => Err(ShapeError::expected("structure")),
        }
    }

    /// Takes one member out; absent is `Null`.
    pub fn take<T: FromDocument>(&mut self, name: &str) -> Result<T, ShapeError> {
        let found = self.0.iter_mut().find(|(member, _)| *member == name);
        let value = found.map_or(Document::Null, |(_, value)| std::mem::take(value));
        T::from_document(value).map_err(|error| error.within(name))
    }
}

/// A field's name as AWS spells it, made at compile time: `function_name` becomes `FunctionName`.
#[derive(Debug)]
pub struct PascalCase {
    bytes: [u8; Self::BYTES_MAX],
    len: usize,
}

impl PascalCase {
    const BYTES_MAX: usize = 80;

    /// Converts from snake case.
    pub const fn new(snake: &str) -> Self {
        let from = snake.as_bytes();
        let (mut bytes, mut len, mut at, mut upper) = ([0; Self::BYTES_MAX], 0, 0, true);
        while at < from.len() {
            if from[at] == b'_' {
                upper = true;
            } else {
                bytes[len] = if upper { from[at].to_ascii_uppercase() } else { from[at] };
                len += 1;
                upper = false;
            }
            at += 1;
        }
        Self { bytes, len }
    }

    /// Converts from snake case, the first letter small: `log_group_name` becomes `logGroupName`.
    pub const fn camel(snake: &str) -> Self {
        let mut name = Self::new(snake);
        name.bytes[0] = name.bytes[0].to_ascii_lowercase();
        name
    }

    /// The name.
    pub fn as_str(&'static self) -> &'static str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("made from a Rust identifier, which is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::shape! {
        struct Example {
            function_name: String,
            kms_key_arn as "KMSKeyArn": Option<String>,
            tags: Option<BTreeMap<String, String>>,
        }
    }

    #[test]
    fn a_shape_reads_and_writes_members_under_the_names_of_the_model() {
        let sent = Document::Structure(vec![
            ("KMSKeyArn", Document::String("arn".into())),
            ("FunctionName", Document::String("f".into())),
        ]);
        let example = Example::from_document(sent).expect("a good document");
        assert_eq!((example.function_name.as_str(), example.kms_key_arn.as_deref()), ("f", Some("arn")));
        assert!(example.tags.is_none());
        let Document::Structure(members) = example.into_document() else { panic!("a structure") };
        assert_eq!(members[0], ("FunctionName", Document::String("f".into())));
        assert_eq!(members[2], ("Tags", Document::Null));
    }

    #[test]
    fn an_absent_required_member_names_itself() {
        let error = Example::from_document(Document::Null).expect_err("FunctionName is required");
        assert_eq!(error.to_string(), "member FunctionName: expected string");
    }
}
