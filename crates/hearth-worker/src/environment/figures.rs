//! The figures of an invocation: durations, memory, and the lines that carry them (`spec/invoke.md` section 4).
//!
//! Never: counts page cache as a function's memory.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use uuid::Uuid;

use super::answers::Status;

/// A `memory.stat` has about 40 lines.
const STAT_BYTES_MAX: usize = 8 * 1024;
const MEGABYTE: u64 = 1024 * 1024;

/// The memory of one environment, as its cgroup counts it.
#[derive(Debug)]
pub(crate) struct Memory {
    stat: Option<File>,
    limit_bytes: u64,
    peak_bytes: u64,
}

impl Memory {
    /// Nothing measured yet.
    pub(crate) fn new(limit_mb: u32) -> Self {
        Self { stat: None, limit_bytes: u64::from(limit_mb) * MEGABYTE, peak_bytes: 0 }
    }

    /// Measures another sandbox of the same environment from now on.
    pub(crate) fn watch(&mut self, stat: &Path) {
        self.stat = File::open(stat).ok();
    }

    /// Looks now; a sandbox that is gone leaves the peak as it was.
    pub(crate) fn sample(&mut self) {
        let Some(stat) = &self.stat else { return };
        let mut text = [0; STAT_BYTES_MAX];
        match stat.read_at(&mut text, 0) {
            Ok(length) => self.peak_bytes = self.peak_bytes.max(function_bytes(&text[..length])),
            Err(_) => self.stat = None,
        }
    }

    /// The kernel had to kill for memory: all of it was used.
    pub(crate) fn exhausted(&mut self) {
        self.peak_bytes = self.limit_bytes;
    }

    /// `Max Memory Used`, rounded up and never above the limit.
    pub(crate) fn peak_mb(&self) -> u64 {
        self.peak_bytes.min(self.limit_bytes).div_ceil(MEGABYTE)
    }

    /// `Memory Size`.
    pub(crate) fn limit_mb(&self) -> u64 {
        self.limit_bytes / MEGABYTE
    }
}

/// Anonymous and shared memory of a cgroup: version 1's `total_rss` and `total_shmem`, version 2's `anon` and `shmem`.
fn function_bytes(stat: &[u8]) -> u64 {
    let mut sum = 0u64;
    for line in stat.split(|byte| *byte == b'\n') {
        let Some(value) = [&b"total_rss "[..], b"total_shmem ", b"anon ", b"shmem "]
            .into_iter()
            .find_map(|name| line.strip_prefix(name))
        else {
            continue;
        };
        let value = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<u64>().ok());
        // Version 1 has a `shmem` of its own level beside `total_shmem`; the process tree has one level only.
        if !(line.starts_with(b"shmem ") && stat.windows(12).any(|window| window == b"total_shmem ")) {
            sum = sum.saturating_add(value.unwrap_or(0));
        }
    }
    sum
}

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
    /// The REPORT line, without its newline.
    pub(crate) fn line(&self, memory: &Memory) -> String {
        let billed = self.duration.saturating_add(self.init.unwrap_or_default());
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            self.request,
            two_decimals(self.duration),
            billed.as_nanos().div_ceil(1_000_000),
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

/// Milliseconds with two decimals.
fn two_decimals(duration: Duration) -> String {
    let hundredths = duration.as_nanos().div_ceil(10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(duration_us: u64, init_us: Option<u64>, status: Option<Status>) -> String {
        let mut memory = Memory::new(128);
        memory.peak_bytes = 36 * MEGABYTE - 5;
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

    #[test]
    fn memory_is_anonymous_and_shared_but_not_page_cache() {
        let v1 = b"cache 900\nrss 100\nshmem 7\ntotal_cache 900\ntotal_rss 100\ntotal_shmem 7\ntotal_mapped_file 50\n";
        assert_eq!(function_bytes(v1), 107);
        assert_eq!(function_bytes(b"anon 40\nfile 900\nshmem 2\n"), 42);
    }
}
