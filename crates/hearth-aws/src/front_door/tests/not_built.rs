//! What is not built is told with a status that clients do not retry: Terraform tries a 5xx 25 times, for minutes.

use std::sync::Arc;

use bytes::Bytes;
use hearth_world::World;
use http::Request;
use http_body_util::{BodyExt, Full};

use super::toys::{authorization, listener};
use crate::dispatch::AllowAll;
use crate::front_door::{FrontDoor, Options};
use crate::model::{Facts, Model, OperationFacts, Protocol};
use crate::operation::Service;

/// A door to services that know every operation and have none.
fn door(services: impl Iterator<Item = &'static str>) -> FrontDoor {
    let services = services.map(Service::new).collect();
    FrontDoor::new(services, Options::default(), World::simulated(1), Arc::new(AllowAll))
}

/// A call of an operation as a client of this protocol makes it, without any of its members.
fn call(facts: &'static Facts, protocol: Protocol, operation: &OperationFacts) -> Request<Full<Bytes>> {
    let target = format!("{}.{}", facts.target_prefix.unwrap_or_default(), operation.name);
    let (method, path, headers, body) = match protocol {
        Protocol::RestJson1 | Protocol::RestXml => {
            let (mut path, mut is_label) = (String::new(), false);
            for character in operation.uri.chars() {
                match character {
                    '{' => is_label = true,
                    '}' => {
                        is_label = false;
                        path.push('x');
                    }
                    other if !is_label => path.push(other),
                    _ => {}
                }
            }
            (operation.method, path, vec![], String::new())
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let version = if protocol == Protocol::AwsJson10 { "1.0" } else { "1.1" };
            let content = format!("application/x-amz-json-{version}");
            (
                "POST",
                "/".to_owned(),
                vec![("x-amz-target", target), ("content-type", content)],
                "{}".to_owned(),
            )
        }
        Protocol::RpcV2Cbor => {
            let path =
                format!("/service/{}/operation/{}", facts.target_prefix.unwrap_or_default(), operation.name);
            let headers = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
            ("POST", path, headers.map(|(name, value)| (name, value.to_owned())).into(), String::new())
        }
        Protocol::AwsQuery => {
            let content = "application/x-www-form-urlencoded".to_owned();
            let body = format!("Action={}&Version={}", operation.name, facts.api_version);
            ("POST", "/".to_owned(), vec![("content-type", content)], body)
        }
    };
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:4566");
    if !operation.unsigned {
        request = request.header("authorization", authorization(facts.signing_name));
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Full::new(body.into())).expect("a good request")
}

/// Every operation of every model, in every protocol: status and whole answer.
async fn answers(door: &FrontDoor) -> Vec<(String, u16, String)> {
    let mut answers = Vec::new();
    for service in Model::services() {
        let model = Model::of(service).expect("listed");
        for protocol in &model.facts().protocols {
            for operation in model.operations() {
                let response = door.handle(call(model.facts(), *protocol, operation), listener()).await;
                let status = response.status().as_u16();
                let name = response.headers().get("x-amzn-errortype").cloned();
                let body = response.into_body().collect().await.expect("in memory").to_bytes();
                let body = format!("{name:?} {}", String::from_utf8_lossy(&body));
                answers.push((format!("{service} {protocol:?} {}", operation.name), status, body));
            }
        }
    }
    answers
}

#[tokio::test]
async fn an_operation_that_is_not_built_is_a_fault_of_the_caller_in_every_protocol_and_names_itself() {
    let answers = answers(&door(Model::services())).await;
    for (what, status, body) in &answers {
        assert_eq!(*status, 400, "{what}: {body}");
        assert!(body.contains("NotImplemented"), "{what}: {body}");
        let operation = what.rsplit(' ').next().expect("a name");
        // S3 as a whole is not built: its protocol comes with it.
        assert!(
            body.contains(&format!("peration {operation} of")) || what.starts_with("s3 "),
            "{what}: {body}"
        );
    }
    assert!(answers.len() > 800, "{}", answers.len());
}

#[tokio::test]
async fn a_service_that_is_not_there_is_a_fault_of_the_caller_in_every_protocol() {
    for (what, status, body) in answers(&door(std::iter::empty())).await {
        assert!((400..500).contains(&status), "{what}: {status} {body}");
    }
}
