//! What the platform answers in a function's place (`spec/invoke.md` section 3).
//!
//! Never: touches what a function answered itself.

use std::time::Duration;

use bytes::Bytes;
use hearth_sandbox::api::Exit;
use serde::Serialize;
use uuid::Uuid;

use crate::channel::RESPONSE_BYTES_MAX;
use crate::sandbox::Ended;
use crate::worker::FunctionError;

/// An answer, and what REPORT says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Bytes for the caller.
    pub(crate) payload: Bytes,
    /// Set when the function failed.
    pub(crate) error: Option<FunctionError>,
    /// What REPORT and INIT_REPORT append; `None` when all went well or the function reported its own error.
    pub(crate) status: Option<Status>,
}

/// The last fields of a REPORT or INIT_REPORT line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// `Status: timeout`
    Timeout,
    /// `Status: error`, with its `Error Type`.
    Error(String),
}

/// As AWS spells it.
const INVALID_ENTRY_POINT: &str = "Runtime.InvalidEntrypoint";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    error_type: &'a str,
    error_message: &'a str,
}

fn body(error_type: &str, error_message: &str) -> Bytes {
    // Two strings always serialise.
    serde_json::to_vec(&Body { error_type, error_message }).unwrap_or_default().into()
}

/// The function answered well.
pub(crate) fn responded(payload: Bytes) -> Outcome {
    Outcome { payload, error: None, status: None }
}

/// The runtime reported an exception of the handler: not a failure of the environment.
pub(crate) fn reported(payload: Bytes) -> Outcome {
    Outcome { payload, error: Some(FunctionError::Reported), status: None }
}

/// The runtime reported that its init failed.
pub(crate) fn init_failed(payload: Bytes, error_type: &str) -> Outcome {
    Outcome {
        payload,
        error: Some(FunctionError::Reported),
        status: Some(Status::Error(accepted_type(error_type).to_owned())),
    }
}

/// The function has no program that could be executed.
pub(crate) fn cannot_execute(request: Uuid, reason: &str) -> Outcome {
    Outcome {
        payload: body(INVALID_ENTRY_POINT, &format!("RequestId: {request} Error: {reason}")),
        error: Some(FunctionError::Exited),
        status: Some(invalid_entry_point()),
    }
}

/// What the log says of a function that has no program.
pub(crate) fn invalid_entry_point() -> Status {
    Status::Error(INVALID_ENTRY_POINT.to_owned())
}

/// The function took longer than its `Timeout`.
pub(crate) fn timed_out(request: Uuid, timeout: Duration) -> Outcome {
    let text =
        format!("RequestId: {request} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64());
    Outcome {
        payload: body("Sandbox.Timedout", &text),
        error: Some(FunctionError::TimedOut),
        status: Some(Status::Timeout),
    }
}

/// The runtime ended, or was ended.
pub(crate) fn exited(request: Uuid, ended: Ended) -> Outcome {
    let kind = exit_type(ended);
    let how = match ended {
        Ended { out_of_memory: true, exit: Exit::Signal(9) } | Ended { exit: Exit::Signal(9), .. } => {
            "Runtime exited with error: signal: killed".to_owned()
        }
        Ended { exit: Exit::Status(0), .. } => "Runtime exited without providing a reason".to_owned(),
        Ended { exit: Exit::Status(status), .. } => {
            format!("Runtime exited with error: exit status {status}")
        }
        Ended { exit: Exit::Signal(signal), .. } => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
    };
    Outcome {
        payload: body(kind, &format!("RequestId: {request} Error: {how}")),
        error: Some(FunctionError::Exited),
        status: Some(Status::Error(kind.to_owned())),
    }
}

/// The `Error Type` of an end.
pub(crate) fn exit_type(ended: Ended) -> &'static str {
    // A child that the kernel killed for memory does not make the runtime's own, later exit one.
    match ended {
        Ended { out_of_memory: true, exit: Exit::Signal(9) } => "Runtime.OutOfMemory",
        Ended { exit: Exit::Status(_) | Exit::Signal(_), .. } => "Runtime.ExitError",
    }
}

/// The response is above the limit.
pub(crate) fn too_large() -> Outcome {
    let text =
        format!("Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).");
    Outcome {
        // The order of the members is AWS's for this error alone.
        payload: format!(r#"{{"errorMessage":"{text}","errorType":"Function.ResponseSizeTooLarge"}}"#).into(),
        error: Some(FunctionError::ResponseTooLarge),
        status: Some(Status::Error("Function.ResponseSizeTooLarge".to_owned())),
    }
}

/// The runtime's own post was not usable: `Runtime.TruncatedResponse`, `Runtime.InvalidResponseModeHeader`.
// GAP(texts): AWS's own handlers pass these two types on with an empty error body (its emulator, and the `ErrorCode`
// without `ErrorDetails` of streamed answers). What Invoke makes of that is not public: the text is the Runtime API's.
pub(crate) fn unusable(request: Uuid, kind: &str, text: &str) -> Outcome {
    Outcome {
        payload: body(kind, &format!("RequestId: {request} Error: {text}")),
        error: Some(FunctionError::Reported),
        status: Some(Status::Error(kind.to_owned())),
    }
}

/// An error type as logs show it: the platform's pattern, or the unknown of its family.
pub(crate) fn accepted_type(given: &str) -> &str {
    let name = given.strip_prefix("Runtime.").or_else(|| given.strip_prefix("Function."));
    let fits = name.is_some_and(|name| {
        name.len() > 1
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    match fits {
        true => given,
        false if given.starts_with("Function.") => "Function.Unknown",
        false => "Runtime.Unknown",
    }
}

/// The `errorType` of a runtime's error JSON; empty when there is none.
pub(crate) fn error_type_of(error: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        #[serde(default)]
        error_type: String,
    }
    serde_json::from_slice::<Typed>(error).map(|typed| typed.error_type).unwrap_or_default()
}

/// As Go's `syscall.Signal` names them on Linux, which AWS's platform is written in.
fn signal_name(signal: i32) -> String {
    match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        16 => "stack fault",
        24 => "CPU time limit exceeded",
        25 => "file size limit exceeded",
        26 => "virtual timer expired",
        27 => "profiling timer expired",
        29 => "I/O possible",
        30 => "power failure",
        31 => "bad system call",
        other => return format!("signal {other}"),
    }
    .to_owned()
}

/// As Go's `syscall.Errno` names what an execution can fail with.
pub(crate) fn error_name(number: i32) -> String {
    match number {
        2 => "no such file or directory",
        7 => "argument list too long",
        8 => "exec format error",
        12 => "cannot allocate memory",
        13 => "permission denied",
        20 => "not a directory",
        26 => "text file busy",
        40 => "too many levels of symbolic links",
        80 => "accessing a corrupted shared library",
        other => return format!("errno {other}"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(outcome: &Outcome) -> &str {
        std::str::from_utf8(&outcome.payload).expect("payloads are text")
    }

    #[test]
    fn failures_are_answered_with_the_recorded_payloads() {
        let id = Uuid::from_u128(0x0102_0304_0506_4708_890a_0b0c_0d0e_0f10);
        let check = |outcome: Outcome, kind: &str, message: &str| {
            let expected =
                format!(r#"{{"errorType":"{kind}","errorMessage":"RequestId: {id} Error: {message}"}}"#);
            assert_eq!(text(&outcome), expected);
        };
        let ended = |exit| Ended { exit, out_of_memory: false };
        check(timed_out(id, Duration::from_secs(3)), "Sandbox.Timedout", "Task timed out after 3.00 seconds");
        let exits = [
            (Exit::Status(0), "Runtime exited without providing a reason"),
            (Exit::Status(127), "Runtime exited with error: exit status 127"),
            (Exit::Signal(9), "Runtime exited with error: signal: killed"),
            (Exit::Signal(11), "Runtime exited with error: signal: segmentation fault"),
            (Exit::Signal(6), "Runtime exited with error: signal: aborted"),
            (Exit::Signal(64), "Runtime exited with error: signal: signal 64"),
        ];
        for (exit, message) in exits {
            check(exited(id, ended(exit)), "Runtime.ExitError", message);
        }
        let killed = Ended { exit: Exit::Signal(9), out_of_memory: true };
        check(exited(id, killed), "Runtime.OutOfMemory", "Runtime exited with error: signal: killed");
        assert_eq!(
            text(&too_large()),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
        );
    }

    #[test]
    fn error_types_outside_the_platforms_pattern_become_unknown() {
        let cases = [
            ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
            ("Function.MyError", "Function.MyError"),
            ("Function.my", "Function.Unknown"),
            ("Runtime.X1", "Runtime.Unknown"),
            ("ValueError", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
        ];
        for (given, accepted) in cases {
            assert_eq!(accepted_type(given), accepted);
        }
    }
}
