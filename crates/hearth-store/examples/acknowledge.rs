//! Writes to a store without pause and says on stdout what was tried and what was acknowledged, until it is killed
//! or its disk fails. First it says what it found. Tests take its disk away and hold it to its word.
//!
//! ```text
//! acknowledge FOLDER SEED
//!   have WORKER SLOT VERSION      found at the start; VERSION is 0 for a slot that is empty
//!   wrong TEXT                    found at the start: half a transaction, a lost or damaged blob
//!   ready                         all that was found is told
//!   try WORKER SLOT VERSION       from here on it may be there
//!   ack WORKER SLOT VERSION       from here on it must be there
//! ```

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use hearth_store::{BlobDigest, Blobs, Key, SqliteStore, StoreError, transact, transact_read};
use hearth_world::{Random, TaskGroup, TaskKind, World};

/// Writers at the same time: their transactions share commits.
const WORKERS: u64 = 8;
/// What each of them writes over and over.
const SLOTS: u64 = 6;
/// Pages at which the log is folded: a server's own would hardly be folded in the time until the disk goes.
const LOG_PAGES: i32 = 256;
/// Bytes of a value at most, so that this is often.
const FILLER_BYTES_MAX: u64 = 24_000;
/// Bytes of a blob at most.
const BLOB_BYTES_MAX: u64 = 300_000;

#[derive(Clone)]
struct Disk {
    store: Arc<SqliteStore>,
    blobs: Blobs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(seed)) = (arguments.next(), arguments.next().and_then(|seed| seed.parse().ok()))
    else {
        eprintln!("usage: acknowledge FOLDER SEED");
        return ExitCode::from(2);
    };
    match run(Path::new(&folder), seed).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(folder: &Path, seed: u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let world = World::real();
    let store = Arc::new(SqliteStore::open_folding_at(&folder.join("hearth.db"), &world, LOG_PAGES)?);
    let disk = Disk { store, blobs: Blobs::local(&folder.join("blobs"))? };
    let mut newest = 0;
    for worker in 0..WORKERS {
        for slot in 0..SLOTS {
            let version = disk.found(worker, slot).await?;
            newest = newest.max(version);
            say(&format!("have {worker} {slot} {version}"));
        }
    }
    say("ready");
    let tasks = TaskGroup::new();
    for worker in 0..WORKERS {
        let disk = disk.clone();
        let random = Random::seeded(seed.wrapping_mul(31).wrapping_add(worker));
        tasks.spawn(TaskKind::Request, tracing::Span::none(), move |_| async move {
            for version in newest + 1.. {
                if let Err(error) = disk.write(&random, worker, version).await {
                    say(&format!("end {worker} {error}"));
                    break;
                }
            }
        });
    }
    // Until it is killed.
    std::future::pending().await
}

impl Disk {
    /// The version in a slot, zero for none; what must not be is told.
    async fn found(&self, worker: u64, slot: u64) -> Result<u64, StoreError> {
        let keys = [key(worker, slot, "left"), key(worker, slot, "right")];
        let pair = transact_read::<_, StoreError, _>(&*self.store, move |tx| tx.get_many(&keys)).await?;
        let [Some(left), Some(right)] = &pair[..] else {
            if pair.iter().any(Option::is_some) {
                say(&format!("wrong half of {worker} {slot} is there"));
            }
            return Ok(0);
        };
        if left != right {
            say(&format!("wrong the halves of {worker} {slot} differ"));
        }
        let text = String::from_utf8_lossy(left);
        let mut words = text.split(' ');
        let version = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        if let Some(digest) = words.next().and_then(|word| word.parse::<BlobDigest>().ok())
            && let Err(error) = self.blobs.get(&digest).await
        {
            say(&format!("wrong {worker} {slot} {version}: {error}"));
        }
        Ok(version)
    }

    /// Writes or deletes one slot: a blob first, then both halves in one transaction.
    async fn write(
        &self,
        random: &Random,
        worker: u64,
        version: u64,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let slot = random.below(SLOTS);
        let keys = [key(worker, slot, "left"), key(worker, slot, "right")];
        if random.below(5) == 0 {
            say(&format!("try {worker} {slot} 0"));
            transact::<_, StoreError, _>(&*self.store, move |tx| {
                keys.iter().try_for_each(|key| tx.delete(key))
            })
            .await?;
            say(&format!("ack {worker} {slot} 0"));
            return Ok(());
        }
        say(&format!("try {worker} {slot} {version}"));
        let digest =
            if random.below(3) == 0 { self.keep_blob(random, version).await? } else { "-".to_owned() };
        let filler = "x".repeat(usize::try_from(random.below(FILLER_BYTES_MAX))?);
        let value = Bytes::from(format!("{version} {digest} {filler}"));
        transact::<_, StoreError, _>(&*self.store, move |tx| {
            keys.iter().try_for_each(|key| tx.put(key, value.clone()))
        })
        .await?;
        say(&format!("ack {worker} {slot} {version}"));
        Ok(())
    }

    /// A blob that is new, or one that others keep at the same moment.
    async fn keep_blob(
        &self,
        random: &Random,
        version: u64,
    ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let bytes = if random.below(2) == 0 {
            vec![u8::try_from(random.below(200))?; 10_000]
        } else {
            let mut bytes = vec![0; usize::try_from(random.below(BLOB_BYTES_MAX))?];
            random.fill(&mut bytes);
            bytes.extend(version.to_le_bytes());
            bytes
        };
        Ok(self.blobs.put(bytes.into()).await?.to_string())
    }
}

fn key(worker: u64, slot: u64, half: &str) -> Key {
    Key::of("test").number(worker).number(slot).text(half)
}

/// One line, whole, at once.
fn say(line: &str) {
    // Whoever listened is gone: so is the reason to go on.
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(1);
    }
}
