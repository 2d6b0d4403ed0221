//! What a backup is: one tar file that says at its beginning what must be in it.
//!
//! ```text
//! manifest.json   version, time, size and SHA-256 of the database, number and bytes of the blobs
//! hearth.db       the database as it was at one moment
//! blobs/DIGEST    every blob that the database needs, by SHA-256
//! ```
//!
//! Never: read further than the manifest promises; a path of the archive's own choosing.

use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use hearth_store::BlobDigest;
use serde::{Deserialize, Serialize};

/// The form of the archive. What has a higher one is a newer release's.
pub const FORMAT: u32 = 1;

/// The first file of the archive.
pub const MANIFEST: &str = "manifest.json";

/// The database, in the archive and in a data folder.
pub const DATABASE: &str = "hearth.db";

/// The folder of the blobs, in the archive and in a data folder.
pub const BLOBS: &str = "blobs";

/// More than a manifest has.
const MANIFEST_BYTES_MAX: u64 = 65_536;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The release that wrote it.
    pub version: String,
    /// When the database was as it is in the archive.
    pub time: String,
    /// Size of the database in bytes.
    pub database_bytes: u64,
    /// SHA-256 of the database in hexadecimal digits.
    pub database_sha256: String,
    /// How many blobs follow.
    pub blobs: u64,
    /// Their bytes together.
    pub blob_bytes: u64,
}

impl Manifest {
    /// Reads the manifest, which must be the archive's first file.
    pub fn read(mut entry: tar::Entry<'_, impl Read>) -> Result<Self> {
        ensure!(name(&entry)? == MANIFEST, "it does not begin with a manifest");
        ensure!(entry.size() <= MANIFEST_BYTES_MAX, "its manifest is too large");
        let mut text = String::new();
        entry.read_to_string(&mut text).context("read its manifest")?;
        // The form first: a newer one may have anything else.
        let form: Form = serde_json::from_str(&text).context("read its manifest")?;
        if form.format != FORMAT {
            bail!("it was written by another release (form {}, this one knows {FORMAT})", form.format);
        }
        serde_json::from_str(&text).context("read its manifest")
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// A file of the archive behind the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The database.
    Database,
    /// A blob.
    Blob(BlobDigest),
}

/// Which file an entry is; anything else is refused.
pub fn member(entry: &tar::Entry<'_, impl Read>) -> Result<Member> {
    let name = name(entry)?;
    if name == DATABASE {
        return Ok(Member::Database);
    }
    let digest = name.strip_prefix(BLOBS).and_then(|rest| rest.strip_prefix('/'));
    let digest = digest.and_then(|digest| digest.parse().ok());
    digest.map(Member::Blob).with_context(|| format!("it holds {name:?}, which no backup has"))
}

fn name(entry: &tar::Entry<'_, impl Read>) -> Result<String> {
    ensure!(entry.header().entry_type().is_file(), "it holds something that is no file");
    Ok(entry.path().context("read a name in it")?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            // Set as it is: the builder would refuse what an attacker writes.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn first(bytes: &[u8]) -> Result<Member> {
        let mut archive = tar::Archive::new(bytes);
        let entry = archive.entries()?.next().context("an entry")??;
        member(&entry)
    }

    #[test]
    fn only_the_database_and_blobs_are_members() {
        let digest = BlobDigest::of(b"code");
        assert_eq!(first(&archive(&[("hearth.db", "")])).unwrap(), Member::Database);
        assert_eq!(first(&archive(&[(&format!("blobs/{digest}"), "")])).unwrap(), Member::Blob(digest));
        for name in ["token", "blobs/../token", "/etc/passwd", "blobs/", "blobs/abc", "../hearth.db"] {
            assert!(first(&archive(&[(name, "")])).is_err(), "{name}");
        }
    }

    #[test]
    fn a_manifest_of_another_form_is_refused_by_its_number_alone() {
        let bytes = archive(&[(MANIFEST, r#"{"format": 2, "novelty": true}"#)]);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let refused = Manifest::read(entry).unwrap_err().to_string();
        assert_eq!(refused, "it was written by another release (form 2, this one knows 1)");
    }
}
