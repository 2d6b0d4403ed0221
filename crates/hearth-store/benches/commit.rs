//! Durable transactions a second at 1 and 64 submitters, beside what one sync of the same disk costs.
//!
//! ```text
//! cargo bench -p hearth-store --bench commit [FOLDER] [--engine sqlite|simulated]
//! ```
//!
//! The simulated engine keeps nothing: it shows what the seam itself costs.
//!
//! The blocks alternate within one run, and only their ratio says something: a disk has good and bad minutes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hearth_store::{Faults, Key, SimulatedStore, SqliteStore, Store, StoreError, transact};
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
    // `cargo bench` adds `--bench`; what is left are ours.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut engine, mut folder) = ("sqlite".to_owned(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--engine" => engine = arguments.next().expect("--engine names an engine"),
            _ => folder = Some(argument),
        }
    }
    let folder = folder.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a folder for the files");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(compare(folder.path(), &engine)).expect("the disk works");
}

/// The engines that can be measured, by name.
async fn open(engine: &str, folder: &Path) -> io::Result<Arc<dyn Store>> {
    match engine {
        "sqlite" => {
            let store = SqliteStore::open(&folder.join("store.db"), &World::real());
            Ok(Arc::new(store.map_err(io::Error::other)?))
        }
        "simulated" => Ok(Arc::new(SimulatedStore::new(&World::simulated(1), Faults::default()))),
        other => Err(io::Error::other(format!("there is no engine {other}"))),
    }
}

async fn compare(folder: &Path, engine: &str) -> io::Result<()> {
    let file = preallocated(&folder.join("synced"))?;
    let store = open(engine, folder).await?;
    let (mut syncs, mut alone, mut many) = (Vec::new(), Vec::new(), Vec::new());
    submit_for(&*store, 1, u64::MAX).await.map_err(io::Error::other)?;
    for round in 0..ROUNDS as u64 {
        syncs.push(sync_for(&file)?);
        alone.push(submit_for(&*store, 1, round).await.map_err(io::Error::other)?);
        many.push(submit_for(&*store, 64, round).await.map_err(io::Error::other)?);
    }
    let [sync, alone, many] = [syncs, alone, many].map(median);
    println!("4 KB fdatasync, preallocated   {:>8.0} /s   p50 {:>6.0} us", 1e6 / sync.p50_us, sync.p50_us);
    for (submitters, block) in [(1, alone), (64, many)] {
        println!(
            "{engine}, {submitters:>2} submitter(s)  {:>8.0} /s   p50 {:>6.0} us   {:.2} a sync, {:.2} syncs long",
            block.per_second,
            block.p50_us,
            block.per_second * sync.p50_us / 1e6,
            block.p50_us / sync.p50_us,
        );
    }
    Ok(())
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
