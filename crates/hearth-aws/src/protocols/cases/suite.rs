//! One suite as the package has it, and the model that it carries.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{file, intern, package};
use crate::model::{Model, OperationFacts, Protocol};

#[derive(Deserialize)]
pub(super) struct Suite {
    metadata: Value,
    shapes: Value,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Case {
    pub id: String,
    given: Value,
    /// Of an input: what the client was told to send.
    #[serde(default)]
    pub params: Value,
    /// Of an input: what the client sent.
    pub serialized: Option<Request>,
    /// Of an output: what the client has read.
    #[serde(default)]
    pub result: Value,
    pub error: Option<Value>,
    #[serde(default)]
    pub error_code: String,
    #[serde(default)]
    pub error_message: String,
    /// Of an output: what the server sent.
    pub response: Option<Response>,
}

#[derive(Deserialize)]
pub(super) struct Request {
    pub method: String,
    pub uri: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
}

#[derive(Deserialize)]
pub(super) struct Response {
    pub status_code: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Absent where a case is about something else.
    pub body: Option<String>,
}

/// The suites of one file: `input/json`.
pub(super) fn suites(name: &str) -> Vec<Suite> {
    serde_json::from_slice(&package::cases(name)).unwrap_or_else(|error| panic!("parse {name}: {error}"))
}

impl Suite {
    /// The model of one case: the suite's shapes and the case's operation.
    pub(super) fn model(&self, case: &Case) -> Result<&'static Model, String> {
        let mut metadata = json!({ "endpointPrefix": "cases", "serviceId": "Cases" });
        let told = self.metadata.as_object().ok_or("no metadata")?;
        metadata.as_object_mut().expect("just made").extend(told.clone());
        let mut operation = case.given.clone();
        let name = operation["name"].as_str().ok_or("an operation without a name")?.to_owned();
        if told["protocol"] == "query" && operation["output"].is_object() {
            operation["output"]["resultWrapper"] = format!("{name}Result").into();
        }
        let file = json!({ "metadata": metadata, "operations": { name: operation }, "shapes": self.shapes });
        let file: file::ModelFile = serde_json::from_value(file).map_err(|error| error.to_string())?;
        let facts = intern::intern("cases", &file, &file::Corrections::default())?;
        // The test ends soon: what it leaks goes with it.
        Ok(Box::leak(Box::new(Model::new(facts))))
    }
}

/// The only operation of a case's model.
pub(super) fn operation(model: &'static Model) -> &'static OperationFacts {
    &model.operations()[0]
}

/// Bodies in CBOR are written in base64.
pub(super) fn body(protocol: Protocol, text: &str) -> Vec<u8> {
    use base64::Engine as _;
    match protocol {
        Protocol::RpcV2Cbor => {
            base64::engine::general_purpose::STANDARD.decode(text).expect("the package writes base64")
        }
        _ => text.as_bytes().to_vec(),
    }
}
