//! The memory of one environment: what its processes hold and share, at the most.
//!
//! The kernel knows the highest use of a control group, but with page cache in it: after a large file it reads as the
//! limit. And memory that is taken and given back within milliseconds is gone when somebody looks. So at each look:
//!
//! ```text
//! held now                      anonymous and shared memory, exactly
//! by use     = highest use - page cache now - kernel memory now     too low when files came later, too high when went
//! alone      = largest process's highest use without its files      too low when there are many
//! by faults  = held at the last look + a page for each fault since  never too low but with huge pages
//! peak       = the larger of: held now; the larger of (by use, alone) but not more than by faults
//! ```
//!
//! Reading a `memory.stat` has the kernel write forty lines: after a short invocation of a group that was looked at just
//! before, and whose highest use is the one known, it is left out.
//!
//! Never: counts page cache as a function's memory; costs more than two reads when nothing happened.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A `memory.stat` has about 40 lines in version 1, 70 in version 2.
const STAT_BYTES_MAX: usize = 8 * 1024;
/// A number.
const NUMBER_BYTES_MAX: usize = 32;
/// Processes looked at for their own peaks; the first are the oldest, and among them is the runtime.
const PROCESSES_MAX: usize = 32;
const MEGABYTE: u64 = 1024 * 1024;
/// A use that is higher than the peak known by less than this is not looked into.
const SLACK_BYTES: u64 = MEGABYTE;
/// What was looked at so shortly before is not looked at again for an invocation that was as short. Memory that takes
/// the place of page cache does not raise the highest use, but in this time it is some megabytes at most, and the next
/// look sees it.
const JUST_NOW: Duration = Duration::from_millis(10);
/// What one fault brings at most, without huge pages.
const PAGE_BYTES: u64 = 4096;
/// The highest use of a group: version 1, version 2.
const HIGHEST_USE: [&str; 2] = ["memory.max_usage_in_bytes", "memory.peak"];
/// Kernel memory, in version 1; version 2 has it in `memory.stat`.
const KERNEL_USE: &str = "memory.kmem.usage_in_bytes";
/// Whether every process gets huge pages unasked, in which case faults bound nothing.
const HUGE_PAGES: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// Anonymous and shared memory of a control group now, in bytes; `None` when it is gone.
pub(crate) fn held_bytes(group: &Path) -> Option<u64> {
    Some(Look::read(&fs::read(group.join("memory.stat")).ok()?).held)
}

/// The memory of one environment, as its control group counts it.
#[derive(Debug)]
pub(crate) struct Memory {
    group: Option<Group>,
    limit_bytes: u64,
    peak_bytes: u64,
}

/// What is looked at.
#[derive(Debug)]
struct Group {
    directory: PathBuf,
    stat: File,
    highest_use: Option<File>,
    last: Look,
    last_highest: u64,
    looked: Option<Instant>,
}

/// What a `memory.stat` says, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    /// Anonymous and shared memory.
    held: u64,
    /// Page cache without shared memory.
    files: u64,
    /// Kernel memory; 0 in version 1.
    kernel: u64,
    /// Faults so far.
    faults: u64,
}

impl Memory {
    /// Nothing measured yet.
    pub(crate) fn new(limit_mb: u32) -> Self {
        Self { group: None, limit_bytes: u64::from(limit_mb) * MEGABYTE, peak_bytes: 0 }
    }

    /// As if this peak had been measured.
    #[cfg(test)]
    pub(crate) fn with_peak(limit_mb: u32, peak_bytes: u64) -> Self {
        Self { peak_bytes, ..Self::new(limit_mb) }
    }

    /// Measures another sandbox of the same environment from now on. `stat` is its `memory.stat`.
    pub(crate) fn watch(&mut self, stat: &Path) {
        self.group = Group::open(stat);
    }

    /// Looks now; a sandbox that is gone leaves the peak as it was.
    pub(crate) fn sample(&mut self) {
        let Some(group) = &mut self.group else { return };
        match group.peak(self.peak_bytes) {
            Some(peak) => self.peak_bytes = peak,
            None => self.group = None,
        }
    }

    /// Looks after an invocation that took so long, if that can tell anything new.
    pub(crate) fn sample_after(&mut self, took: Duration) {
        let is_known = took < JUST_NOW && self.group.as_ref().is_some_and(Group::is_as_it_was_just_now);
        if !is_known {
            self.sample();
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

    /// The peak so far, never above the limit.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak_bytes.min(self.limit_bytes)
    }

    /// Where the host tells about the present sandbox.
    pub(crate) fn group(&self) -> Option<PathBuf> {
        self.group.as_ref().map(|group| group.directory.clone())
    }

    /// `Memory Size`.
    pub(crate) fn limit_mb(&self) -> u64 {
        self.limit_bytes / MEGABYTE
    }
}

impl Group {
    fn open(stat: &Path) -> Option<Self> {
        let directory = stat.parent()?.to_owned();
        let highest_use = HIGHEST_USE.into_iter().find_map(|name| File::open(directory.join(name)).ok());
        let stat = File::open(stat).ok()?;
        Some(Self { directory, stat, highest_use, last: Look::default(), last_highest: 0, looked: None })
    }

    fn is_as_it_was_just_now(&self) -> bool {
        self.looked.is_some_and(|looked| looked.elapsed() < JUST_NOW)
            && self.highest_use.as_ref().and_then(number_of) == Some(self.last_highest)
    }

    /// The peak so far, when the one known is `known`; `None` when the group is gone.
    fn peak(&mut self, known: u64) -> Option<u64> {
        let mut text = [0; STAT_BYTES_MAX];
        let length = self.stat.read_at(&mut text, 0).ok()?;
        let look = Look::read(&text[..length]);
        let highest = self.highest_use.as_ref().and_then(number_of).unwrap_or(0);
        let mut peak = known.max(look.held);
        // Something came and went: the use was higher than what is known, and it was not looked into yet.
        let changed = highest > self.last_highest || look.files.saturating_add(SLACK_BYTES) < self.last.files;
        if changed && highest > peak.saturating_add(SLACK_BYTES) {
            let kernel = look.kernel.max(read_number(&self.directory.join(KERNEL_USE)));
            let by_use = highest.saturating_sub(look.files).saturating_sub(kernel);
            let between = by_use.max(largest_alone(&self.directory)).min(by_faults(&self.last, &look));
            peak = peak.max(between);
        }
        (self.last, self.last_highest, self.looked) = (look, highest, Some(Instant::now()));
        Some(peak)
    }
}

impl Look {
    /// Version 1 has figures of the group alone and, as `total_`, with those below; the latter are the ones.
    fn read(stat: &[u8]) -> Self {
        let text = std::str::from_utf8(stat).unwrap_or_default();
        let value = |wanted: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(name, _)| *name == wanted).and_then(|(_, value)| value.parse::<u64>().ok())
        };
        let either = |first: &str, second: &str| value(first).or_else(|| value(second)).unwrap_or(0);
        let shared = either("total_shmem", "shmem");
        Self {
            held: either("total_rss", "anon").saturating_add(shared),
            files: either("total_cache", "file").saturating_sub(shared),
            kernel: value("kernel").unwrap_or(0),
            faults: either("total_pgfault", "pgfault"),
        }
    }
}

/// What can have been held at most between two looks.
fn by_faults(before: &Look, now: &Look) -> u64 {
    let unasked = fs::read_to_string(HUGE_PAGES).is_ok_and(|text| text.contains("[always]"));
    if unasked {
        return u64::MAX;
    }
    before.held.saturating_add(now.faults.saturating_sub(before.faults).saturating_mul(PAGE_BYTES))
}

/// The highest use of the process with the highest, without files that it maps now.
fn largest_alone(group: &Path) -> u64 {
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let statuses = processes.lines().take(PROCESSES_MAX).filter_map(|process| {
        let status = fs::read_to_string(Path::new("/proc").join(process).join("status")).ok()?;
        Some(highest_of(&status))
    });
    statuses.max().unwrap_or(0)
}

/// From a `/proc/PID/status`.
fn highest_of(status: &str) -> u64 {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim_start_matches(':').trim().strip_suffix(" kB")?.parse::<u64>().ok())
    };
    let (highest, files) = (kilobytes("VmHWM").unwrap_or(0), kilobytes("RssFile").unwrap_or(0));
    highest.saturating_sub(files) * 1024
}

fn number_of(file: &File) -> Option<u64> {
    let mut text = [0; NUMBER_BYTES_MAX];
    let length = file.read_at(&mut text, 0).ok()?;
    std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
}

fn read_number(path: &Path) -> u64 {
    File::open(path).ok().as_ref().and_then(number_of).unwrap_or(0)
}

#[cfg(test)]
mod tests;
