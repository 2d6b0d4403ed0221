//! Collects blobs that nobody holds, when their timers fire.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hearth_world::Timestamp;
use tracing::{debug, info, warn};

use super::keeper::BlobKeeper;
use super::references::{self, COLLECT, Verdict};
use crate::blobs::BlobDigest;
use crate::seam::{BoxFuture, StoreError, transact, transact_read};
use crate::timers::{Fate, Fired, Timers};

/// The first wait for a blob that is in use; it doubles with each attempt.
const IN_USE_WAIT_FIRST: Duration = Duration::from_secs(1);

/// How long a deletion's claim lasts from the mark on.
const CLAIM_LASTS: Duration = Duration::from_secs(10);

/// When a deletion that has not ended is given up: before the claim ends.
const DELETION_MAX: Duration = Duration::from_secs(8);

/// How often the wait for the next deletion of a blob in a bucket doubles: to a quarter of an hour.
const DELETION_DOUBLINGS_MAX: u32 = 4;

/// The longest wait for a blob that is in use.
const IN_USE_WAIT_MAX: Duration = Duration::from_secs(60);

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
    pub(super) keeper: BlobKeeper,
    pub(super) unpacked: Unpacked,
    pub(super) deletion_max: Duration,
}

impl Collector {
    /// For the blobs of a keeper, with what removes unpacked copies.
    pub fn new(keeper: BlobKeeper, unpacked: Unpacked) -> Self {
        Self { keeper, unpacked, deletion_max: DELETION_MAX }
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
        let held = transact_read(self.keeper.store(), move |tx| references::is_held(tx, &digest));
        if held.await.map_err(failed)? {
            // The one who holds it has cancelled the timer, or will find it settled.
            return Ok(Fate::Done);
        }
        // Before the mark: what has a holder again meanwhile is unpacked again.
        if self.keeper.is_pinned(&digest) || (self.unpacked)(digest).await? == Evicted::InUse {
            debug!(%digest, "a blob without a holder is still in use");
            let doubled = IN_USE_WAIT_FIRST.saturating_mul(1 << fired.attempts.saturating_sub(1).min(16));
            return Ok(Fate::Again(doubled.min(IN_USE_WAIT_MAX)));
        }
        let claim = fired.clone();
        // From here on nobody else deletes it, nor brings it back, until the claim is over.
        let until = self.keeper.world().physical().now().after(self.deletion_max);
        // What was sent to a bucket may be done when its sender is gone.
        let outlives = self.keeper.blobs().requests_outlive();
        let lasts = CLAIM_LASTS + outlives;
        let verdict = transact(self.keeper.store(), move |tx| references::mark(tx, &claim, &digest, lasts));
        if verdict.await.map_err(failed)? == Verdict::Leave {
            return Ok(Fate::Done);
        }
        let deletion = self.before(until, self.keeper.blobs().delete(&digest)).await;
        let deleted = deletion
            .map_or(Err("it took too long".to_owned()), |deleted| deleted.map_err(|error| error.to_string()));
        match deleted {
            Ok(()) => {}
            Err(reason) if outlives.is_zero() => return Err(reason),
            Err(reason) => {
                // It stays marked until nothing that was sent can take the file of its next life.
                warn!(%digest, reason, "a blob that nobody needs could not be deleted");
                let doublings = fired.attempts.saturating_sub(1).min(DELETION_DOUBLINGS_MAX);
                return Ok(Fate::Again(outlives.saturating_mul(1 << doublings)));
            }
        }
        transact(self.keeper.store(), move |tx| references::collected(tx, &fired, &digest))
            .await
            .map_err(failed)?;
        info!(%digest, "a blob that nobody needs is gone");
        Ok(Fate::Done)
    }

    /// Works until then and not a step longer, also when this process stood still meanwhile: by now another server may
    /// have taken over, deleted the blob, and seen it come back.
    pub(super) async fn before<T>(&self, until: Timestamp, work: impl Future<Output = T>) -> Option<T> {
        let clock = self.keeper.world().physical();
        let mut work = pin!(work);
        let in_time = poll_fn(|cx| match clock.now() < until {
            true => work.as_mut().poll(cx).map(Some),
            false => Poll::Ready(None),
        });
        clock.timeout(self.deletion_max, in_time).await.ok().flatten()
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Collector").finish_non_exhaustive()
    }
}
