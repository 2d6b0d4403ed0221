//! The format of `models/*.json`: botocore's, with the facts and without a word of documentation.
//!
//! Reads both botocore's own files and ours: what is `Ignored` is read and never written. An unknown key is an
//! error, so that a fact of a newer model is not lost unseen.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// Read, never written.
pub type Ignored = serde::de::IgnoredAny;

/// One service.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Where the facts come from; ours alone.
    #[serde(default)]
    pub source: String,
    pub metadata: Metadata,
    pub operations: BTreeMap<String, OperationFile>,
    pub shapes: BTreeMap<String, ShapeFile>,
    #[serde(default, skip_serializing, rename = "clientContextParams")]
    client_context_params: Ignored,
    #[serde(default, skip_serializing)]
    documentation: Ignored,
    #[serde(default, skip_serializing)]
    version: Ignored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    pub api_version: String,
    pub endpoint_prefix: String,
    pub protocol: String,
    pub service_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml_namespace: Option<String>,
    /// Every protocol that the service speaks; written where it is more than one.
    #[serde(default, skip_serializing_if = "is_one_or_none")]
    pub protocols: Vec<String>,
    /// Errors of newer protocols carry the code of the older query protocol beside their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_query_compatible: Option<Empty>,
    #[serde(default, skip_serializing)]
    auth: Ignored,
    #[serde(default, skip_serializing)]
    checksum_format: Ignored,
    #[serde(default, skip_serializing)]
    global_endpoint: Ignored,
    #[serde(default, skip_serializing)]
    protocol_settings: Ignored,
    #[serde(default, skip_serializing)]
    service_abbreviation: Ignored,
    #[serde(default, skip_serializing)]
    service_full_name: Ignored,
    #[serde(default, skip_serializing)]
    signature_version: Ignored,
    #[serde(default, skip_serializing)]
    uid: Ignored,
}

/// `{}`: that it is there is the fact.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationFile {
    pub http: Http,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authtype: Option<String>,
    #[serde(default, skip_serializing)]
    auth: Ignored,
    #[serde(default, skip_serializing)]
    deprecated: Ignored,
    #[serde(default, skip_serializing)]
    deprecated_message: Ignored,
    #[serde(default, skip_serializing)]
    documentation: Ignored,
    #[serde(default, skip_serializing)]
    endpoint: Ignored,
    #[serde(default, skip_serializing)]
    endpointdiscovery: Ignored,
    #[serde(default, skip_serializing)]
    endpointoperation: Ignored,
    #[serde(default, skip_serializing)]
    http_checksum: Ignored,
    #[serde(default, skip_serializing)]
    http_checksum_required: Ignored,
    #[serde(default, skip_serializing)]
    idempotent: Ignored,
    #[serde(default, skip_serializing)]
    name: Ignored,
    #[serde(default, skip_serializing)]
    operation_context_params: Ignored,
    #[serde(default, skip_serializing)]
    readonly: Ignored,
    #[serde(default, skip_serializing)]
    requestcompression: Ignored,
    #[serde(default, skip_serializing)]
    static_context_params: Ignored,
    #[serde(default, skip_serializing)]
    unsigned_payload: Ignored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    pub shape: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_wrapper: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub idempotency_token: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub eventpayload: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub flattened: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub streaming: bool,
    #[serde(default, skip_serializing)]
    r#box: Ignored,
    #[serde(default, skip_serializing)]
    context_param: Ignored,
    #[serde(default, skip_serializing)]
    deprecated: Ignored,
    #[serde(default, skip_serializing)]
    deprecated_message: Ignored,
    #[serde(default, skip_serializing)]
    deprecated_since: Ignored,
    #[serde(default, skip_serializing)]
    documentation: Ignored,
    #[serde(default, skip_serializing)]
    host_label: Ignored,
    /// A text that holds JSON is a text.
    #[serde(default, skip_serializing)]
    jsonvalue: Ignored,
    #[serde(default, skip_serializing)]
    xml_attribute: Ignored,
    #[serde(default, skip_serializing)]
    xml_namespace: Ignored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShapeFile {
    pub r#type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Ordered<Reference>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub r#enum: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub flattened: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub streaming: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub event: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub eventstream: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub exception: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub fault: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub document: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorFile>,
    #[serde(default, skip_serializing)]
    r#box: Ignored,
    #[serde(default, skip_serializing)]
    deprecated: Ignored,
    #[serde(default, skip_serializing)]
    deprecated_message: Ignored,
    #[serde(default, skip_serializing)]
    documentation: Ignored,
    #[serde(default, skip_serializing)]
    location_name: Ignored,
    #[serde(default, skip_serializing)]
    retryable: Ignored,
    #[serde(default, skip_serializing)]
    synthetic: Ignored,
    #[serde(default, skip_serializing)]
    union: Ignored,
    #[serde(default, skip_serializing)]
    xml_namespace: Ignored,
    #[serde(default, skip_serializing)]
    xml_order: Ignored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub http_status_code: u16,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sender_fault: bool,
}

/// Where the real service differs from its model, each with its evidence: `models/corrections/*.json`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Corrections {
    /// Operations whose status code is another.
    #[serde(default)]
    pub response_code: Vec<StatusCorrection>,
    /// Members whose values are not held against the model's enum: the operation has its own text.
    #[serde(default)]
    pub enum_unchecked: Vec<MemberCorrection>,
    /// Members that travel, and that the model does not have.
    #[serde(default)]
    pub member_added: Vec<AddedMember>,
    /// The service still speaks the query protocol, which its model no longer has.
    #[serde(default)]
    pub query: Option<QueryCorrection>,
    /// Maps whose entries' names in forms and XML the model no longer tells.
    #[serde(default)]
    pub query_map: Vec<MapCorrection>,
    /// Members whose name in forms and XML the model no longer tells.
    #[serde(default)]
    pub query_name: Vec<NameCorrection>,
    /// Exceptions whose code in the query protocol the model no longer tells.
    #[serde(default)]
    pub query_code: Vec<CodeCorrection>,
}

/// A member of a structure, by the shape that it shares with others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddedMember {
    pub structure: String,
    pub member: String,
    pub shape: String,
    pub location: String,
    pub location_name: String,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusCorrection {
    pub operation: String,
    pub status: u16,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberCorrection {
    pub structure: String,
    pub member: String,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryCorrection {
    pub xml_namespace: String,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapCorrection {
    pub map: String,
    pub key: String,
    pub value: String,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameCorrection {
    pub structure: String,
    pub member: String,
    pub name: String,
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeCorrection {
    pub exception: String,
    pub code: String,
    pub status: u16,
    pub evidence: String,
}

/// A JSON object whose members keep their order, which is the order of answers in XML.
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Ordered<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(InOrder(std::marker::PhantomData))
    }
}

fn is_one_or_none(protocols: &[String]) -> bool {
    protocols.len() <= 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
