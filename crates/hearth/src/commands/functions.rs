//! `hearth functions`: what functions there are, and how many environments run each now.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cli::Target;
use crate::client::{self, Client};
use crate::commands::{block_on, print};
use crate::exit::Exit;
use crate::table::table;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth functions
  hearth functions --json
  hearth functions --region eu-west-1 --account 123456789012

ENVIRONMENTS are those that are there now; `-` where the server's data folder (--data) is not readable here.";

/// Pages that are read at most: 50 functions each.
const PAGES_MAX: usize = 2_000;

/// Options of `hearth functions`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let client = Client::new(arguments.target)?;
    let (functions, environments) = block_on(async {
        let functions = functions(&client).await?;
        // Only the owner of the data folder may ask; everybody else sees the functions alone.
        let environments = client.own(Method::GET, "/_hearth/environments").await.ok();
        Ok((functions, environments))
    })?;
    let counts = environments.as_ref().map(by_function);
    let count = |function: &Value| counts.as_ref().map(|counts| count(counts, function));
    if arguments.json {
        let entries = functions.iter().map(|function| as_json(function, count(function)));
        print(&Value::from_iter(entries).to_string())?;
    } else {
        let rows: Vec<Vec<String>> =
            functions.iter().map(|function| row(function, count(function))).collect();
        print(&if rows.is_empty() {
            format!("no functions in {} at {}", client.region(), client.endpoint())
        } else {
            let listed = table(&["NAME", "RUNTIME", "MEMORY", "STATE", "ENVIRONMENTS", "MODIFIED"], &rows);
            functions.iter().filter_map(reason).fold(listed, |text, reason| format!("{text}\n{reason}"))
        })?;
    }
    Ok(Exit::Done)
}

async fn functions(client: &Client) -> Result<Vec<Value>> {
    let (mut functions, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let after =
            marker.map(|marker| format!("?Marker={}", utf8_percent_encode(&marker, NON_ALPHANUMERIC)));
        let path = format!("/2015-03-31/functions/{}", after.unwrap_or_default());
        let (head, body) =
            client::read(client.call("lambda", Method::GET, &path, &[], Bytes::new()).await?).await?;
        if !head.status.is_success() {
            return Err(client::refusal(head.status, &head.headers, &body).into());
        }
        let page: Value = serde_json::from_slice(&body).context("read the list of functions")?;
        for function in page["Functions"].as_array().into_iter().flatten() {
            functions.extend(with_state(client, function).await?);
        }
        marker = page["NextMarker"].as_str().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    Ok(functions)
}

/// The same function with its state, which a list does not tell; `None` when it was deleted meanwhile.
async fn with_state(client: &Client, function: &Value) -> Result<Option<Value>> {
    let name = utf8_percent_encode(function["FunctionName"].as_str().unwrap_or_default(), NON_ALPHANUMERIC);
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let (head, body) =
        client::read(client.call("lambda", Method::GET, &path, &[], Bytes::new()).await?).await?;
    match head.status {
        status if status.is_success() => serde_json::from_slice(&body).map(Some).context("read a function"),
        http::StatusCode::NOT_FOUND => Ok(None),
        status => Err(client::refusal(status, &head.headers, &body).into()),
    }
}

/// Environments by region, account and function.
fn by_function(environments: &Value) -> BTreeMap<[String; 3], u64> {
    let mut counts = BTreeMap::new();
    for environment in environments["environments"].as_array().into_iter().flatten() {
        let text = |name: &str| environment[name].as_str().unwrap_or_default().to_owned();
        *counts.entry([text("region"), text("account"), text("function")]).or_insert(0) += 1;
    }
    counts
}

fn count(counts: &BTreeMap<[String; 3], u64>, function: &Value) -> u64 {
    let arn: Vec<&str> = function["FunctionArn"].as_str().unwrap_or_default().split(':').collect();
    let part = |index: usize| arn.get(index).copied().unwrap_or_default().to_owned();
    counts.get(&[part(3), part(4), part(6)]).copied().unwrap_or(0)
}

/// Why a function does not run, or its last update was not made.
fn reason(function: &Value) -> Option<String> {
    let reason = function["StateReason"].as_str().filter(|_| function["State"] == "Failed");
    let reason = reason.or_else(|| {
        function["LastUpdateStatusReason"].as_str().filter(|_| function["LastUpdateStatus"] == "Failed")
    })?;
    Some(format!("{}: {reason}", function["FunctionName"].as_str()?))
}

fn as_json(function: &Value, environments: Option<u64>) -> Value {
    json!({
        "Name": function["FunctionName"],
        "Arn": function["FunctionArn"],
        "Runtime": function["Runtime"],
        "Handler": function["Handler"],
        "MemorySize": function["MemorySize"],
        "Timeout": function["Timeout"],
        "State": function["State"],
        "StateReason": function["StateReason"],
        "LastUpdateStatus": function["LastUpdateStatus"],
        "LastModified": function["LastModified"],
        "Environments": environments,
    })
}

fn row(function: &Value, environments: Option<u64>) -> Vec<String> {
    let text = |name: &str| function[name].as_str().unwrap_or("-").to_owned();
    let state = match (function["State"].as_str(), function["LastUpdateStatus"].as_str()) {
        (Some("Failed"), _) => "Failed".to_owned(),
        (Some(state), Some(update @ ("InProgress" | "Failed"))) => format!("{state}, update {update}"),
        (state, _) => state.unwrap_or("-").to_owned(),
    };
    let modified = text("LastModified");
    vec![
        text("FunctionName"),
        text("Runtime"),
        function["MemorySize"].as_u64().map_or_else(|| "-".to_owned(), |memory| format!("{memory} MB")),
        state,
        environments.map_or_else(|| "-".to_owned(), |count| count.to_string()),
        modified.split('.').next().unwrap_or_default().to_owned(),
    ]
}
