//! Unpacked packages: `<data>/code/<digest>`, each made once, by an unprivileged child of the spawner. Layers that
//! are used together are one tree, under the digest of their list.
//!
//! A tree of layers has no blob of its own: a sweep forgets it when nothing uses it, and it is made again.
//! A package that no function needs is forgotten when its blob is collected, and is unpacked again should it come back.
//!
//! Never: an unpacked package that is not complete; the same one unpacked twice at once; one removed that an
//! environment still uses.

use std::collections::HashMap;
use std::fs;
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

/// What the name of a package that is being removed ends with.
const REMOVED: &str = ".removed";

/// See the module.
pub(crate) struct CodeCache {
    directory: PathBuf,
    source: Arc<dyn CodeSource>,
    sandbox: Arc<dyn Sandbox>,
    known: Mutex<HashMap<CodeDigest, Arc<OnceCell<u64>>>>,
    places: Semaphore,
}

/// An unpacked package. It stays as long as this lives.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// Where it is.
    pub(crate) directory: PathBuf,
    /// The size of its files.
    pub(crate) bytes: u64,
    /// Counted: the cache holds one, every user another.
    _in_use: Arc<OnceCell<u64>>,
}

impl Code {
    /// A directory that no cache knows, and none removes.
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directory, bytes: 0, _in_use: Arc::default() }
    }
}

impl CodeCache {
    pub(crate) fn new(directory: PathBuf, source: Arc<dyn CodeSource>, sandbox: Arc<dyn Sandbox>) -> Self {
        Self { directory, source, sandbox, known: Mutex::default(), places: Semaphore::new(UNPACKED_AT_ONCE) }
    }

    /// The unpacked package and the size of its files, made when it is not there yet. Callers share the work.
    pub(crate) async fn get(&self, code: &CodeDigest) -> Result<Code, PrepareError> {
        self.tree(code.clone(), std::slice::from_ref(code)).await
    }

    /// The same for layers: one tree, in which a later layer's file hides an earlier one's.
    pub(crate) async fn layers(&self, layers: &[CodeDigest]) -> Result<Code, PrepareError> {
        match layers {
            [layer] => self.get(layer).await,
            layers => self.tree(digest_of(layers), layers).await,
        }
    }

    async fn tree(&self, name: CodeDigest, packages: &[CodeDigest]) -> Result<Code, PrepareError> {
        if let Some(bad) = packages.iter().find(|it| !is_digest(&it.0)) {
            return Err(PrepareError::Host(format!("{bad:?} is not the digest of a package")));
        }
        let directory = self.directory.join(&name.0);
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(name.clone()).or_default().clone()
        };
        match cell.get_or_try_init(|| self.make(packages, &directory)).await.copied() {
            Ok(bytes) => Ok(Code { directory, bytes, _in_use: cell }),
            Err(error) => {
                // A package that cannot be unpacked is asked for again by nobody, or by one who may have better luck.
                self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                Err(error)
            }
        }
    }

    /// Removes an unpacked package; `false` when something uses it or makes it now.
    pub(crate) async fn forget(&self, code: &CodeDigest) -> std::io::Result<bool> {
        if !is_digest(&code.0) {
            return Ok(true);
        }
        let removed = self.directory.join(format!("{}{REMOVED}", code.0));
        {
            // Under the lock: whoever comes now waits, finds no directory afterwards, and unpacks anew.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.get(code).is_some_and(|cell| Arc::strong_count(cell) > 1) {
                return Ok(false);
            }
            known.remove(code);
            match fs::rename(self.directory.join(&code.0), &removed) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
                other => other?,
            }
        }
        self.remove(removed).await?;
        Ok(true)
    }

    /// The files are the spawner's: where this process has no privilege, it cannot remove them itself.
    async fn remove(&self, tree: PathBuf) -> std::io::Result<()> {
        match self.sandbox.remove(tree.clone()).await {
            // Another removal of the same one took it.
            Err(_) if !tree.exists() => Ok(()),
            removed => removed.map_err(std::io::Error::other),
        }
    }

    /// The unpacked packages that are there. What a removal left half done when it was killed is removed.
    pub(crate) async fn kept(&self) -> std::io::Result<Vec<CodeDigest>> {
        let directory = self.directory.clone();
        let listed = tokio::task::spawn_blocking(move || {
            let (mut kept, mut half_done) = (Vec::new(), Vec::new());
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((kept, half_done)),
                other => other?,
            };
            for entry in entries {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if is_digest(&name) {
                    kept.push(CodeDigest(name));
                } else if name.strip_suffix(REMOVED).is_some_and(is_digest) {
                    half_done.push(directory.join(name));
                }
            }
            Ok::<_, std::io::Error>((kept, half_done))
        });
        let (kept, half_done) = listed.await??;
        for tree in half_done {
            self.remove(tree).await?;
        }
        Ok(kept)
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
            let package = package.map_err(|error: CodeError| PrepareError::Host(error.reason))?;
            archives.push(package.into());
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

fn is_digest(name: &str) -> bool {
    name.len() == DIGEST_CHARACTERS && name.bytes().all(|byte| byte.is_ascii_hexdigit())
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

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::sandbox::simulated::SimulatedSandbox;
    use crate::worker::BoxFuture;

    /// One file stands for every package.
    struct Packages(PathBuf);

    impl CodeSource for Packages {
        fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<File, CodeError>> {
            let file = File::open(&self.0).map_err(|error| CodeError { code, reason: error.to_string() });
            Box::pin(std::future::ready(file))
        }
    }

    fn digest(digit: char) -> CodeDigest {
        CodeDigest(digit.to_string().repeat(DIGEST_CHARACTERS))
    }

    #[tokio::test]
    async fn a_package_is_forgotten_when_nobody_uses_it_and_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let package = folder.path().join("package.zip");
        fs::write(&package, "").expect("a package");
        let place = folder.path().join("code");
        let sandbox = Arc::new(SimulatedSandbox::new(folder.path().join("unused"), |_| {}));
        let cache = CodeCache::new(place.clone(), Arc::new(Packages(package)), sandbox);
        assert!(cache.kept().await.expect("nothing yet").is_empty());
        let used = cache.get(&digest('a')).await.expect("unpacked");
        cache.get(&digest('b')).await.expect("unpacked");
        assert!(!cache.forget(&digest('a')).await.expect("an answer"), "it is in use");
        assert!(used.directory.is_dir());
        assert!(cache.forget(&digest('b')).await.expect("an answer"));
        assert_eq!(cache.kept().await.expect("a list"), [digest('a')]);
        drop(used);
        assert!(cache.forget(&digest('a')).await.expect("an answer"));
        assert!(cache.forget(&digest('a')).await.expect("an answer"), "it is gone already");
        assert!(cache.get(&digest('a')).await.expect("unpacked again").directory.is_dir());
        // A removal that was killed half way.
        fs::rename(place.join(digest('a').0), place.join(format!("{}{REMOVED}", digest('c').0)))
            .expect("renamed");
        assert!(cache.kept().await.expect("a list").is_empty());
        assert_eq!(fs::read_dir(&place).expect("code/").count(), 0);
    }
}
