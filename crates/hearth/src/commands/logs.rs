//! `hearth logs NAME`: shows what a function wrote, and with `-f` what it writes. A client of CloudWatch Logs' API, as
//! any other would be.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::{Value, json};

use hearth_world::{Timestamp, World};

use crate::cli::{Target, age};
use crate::client::{self, Client};
use crate::commands::block_on;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth logs hello
  hearth logs -f hello
  hearth logs hello --since 10m --json
  hearth logs hello --filter '{ $.level = \"ERROR\" }'";

/// How often a follower asks what has come.
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// How far a follower looks back behind the newest event: environments write at the same time.
const OVERLAP_MS: i64 = 5_000;

/// Options of `hearth logs`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the function, or of a log group that begins with a slash
    name: String,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only what is younger: 30s, 10m, 2h, 1d
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<u64>,
    /// Only what matches a filter pattern of CloudWatch Logs: ERROR, '?a ?b', '{ $.level = "WARN" }', '[a, ..., b]'
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Print every event as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let client = Client::new(arguments.target.clone())?;
    block_on(show(&client, &arguments))
}

/// What was shown, so that a follower shows nothing twice.
#[derive(Debug, Default)]
struct Shown {
    /// From when on events are asked for.
    from: i64,
    /// Times and ids of events that may come again.
    ids: BTreeSet<(i64, String)>,
}

async fn show(client: &Client, arguments: &Arguments) -> Result<Exit> {
    let world = World::real();
    let clock = world.physical();
    let since = arguments.since.map_or(0, |seconds| {
        clock.now().as_millis().saturating_sub_unsigned(seconds.saturating_mul(1_000)).max(0)
    });
    let mut shown = Shown { from: since, ids: BTreeSet::new() };
    let is_colourful = std::io::stdout().is_terminal() && !arguments.json;
    loop {
        let mut token = None;
        loop {
            let page = page(client, arguments, shown.from, token.as_deref()).await?;
            let new: Vec<&Value> = page["events"].as_array().into_iter().flatten().collect();
            let new: Vec<&Value> = new.into_iter().filter(|event| shown.is_new(event)).collect();
            if !print(&new, arguments.json, is_colourful)? {
                return Ok(Exit::Done);
            }
            token = page["nextToken"].as_str().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        if !arguments.follow {
            return Ok(Exit::Done);
        }
        shown.go_on(since);
        clock.sleep(ASK_AGAIN).await;
    }
}

impl Shown {
    fn is_new(&mut self, event: &Value) -> bool {
        let time = event["timestamp"].as_i64().unwrap_or_default();
        self.ids.insert((time, event["eventId"].as_str().unwrap_or_default().to_owned()))
    }

    /// The next question begins a little before the newest event; what is older is forgotten.
    fn go_on(&mut self, since: i64) {
        if let Some((newest, _)) = self.ids.last() {
            self.from = (newest - OVERLAP_MS).max(since);
            self.ids = self.ids.split_off(&(self.from, String::new()));
        }
    }
}

/// One page of events; none of a group that is not there yet, to one who follows.
async fn page(client: &Client, arguments: &Arguments, from: i64, token: Option<&str>) -> Result<Value> {
    let name = &arguments.name;
    let group = if name.starts_with('/') { name.clone() } else { format!("/aws/lambda/{name}") };
    let mut question = json!({ "logGroupName": group, "startTime": from });
    if let Some(pattern) = &arguments.filter {
        question["filterPattern"] = json!(pattern);
    }
    if let Some(token) = token {
        question["nextToken"] = json!(token);
    }
    let headers =
        [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "Logs_20140328.FilterLogEvents")];
    let body = Bytes::from(question.to_string());
    let (head, body) = client::read(client.call("logs", Method::POST, "/", &headers, body).await?).await?;
    if head.status.is_success() {
        return serde_json::from_slice(&body).context("read the events");
    }
    let refusal = client::refusal(head.status, &head.headers, &body);
    let is_missing = String::from_utf8_lossy(&body).contains("ResourceNotFoundException");
    if arguments.follow && is_missing { Ok(json!({})) } else { Err(refusal.into()) }
}

/// Prints events; `false` when nobody reads any more (`hearth logs hello | head`).
fn print(events: &[&Value], json: bool, is_colourful: bool) -> Result<bool> {
    let mut text = String::new();
    for event in events {
        if json {
            text.push_str(&as_json(event).to_string());
        } else {
            text.push_str(&for_people(event, is_colourful));
        }
        text.push('\n');
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context("print the log"),
    }
}

fn as_json(event: &Value) -> Value {
    json!({
        "timestamp": event["timestamp"],
        "stream": event["logStreamName"],
        "message": event["message"],
        "ingestionTime": event["ingestionTime"],
        "eventId": event["eventId"],
    })
}

/// Grey is what the platform says and when, red what looks like an error.
fn for_people(event: &Value, is_colourful: bool) -> String {
    let time = Timestamp::from_millis(event["timestamp"].as_i64().unwrap_or_default());
    let message = event["message"].as_str().unwrap_or_default();
    let message = message.trim_end();
    if !is_colourful {
        return format!("{time} {message}");
    }
    let is_platform = ["START RequestId", "END RequestId", "REPORT RequestId", "INIT_START"]
        .iter()
        .any(|front| message.starts_with(front));
    let is_error =
        message.starts_with("[ERROR]") || message.contains("\tERROR\t") || message.contains("Task timed out");
    match (is_platform, is_error) {
        (true, _) => format!("\x1b[90m{time} {message}\x1b[0m"),
        (false, true) => format!("\x1b[90m{time}\x1b[0m \x1b[31m{message}\x1b[0m"),
        (false, false) => format!("\x1b[90m{time}\x1b[0m {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_with_its_time_and_its_lines() {
        let event = json!({"timestamp": 1764037614123_i64, "message": "[ERROR] E: x\nTraceback\n"});
        let text = "2025-11-25T02:26:54.123Z [ERROR] E: x\nTraceback";
        assert_eq!(for_people(&event, false), text);
        assert!(for_people(&event, true).contains("\x1b[31m[ERROR] E: x\nTraceback\x1b[0m"));
        let start = json!({"timestamp": 0, "message": "START RequestId: x"});
        assert!(for_people(&start, true).starts_with("\x1b[90m1970"));
    }

    #[test]
    fn a_follower_shows_nothing_twice_and_forgets_what_cannot_come_again() {
        let event = |time: i64, id: &str| json!({"timestamp": time, "eventId": id});
        let mut shown = Shown::default();
        assert!(shown.is_new(&event(1_000, "a")) && !shown.is_new(&event(1_000, "a")));
        assert!(shown.is_new(&event(90_000, "b")));
        shown.go_on(0);
        assert_eq!((shown.from, shown.ids.len()), (85_000, 1));
        assert!(!shown.is_new(&event(90_000, "b")) && shown.is_new(&event(90_000, "c")));
    }
}
