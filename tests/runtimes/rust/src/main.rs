//! What the cases common to all runtimes ask for, in Rust, on AWS's own client.

use std::env;
use std::fs;
use std::io::Write as _;
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

static CALLS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct Mistake(String);

impl From<Mistake> for Diagnostic {
    fn from(mistake: Mistake) -> Self {
        Diagnostic { error_type: "Mistake".to_owned(), error_message: mistake.0 }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match env::var("INIT").as_deref() {
        Ok("fail") => return Err("no init".into()),
        Ok("exit") => exit(3),
        Ok("slow") => tokio::time::sleep(Duration::from_secs(15)).await,
        _ => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(call: LambdaEvent<Value>) -> Result<Value, Mistake> {
    let LambdaEvent { payload: event, context } = call;
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let Some(asked) = event["do"].as_str() else { return Ok(event) };
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let number = |name: &str| event[name].as_u64().unwrap_or_default();
    Ok(match asked {
        "context" => describe(&context),
        "environment" => env::vars().map(|(name, value)| (name, Value::from(value))).collect(),
        "size" => json!(text("pad").len()),
        "large" => json!("x".repeat(number("bytes") as usize - 2)),
        "count" => json!(calls),
        "write" => done(fs::write("/tmp/kept", text("text")))?,
        "read" => fs::read_to_string(text("path")).map_or(Value::Null, Value::from),
        "denied" => json!(fs::write(text("path"), "").is_err()),
        "lines" => done(lines(&event["lines"]))?,
        "binary" => done(std::io::stdout().write_all(&(0..=255).chain([10]).collect::<Vec<u8>>()))?,
        "fail" => return Err(Mistake(text("message").to_owned())),
        "exit" => exit(number("status") as i32),
        "crash" => crash(),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            Value::Null
        }
        "memory" => {
            json!(vec![1_u8; (number("mb") as usize) << 20].iter().map(|byte| u64::from(*byte)).sum::<u64>())
        }
        "call" => {
            post(&event["headers"], text("body")).await.map_err(|error| Mistake(error.to_string()))?
        }
        other => return Err(Mistake(format!("unknown action {other}"))),
    })
}

fn describe(context: &Context) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let left = context.deadline.saturating_sub(now);
    let custom = context.client_context.as_ref().and_then(|client| client.custom.get("key").cloned());
    json!({
        "request_id": context.request_id,
        "arn": context.invoked_function_arn,
        "name": context.env_config.function_name,
        "version": context.env_config.version,
        "memory": context.env_config.memory.to_string(),
        "group": context.env_config.log_group,
        "stream": context.env_config.log_stream,
        "time_left": left > 0 && left <= 30_000,
        "custom": custom,
    })
}

fn lines(lines: &Value) -> std::io::Result<()> {
    for line in lines.as_array().into_iter().flatten() {
        let text = line[1].as_str().unwrap_or_default();
        match line[0].as_str() {
            Some("out") => writeln!(std::io::stdout(), "{text}")?,
            _ => writeln!(std::io::stderr(), "{text}")?,
        }
    }
    Ok(())
}

fn done(result: std::io::Result<()>) -> Result<Value, Mistake> {
    result.map(|()| Value::Null).map_err(|error| Mistake(error.to_string()))
}

/// A memory fault by a signal: the first one only reaches the standard library's look at the stack.
fn crash() -> Value {
    let kill = "while kill -SEGV $PPID; do :; done";
    std::process::Command::new("/bin/sh").args(["-c", kill]).status().is_ok().into()
}

/// Posts to the endpoint: the status and the body of the answer, as they come on the wire.
async fn post(headers: &Value, body: &str) -> std::io::Result<Value> {
    let url = env::var("AWS_ENDPOINT_URL").unwrap_or_default();
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let mut request = format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers.as_object().into_iter().flatten() {
        request += &format!("{name}: {}\r\n", value.as_str().unwrap_or_default());
    }
    stream.write_all(format!("{request}Connection: close\r\n\r\n{body}").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u64>().ok());
    let content = answer.split_once("\r\n\r\n").map_or("", |(_, content)| content);
    Ok(json!([status, content]))
}
