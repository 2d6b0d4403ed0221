//! Against a real server, which the tests start: one cluster for all of them, a database each.

mod encrypted;
mod outages;
mod servers;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use hearth_world::World;

use super::*;
use crate::seam::{Order, transact, transact_read, transact_take};

/// A cluster of `scripts/postgres.sh`. It goes with this process, however that ends: its input ends then.
struct Cluster {
    _script: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Cluster {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
        let spawned =
            Command::new(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut script = spawned.expect("scripts/postgres.sh starts");
        let input = script.stdin.take().expect("it is piped");
        let output = BufReader::new(script.stdout.take().expect("it is piped"));
        let mut cluster = Self { _script: script, input, output, url: String::new() };
        cluster.url = cluster.line();
        assert!(
            cluster.url.starts_with("postgres://"),
            "PostgreSQL is missing: run scripts/setup.sh clients"
        );
        cluster
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the script's output is text");
        line.trim().to_owned()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.input, "{order}").expect("the script reads its input");
        assert!(!self.line().is_empty(), "the script goes on");
    }

    /// An empty database.
    fn database(&self) -> PostgresAddress {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", MADE.fetch_add(1, Ordering::SeqCst));
        ask(&self.url.parse().expect("the script prints an address"), &format!("CREATE DATABASE {name}"));
        self.url.replace("/postgres?", &format!("/{name}?")).parse().expect("the same with another name")
    }
}

fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

/// Runs SQL beside the store; the first column of the first row of the last answer, if any.
fn ask(address: &PostgresAddress, sql: &str) -> Option<String> {
    let (address, sql) = (address.clone(), sql.to_owned());
    // Not on a thread of the test's runtime, which must not block.
    let asked = thread::spawn(move || {
        let mut session = Session::new(address).expect("a runtime");
        session.connect().expect("the server answers");
        let rows = session.step(async |client| client.simple_query(&sql).await).expect("the SQL is right");
        rows.iter().rev().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    });
    asked.join().expect("the server does what a test asks")
}

async fn open(address: &PostgresAddress) -> PostgresStore {
    PostgresStore::open(address, &World::real()).await.expect("the store opens")
}

fn numbered(number: u64) -> Key {
    Key::of("test").number(number)
}

async fn put(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    transact(store, move |tx| tx.put(&numbered(number), number.to_string().into())).await
}

async fn numbers(store: &dyn Store) -> Vec<u64> {
    let read = transact_read::<_, StoreError, _>(store, |tx| {
        let mut numbers = Vec::new();
        tx.scan(Key::of("test").children(), Order::Ascending, u32::MAX, &mut |key, _| {
            let mut parts = crate::KeyParts::of(key);
            parts.text().expect("the name of the space");
            numbers.push(parts.number().expect("a number"));
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(numbers)
    });
    read.await.expect("the store can be read")
}

crate::store_contract!({
    let address = shared().database();
    ((), open(&address).await)
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_transactions_that_wait_together_do_what_they_do_alone() {
    let store = open(&shared().database()).await;
    crate::contract::random_transactions_that_wait_together_do_what_they_do_alone(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_takers_that_wait_together_do_what_they_do_alone() {
    let store = open(&shared().database()).await;
    crate::contract::random_takers_that_wait_together_do_what_they_do_alone(&store).await;
}
