//! Keeps blobs for those who will hold them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hearth_world::World;

use super::references::{self, Announced, Ticket};
use crate::blobs::{BlobDigest, BlobError, Blobs, Draft};
use crate::seam::{Store, StoreError, transact};

/// How long a put waits for the collection of the blob that it brings back: a collector that was killed is taken over
/// after 10 s.
const COLLECTION_WAIT: Duration = Duration::from_secs(30);

/// Why a blob was not kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeepError {
    /// The blobs' storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The same bytes are being collected, and that does not come to an end.
    #[error("blob {0} is being deleted for too long")]
    Collecting(BlobDigest),
}

/// The blobs of one server with the records of who holds them. Cheap to clone.
#[derive(Clone)]
pub struct BlobKeeper {
    store: Arc<dyn Store>,
    blobs: Blobs,
    world: World,
    grace: Duration,
    pins: Arc<Pins>,
}

/// A blob on stable storage, to be held. While this lives, no collector of this process takes it, however short the
/// grace is; other servers' collectors respect the grace.
#[derive(Debug)]
pub struct Kept {
    /// The right to hold it.
    pub ticket: Ticket,
    _pin: Pin,
}

/// How many puts of this process are between their announcement and their holder, by blob.
#[derive(Debug, Default)]
struct Pins {
    counts: Mutex<HashMap<BlobDigest, usize>>,
}

#[derive(Debug)]
struct Pin {
    pins: Arc<Pins>,
    digest: BlobDigest,
}

impl BlobKeeper {
    /// Blobs that stay for `grace` after their last holder, and before their first.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, world: World, grace: Duration) -> Self {
        Self { store, blobs, world, grace, pins: Arc::default() }
    }

    /// The blobs themselves.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// How long a blob without a holder stays: for [`references::release`].
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Announces the bytes and puts them; on stable storage when it returns. To be held with the ticket
    /// ([`references::hold`]) in the transaction of whatever names the blob.
    pub async fn put(&self, kind: &'static str, bytes: Bytes) -> Result<Kept, KeepError> {
        let (digest, bytes) = crate::blobs::hashed(bytes).await;
        let kept = self.expect(kind, digest, bytes.len() as u64).await?;
        self.blobs.put_as(digest, bytes).await?;
        Ok(kept)
    }

    /// A blob whose bytes come in pieces.
    pub async fn draft(&self, kind: &'static str) -> Result<BlobDraft, KeepError> {
        let number = self.world.random().uuid().as_u128();
        Ok(BlobDraft { keeper: self.clone(), kind, draft: Draft::begin(&self.blobs, number).await? })
    }

    /// Announces a blob of this process.
    async fn expect(&self, kind: &'static str, digest: BlobDigest, bytes: u64) -> Result<Kept, KeepError> {
        let pin = Pin::new(&self.pins, digest);
        let announced = self.announce(kind, digest, bytes);
        let waited = self.world.physical().timeout(COLLECTION_WAIT, announced).await;
        let ticket = waited.unwrap_or(Err(KeepError::Collecting(digest)))?;
        Ok(Kept { ticket, _pin: pin })
    }

    /// Whether a put of this process is about to hold the blob.
    pub(super) fn is_pinned(&self, digest: &BlobDigest) -> bool {
        self.pins.lock().contains_key(digest)
    }

    /// The store of the records.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Its clocks.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    async fn announce(
        &self,
        kind: &'static str,
        digest: BlobDigest,
        bytes: u64,
    ) -> Result<Ticket, KeepError> {
        let (life, grace) = (u64::from_le_bytes(self.world.random().bytes()), self.grace);
        let mut changes = self.store.watch(references::blob_key(&digest));
        loop {
            let announced = transact::<_, StoreError, _>(&*self.store, move |tx| {
                references::announce(tx, &digest, kind, bytes, life, grace)
            });
            match announced.await? {
                Announced::Ready(ticket) => return Ok(ticket),
                Announced::Collecting => changes.changed().await,
            }
        }
    }
}

/// A blob that is being written. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub struct BlobDraft {
    keeper: BlobKeeper,
    kind: &'static str,
    draft: Draft,
}

impl BlobDraft {
    /// Takes more bytes. Pieces of a megabyte cost least.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), KeepError> {
        Ok(self.draft.write(bytes).await?)
    }

    /// The digest of what was written so far.
    pub fn digest(&self) -> BlobDigest {
        self.draft.known().0
    }

    /// What [`BlobKeeper::put`] gives for all that was written.
    pub async fn finish(self) -> Result<Kept, KeepError> {
        let (digest, bytes) = self.draft.known();
        // Announced while the file is synced: both wait for the disk, and only the name waits for both.
        let announced = self.keeper.expect(self.kind, digest, bytes);
        let (completed, kept) = tokio::join!(self.draft.complete(), announced);
        let (completed, kept) = (completed?, kept?);
        completed.publish().await?;
        Ok(kept)
    }
}

impl Pins {
    fn lock(&self) -> MutexGuard<'_, HashMap<BlobDigest, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pin {
    fn new(pins: &Arc<Pins>, digest: BlobDigest) -> Self {
        *pins.lock().entry(digest).or_default() += 1;
        Self { pins: pins.clone(), digest }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut counts = self.pins.lock();
        if let Some(count) = counts.get_mut(&self.digest) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.digest);
            }
        }
    }
}

impl std::fmt::Debug for BlobKeeper {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("BlobKeeper").field("grace", &self.grace).finish_non_exhaustive()
    }
}
