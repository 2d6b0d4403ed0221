//! Packages that no function needs leave the disk: the blobs and what the worker made of them.
//!
//! ```text
//! timers ─▶ collector ─▶ worker forgets ─▶ blob deleted
//! at start, then once a day: sweep ─▶ blobs and unpacked packages that no record knows
//! ```

use std::sync::Arc;
use std::time::Duration;

use hearth_store::garbage::{self, COLLECT, Collector, Evicted, Unpacked};
use hearth_store::timers::{self, Timers};
use hearth_store::{BlobDigest, BlobKeeper, Key, Store, StoreError, transact, transact_read};
use hearth_worker::{CodeDigest, Worker};
use hearth_world::{TaskGroup, TaskKind, World};
use tracing::{debug, info_span, warn};

/// How often the disk is compared with the records.
const SWEEP_INTERVAL: Duration = Duration::from_secs(24 * 3_600);

/// Records that are read or written in one transaction.
const PAGE: u32 = 500;

/// How long [`Garbage::free`] waits for what it told to go.
const FREE_WAIT: Duration = Duration::from_secs(30);

/// The garbage of one server.
#[derive(Clone)]
pub struct Garbage {
    store: Arc<dyn Store>,
    worker: Arc<dyn Worker>,
    world: World,
}

impl Garbage {
    /// Collects in tasks of the group until it stops.
    pub fn start(
        store: Arc<dyn Store>,
        keeper: BlobKeeper,
        worker: Arc<dyn Worker>,
        world: World,
        tasks: &TaskGroup,
    ) -> Self {
        let forgetful = worker.clone();
        let unpacked: Unpacked = Arc::new(move |digest| {
            let worker = forgetful.clone();
            Box::pin(async move {
                let gone = worker.forget(CodeDigest(digest.to_string())).await?;
                Ok(if gone { Evicted::Gone } else { Evicted::InUse })
            })
        });
        let collector = Collector::new(keeper.clone(), unpacked);
        collector.serve(Timers::new(store.clone(), world.clone())).spawn(tasks);
        let garbage = Self { store, worker, world };
        let sweeper = garbage.clone();
        // Whatever was being written before this moment was interrupted.
        let started = garbage.world.physical().now();
        tasks.spawn(TaskKind::Service, info_span!("sweep"), move |stop| async move {
            stop.or(async move {
                loop {
                    sweeper.sweep(&collector, started).await;
                    sweeper.world.physical().sleep(SWEEP_INTERVAL).await;
                }
            })
            .await;
        });
        garbage
    }

    async fn sweep(&self, collector: &Collector, before: hearth_world::Timestamp) {
        match collector.sweep(&self.world, before).await {
            Ok(swept) => debug!(?swept, "the blobs were compared with their records"),
            Err(error) => warn!(%error, "the blobs could not be compared with their records"),
        }
        if let Err(reason) = self.sweep_unpacked().await {
            warn!(reason, "unpacked packages could not be compared with their records");
        }
    }

    /// Unpacked packages whose blobs were collected while this server was not running.
    async fn sweep_unpacked(&self) -> Result<(), String> {
        for page in self.worker.kept().await?.chunks(PAGE as usize) {
            let digests: Vec<Option<BlobDigest>> = page.iter().map(|code| code.0.parse().ok()).collect();
            let known = transact_read::<_, StoreError, _>(&*self.store, move |tx| {
                let known = |digest: &Option<BlobDigest>| match digest {
                    Some(digest) => garbage::is_known(tx, digest),
                    None => Ok(true),
                };
                digests.iter().map(known).collect::<Result<Vec<bool>, _>>()
            });
            let known = known.await.map_err(|error| error.to_string())?;
            for (code, _) in page.iter().zip(known).filter(|(_, known)| !known) {
                self.worker.forget(code.clone()).await?;
            }
        }
        Ok(())
    }

    /// Lets all garbage go now and waits for it, for a while. Says how many blobs still wait: they are in use.
    pub async fn free(&self) -> Result<usize, StoreError> {
        let mut last: Option<String> = None;
        loop {
            let after = last.clone();
            let next = transact::<_, StoreError, _>(&*self.store, move |tx| {
                garbage::hasten(tx, after.as_deref(), PAGE)
            });
            last = next.await?;
            if last.is_none() {
                break;
            }
        }
        let mut changes = self.store.watch(Key::of("system/timer"));
        let deadline = self.world.physical().now().after(FREE_WAIT);
        loop {
            let (due, waiting) = transact_read::<_, StoreError, _>(&*self.store, |tx| {
                let now = tx.now();
                let page = timers::waiting(tx, COLLECT, None, PAGE)?;
                Ok((page.iter().any(|timer| timer.claimed || timer.due <= now), page.len()))
            })
            .await?;
            let left = deadline.since(self.world.physical().now());
            if !due || self.world.physical().timeout(left, changes.changed()).await.is_err() {
                return Ok(waiting);
            }
        }
    }
}

impl std::fmt::Debug for Garbage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Garbage").finish_non_exhaustive()
    }
}
