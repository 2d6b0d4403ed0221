//! Changes of objects, told in the transaction that makes them: for notifications.

use hearth_store::{Tx, TxResult};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `s3:ObjectCreated:Put`.
    Put,
    /// `s3:ObjectCreated:Copy`.
    Copy,
    /// `s3:ObjectCreated:CompleteMultipartUpload`.
    CompleteMultipartUpload,
    /// `s3:ObjectRemoved:Delete`.
    Delete,
    /// `s3:ObjectRemoved:DeleteMarkerCreated`.
    DeleteMarkerCreated,
}

/// A change as it is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// What happened.
    pub change: Change,
    /// The account that owns the bucket.
    pub account: String,
    /// The bucket's region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The key, as it is, not encoded.
    pub key: String,
    /// The object's size, if there is one.
    pub bytes: Option<u64>,
    /// The object's ETag without quotes, if there is one.
    pub etag: Option<String>,
    /// The version, where the bucket keeps versions.
    pub version: Option<String>,
    /// Grows from change to change of one key.
    pub sequence: u64,
}

/// Who is told of changes.
pub trait Listener: Send + Sync {
    /// Notes a change, in the transaction that makes it: both happen or neither. `notification` is the bucket's
    /// stored notification configuration. The transaction may run again.
    fn changed(&self, tx: &mut dyn Tx, event: &ObjectEvent, notification: Option<&str>) -> TxResult<()>;
}
