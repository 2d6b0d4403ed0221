//! The latest log events of every log group, in memory, for whoever follows them.
//!
//! GAP(logs): CloudWatch Logs keeps what is here lost: with a restart, and when a group's ring is full.
//!
//! Never: makes a function wait for a reader; grows beyond its limits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hearth_worker::{LogBatch, LogEvent};
use hearth_world::Timestamp;
use tokio::sync::watch;

/// Events that one group keeps.
const GROUP_EVENTS_MAX: usize = 10_000;

/// Bytes of messages that one group keeps: 4 MB.
const GROUP_BYTES_MAX: usize = 4 * 1_048_576;

/// Bytes of messages that all groups keep together: 64 MB.
const ALL_BYTES_MAX: usize = 64 * 1_048_576;

/// Groups that are kept; the one that was silent for longest goes.
const GROUPS_MAX: usize = 1_000;

/// Events handed to a reader at once.
const READ_EVENTS_MAX: usize = 500;

/// What an event costs beside its text.
const EVENT_OVERHEAD_BYTES: usize = 64;

/// A log group: account, region and name.
type GroupKey = (String, String, String);

/// One event as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the line was seen.
    pub time: Timestamp,
    /// `YYYY/MM/DD/[VERSION]32 hex`: one environment.
    pub stream: Arc<str>,
    /// Without the final newline.
    pub message: String,
}

/// The rings of all groups. Shared by the worker's reports and all readers.
#[derive(Debug)]
pub struct Logs {
    groups: Mutex<Groups>,
    /// The number of the next event: a change wakes those who follow.
    written: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Groups {
    rings: HashMap<GroupKey, Ring>,
    bytes: usize,
    next: u64,
}

#[derive(Debug, Default)]
struct Ring {
    /// Numbered across all groups, ascending.
    events: VecDeque<(u64, LogLine)>,
    bytes: usize,
}

impl Logs {
    pub(crate) fn new() -> Self {
        Self { groups: Mutex::default(), written: watch::Sender::new(0) }
    }

    /// Keeps a batch, at the cost of the oldest events.
    pub(crate) fn push(&self, batch: LogBatch) {
        let mut groups = self.groups();
        let stream: Arc<str> = batch.stream.into();
        groups.push((batch.account, batch.region, batch.group), &stream, batch.events);
        let next = groups.next;
        drop(groups);
        self.written.send_replace(next);
    }

    /// Reads a group's events from `since` on. With `follow` the reader never comes to an end: it waits for the
    /// next event, also of a group that has none yet.
    pub fn tail(
        self: &Arc<Self>,
        account: &str,
        region: &str,
        group: &str,
        since: Timestamp,
        follow: bool,
    ) -> Tail {
        let group = (account.to_owned(), region.to_owned(), group.to_owned());
        Tail { logs: self.clone(), written: self.written.subscribe(), group, since, next: 0, follow }
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    fn push(&mut self, key: GroupKey, stream: &Arc<str>, events: Vec<LogEvent>) {
        if self.rings.len() >= GROUPS_MAX && !self.rings.contains_key(&key) {
            self.drop_silent_group();
        }
        let ring = self.rings.entry(key).or_default();
        self.bytes -= ring.bytes;
        for event in events {
            let line = LogLine { time: event.time, stream: stream.clone(), message: event.message };
            ring.push(self.next, line);
            self.next += 1;
        }
        self.bytes += ring.bytes;
        while self.bytes > ALL_BYTES_MAX && self.drop_silent_group() {}
    }

    /// Drops the group whose last event is the oldest.
    fn drop_silent_group(&mut self) -> bool {
        let last = |ring: &Ring| ring.events.back().map(|(number, _)| *number);
        let Some(key) = self.rings.iter().min_by_key(|(_, ring)| last(ring)).map(|(key, _)| key.clone())
        else {
            return false;
        };
        self.bytes -= self.rings.remove(&key).map_or(0, |ring| ring.bytes);
        true
    }
}

impl Ring {
    fn push(&mut self, number: u64, line: LogLine) {
        self.bytes += cost(&line);
        self.events.push_back((number, line));
        while self.events.len() > GROUP_EVENTS_MAX || self.bytes > GROUP_BYTES_MAX {
            let Some((_, oldest)) = self.events.pop_front() else { return };
            self.bytes -= cost(&oldest);
        }
    }
}

fn cost(line: &LogLine) -> usize {
    line.message.len() + EVENT_OVERHEAD_BYTES
}

/// A reader of one group. Holds no event: what was overwritten before it came is skipped.
#[derive(Debug)]
pub struct Tail {
    logs: Arc<Logs>,
    written: watch::Receiver<u64>,
    group: GroupKey,
    since: Timestamp,
    next: u64,
    follow: bool,
}

impl Tail {
    /// The next events, never an empty list; `None` at the end of a reader that does not follow. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<LogLine>> {
        loop {
            // Seen before reading: what is written in between wakes the wait below.
            self.written.mark_unchanged();
            let lines = self.read();
            if !lines.is_empty() {
                return Some(lines);
            }
            if !self.follow || self.written.changed().await.is_err() {
                return None;
            }
        }
    }

    fn read(&mut self) -> Vec<LogLine> {
        let groups = self.logs.groups();
        let Some(ring) = groups.rings.get(&self.group) else { return Vec::new() };
        let first = ring.events.partition_point(|(number, _)| *number < self.next);
        let mut lines = Vec::new();
        for (number, line) in ring.events.range(first..).take(READ_EVENTS_MAX) {
            self.next = number + 1;
            if line.time >= self.since {
                lines.push(line.clone());
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn batch(group: &str, messages: impl IntoIterator<Item = String>) -> LogBatch {
        let event = |message| LogEvent { time: Timestamp::from_millis(5), message };
        LogBatch {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            group: group.into(),
            stream: "2026/01/01/[$LATEST]ab".into(),
            events: messages.into_iter().map(event).collect(),
        }
    }

    fn tail(logs: &Arc<Logs>, group: &str, follow: bool) -> Tail {
        logs.tail("000000000000", "us-east-1", group, Timestamp::from_millis(0), follow)
    }

    async fn all(mut tail: Tail) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(lines) = tail.next().await {
            messages.extend(lines.into_iter().map(|line| line.message));
        }
        messages
    }

    #[tokio::test]
    async fn a_reader_sees_its_group_in_order_and_nothing_of_others() {
        let logs = Arc::new(Logs::new());
        logs.push(batch("a", ["1".into(), "2".into()]));
        logs.push(batch("b", ["other".into()]));
        logs.push(batch("a", ["3".into()]));
        assert_eq!(all(tail(&logs, "a", false)).await, ["1", "2", "3"]);
        assert_eq!(all(tail(&logs, "unknown", false)).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_follower_waits_for_a_group_that_has_no_events_yet() {
        let logs = Arc::new(Logs::new());
        let mut follower = tail(&logs, "a", true);
        assert!(follower.next().now_or_never().is_none());
        logs.push(batch("b", ["other".into()]));
        assert!(follower.next().now_or_never().is_none());
        logs.push(batch("a", ["1".into()]));
        let lines = follower.next().now_or_never().flatten().expect("the event that came");
        assert_eq!(lines[0].message, "1");
    }

    #[tokio::test]
    async fn a_full_ring_loses_its_oldest_events() {
        let logs = Arc::new(Logs::new());
        logs.push(batch("a", (0..GROUP_EVENTS_MAX + 10).map(|number| number.to_string())));
        let messages = all(tail(&logs, "a", false)).await;
        assert_eq!((messages.len(), messages[0].as_str()), (GROUP_EVENTS_MAX, "10"));
    }

    #[test]
    fn all_groups_together_stay_below_their_limit_and_the_silent_ones_go_first() {
        let logs = Arc::new(Logs::new());
        for group in 0..20 {
            logs.push(batch(&group.to_string(), [String::from_utf8(vec![b'x'; 3_900_000]).expect("ASCII")]));
        }
        let groups = logs.groups();
        assert!(groups.bytes <= ALL_BYTES_MAX, "{}", groups.bytes);
        let key = |group: &str| ("000000000000".to_owned(), "us-east-1".to_owned(), group.to_owned());
        assert!(!groups.rings.contains_key(&key("0")) && groups.rings.contains_key(&key("19")));
        assert_eq!(groups.bytes, groups.rings.values().map(|ring| ring.bytes).sum::<usize>());
    }
}
