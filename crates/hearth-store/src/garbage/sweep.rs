//! Finds files that no record knows: what a power cut brought back, what a release without records left behind, and
//! the drafts of interrupted writes.

use futures_util::StreamExt;
use hearth_world::{Timestamp, World};

use super::collector::Collector;
use super::references;
use crate::blobs::{BlobDigest, BlobError};
use crate::seam::{StoreError, transact, transact_read};

/// Files that are looked up in one transaction.
const PAGE: usize = 256;

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs looked at.
    pub blobs: u64,
    /// Those without a record: each has one now, and goes after the grace unless somebody holds it.
    pub unknown: u64,
    /// Drafts removed.
    pub drafts: u64,
}

impl Collector {
    /// Looks at every blob once, in pages. Drafts that no put can be writing now are removed: this server's puts
    /// `began` to be made then.
    pub async fn sweep(&self, world: &World, began: Timestamp) -> Result<Swept, SweepError> {
        let drafts = self.keeper.blobs().remove_drafts(began, world.physical().now()).await?;
        let mut swept = Swept { drafts, ..Swept::default() };
        let grace = self.keeper.grace();
        let mut pages = self.keeper.blobs().list().ready_chunks(PAGE);
        while let Some(page) = pages.next().await {
            let page = page.into_iter().collect::<Result<Vec<_>, _>>()?;
            swept.blobs += page.len() as u64;
            let digests: Vec<BlobDigest> = page.iter().map(|(digest, _)| *digest).collect();
            let unknown = transact_read::<_, StoreError, _>(self.keeper.store(), move |tx| {
                let known = digests.iter().map(|digest| references::is_known(tx, digest));
                known.collect::<Result<Vec<bool>, _>>()
            });
            let unknown = unknown.await?;
            for (digest, bytes) in
                page.into_iter().zip(unknown).filter(|(_, known)| !known).map(|(blob, _)| blob)
            {
                let life = u64::from_le_bytes(world.random().bytes());
                transact::<_, StoreError, _>(self.keeper.store(), move |tx| {
                    references::announce(tx, &digest, "unknown", bytes, life, grace).map(drop)
                })
                .await?;
                swept.unknown += 1;
            }
        }
        Ok(swept)
    }
}

/// Why a sweep ended early. The next one begins anew.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SweepError {
    /// The blobs' storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
