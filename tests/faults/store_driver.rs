//! The store under load in a process of its own, and what it must remember: `examples/acknowledge.rs` of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hearth_tests::example;

/// Longer than a store takes to open.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Worker and slot.
type Slot = (u64, u64);

/// What is known of the slots: zero stands for an empty one.
#[derive(Debug, Default)]
pub(crate) struct Model {
    acknowledged: BTreeMap<Slot, u64>,
    /// Tried since, and not acknowledged.
    doubtful: BTreeMap<Slot, BTreeSet<u64>>,
    /// All acknowledgements heard.
    pub acknowledgements: u64,
}

/// What one run of the driver found at its start.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// It has opened the store and has told everything.
    pub is_complete: bool,
    /// Acknowledged and not there, or not whole.
    pub losses: Vec<String>,
}

/// A running driver.
pub(crate) struct Driver {
    child: Child,
    is_ready: Arc<AtomicBool>,
    lines: JoinHandle<Vec<String>>,
    errors: JoinHandle<String>,
}

impl Driver {
    pub(crate) fn start(folder: &Path, seed: u64) -> Self {
        let mut child = Command::new(example("hearth-store", "acknowledge"))
            .arg(folder)
            .arg(seed.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the driver");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut errors = child.stderr.take().expect("stderr is piped");
        // A pipe that nobody empties would stop the load.
        let is_ready = Arc::new(AtomicBool::new(false));
        let ready = is_ready.clone();
        let lines = std::thread::spawn(move || {
            let heard = output.lines().map_while(Result::ok);
            let heard = heard.inspect(|line| {
                if line == "ready" {
                    ready.store(true, Ordering::Release);
                }
            });
            heard.collect()
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text is shown by none.
            let _ = errors.read_to_string(&mut text);
            text
        });
        Self { child, is_ready, lines, errors }
    }

    /// Waits until it has told what it found, and kills it.
    pub(crate) fn wait_until_ready(self) -> (Vec<String>, String) {
        let started = Instant::now();
        while !self.is_ready.load(Ordering::Acquire)
            && !self.lines.is_finished()
            && started.elapsed() < READY_TIMEOUT
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.kill()
    }

    /// Kills it and gives all it said, and its last words.
    pub(crate) fn kill(mut self) -> (Vec<String>, String) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().expect("the driver was started here");
        let lines = self.lines.join().expect("no panic");
        (lines, self.errors.join().expect("no panic"))
    }
}

impl Model {
    /// Takes what a run said: what it found is held against what was known, and is what is known from then on.
    pub(crate) fn take(&mut self, lines: &[String]) -> Found {
        let mut found = Found::default();
        for line in lines {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "have" => found.losses.extend(self.have(rest)),
                "wrong" => found.losses.push(rest.to_owned()),
                "ready" => found.is_complete = true,
                "try" => {
                    let (slot, version) = parse(rest);
                    self.doubtful.entry(slot).or_default().insert(version);
                }
                "ack" => {
                    let (slot, version) = parse(rest);
                    self.acknowledged.insert(slot, version);
                    self.doubtful.remove(&slot);
                    self.acknowledgements += 1;
                }
                "end" => {}
                other => panic!("the driver says {other:?}"),
            }
        }
        found
    }

    fn have(&mut self, rest: &str) -> Option<String> {
        let (slot, version) = parse(rest);
        let known = self.acknowledged.insert(slot, version).unwrap_or(0);
        let doubtful = self.doubtful.remove(&slot).unwrap_or_default();
        let is_lost = version != known && !doubtful.contains(&version);
        is_lost.then(|| format!("{slot:?}: {known} was acknowledged, {doubtful:?} tried, {version} is there"))
    }
}

fn parse(rest: &str) -> (Slot, u64) {
    let numbers: Vec<u64> =
        rest.split(' ').map(|word| word.parse().expect("the driver writes numbers")).collect();
    let [worker, slot, version] = numbers[..] else { panic!("the driver says {rest:?}") };
    ((worker, slot), version)
}
