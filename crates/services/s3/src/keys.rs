//! Where everything lies in the store. A bucket's name is of the whole partition, so it comes before the account;
//! everything in a bucket lies under its number, which is of no other bucket that is or was.
//!
//! ```text
//! s3/bucket   NAME                       ─▶ the bucket, its number B, whose it is
//! s3/owned    account NAME               ─▶ nothing: the buckets of an account
//! s3/document B NAME                     ─▶ a sub-resource (`cors`, `policy`) as its document was stored
//! s3/key      B key                      ─▶ the newest version, unless that is a delete marker: what is listed
//! s3/version  B key newest-first         ─▶ a version or delete marker
//! s3/null     B key                      ─▶ where the version "null" stands, when it is not the newest
//! s3/bytes    N                          ─▶ the bytes of a small object with the number N
//! s3/upload   B key number               ─▶ an upload in parts, its number U
//! s3/part     U part-number              ─▶ a part; of a finished upload: of the object
//! ```

use hearth_store::Key;

/// The bucket of this name.
pub(crate) fn bucket(name: &str) -> Key {
    buckets().text(name)
}

/// All buckets.
pub(crate) fn buckets() -> Key {
    Key::of("s3/bucket")
}

/// The buckets of an account.
pub(crate) fn owned(account: &str) -> Key {
    Key::of("s3/owned").text(account)
}

/// The sub-resources of a bucket.
pub(crate) fn documents(bucket: u64) -> Key {
    Key::of("s3/document").number(bucket)
}

/// What is listed of a bucket.
pub(crate) fn listed(bucket: u64) -> Key {
    Key::of("s3/key").number(bucket)
}

/// All versions in a bucket.
pub(crate) fn versions(bucket: u64) -> Key {
    Key::of("s3/version").number(bucket)
}

/// One version. A later one has a greater sequence number and comes first.
pub(crate) fn version(bucket: u64, key: &str, sequence: u64) -> Key {
    versions(bucket).text(key).number(!sequence)
}

/// Where the version "null" of a key stands.
pub(crate) fn null(bucket: u64, key: &str) -> Key {
    Key::of("s3/null").number(bucket).text(key)
}

/// The bytes of a small object.
pub(crate) fn bytes(number: u64) -> Key {
    Key::of("s3/bytes").number(number)
}

/// All uploads in a bucket.
pub(crate) fn uploads(bucket: u64) -> Key {
    Key::of("s3/upload").number(bucket)
}

/// One upload.
pub(crate) fn upload(bucket: u64, key: &str, number: u64) -> Key {
    uploads(bucket).text(key).number(number)
}

/// All parts of an upload.
pub(crate) fn parts(upload: u64) -> Key {
    Key::of("s3/part").number(upload)
}

/// One part.
pub(crate) fn part(upload: u64, number: u32) -> Key {
    parts(upload).number(number.into())
}
