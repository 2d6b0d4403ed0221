//! Hostile functions and hostile clients, each beside a victim that must not notice.
//!
//! Every test has a server of its own, so that one that falls takes no other test with it.
//!
//! Never: attacks anything but a server of its own on loopback; loops without an end.

mod archives;
mod channel;
mod clients;
mod connections;
mod files;
mod kernel;
mod logs;
mod memory;
mod names;
mod network;
mod processes;
mod runtime_api;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hearth_tests::{Function, FunctionBuilder, Hearth, Invocation, leftovers};
use serde_json::{Value, json};

/// A neighbour's call takes milliseconds. More than this is felt, whatever else this machine does.
const FELT: Duration = Duration::from_secs(3);
/// What a server and its spawner may hold in memory beside attacks, each, in bytes. Idle they take 20 MB.
const RESIDENT_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Longer than anything takes that a test waits for, on a machine that does much else.
const SOON: Duration = Duration::from_secs(60);

/// A server with a victim on it.
struct Street {
    hearth: Hearth,
    spawner: Option<u32>,
}

impl Street {
    fn new() -> Self {
        let hearth = Hearth::start();
        hearth.function("victim").code("def handler(event, context):\n    return 'well'\n").create();
        let spawner = hearth.spawner();
        assert!(spawner.is_some());
        let street = Self { hearth, spawner };
        street.is_well();
        street
    }

    /// A hostile function, to be created: 5 s, 128 MB.
    fn hostile<'a>(&'a self, name: &'a str, code: &str) -> FunctionBuilder<'a> {
        self.hearth.function(name).code(code).with("Timeout", json!(5))
    }

    /// Creates a hostile function and calls it; the victim must not notice. It has 30 s: what it does ends by itself, but
    /// with the CPU of 128 MB that may take some.
    #[track_caller]
    fn attack(&self, code: &str, event: &Value) -> Invocation {
        let hostile = self.hostile("hostile", code).with("Timeout", json!(30)).create();
        let invocation = hostile.invoke(&event.to_string());
        self.is_well();
        invocation
    }

    /// The victim is answered, the processes are those of the beginning, and their memory is bounded.
    #[track_caller]
    fn is_well(&self) {
        let began = Instant::now();
        assert_eq!(Function::existing(&self.hearth, "victim").invoke("{}").json(), json!("well"));
        let took = began.elapsed();
        assert!(took < FELT, "the victim's call took {took:?}");
        assert_eq!(self.hearth.spawner(), self.spawner, "the spawner was replaced");
        for process in [Some(self.hearth.process()), self.spawner].into_iter().flatten() {
            let bytes = resident_bytes(process);
            assert!(bytes < RESIDENT_BYTES_MAX, "process {process} holds {bytes} bytes");
        }
    }

    /// Ends the server: in order, and leaving nothing.
    #[track_caller]
    fn ends(mut self) {
        self.is_well();
        assert_eq!(self.hearth.stop(), Some(0));
        assert_eq!(leftovers(&self.hearth), Vec::<String>::new());
    }

    /// Processes and threads that run in sandboxes of this server now.
    fn tasks(&self) -> BTreeSet<u32> {
        hearth_tests::tasks(&self.hearth)
    }
}

/// What a function answered without failing.
#[track_caller]
fn answer(invocation: &Invocation) -> Value {
    assert_eq!(invocation.error, "", "{}", invocation.answer.text());
    invocation.json()
}

/// Whether a process of the function was killed for memory.
#[track_caller]
fn ran_out_of_memory(invocation: &Invocation) {
    assert_eq!(invocation.json()["errorType"], "Runtime.OutOfMemory", "{}", invocation.answer.text());
}

fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).expect("a living process")
        * 1024
}

/// Waits until something is so.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}
