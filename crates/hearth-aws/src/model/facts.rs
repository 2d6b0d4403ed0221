//! What a model says, as the build script writes it into the blob and as the protocols read it.
//!
//! Strings are slices of the blob itself; shapes and patterns are numbers into their lists.

use serde::{Deserialize, Serialize};

/// A shape's place in [`Facts::shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeId(pub u16);

/// A pattern's place in [`Facts::patterns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternId(pub u16);

/// One service's model.
#[derive(Debug, Serialize, Deserialize)]
pub struct Facts {
    /// The model's name: `lambda`.
    pub service: &'static str,
    /// The name in an endpoint's host: `lambda` in `lambda.eu-west-1.amazonaws.com`.
    pub endpoint_prefix: &'static str,
    /// The name in a signature's scope.
    pub signing_name: &'static str,
    /// `2015-03-31`.
    pub api_version: &'static str,
    /// How its bytes look, in its own order of preference; never empty.
    pub protocols: Vec<Protocol>,
    /// Errors of newer protocols carry the query protocol's code too: `x-amzn-query-error`.
    pub query_compatible: bool,
    /// What stands before the dot in `X-Amz-Target`.
    pub target_prefix: Option<&'static str>,
    /// `xmlns` of answers in XML.
    pub xml_namespace: Option<&'static str>,
    /// By name.
    pub operations: Vec<OperationFacts>,
    /// Every shape that an operation reaches.
    pub shapes: Vec<Shape>,
    /// Every distinct pattern, as the model writes it.
    pub patterns: Vec<&'static str>,
}

/// How a service's bytes look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// Paths, headers and JSON bodies.
    RestJson1,
    /// Paths, headers and XML bodies.
    RestXml,
    /// `X-Amz-Target` and JSON bodies.
    AwsJson10,
    /// The same under another content type.
    AwsJson11,
    /// Forms in, XML out.
    AwsQuery,
    /// `/service/{name}/operation/{name}` and CBOR bodies.
    RpcV2Cbor,
}

/// One operation.
#[derive(Debug, Serialize, Deserialize)]
pub struct OperationFacts {
    /// `GetFunction`.
    pub name: &'static str,
    /// `GET`.
    pub method: &'static str,
    /// `/2015-03-31/functions/{FunctionName}`, with the query that tells it from another.
    pub uri: &'static str,
    /// The status of success.
    pub status: u16,
    /// Its request.
    pub input: Option<ShapeId>,
    /// Its answer.
    pub output: Option<ShapeId>,
    /// The element around the answer in XML.
    pub result_wrapper: Option<&'static str>,
    /// AWS serves it without a signature.
    pub unsigned: bool,
}

/// A shape: the kind of a value and what holds for it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shape {
    /// As the model spells it.
    pub name: &'static str,
    /// Its value is left out of error texts.
    pub sensitive: bool,
    /// What kind of value.
    pub kind: Kind,
}

/// Limits of a length, both inclusive: UTF-16 units of a string, bytes of a blob, entries of a list or map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Length {
    /// At least.
    pub min: Option<u64>,
    /// At most.
    pub max: Option<u64>,
}

/// Limits of a number, both inclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Range<T> {
    /// At least.
    pub min: Option<T>,
    /// At most.
    pub max: Option<T>,
}

/// What kind of value a shape is.
#[derive(Debug, Serialize, Deserialize)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// `integer` and `long`.
    Integer(Range<i64>),
    /// `float` and `double`.
    Float(Range<f64>),
    /// Text.
    String {
        /// Of the text.
        length: Length,
        /// The whole text must match.
        pattern: Option<PatternId>,
        /// The texts allowed; empty for any.
        values: Vec<&'static str>,
    },
    /// Bytes.
    Blob(Length),
    /// A point in time.
    Timestamp(Option<TimestampFormat>),
    /// Values in order.
    List {
        /// Of the list.
        length: Length,
        /// Every entry.
        member: ShapeId,
        /// The entry's name in forms and XML.
        wire_name: &'static str,
        /// Entries stand without an element of the list around them.
        flattened: bool,
    },
    /// Values by key.
    Map {
        /// Of the map.
        length: Length,
        /// Every key.
        key: ShapeId,
        /// Every value.
        value: ShapeId,
        /// The key's name in forms and XML.
        key_name: &'static str,
        /// The value's name in forms and XML.
        value_name: &'static str,
        /// Entries stand without an element of the map around them.
        flattened: bool,
    },
    /// Named members.
    Structure(Structure),
}

/// A structure's members and where they travel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Structure {
    /// In the model's order.
    pub members: Vec<Member>,
    /// The member that is the whole body.
    pub payload: Option<u16>,
    /// Its members are events of a stream.
    pub is_event_stream: bool,
    /// For an exception.
    pub error: Option<ErrorFacts>,
}

/// An exception's facts.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorFacts {
    /// The code in forms and XML; elsewhere the shape's own name is the code.
    pub code: &'static str,
    /// The status.
    pub status: u16,
    /// The caller's fault, not the service's.
    pub is_sender: bool,
}

/// One member of a structure.
#[derive(Debug, Serialize, Deserialize)]
pub struct Member {
    /// As the model spells it.
    pub name: &'static str,
    /// Its value.
    pub shape: ShapeId,
    /// Where it travels.
    pub location: Location,
    /// The name it travels under.
    pub wire_name: &'static str,
    /// The name it travels under in forms and XML.
    pub query_name: &'static str,
    /// A request without it is refused.
    pub required: bool,
    /// The bytes of the event are this member's.
    pub is_event_payload: bool,
}

/// Where a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// In the body (or is the body).
    Body,
    /// A part of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// A header.
    Header,
    /// Headers that begin with the wire name.
    Headers,
    /// The status code.
    StatusCode,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimestampFormat {
    /// Seconds since the epoch, with a fraction.
    EpochSeconds,
    /// `2025-11-25T02:26:54Z`.
    Iso8601,
    /// `Tue, 25 Nov 2025 02:26:54 GMT`.
    HttpDate,
}
