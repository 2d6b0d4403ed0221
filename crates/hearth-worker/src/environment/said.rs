//! What the platform says in a function's log: lines of text, or events in JSON from a level on (`spec/invoke.md`
//! section 4, `spec/observability.md` section 2); and which lines of a function in JSON are below its level.
//!
//! Never: measures anything; drops a line of a function that is not JSON.

use std::borrow::Cow;
use std::time::Duration;

use hearth_world::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answers::Status;
use super::figures::{Figures, hundredths, init_report};
use super::memory::Memory;
use crate::runtimes::Runtime;
use crate::worker::{LogFormat, LogLevel, Revision};

/// One event of the platform.
#[derive(Debug)]
pub(crate) enum Said<'e> {
    /// The environment begins.
    InitStart(&'e Runtime),
    /// An init ended; a failed one has a status.
    InitEnd { took: Duration, phase: &'static str, status: Option<&'e Status> },
    /// The event was handed over.
    Start(Uuid),
    /// The runtime is done with it.
    Done(&'e Figures),
    /// What it took.
    Report(&'e Figures, &'e Memory),
}

impl Said<'_> {
    /// The lines, none when the format or its level has none for it.
    pub(crate) fn lines(&self, revision: &Revision, now: Timestamp) -> Vec<String> {
        match revision.log_format {
            LogFormat::Text => self.text(revision).into_iter().collect(),
            LogFormat::Json { system, .. } => {
                let events = self.events(revision).into_iter().filter(|(level, ..)| *level >= system);
                let line = |(_, kind, record): (LogLevel, &str, Map<String, Value>)| {
                    json!({ "time": now.rfc3339_millis(), "type": kind, "record": record }).to_string()
                };
                events.map(line).collect()
            }
        }
    }

    fn text(&self, revision: &Revision) -> Option<String> {
        Some(match self {
            Self::InitStart(runtime) => format!(
                "INIT_START Runtime Version: {}\tRuntime Version ARN: {}",
                runtime.version,
                version_arn(revision, runtime)
            ),
            Self::InitEnd { status: None, .. } => return None,
            Self::InitEnd { took, phase, status: Some(status) } => init_report(*took, phase, status),
            Self::Start(request) => {
                format!("START RequestId: {} Version: {}", request.hyphenated(), revision.version)
            }
            Self::Done(figures) => format!("END RequestId: {}", figures.request.hyphenated()),
            Self::Report(figures, memory) => figures.line(memory),
        })
    }

    /// Level, type and record of each event.
    fn events(&self, revision: &Revision) -> Vec<(LogLevel, &'static str, Map<String, Value>)> {
        let failure =
            |status: Option<&Status>, success| if status.is_some() { LogLevel::Warn } else { success };
        match self {
            Self::InitStart(runtime) => {
                let record = json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "runtimeVersion": runtime.version,
                    "runtimeVersionArn": version_arn(revision, runtime),
                    "functionName": revision.function_name,
                    "functionVersion": revision.version,
                });
                vec![(LogLevel::Info, "platform.initStart", members(record))]
            }
            Self::InitEnd { took, phase, status } => {
                let mut done = members(json!({ "initializationType": "on-demand", "phase": phase }));
                ended(&mut done, *status);
                let mut report = done.clone();
                report.insert("metrics".into(), json!({ "durationMs": millis(*took) }));
                let level = failure(*status, LogLevel::Debug);
                vec![(level, "platform.initRuntimeDone", done), (level, "platform.initReport", report)]
            }
            Self::Start(request) => {
                let record = json!({ "requestId": request.to_string(), "version": revision.version });
                vec![(LogLevel::Info, "platform.start", members(record))]
            }
            Self::Done(figures) => {
                let mut record = members(json!({ "requestId": figures.request.to_string() }));
                ended(&mut record, figures.status.as_ref());
                record.insert("metrics".into(), json!({ "durationMs": millis(figures.duration) }));
                vec![(failure(figures.status.as_ref(), LogLevel::Debug), "platform.runtimeDone", record)]
            }
            Self::Report(figures, memory) => {
                let mut record = members(json!({ "requestId": figures.request.to_string() }));
                ended(&mut record, figures.status.as_ref());
                let mut metrics = members(json!({
                    "durationMs": millis(figures.duration),
                    "billedDurationMs": figures.billed_ms(),
                    "memorySizeMB": memory.limit_mb(),
                    "maxMemoryUsedMB": memory.peak_mb(),
                }));
                if let Some(init) = figures.init {
                    metrics.insert("initDurationMs".into(), json!(millis(init)));
                }
                record.insert("metrics".into(), metrics.into());
                vec![(failure(figures.status.as_ref(), LogLevel::Info), "platform.report", record)]
            }
        }
    }
}

fn version_arn(revision: &Revision, runtime: &Runtime) -> String {
    format!("arn:aws:lambda:{}::runtime:{}", revision.region, runtime.version_hash)
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Says how it ended.
fn ended(record: &mut Map<String, Value>, status: Option<&Status>) {
    let (status, kind) = match status {
        None => ("success", None),
        Some(Status::Timeout) => ("timeout", None),
        Some(Status::Error(kind)) => ("error", Some(kind)),
    };
    record.insert("status".into(), status.into());
    if let Some(kind) = kind {
        record.insert("errorType".into(), kind.as_str().into());
    }
}

/// Milliseconds with two decimals at most.
fn millis(duration: Duration) -> f64 {
    hundredths(duration) as f64 / 100.0
}

/// What the level of a line in JSON is read from.
#[derive(Deserialize)]
struct Levelled<'l> {
    #[serde(borrow)]
    level: Option<Cow<'l, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'l, str>>,
}

/// Whether a line of the function is below its level. A JSON object without a level, or without a time, counts as INFO;
/// what is no JSON object is always kept (unverified).
pub(crate) fn is_below(format: LogFormat, line: &str) -> bool {
    let LogFormat::Json { application, .. } = format else { return false };
    if application == LogLevel::Trace || !line.trim_start().starts_with('{') {
        return false;
    }
    let found = match serde_json::from_str::<Levelled<'_>>(line) {
        Err(error) if error.is_data() => Levelled::leniently(line),
        found => found.ok(),
    };
    // What cannot be read is no JSON.
    let Some(found) = found else { return false };
    let level = match (found.level, found.timestamp) {
        (Some(level), Some(time)) if Timestamp::is_rfc3339(&time) => LogLevel::named(&level),
        _ => None,
    };
    level.unwrap_or(LogLevel::Info) < application
}

impl Levelled<'_> {
    /// Of a line whose level or time is no text, which is as none, or comes twice: the last counts, as for those who
    /// read the line later. `None` when the whole of it is no JSON, which is found out only behind such a member.
    fn leniently(line: &str) -> Option<Self> {
        let mut members = serde_json::from_str::<Map<String, Value>>(line).ok()?;
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Some(Cow::Owned(text)),
            _ => None,
        };
        Some(Self { level: text("level"), timestamp: text("timestamp") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::revision;

    fn lines(system: LogLevel, said: &Said<'_>) -> Vec<Value> {
        let log_format = LogFormat::Json { application: LogLevel::Info, system };
        let revision = Revision { log_format, ..revision() };
        let lines = said.lines(&revision, Timestamp::from_millis(1_710_356_184_046));
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    fn figures(status: Option<Status>) -> Figures {
        let (duration, init) = (Duration::from_micros(133_610), Some(Duration::from_micros(80_000)));
        Figures { request: Uuid::nil(), duration, init, status }
    }

    #[test]
    fn the_platforms_events_in_json_are_those_of_telemetry() {
        let memory = Memory::with_peak(128, 36 * 1024 * 1024 - 5);
        let id = Uuid::nil().to_string();
        assert_eq!(
            lines(LogLevel::Info, &Said::Start(Uuid::nil())),
            [json!({ "time": "2024-03-13T18:56:24.046Z", "type": "platform.start",
                     "record": { "requestId": id, "version": "7" } })]
        );
        let metrics = json!({ "durationMs": 133.61, "billedDurationMs": 214, "memorySizeMB": 128,
                              "maxMemoryUsedMB": 36, "initDurationMs": 80.0 });
        assert_eq!(
            lines(LogLevel::Info, &Said::Report(&figures(None), &memory))[0]["record"],
            json!({ "requestId": id, "status": "success", "metrics": metrics })
        );
        let exit = figures(Some(Status::Error("Runtime.ExitError".to_owned())));
        let done = &lines(LogLevel::Warn, &Said::Done(&exit))[0];
        assert_eq!(
            (&done["type"], &done["record"]["status"]),
            (&json!("platform.runtimeDone"), &json!("error"))
        );
        assert_eq!(done["record"]["errorType"], "Runtime.ExitError");
    }

    #[test]
    fn an_event_is_written_when_its_level_is_not_below_the_functions() {
        let memory = Memory::with_peak(128, 1);
        let (good, bad) = (figures(None), figures(Some(Status::Timeout)));
        let init = |status| Said::InitEnd { took: Duration::from_millis(5), phase: "init", status };
        let counts = |said: &Said<'_>| {
            [LogLevel::Debug, LogLevel::Info, LogLevel::Warn].map(|system| lines(system, said).len())
        };
        assert_eq!(counts(&Said::Start(Uuid::nil())), [1, 1, 0]);
        assert_eq!(counts(&Said::Done(&good)), [1, 0, 0]);
        assert_eq!(counts(&Said::Done(&bad)), [1, 1, 1]);
        assert_eq!(counts(&Said::Report(&good, &memory)), [1, 1, 0]);
        assert_eq!(counts(&Said::Report(&bad, &memory)), [1, 1, 1]);
        assert_eq!(counts(&init(None)), [2, 0, 0]);
        assert_eq!(counts(&init(Some(&Status::Timeout))), [2, 2, 2]);
    }

    #[test]
    fn lines_in_json_below_the_functions_level_are_left_out() {
        let json = |application| LogFormat::Json { application, system: LogLevel::Info };
        let time = r#""timestamp":"2024-03-13T18:56:24.046Z""#;
        for (format, line, below) in [
            (json(LogLevel::Warn), format!(r#"{{"level":"INFO",{time}}}"#), true),
            (json(LogLevel::Warn), format!(r#"{{"level":"warn",{time}}}"#), false),
            (json(LogLevel::Error), format!(r#"{{"level":"WARNING",{time}}}"#), true),
            (json(LogLevel::Info), format!(r#"{{"level":"debug",{time}}}"#), true),
            (json(LogLevel::Info), r#"{"level":"debug"}"#.into(), false),
            (json(LogLevel::Info), r#"{"level":"debug","timestamp":"yesterday"}"#.into(), false),
            (json(LogLevel::Warn), r#"{"message":"no level"}"#.into(), true),
            (json(LogLevel::Info), format!(r#"{{"level":"odd",{time}}}"#), false),
            (json(LogLevel::Info), format!(r#"{{"level":7,{time}}}"#), false),
            (json(LogLevel::Warn), format!(r#"{{"level":7,{time}}}"#), true),
            (json(LogLevel::Warn), r#"{"level":7 bottles"#.into(), false),
            (json(LogLevel::Warn), format!(r#"{{"level":"ERROR","level":"INFO",{time}}}"#), true),
            (json(LogLevel::Warn), format!(r#"{{"level":"INFO",{time},"level":"ERROR"}}"#), false),
            (json(LogLevel::Warn), format!(r#"{{"level":"ERROR",{time},"timestamp":7}}"#), true),
            (json(LogLevel::Warn), r#"{"level":"INFO","level":"WARN" and so on"#.into(), false),
            (json(LogLevel::Fatal), "plain text".into(), false),
            (json(LogLevel::Fatal), "{ not JSON".into(), false),
            (LogFormat::Text, format!(r#"{{"level":"debug",{time}}}"#), false),
        ] {
            assert_eq!(is_below(format, &line), below, "{format:?} {line}");
        }
    }
}
