//! `hearth logs NAME`: shows what a function wrote, and with `-f` what it writes.

use std::io::Write;

use anyhow::{Context, Result, bail};
use clap::Args;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use hearth_world::{Timestamp, World};

use crate::cli::{Target, age};
use crate::client::{self, Client};
use crate::commands::block_on;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth logs hello
  hearth logs -f hello
  hearth logs hello --since 10m --json";

/// A line of one event at most: AWS's own events have 256 KB; escaped, a byte takes six.
const LINE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Options of `hearth logs`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the function
    name: String,
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Only what is younger: 30s, 10m, 2h, 1d
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<u64>,
    /// Print every event as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let client = Client::new(arguments.target.clone())?;
    let name = utf8_percent_encode(&arguments.name, NON_ALPHANUMERIC);
    let mut path = format!("/_hearth/logs/{}/{name}?follow={}", client.region(), arguments.follow);
    if let Some(seconds) = arguments.since {
        let now = World::real().physical().now().as_millis();
        path.push_str(&format!("&since={}", now.saturating_sub_unsigned(seconds.saturating_mul(1_000))));
    }
    if let Some(account) = client.account() {
        path.push_str(&format!("&account={account}"));
    }
    block_on(show(&client, &path, arguments.json))
}

async fn show(client: &Client, path: &str, json: bool) -> Result<Exit> {
    let answer = client.own(path).await?;
    if !answer.status().is_success() {
        let (head, body) = client::read(answer).await?;
        return Err(client::refusal(head.status, &head.headers, &body).into());
    }
    let mut body = answer.into_body();
    let mut pending = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the server has gone")?;
        pending.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        let complete = pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let rest = pending.split_off(complete);
        if !print(&pending, json)? {
            return Ok(Exit::Done);
        }
        pending = rest;
        if pending.len() > LINE_BYTES_MAX {
            bail!("the server sent a line of more than {LINE_BYTES_MAX} bytes");
        }
    }
    Ok(Exit::Done)
}

/// Prints whole lines; `false` when nobody reads any more (`hearth logs hello | head`).
fn print(lines: &[u8], json: bool) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    let mut text = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if json {
            text.extend_from_slice(line);
        } else {
            text.extend_from_slice(for_people(line)?.as_bytes());
        }
        text.push(b'\n');
    }
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).context("print the log"),
    }
}

fn for_people(line: &[u8]) -> Result<String> {
    let event: Value = serde_json::from_slice(line).context("read a log event")?;
    let time = Timestamp::from_millis(event["timestamp"].as_i64().unwrap_or_default());
    let message = event["message"].as_str().unwrap_or_default();
    // The runtime joins the lines of a traceback with carriage returns, so that they are one event.
    Ok(format!("{time} {}", message.trim_end().replace('\r', "\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_shown_with_its_time_and_its_lines() {
        let event = br#"{"timestamp": 1764037614123, "stream": "s", "message": "[ERROR] E: x\rTraceback\n"}"#;
        assert_eq!(for_people(event).unwrap(), "2025-11-25T02:26:54.123Z [ERROR] E: x\nTraceback");
    }
}
