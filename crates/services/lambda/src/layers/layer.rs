//! One version of a layer, as the service works with it.

use hearth_store::BlobDigest;
use hearth_world::Timestamp;

use super::names::LayerName;
use crate::functions::Owner;

/// A layer version. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerVersion {
    pub(crate) name: LayerName,
    pub(crate) version: u64,
    pub(crate) description: String,
    pub(crate) created: Timestamp,
    /// The package as it was uploaded.
    pub(crate) digest: BlobDigest,
    pub(crate) bytes: u64,
    pub(crate) unzipped_bytes: u64,
    /// `None` when it was not given; an empty list is shown as one.
    pub(crate) runtimes: Option<Vec<String>>,
    pub(crate) architectures: Option<Vec<String>>,
    pub(crate) license: Option<String>,
}

impl LayerVersion {
    /// Who holds its package, in the words of the store's list of holders.
    pub(crate) fn holder(&self, owner: &Owner) -> String {
        format!("lambda-layer/{}/{}/{}/{}", owner.account, owner.region, self.name, self.version)
    }
}
