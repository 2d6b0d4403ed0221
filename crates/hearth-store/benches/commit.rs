//! Durable transactions a second at 1 and 64 submitters, and whole send, receive and delete cycles of queue messages,
//! of SQLite and of PostgreSQL, beside what one sync of the same disk costs.
//!
//! ```text
//! cargo bench -p hearth-store --bench commit [FOLDER] [sqlite] [postgres]
//! ```
//!
//! PostgreSQL is one of `scripts/postgres.sh`, on this machine, with its defaults: fsync is on. Its folder is in /tmp.
//!
//! The blocks alternate within one run, and only their ratio says something: a disk has good and bad minutes.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hearth_store::{
    Key, PostgresAddress, PostgresStore, SqliteStore, Store, StoreError, transact, transact_take,
};
use hearth_world::World;

/// Rounds of all blocks; the middle one of each is shown.
const ROUNDS: usize = 3;

/// How long one block runs.
const BLOCK: Duration = Duration::from_millis(400);

/// What a sync writes: one page.
const PAGE_BYTES: usize = 4_096;

/// Pages of the file that is synced: 8 MB, written once before.
const PAGES: u64 = 2_048;

/// A queue message of ordinary size.
const MESSAGE_BYTES: usize = 256;

fn main() {
    // `cargo bench` adds `--bench`; what is left are engines and the folder.
    let (mut engines, mut folder) = (Vec::new(), None);
    for argument in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        match argument.as_str() {
            "sqlite" | "postgres" => engines.push(argument),
            _ => folder = Some(argument),
        }
    }
    if engines.is_empty() {
        engines = ["sqlite", "postgres"].map(str::to_owned).to_vec();
    }
    let folder = folder.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a folder for the files");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(compare(folder.path(), &engines)).expect("the disk works");
}

/// A store and the figures of its blocks.
struct Engine {
    name: &'static str,
    store: Box<dyn Store>,
    blocks: Vec<(&'static str, u64, Vec<Block>)>,
}

impl Engine {
    fn new(name: &'static str, store: Box<dyn Store>) -> Self {
        let kinds = [("transactions", 1), ("transactions", 64), ("cycles", 1), ("cycles", 64)];
        Self { name, store, blocks: kinds.map(|(kind, submitters)| (kind, submitters, Vec::new())).to_vec() }
    }

    async fn round(&mut self, round: u64) -> Result<(), StoreError> {
        for (kind, submitters, blocks) in &mut self.blocks {
            blocks.push(match *kind {
                "cycles" => cycle_for(&*self.store, *submitters, round).await?,
                _ => submit_for(&*self.store, *submitters, round).await?,
            });
        }
        Ok(())
    }
}

async fn compare(folder: &Path, names: &[String]) -> io::Result<()> {
    let file = preallocated(&folder.join("synced"))?;
    let wanted = |name: &str| names.iter().any(|wanted| wanted == name);
    let (mut engines, mut syncs, mut _server) = (Vec::new(), Vec::new(), None);
    if wanted("sqlite") {
        let store = SqliteStore::open(&folder.join("store.db"), &World::real()).map_err(io::Error::other)?;
        engines.push(Engine::new("SQLite", Box::new(store)));
    }
    if wanted("postgres") {
        let (server, address) = postgres()?;
        let store = PostgresStore::open(&address, &World::real()).await.map_err(io::Error::other)?;
        engines.push(Engine::new("PostgreSQL", Box::new(store)));
        _server = Some(server);
    }
    for engine in &mut engines {
        submit_for(&*engine.store, 1, u64::MAX).await.map_err(io::Error::other)?;
    }
    for round in 0..ROUNDS as u64 {
        syncs.push(sync_for(&file)?);
        for engine in &mut engines {
            engine.round(round).await.map_err(io::Error::other)?;
        }
    }
    let sync = median(syncs);
    println!(
        "4 KB fdatasync, preallocated                {:>8.0} /s   p50 {:>6.0} us",
        1e6 / sync.p50_us,
        sync.p50_us
    );
    for Engine { name, blocks, .. } in engines {
        for (kind, submitters, blocks) in blocks {
            let block = median(blocks);
            println!(
                "{name:<10} {kind:<12}, {submitters:>2} submitter(s) {:>8.0} /s   p50 {:>6.0} us   {:.2} a sync, {:.2} syncs long",
                block.per_second,
                block.p50_us,
                block.per_second * sync.p50_us / 1e6,
                block.p50_us / sync.p50_us,
            );
        }
    }
    Ok(())
}

/// A server that ends with its input.
fn postgres() -> io::Result<(Child, PostgresAddress)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
    let mut server = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut url = String::new();
    let output = server.stdout.take().ok_or_else(|| io::Error::other("the output is piped"))?;
    BufReader::new(output).read_line(&mut url)?;
    let address = url.trim().parse().map_err(io::Error::other)?;
    Ok((server, address))
}

/// One block's figures.
#[derive(Clone, Copy)]
struct Block {
    per_second: f64,
    p50_us: f64,
}

impl Block {
    fn of(mut times: Vec<Duration>, took: Duration) -> Self {
        times.sort_unstable();
        let p50_us = times[times.len() / 2].as_secs_f64() * 1e6;
        Self { per_second: times.len() as f64 / took.as_secs_f64(), p50_us }
    }
}

fn median(mut blocks: Vec<Block>) -> Block {
    blocks.sort_by(|a, b| a.p50_us.total_cmp(&b.p50_us));
    blocks[blocks.len() / 2]
}

fn preallocated(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    for page in 0..PAGES {
        file.write_all_at(&[0; PAGE_BYTES], page * PAGE_BYTES as u64)?;
    }
    file.sync_all()?;
    Ok(file)
}

fn sync_for(file: &File) -> io::Result<Block> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < BLOCK {
        let start = Instant::now();
        file.write_all_at(&[7; PAGE_BYTES], times.len() as u64 % PAGES * PAGE_BYTES as u64)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(Block::of(times, begun.elapsed()))
}

/// Send, receive, delete: three durable transactions of a message, on one queue for all.
async fn cycle_for(store: &dyn Store, submitters: u64, round: u64) -> Result<Block, StoreError> {
    let begun = Instant::now();
    let submit = |submitter: u64| async move {
        let mut times = Vec::new();
        while begun.elapsed() < BLOCK {
            let start = Instant::now();
            let message = Key::of("queue").number(times.len() as u64).number(round).number(submitter);
            transact::<_, StoreError, _>(store, move |tx| tx.put(&message, vec![7; MESSAGE_BYTES].into()))
                .await?;
            let received = transact_take::<_, StoreError, _>(store, move |tx| {
                let mut received = Vec::new();
                for (key, value) in tx.take(Key::of("queue").children(), 1)? {
                    let in_flight = Key::of("in-flight").text(&format!("{key:?}"));
                    tx.put(&in_flight, value)?;
                    received.push(in_flight);
                }
                Ok(received)
            })
            .await?;
            transact::<_, StoreError, _>(store, move |tx| received.iter().try_for_each(|key| tx.delete(key)))
                .await?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    let times = join_all((0..submitters).map(submit)).await;
    let times = times.into_iter().collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Block::of(times.concat(), begun.elapsed()))
}

async fn submit_for(store: &dyn Store, submitters: u64, round: u64) -> Result<Block, StoreError> {
    let begun = Instant::now();
    let submit = |submitter: u64| async move {
        let mut times = Vec::new();
        while begun.elapsed() < BLOCK {
            let start = Instant::now();
            let key = Key::of("bench").number(round).number(submitter).number(times.len() as u64);
            transact::<_, StoreError, _>(store, move |tx| tx.put(&key, vec![7; MESSAGE_BYTES].into()))
                .await?;
            times.push(start.elapsed());
        }
        Ok(times)
    };
    let times = join_all((0..submitters).map(submit)).await;
    let times = times.into_iter().collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Block::of(times.concat(), begun.elapsed()))
}
