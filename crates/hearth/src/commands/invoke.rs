//! `hearth invoke NAME`: runs a function and prints its answer, bytes as they came.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::cli::Target;
use crate::client::{self, Client};
use crate::commands::{block_on, print};
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth invoke hello
  hearth invoke hello --payload '{\"name\": \"Ada\"}' --tail
  hearth invoke thumbnail --payload @event.json
  generate-event | hearth invoke hello --payload - --json";

/// Request of Invoke: 6 MB; one byte more, so that the server and not we refuse it.
const PAYLOAD_BYTES_MAX: u64 = 6_291_456 + 1;

/// Options of `hearth invoke`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the function, with `:QUALIFIER` if one is meant
    name: String,
    /// The event: JSON, `@FILE`, or `-` for standard input
    #[arg(long, short, value_name = "JSON", default_value = "{}")]
    payload: String,
    /// Show the last 4 KB of the invocation's log on stderr
    #[arg(long, visible_alias = "tail-log")]
    tail: bool,
    /// Print one JSON object: status, version, error, log and payload
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let payload = payload(&arguments.payload)?;
    let client = Client::new(arguments.target)?;
    let name = utf8_percent_encode(&arguments.name, NON_ALPHANUMERIC);
    let path = format!("/2015-03-31/functions/{name}/invocations");
    let log_type = if arguments.tail || arguments.json { "Tail" } else { "None" };
    let headers = [("x-amz-log-type", log_type), ("content-type", "application/json")];
    let (head, body) = block_on(async {
        client::read(client.call("lambda", Method::POST, &path, &headers, payload).await?).await
    })?;
    if !head.status.is_success() {
        return Err(client::refusal(head.status, &head.headers, &body).into());
    }
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let log = header("x-amz-log-result").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let error = header("x-amz-function-error");
    if arguments.json {
        print_json(head.status.as_u16(), header("x-amz-executed-version"), error, &log, &body)?;
    } else {
        if arguments.tail {
            std::io::stderr().write_all(&log).context("print the log")?;
        }
        print_bytes(&body)?;
    }
    Ok(if error.is_some() { Exit::FunctionFailed } else { Exit::Done })
}

fn payload(text: &str) -> Result<Bytes> {
    let mut bytes = Vec::new();
    match text.strip_prefix('@') {
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("open {path}"))?;
            file.take(PAYLOAD_BYTES_MAX).read_to_end(&mut bytes).with_context(|| format!("read {path}"))?;
        }
        None if text == "-" => {
            std::io::stdin()
                .take(PAYLOAD_BYTES_MAX)
                .read_to_end(&mut bytes)
                .context("read standard input")?;
        }
        None => bytes = text.as_bytes().to_vec(),
    }
    Ok(bytes.into())
}

fn print_json(
    status: u16,
    version: Option<&str>,
    error: Option<&str>,
    log: &[u8],
    body: &[u8],
) -> Result<()> {
    let payload: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let whole = json!({
        "StatusCode": status,
        "ExecutedVersion": version,
        "FunctionError": error,
        "LogResult": String::from_utf8_lossy(log),
        "Payload": payload,
    });
    print(&whole.to_string())
}

/// Bytes as they came: an answer need not be text.
fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.write_all(b"\n")) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("print the answer"),
    }
}
