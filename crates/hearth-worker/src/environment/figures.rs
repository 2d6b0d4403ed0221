//! The figures of an invocation and the lines that carry them (`spec/invoke.md` section 4).
//!
//! Never: measures anything; `memory.rs` does.

use std::fmt::Write as _;
use std::time::Duration;

use uuid::Uuid;

use super::answers::Status;
use super::memory::Memory;

/// What one REPORT line says.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Which invocation.
    pub(crate) request: Uuid,
    /// From delivery to the runtime until it was done.
    pub(crate) duration: Duration,
    /// Of the init outside the invocation, on the first call only.
    pub(crate) init: Option<Duration>,
    /// How it failed, if it did.
    pub(crate) status: Option<Status>,
}

impl Figures {
    /// Whole milliseconds with those of the init, rounded up.
    pub(crate) fn billed_ms(&self) -> u64 {
        let billed = self.duration.saturating_add(self.init.unwrap_or_default());
        u64::try_from(billed.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The REPORT line, without its newline.
    pub(crate) fn line(&self, memory: &Memory) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request,
            two_decimals(self.duration),
            self.billed_ms(),
            memory.limit_mb(),
            memory.peak_mb(),
        );
        if let Some(init) = self.init {
            let _ = write!(line, "Init Duration: {} ms\t", two_decimals(init));
        }
        append_status(&mut line, self.status.as_ref());
        line
    }
}

/// The INIT_REPORT line, without its newline.
pub(crate) fn init_report(init: Duration, phase: &str, status: &Status) -> String {
    let mut line = format!("INIT_REPORT Init Duration: {} ms\tPhase: {phase}\t", two_decimals(init));
    append_status(&mut line, Some(status));
    line
}

fn append_status(line: &mut String, status: Option<&Status>) {
    match status {
        None => {}
        Some(Status::Timeout) => line.push_str("Status: timeout"),
        Some(Status::Error(kind)) => {
            let _ = write!(line, "Status: error\tError Type: {kind}");
        }
    }
}

/// Hundredths of a millisecond, rounded up.
pub(super) fn hundredths(duration: Duration) -> u128 {
    duration.as_nanos().div_ceil(10_000)
}

/// Milliseconds with two decimals.
fn two_decimals(duration: Duration) -> String {
    let hundredths = hundredths(duration);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(duration_us: u64, init_us: Option<u64>, status: Option<Status>) -> String {
        let memory = Memory::with_peak(128, 36 * 1024 * 1024 - 5);
        let (duration, init) = (Duration::from_micros(duration_us), init_us.map(Duration::from_micros));
        Figures { request: Uuid::nil(), duration, init, status }.line(&memory)
    }

    #[test]
    fn a_report_line_is_spelled_as_recorded() {
        let id = Uuid::nil();
        assert_eq!(
            line(133_610, Some(80_000), None),
            format!(
                "REPORT RequestId: {id}\tDuration: 133.61 ms\tBilled Duration: 214 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 80.00 ms\t"
            )
        );
        assert!(
            line(3_000_000, None, Some(Status::Timeout)).ends_with("Max Memory Used: 36 MB\tStatus: timeout")
        );
        let exit = Status::Error("Runtime.ExitError".to_owned());
        assert!(line(1_000, None, Some(exit)).ends_with("MB\tStatus: error\tError Type: Runtime.ExitError"));
    }

    #[test]
    fn an_init_report_names_its_phase() {
        let status = Status::Error("Runtime.ImportModuleError".to_owned());
        assert_eq!(
            init_report(Duration::from_micros(1_670_770), "init", &status),
            "INIT_REPORT Init Duration: 1670.77 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError"
        );
    }
}
