//! From the model's file to its facts: names of shapes become numbers, corrections are applied.

use std::collections::BTreeMap;

use super::facts::{
    ErrorFacts, Facts, Kind, Length, Location, Member, OperationFacts, PatternId, Protocol, Range, Shape,
    ShapeId, Structure, TimestampFormat,
};
use super::file::{Corrections, Metadata, ModelFile, OperationFile, Reference, ShapeFile};

type Outcome<T> = Result<T, String>;

/// The facts of one service.
pub(crate) fn intern(service: &str, model: &ModelFile, corrections: &Corrections) -> Outcome<Facts> {
    let metadata = &model.metadata;
    let mut interner =
        Interner { model, corrections, numbers: BTreeMap::new(), shapes: vec![], patterns: vec![] };
    let operations = model.operations.iter().map(|(name, operation)| interner.operation(name, operation));
    let operations = operations.collect::<Outcome<Vec<_>>>()?;
    // Exceptions that no operation of ours answers yet are still in the error table.
    for (name, shape) in &model.shapes {
        if shape.exception {
            interner.shape(name, Place::default())?;
        }
    }
    let shapes = interner.shapes.into_iter().map(|shape| shape.ok_or("a shape without facts"));
    Ok(Facts {
        service: leak(service),
        endpoint_prefix: leak(&metadata.endpoint_prefix),
        signing_name: leak(metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix)),
        api_version: leak(&metadata.api_version),
        protocols: protocols(service, metadata, corrections)?,
        query_compatible: metadata.aws_query_compatible.is_some(),
        target_prefix: metadata.target_prefix.as_deref().map(leak),
        xml_namespace: corrections
            .query
            .as_ref()
            .map(|query| &query.xml_namespace)
            .or(metadata.xml_namespace.as_ref())
            .map(|namespace| leak(namespace)),
        operations,
        shapes: shapes.collect::<Result<_, _>>()?,
        patterns: interner.patterns,
    })
}

fn protocols(service: &str, metadata: &Metadata, corrections: &Corrections) -> Outcome<Vec<Protocol>> {
    let named = match metadata.protocols.is_empty() {
        true => std::slice::from_ref(&metadata.protocol),
        false => &metadata.protocols[..],
    };
    let known = named.iter().map(|name| match (name.as_str(), metadata.json_version.as_deref()) {
        ("rest-json", _) => Ok(Protocol::RestJson1),
        ("rest-xml", _) => Ok(Protocol::RestXml),
        ("json", Some("1.0")) => Ok(Protocol::AwsJson10),
        ("json", Some("1.1")) => Ok(Protocol::AwsJson11),
        ("query", _) => Ok(Protocol::AwsQuery),
        ("smithy-rpc-v2-cbor", _) => Ok(Protocol::RpcV2Cbor),
        (other, _) => Err(format!("{service}: protocol {other} is not built")),
    });
    let corrected = corrections.query.iter().map(|_| Ok(Protocol::AwsQuery));
    known.chain(corrected).collect()
}

/// What a place in the model says of the shape it refers to: each combination is a shape of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    enum_unchecked: bool,
    flattened: bool,
}

struct Interner<'a> {
    model: &'a ModelFile,
    corrections: &'a Corrections,
    /// By name and place.
    numbers: BTreeMap<(String, Place), ShapeId>,
    shapes: Vec<Option<Shape>>,
    patterns: Vec<&'static str>,
}

impl Interner<'_> {
    fn operation(&mut self, name: &str, operation: &OperationFile) -> Outcome<OperationFacts> {
        let corrected = self.corrections.response_code.iter().find(|correction| correction.operation == name);
        let status = corrected.map(|correction| correction.status).or(operation.http.response_code);
        // Every operation of the query protocol wraps its answer so.
        let corrected_wrapper = self.corrections.query.is_some().then(|| leak(&format!("{name}Result")));
        let mut reference = |reference: &Option<Reference>| {
            reference.as_ref().map(|reference| self.shape(&reference.shape, Place::default())).transpose()
        };
        Ok(OperationFacts {
            name: leak(name),
            method: leak(&operation.http.method),
            uri: leak(&operation.http.request_uri),
            status: status.unwrap_or(200),
            input: reference(&operation.input)?,
            output: reference(&operation.output)?,
            result_wrapper: operation
                .output
                .as_ref()
                .and_then(|output| output.result_wrapper.as_deref().map(leak).or(corrected_wrapper)),
            unsigned: operation.authtype.as_deref() == Some("none"),
        })
    }

    fn shape(&mut self, name: &str, place: Place) -> Outcome<ShapeId> {
        let key = (name.to_owned(), place);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        // The number comes first: structures may contain themselves.
        let at = self.shapes.len();
        let number = ShapeId(u16::try_from(at).map_err(|_| "too many shapes")?);
        self.numbers.insert(key, number);
        self.shapes.push(None);
        let file = self.model.shapes.get(name).ok_or_else(|| format!("no shape {name}"))?;
        let kind = self.kind(name, file, place)?;
        self.shapes[at] = Some(Shape { name: leak(name), sensitive: file.sensitive, kind });
        Ok(number)
    }

    fn kind(&mut self, name: &str, file: &ShapeFile, place: Place) -> Outcome<Kind> {
        let length = Length {
            min: file.min.as_ref().and_then(serde_json::Number::as_u64),
            max: file.max.as_ref().and_then(serde_json::Number::as_u64),
        };
        Ok(match file.r#type.as_str() {
            "boolean" => Kind::Boolean,
            "integer" | "long" => Kind::Integer(Range {
                min: file.min.as_ref().and_then(serde_json::Number::as_i64),
                max: file.max.as_ref().and_then(serde_json::Number::as_i64),
            }),
            "float" | "double" => Kind::Float(Range {
                min: file.min.as_ref().and_then(serde_json::Number::as_f64),
                max: file.max.as_ref().and_then(serde_json::Number::as_f64),
            }),
            "string" => Kind::String {
                length,
                pattern: file.pattern.as_deref().map(|pattern| self.pattern(pattern)).transpose()?,
                values: if place.enum_unchecked {
                    vec![]
                } else {
                    file.r#enum.iter().map(|value| leak(value)).collect()
                },
            },
            "blob" => Kind::Blob(length),
            "timestamp" => Kind::Timestamp(timestamp_format(name, file.timestamp_format.as_deref())?),
            "list" => {
                let member = file.member.as_ref().ok_or_else(|| format!("list {name} without member"))?;
                Kind::List {
                    length,
                    member: self.shape(&member.shape, Place::default())?,
                    wire_name: leak(member.location_name.as_deref().unwrap_or("member")),
                    flattened: file.flattened || place.flattened,
                }
            }
            "map" => {
                let key = file.key.as_ref().ok_or_else(|| format!("map {name} without key"))?;
                let corrected = self.corrections.query_map.iter().find(|found| found.map == name);
                let (key_name, value_name) =
                    corrected.map(|found| (found.key.as_str(), found.value.as_str())).unzip();
                let value = file.value.as_ref().ok_or_else(|| format!("map {name} without value"))?;
                Kind::Map {
                    length,
                    key: self.shape(&key.shape, Place::default())?,
                    value: self.shape(&value.shape, Place::default())?,
                    key_name: leak(key_name.or(key.location_name.as_deref()).unwrap_or("key")),
                    value_name: leak(value_name.or(value.location_name.as_deref()).unwrap_or("value")),
                    flattened: file.flattened || place.flattened,
                }
            }
            "structure" if file.document => {
                return Err(format!("{name}: documents without a shape are not built"));
            }
            "structure" => Kind::Structure(self.structure(name, file)?),
            other => return Err(format!("shape {name} has type {other}, which is not built")),
        })
    }

    fn structure(&mut self, name: &str, file: &ShapeFile) -> Outcome<Structure> {
        let mut members = Vec::new();
        for (member, reference) in file.members.iter().flat_map(|members| &members.0) {
            let unchecked = &self.corrections.enum_unchecked;
            let enum_unchecked =
                unchecked.iter().any(|found| found.structure == name && found.member == *member);
            let place = Place { enum_unchecked, flattened: reference.flattened };
            members.push(Member {
                name: leak(member),
                shape: self.shape(&reference.shape, place)?,
                location: location(name, reference.location.as_deref())?,
                wire_name: leak(reference.location_name.as_deref().unwrap_or(member)),
                query_name: leak(self.query_name(name, member, reference)),
                required: file.required.contains(member),
                is_event_payload: reference.eventpayload,
            });
        }
        let corrections = self.corrections;
        for added in corrections.member_added.iter().filter(|added| added.structure == name) {
            members.push(Member {
                name: leak(&added.member),
                shape: self.shape(&added.shape, Place::default())?,
                location: location(name, Some(&added.location))?,
                wire_name: leak(&added.location_name),
                query_name: leak(&added.location_name),
                required: false,
                is_event_payload: false,
            });
        }
        let payload = members.iter().position(|member| Some(member.name) == file.payload.as_deref());
        Ok(Structure {
            members,
            payload: payload.and_then(|at| u16::try_from(at).ok()),
            is_event_stream: file.eventstream,
            error: file.exception.then(|| self.error(name, file)),
        })
    }

    fn query_name<'n>(&'n self, structure: &str, member: &'n str, reference: &'n Reference) -> &'n str {
        let corrected = &self.corrections.query_name;
        let corrected = corrected.iter().find(|found| found.structure == structure && found.member == member);
        let corrected = corrected.map(|found| found.name.as_str());
        corrected.or(reference.location_name.as_deref()).unwrap_or(member)
    }

    /// Models of protocols without statuses say only whose fault it is.
    fn error(&self, name: &str, file: &ShapeFile) -> ErrorFacts {
        let corrected = self.corrections.query_code.iter().find(|found| found.exception == name);
        let told = file.error.as_ref();
        let code =
            corrected.map(|found| found.code.as_str()).or(told.and_then(|error| error.code.as_deref()));
        let status = corrected.map(|found| found.status).or(told.map(|error| error.http_status_code));
        let status = status.unwrap_or(if file.fault { 500 } else { 400 });
        ErrorFacts { code: leak(code.unwrap_or(name)), status, is_sender: status < 500 }
    }

    fn pattern(&mut self, text: &str) -> Outcome<PatternId> {
        let known = self.patterns.iter().position(|pattern| *pattern == text);
        let at = known.unwrap_or(self.patterns.len());
        if known.is_none() {
            self.patterns.push(leak(text));
        }
        u16::try_from(at).map(PatternId).map_err(|_| "too many patterns".to_owned())
    }
}

fn location(structure: &str, location: Option<&str>) -> Outcome<Location> {
    Ok(match location {
        None => Location::Body,
        Some("uri") => Location::Path,
        Some("querystring") => Location::Query,
        Some("header") => Location::Header,
        Some("headers") => Location::Headers,
        Some("statusCode") => Location::StatusCode,
        Some(other) => return Err(format!("{structure}: location {other} is not built")),
    })
}

fn timestamp_format(name: &str, format: Option<&str>) -> Outcome<Option<TimestampFormat>> {
    Ok(match format {
        None => None,
        Some("unixTimestamp") => Some(TimestampFormat::EpochSeconds),
        Some("iso8601") => Some(TimestampFormat::Iso8601),
        Some("rfc822") => Some(TimestampFormat::HttpDate),
        Some(other) => return Err(format!("{name}: timestamp format {other} is not built")),
    })
}

/// A build script ends soon: what it leaks goes with it.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
