//! A PostgreSQL server of a test's own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A server of `scripts/postgres.sh`. It goes when this is dropped or the test's process ends: its input ends then.
#[derive(Debug)]
pub struct Postgres {
    script: Child,
    input: Option<ChildStdin>,
    url: String,
}

impl Postgres {
    /// Makes and starts it.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
        let spawned = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut script = spawned.expect("scripts/postgres.sh starts");
        let input = script.stdin.take();
        let mut url = String::new();
        let output = script.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut url).expect("the script's output is text");
        assert!(url.starts_with("postgres://"), "PostgreSQL is missing: run scripts/setup.sh clients");
        Self { script, input, url: url.trim().to_owned() }
    }

    /// What `hearth up --store` takes.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.input.take());
        // It removes its folder; whatever it says, the test is over.
        let _ = self.script.wait();
    }
}
