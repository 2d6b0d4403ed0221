//! Calls that last for as long as a test wants them to.
//!
//! Never: leaves it to a length of time whether several calls overlap, or whether one still runs.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::leftovers::{listens, programs};
use crate::patience::patience;
use crate::server::Hearth;

/// How long calls have to reach their handler: two hundred first calls on a machine that does much else.
const REACHED_SECONDS: u64 = 150;

/// How long a server has to see that it is to stop.
const STOPPING_SECONDS: u64 = 60;

/// Code in Python whose `wait()` ends when [`let_go`] says so.
pub const WAIT: &str = "
import os, time
def wait():
    open('/tmp/waits', 'w').close()
    while not os.path.exists('/tmp/go'):
        time.sleep(0.1)
    os.remove('/tmp/waits')
";

/// Waits until so many calls of this server are in `wait()`.
#[track_caller]
pub fn until_waiting(hearth: &Hearth, calls: usize) {
    let started = Instant::now();
    loop {
        let waiting = waiting(hearth).count();
        if waiting == calls {
            return;
        }
        let elapsed = started.elapsed();
        assert!(
            elapsed < patience(REACHED_SECONDS),
            "{waiting} calls are in their handlers, and not {calls}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a server takes no more connections: it has seen that it is to stop.
#[track_caller]
pub fn until_stopping(hearth: &Hearth) {
    let started = Instant::now();
    while listens(hearth.process(), hearth.address()) {
        assert!(started.elapsed() < patience(STOPPING_SECONDS), "the server still takes connections");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends every `wait()` that has begun.
pub fn let_go(hearth: &Hearth) {
    for folder in waiting(hearth) {
        // An environment that has just gone needs no word.
        let _ = fs::write(folder.join("go"), "");
    }
}

/// `/tmp` of every environment that is in `wait()`.
fn waiting(hearth: &Hearth) -> impl Iterator<Item = PathBuf> {
    let folders = programs(hearth).into_iter().map(|task| PathBuf::from(format!("/proc/{task}/root/tmp")));
    folders.filter(|folder| folder.join("waits").exists())
}
