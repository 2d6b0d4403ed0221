//! Packages that lie in S3: the seam through which this service reads objects, whoever keeps them.
//!
//! ```text
//! Source ── Zip ─────────────────────────────────▶ the service's own blob, held by a function or a layer
//!        └─ Object ──▶ Objects::open ──▶ its bytes ──┘
//! ```
//!
//! AWS copies the object when it is named (`S3ObjectStorageMode` `COPY`), and so does this: what happens to the object
//! later changes no function.
//!
//! Never: reads more than a package may have; keeps a part of an object for the whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hearth_aws::Call;
use hearth_aws::operation::BoxFuture;
use hearth_store::garbage::Kept;

use crate::Lambda;
use crate::error::FunctionError;
use crate::limits::{CODE_UNZIPPED_BYTES_MAX, CODE_ZIPPED_BYTES_MAX};

/// Packages that are copied out of S3 at the same time (a limit of this server); further ones wait for their turn.
pub(crate) const READS_MAX: usize = 8;

/// How long one may take, with the wait for its turn.
const READ_LIMIT: Duration = Duration::from_secs(120);

/// An object of S3, as `S3Bucket`, `S3Key` and `S3ObjectVersion` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The bucket's name.
    pub bucket: String,
    /// The key as it was given.
    pub key: String,
    /// The version; the newest when there is none.
    pub version: Option<String>,
}

/// An object that is being read.
pub struct Object {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content, in pieces. An error ends it.
    pub content: BoxStream<'static, Result<Bytes, ObjectError>>,
}

/// Why an object is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// S3 refuses: `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `PermanentRedirect`, `AccessDenied`.
    #[error("S3 Error Code: {code}. S3 Error Message: {message}")]
    Refused {
        /// `Code` of S3's answer.
        code: String,
        /// `Message` of S3's answer.
        message: String,
    },
    /// S3 or what lies below it failed.
    #[error("read an object: {0}")]
    Failed(Arc<str>),
}

/// Who keeps the objects of S3. [`crate::LambdaDeps`] takes one.
pub trait Objects: Send + Sync {
    /// Opens an object in the call's region with the rights of its caller: GetObject of S3.
    fn open<'a>(
        &'a self,
        call: &'a Call,
        object: &'a ObjectName,
    ) -> BoxFuture<'a, Result<Object, ObjectError>>;
}

/// Where a package comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// With the request.
    Zip(Bytes),
    /// Out of S3, with the rights of the caller.
    Object(Box<Call>, ObjectName),
}

/// What a request says about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) zip_file: Option<Bytes>,
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) version: Option<String>,
}

/// A package on stable storage, to be held.
pub(crate) struct Package {
    pub(crate) kept: Kept,
    /// Of the zip.
    pub(crate) bytes: u64,
}

impl Given {
    /// The one source that is given.
    pub(crate) fn source(self, call: &Call) -> Result<Source, FunctionError> {
        match self {
            Self { zip_file: Some(zip), bucket: None, key: None, version: None } => zip_source(zip),
            Self { zip_file: Some(_), .. } => {
                refuse("Please give either ZipFile or an object in S3 as the function code, not both.")
            }
            Self { zip_file: None, bucket: Some(bucket), key: Some(key), version } => {
                Ok(Source::Object(Box::new(call.clone()), ObjectName { bucket, key, version }))
            }
            Self { bucket: None, key: None, version: None, .. } => {
                refuse("Please provide a source for function code.")
            }
            Self { bucket: None, .. } => refuse("S3Bucket is needed beside S3Key and S3ObjectVersion."),
            Self { key: None, .. } => refuse("S3Key is needed beside S3Bucket."),
        }
    }
}

fn zip_source(zip: Bytes) -> Result<Source, FunctionError> {
    if zip.is_empty() || is_without_entries(&zip) {
        return refuse(EMPTY);
    }
    if zip.len() as u64 > CODE_ZIPPED_BYTES_MAX {
        return Err(FunctionError::ZipTooLarge);
    }
    Ok(Source::Zip(zip))
}

const EMPTY: &str = "Uploaded file must be a non-empty zip";

/// Whether a zip begins with the end of its directory: what tools make of an empty folder.
fn is_without_entries(start: &[u8]) -> bool {
    start.starts_with(b"PK\x05\x06")
}

fn refuse<T>(text: &str) -> Result<T, FunctionError> {
    Err(FunctionError::Parameter(text.to_owned()))
}

impl Source {
    /// Keeps the package as a blob of this kind.
    pub(crate) async fn keep(&self, lambda: &Lambda, kind: &'static str) -> Result<Package, FunctionError> {
        match self {
            Self::Zip(zip) => put(lambda, kind, zip.clone()).await,
            Self::Object(call, object) => {
                let whole = async {
                    let _turn = lambda.object_reads.acquire().await.expect("it is never closed");
                    copy(lambda, kind, call, object).await
                };
                let read = lambda.world.physical().timeout(READ_LIMIT, whole).await;
                read.unwrap_or_else(|_| Err(ObjectError::Failed("it takes too long".into()).into()))
            }
        }
    }
}

async fn put(lambda: &Lambda, kind: &'static str, zip: Bytes) -> Result<Package, FunctionError> {
    let bytes = zip.len() as u64;
    Ok(Package { kept: lambda.blobs.put(kind, zip).await?, bytes })
}

/// Copies the whole object, piece by piece. AWS's limit of 50 MB is one of the request: an object may be larger, up to
/// what all its files together may have unpacked.
async fn copy(
    lambda: &Lambda,
    kind: &'static str,
    call: &Call,
    name: &ObjectName,
) -> Result<Package, FunctionError> {
    let Object { bytes, mut content } = lambda.objects.open(call, name).await?;
    if bytes > CODE_UNZIPPED_BYTES_MAX {
        return Err(FunctionError::UnzippedTooLarge);
    }
    if bytes == 0 {
        return refuse(EMPTY);
    }
    let (mut draft, mut copied) = (lambda.blobs.draft(kind).await?, 0);
    while let Some(piece) = content.next().await {
        let piece = piece?;
        if copied == 0 && is_without_entries(&piece) {
            return refuse(EMPTY);
        }
        copied += piece.len() as u64;
        if copied > bytes {
            return Err(changed(name));
        }
        draft.write(piece).await?;
    }
    if copied != bytes {
        return Err(changed(name));
    }
    Ok(Package { kept: draft.finish().await?, bytes })
}

fn changed(name: &ObjectName) -> FunctionError {
    let reason = format!("{}/{} has another size than its record says", name.bucket, name.key);
    ObjectError::Failed(reason.into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_one_source() {
        let call = crate::tests::call("1", "x");
        let zip = || Some(Bytes::from_static(b"a zip"));
        let text = |text: &str| Some(text.to_owned());
        let refused = |given: Given| given.source(&call).expect_err("refused").to_string();
        assert_eq!(refused(Given::default()), "Please provide a source for function code.");
        assert!(
            refused(Given { zip_file: zip(), bucket: text("b"), ..Given::default() }).contains("not both")
        );
        assert!(refused(Given { bucket: text("b"), ..Given::default() }).starts_with("S3Key is needed"));
        assert!(refused(Given { key: text("k"), ..Given::default() }).starts_with("S3Bucket is needed"));
        assert!(refused(Given { version: text("v"), ..Given::default() }).starts_with("S3Bucket is needed"));
        let object = Given { bucket: text("b"), key: text("k"), ..Given::default() }.source(&call);
        assert!(matches!(object, Ok(Source::Object(_, name)) if name.key == "k" && name.version.is_none()));
    }
}
