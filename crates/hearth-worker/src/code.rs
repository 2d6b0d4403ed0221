//! Unpacked packages: `<data>/code/<digest>`, each made once, by an unprivileged child of the spawner. Layers that
//! are used together are one tree, under the digest of their list.
//!
//! Never: an unpacked package that is not complete; the same one unpacked twice at once.
// GAP(code-gc): unpacked packages without a function stay; they go with the blobs' collection.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hearth_sandbox::api::{UnpackError, UnpackSpec};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, Semaphore};

use crate::sandbox::Sandbox;
use crate::worker::{CodeDigest, CodeError, CodeSource, PrepareError};

/// A package and its layers, unpacked: 250 MB.
pub(crate) const CODE_BYTES_MAX: u64 = 262_144_000;
/// Files, directories and links of one package. AWS names no limit; this one bounds what unpacking costs.
const ENTRIES_MAX: u32 = 200_000;
/// Packages that are unpacked at the same time; others wait.
const UNPACKED_AT_ONCE: usize = 2;
/// SHA-256 in hexadecimal.
const DIGEST_CHARACTERS: usize = 64;

/// See the module.
pub(crate) struct CodeCache {
    directory: PathBuf,
    source: Arc<dyn CodeSource>,
    sandbox: Arc<dyn Sandbox>,
    sizes: Mutex<HashMap<CodeDigest, Arc<OnceCell<u64>>>>,
    places: Semaphore,
}

impl CodeCache {
    pub(crate) fn new(directory: PathBuf, source: Arc<dyn CodeSource>, sandbox: Arc<dyn Sandbox>) -> Self {
        Self { directory, source, sandbox, sizes: Mutex::default(), places: Semaphore::new(UNPACKED_AT_ONCE) }
    }

    /// The unpacked package and the size of its files, made when it is not there yet. Callers share the work.
    pub(crate) async fn get(&self, code: &CodeDigest) -> Result<(PathBuf, u64), PrepareError> {
        self.tree(code.clone(), std::slice::from_ref(code)).await
    }

    /// The same for layers: one tree, in which a later layer's file hides an earlier one's.
    pub(crate) async fn layers(&self, layers: &[CodeDigest]) -> Result<(PathBuf, u64), PrepareError> {
        match layers {
            [layer] => self.get(layer).await,
            layers => self.tree(digest_of(layers), layers).await,
        }
    }

    async fn tree(&self, name: CodeDigest, packages: &[CodeDigest]) -> Result<(PathBuf, u64), PrepareError> {
        if let Some(bad) = packages.iter().find(|it| !is_digest(it)) {
            return Err(PrepareError::Host(format!("{bad:?} is not the digest of a package")));
        }
        let directory = self.directory.join(&name.0);
        let cell = {
            let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
            sizes.entry(name.clone()).or_default().clone()
        };
        let size = cell.get_or_try_init(|| self.make(packages, &directory)).await;
        if size.is_err() {
            // A package that cannot be unpacked is asked for again by nobody, or by one who may have better luck.
            self.sizes.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        }
        Ok((directory, *size?))
    }

    async fn make(&self, packages: &[CodeDigest], directory: &Path) -> Result<u64, PrepareError> {
        if directory.is_dir() {
            let there = directory.to_owned();
            let size = tokio::task::spawn_blocking(move || size_below(&there)).await;
            return size.map_err(|error| PrepareError::Host(error.to_string()))?.map_err(host);
        }
        let mut archives = Vec::with_capacity(packages.len());
        for package in packages {
            let package = self.source.package(package.clone()).await;
            let package = package.map_err(|error: CodeError| PrepareError::Host(error.to_string()))?;
            archives.push(File::open(&package).map_err(host)?.into());
        }
        fs::create_dir_all(&self.directory).map_err(host)?;
        let spec = UnpackSpec {
            destination: directory.to_owned(),
            bytes_max: CODE_BYTES_MAX,
            entries_max: ENTRIES_MAX,
        };
        let _place = self.places.acquire().await;
        match self.sandbox.unpack(archives, spec).await {
            Ok(unpacked) => Ok(unpacked.bytes),
            Err(UnpackError::Bad(reason)) => Err(PrepareError::Bad(reason)),
            Err(UnpackError::TooLarge { limit }) => Err(PrepareError::TooLarge { limit }),
            Err(UnpackError::Host(reason)) => Err(PrepareError::Host(reason)),
        }
    }
}

fn is_digest(code: &CodeDigest) -> bool {
    code.0.len() == DIGEST_CHARACTERS && code.0.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Names the tree that a list of layers makes.
fn digest_of(layers: &[CodeDigest]) -> CodeDigest {
    let mut hash = Sha256::new_with_prefix("layers");
    layers.iter().for_each(|layer| hash.update(layer.0.as_bytes()));
    CodeDigest(hex::encode(hash.finalize()))
}

fn host(error: std::io::Error) -> PrepareError {
    PrepareError::Host(error.to_string())
}

/// Of the regular files; links are not followed.
fn size_below(directory: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if found.is_dir() {
                pending.push(entry.path());
            } else if found.is_file() {
                sum += found.len();
            }
        }
    }
    Ok(sum)
}
