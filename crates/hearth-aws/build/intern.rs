//! From the model's file to its facts: names of shapes become numbers, corrections are applied.

use std::collections::BTreeMap;

use crate::facts::{
    ErrorFacts, Facts, Kind, Length, Location, Member, OperationFacts, PatternId, Protocol, Range, Shape,
    ShapeId, Structure, TimestampFormat,
};
use crate::file::{Corrections, ModelFile, OperationFile, Reference, ShapeFile};

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
            interner.shape(name, false)?;
        }
    }
    let shapes = interner.shapes.into_iter().map(|shape| shape.ok_or("a shape without facts"));
    Ok(Facts {
        service: leak(service),
        endpoint_prefix: leak(&metadata.endpoint_prefix),
        signing_name: leak(metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix)),
        api_version: leak(&metadata.api_version),
        protocol: match metadata.protocol.as_str() {
            "rest-json" => Protocol::RestJson1,
            "query" => Protocol::AwsQuery,
            other => return Err(format!("{service}: protocol {other} is not built")),
        },
        target_prefix: metadata.target_prefix.as_deref().map(leak),
        xml_namespace: metadata.xml_namespace.as_deref().map(leak),
        operations,
        shapes: shapes.collect::<Result<_, _>>()?,
        patterns: interner.patterns,
    })
}

struct Interner<'a> {
    model: &'a ModelFile,
    corrections: &'a Corrections,
    /// By name, and whether the enum is left out.
    numbers: BTreeMap<(String, bool), ShapeId>,
    shapes: Vec<Option<Shape>>,
    patterns: Vec<&'static str>,
}

impl Interner<'_> {
    fn operation(&mut self, name: &str, operation: &OperationFile) -> Outcome<OperationFacts> {
        let corrected = self.corrections.response_code.iter().find(|correction| correction.operation == name);
        let status = corrected.map(|correction| correction.status).or(operation.http.response_code);
        let mut reference = |reference: &Option<Reference>| {
            reference.as_ref().map(|reference| self.shape(&reference.shape, false)).transpose()
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
                .and_then(|output| output.result_wrapper.as_deref())
                .map(leak),
            unsigned: operation.authtype.as_deref() == Some("none"),
        })
    }

    fn shape(&mut self, name: &str, enum_unchecked: bool) -> Outcome<ShapeId> {
        let key = (name.to_owned(), enum_unchecked);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        // The number comes first: structures may contain themselves.
        let at = self.shapes.len();
        let number = ShapeId(u16::try_from(at).map_err(|_| "too many shapes")?);
        self.numbers.insert(key, number);
        self.shapes.push(None);
        let file = self.model.shapes.get(name).ok_or_else(|| format!("no shape {name}"))?;
        let kind = self.kind(name, file, enum_unchecked)?;
        self.shapes[at] = Some(Shape { name: leak(name), sensitive: file.sensitive, kind });
        Ok(number)
    }

    fn kind(&mut self, name: &str, file: &ShapeFile, enum_unchecked: bool) -> Outcome<Kind> {
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
                values: if enum_unchecked {
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
                    member: self.shape(&member.shape, false)?,
                    wire_name: leak(member.location_name.as_deref().unwrap_or("member")),
                    flattened: file.flattened,
                }
            }
            "map" => {
                let key = file.key.as_ref().ok_or_else(|| format!("map {name} without key"))?;
                let value = file.value.as_ref().ok_or_else(|| format!("map {name} without value"))?;
                Kind::Map {
                    length,
                    key: self.shape(&key.shape, false)?,
                    value: self.shape(&value.shape, false)?,
                    key_name: leak(key.location_name.as_deref().unwrap_or("key")),
                    value_name: leak(value.location_name.as_deref().unwrap_or("value")),
                    flattened: file.flattened,
                }
            }
            "structure" => Kind::Structure(self.structure(name, file)?),
            other => return Err(format!("shape {name} has type {other}, which is not built")),
        })
    }

    fn structure(&mut self, name: &str, file: &ShapeFile) -> Outcome<Structure> {
        let mut members = Vec::new();
        for (member, reference) in file.members.iter().flat_map(|members| &members.0) {
            let unchecked = &self.corrections.enum_unchecked;
            let unchecked = unchecked.iter().any(|found| found.structure == name && found.member == *member);
            members.push(Member {
                name: leak(member),
                shape: self.shape(&reference.shape, unchecked)?,
                location: location(name, reference.location.as_deref())?,
                wire_name: leak(reference.location_name.as_deref().unwrap_or(member)),
                required: file.required.contains(member),
            });
        }
        let corrections = self.corrections;
        for added in corrections.member_added.iter().filter(|added| added.structure == name) {
            members.push(Member {
                name: leak(&added.member),
                shape: self.shape(&added.shape, false)?,
                location: location(name, Some(&added.location))?,
                wire_name: leak(&added.location_name),
                required: false,
            });
        }
        let payload = members.iter().position(|member| Some(member.name) == file.payload.as_deref());
        let error = file.error.as_ref().map(|error| ErrorFacts {
            code: leak(error.code.as_deref().unwrap_or(name)),
            status: error.http_status_code,
        });
        Ok(Structure { members, payload: payload.and_then(|at| u16::try_from(at).ok()), error })
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
