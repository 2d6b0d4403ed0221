//! Collects blobs that nobody holds, when their timers fire.

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info};

use super::references::{self, COLLECT, Verdict};
use crate::blobs::{BlobDigest, Blobs};
use crate::seam::{BoxFuture, Store, StoreError, transact, transact_read};
use crate::timers::{Fate, Fired, Timers};

/// How long a blob waits whose unpacked copy is in use.
const IN_USE_WAIT: Duration = Duration::from_secs(30);

/// What became of a blob's unpacked copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evicted {
    /// There is none (any more).
    Gone,
    /// Something that runs still uses it.
    InUse,
}

/// Removes what this server made of a blob: its unpacked copy.
pub type Unpacked = Arc<dyn Fn(BlobDigest) -> BoxFuture<'static, Result<Evicted, String>> + Send + Sync>;

/// Collects blobs. Cheap to clone.
#[derive(Clone)]
pub struct Collector {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Blobs,
    pub(super) unpacked: Unpacked,
}

impl Collector {
    /// Over a store and its blobs, with what removes unpacked copies.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, unpacked: Unpacked) -> Self {
        Self { store, blobs, unpacked }
    }

    /// Collects when the timers of blobs fire.
    pub fn serve(&self, timers: Timers) -> Timers {
        let collector = self.clone();
        timers.on(COLLECT, move |fired| {
            let collector = collector.clone();
            async move { collector.collect(fired).await.unwrap_or_else(Fate::Failed) }
        })
    }

    pub(super) async fn collect(&self, fired: Fired) -> Result<Fate, String> {
        let Ok(digest) = fired.id.parse::<BlobDigest>() else { return Ok(Fate::Done) };
        let failed = |error: StoreError| error.to_string();
        let held = transact_read(&*self.store, move |tx| references::is_held(tx, &digest));
        if held.await.map_err(failed)? {
            // The one who holds it has cancelled the timer, or will find it settled.
            return Ok(Fate::Done);
        }
        // Before the mark: what has a holder again meanwhile is unpacked again.
        if (self.unpacked)(digest).await? == Evicted::InUse {
            debug!(%digest, "a package without a function is still in use");
            return Ok(Fate::Again(IN_USE_WAIT));
        }
        let claim = fired.clone();
        let verdict = transact(&*self.store, move |tx| references::mark(tx, &claim, &digest));
        if verdict.await.map_err(failed)? == Verdict::Leave {
            return Ok(Fate::Done);
        }
        self.blobs.delete(&digest).await.map_err(|error| error.to_string())?;
        transact(&*self.store, move |tx| references::collected(tx, &fired, &digest)).await.map_err(failed)?;
        info!(%digest, "a blob that nobody needs is gone");
        Ok(Fate::Done)
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Collector").finish_non_exhaustive()
    }
}
