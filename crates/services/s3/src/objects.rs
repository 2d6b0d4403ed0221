//! Objects for other parts of this program, without HTTP.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use hearth_store::transact_read;

use crate::S3;
use crate::content::{Outgoing, pieces, stream};
use crate::error::Failure;
use crate::records::Versioning;
use crate::{buckets, versions};

/// Reads objects of buckets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects(Arc<S3>);

/// An object that is being read.
pub struct ObjectBytes {
    /// Its size.
    pub bytes: u64,
    /// Without quotes.
    pub etag: String,
    /// Where the bucket is.
    pub region: String,
    /// Which version was found, where the bucket keeps versions.
    pub version: Option<String>,
    outgoing: Outgoing,
}

impl Objects {
    /// The objects of a service.
    pub fn of(s3: &Arc<S3>) -> Self {
        Self(s3.clone())
    }

    /// An object of a bucket that belongs to `account`: the newest version, or this one.
    ///
    /// # Errors
    /// As GetObject: `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `AccessDenied`.
    pub async fn get(
        &self,
        account: &str,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectBytes, Failure> {
        let (account, name, key) = (account.to_owned(), bucket.to_owned(), key.to_owned());
        let wanted = version.map(str::to_owned);
        let found = transact_read(&*self.0.store, move |tx| -> Result<_, Failure> {
            let bucket = buckets::get(tx, &account, &name)?;
            let (version, object) = versions::get(tx, &bucket, &key, wanted.as_deref())?;
            let pieces = pieces(tx, &object, &(0..object.bytes))?;
            let version = (bucket.versioning != Versioning::Never).then_some(version.id);
            Ok((object, version, bucket.region, pieces))
        });
        let (object, version, region, pieces) = found.await?;
        let outgoing = Outgoing::open(&self.0, pieces).await?;
        Ok(ObjectBytes { bytes: object.bytes, etag: object.etag, region, version, outgoing })
    }
}

impl ObjectBytes {
    /// The bytes as they are read.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
        stream(self.outgoing)
    }

    /// The whole object, when it is not larger than this.
    ///
    /// # Errors
    /// `EntityTooLarge` when it is, and what reading it meets.
    pub async fn whole(mut self, bytes_max: u64) -> Result<Bytes, Failure> {
        if self.bytes > bytes_max {
            let text = format!("The object is larger than {bytes_max} bytes.");
            return Err(Failure::new(400, "EntityTooLarge", text));
        }
        let mut whole = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        while let Some(piece) = self.outgoing.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

impl std::fmt::Debug for ObjectBytes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ObjectBytes").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
