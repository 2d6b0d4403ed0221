//! The runtimes: where each one's files come from on this host, how it starts, and the environment it finds.
//!
//! To add one: a file with its [`RuntimeSpec`]s and one line in [`specs`].
//!
//! Never: runs an interpreter in this process's own world to look at it; shows a function the host's own packages.

mod compiled;
mod node;
mod places;
mod provided;
mod python;
mod sdk;
mod variables;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hearth_sandbox::api::Mount;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::sandbox::Sandbox;
use sdk::Sdk;

pub use places::Places;
pub use sdk::{SdkOutcome, SdkSetup, SetupError, set_up};
pub(crate) use variables::environment;

/// One runtime identifier.
#[derive(Debug)]
pub(crate) struct RuntimeSpec {
    /// As AWS spells it.
    pub(crate) identifier: &'static str,
    /// Finds it on this host.
    pub(crate) find: fn(&Places, &'static str) -> Result<Found, String>,
    /// What lies in `/var/runtime`: names and texts.
    pub(crate) sources: &'static [(&'static str, &'static str)],
    /// What the interpreter makes of them, once.
    pub(crate) compilation: Option<&'static Compilation>,
    /// Links in `/var/runtime`: name and where it leads inside.
    pub(crate) links: &'static [(&'static str, &'static str)],
    /// What AWS's runtime carries beside the interpreter.
    pub(crate) sdk: Option<&'static Sdk>,
    /// Where functions see it.
    pub(crate) sdk_place: fn(&'static str, &Found) -> Option<PathBuf>,
    /// How it starts. The directory on the host becomes `/var/runtime`; the text is its version's hash.
    pub(crate) runtime: fn(&'static str, &Found, &Path, String) -> Runtime,
}

/// A program for the interpreter that prints, for each file it makes, a line with name and length, then its bytes.
#[derive(Debug)]
pub(crate) struct Compilation {
    /// After the interpreter's own name.
    pub(crate) arguments: &'static [&'static str],
    /// The file that is there only when all others are.
    pub(crate) complete: &'static str,
}

/// Every runtime this build knows.
fn specs() -> impl Iterator<Item = &'static RuntimeSpec> {
    python::RUNTIMES.iter().chain(node::RUNTIMES).chain(provided::RUNTIMES)
}

/// An interpreter on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// `PATH`, `pyenv`, `system`; `function` when the function brings its own program.
    pub(crate) source: &'static str,
    /// The program on the host.
    pub(crate) program: Option<PathBuf>,
    /// Shown as `/var/lang`; `None` when it runs from `/usr` as it is.
    pub(crate) prefix: Option<PathBuf>,
    /// `3.12.1`
    pub(crate) version: String,
}

/// A runtime that is ready to start.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    /// As AWS spells it.
    pub(crate) identifier: &'static str,
    /// `python:3.12.v1`
    pub(crate) version: String,
    /// 64 hexadecimal digits: changes with the runtime and its interpreter.
    pub(crate) version_hash: String,
    /// All of the root but the function's own.
    pub(crate) mounts: Vec<Mount>,
    /// What is started.
    pub(crate) entry: Entry,
    /// Whether its bootstrap speaks over the channel.
    pub(crate) channel: bool,
    /// Whether it finds the variables that the start of AWS's own runtimes sets.
    pub(crate) managed: bool,
    /// Variables of this language.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Folders of layers that are seen at another place too, by the first that is there.
    pub(crate) layer_folders: LayerFolders,
}

/// Folders below `/opt`, and the place where the first of them that is there is seen as well.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerFolders {
    pub(crate) names: Vec<String>,
    pub(crate) place: PathBuf,
}

impl LayerFolders {
    /// The mount for these layers, if one of the folders is there. A link counts as not there: it could lead anywhere
    /// on the host.
    pub(crate) fn mount(&self, opt: &Path) -> Option<Mount> {
        let plain = |name: &&String| {
            let mut path = opt.to_owned();
            Path::new(name).components().all(|part| {
                path.push(part);
                path.symlink_metadata().is_ok_and(|it| it.is_dir())
            })
        };
        let name = self.names.iter().find(plain)?;
        Some(Mount { source: opt.join(name), target: self.place.clone() })
    }
}

/// What a runtime starts.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A program of its own.
    Program(Program),
    /// The first of these files that the function brings and that may be executed.
    FirstOf(&'static [&'static str]),
}

/// A program inside, and its `argv`.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// What comes after the program's name, by the function's memory in MB.
    pub(crate) by_memory: fn(u32) -> Vec<String>,
}

impl Program {
    /// A program that the function brings.
    pub(crate) fn brought(path: &str) -> Self {
        Self { path: path.into(), arguments: vec![path.to_owned()], by_memory: nothing }
    }

    /// The whole `argv` for a function of this memory.
    pub(crate) fn arguments_for(self, memory_mb: u32) -> Vec<String> {
        let mut arguments = self.arguments;
        let rest = arguments.split_off(arguments.len().min(1));
        arguments.extend((self.by_memory)(memory_mb));
        arguments.extend(rest);
        arguments
    }
}

/// Memory decides nothing.
fn nothing(_: u32) -> Vec<String> {
    Vec::new()
}

/// What a list of runtimes shows of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeStatus {
    /// As AWS spells it.
    pub identifier: &'static str,
    /// Where it was found: `PATH`, `pyenv`, `system`.
    pub source: Option<&'static str>,
    /// The interpreter on this host.
    pub path: Option<PathBuf>,
    /// Its version.
    pub version: Option<String>,
    /// A sentence that says how to get it, when it is not there.
    pub problem: Option<String>,
    /// What AWS's runtime carries beside the interpreter.
    pub sdk: Option<SdkStatus>,
}

/// Whether a runtime's SDK is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkStatus {
    /// `boto3`
    pub package: &'static str,
    /// `1.42.97`
    pub version: &'static str,
    /// `hearth runtimes setup` has been run.
    pub ready: bool,
}

type Prepared = Arc<OnceCell<Arc<Runtime>>>;

/// The runtimes of this host.
#[derive(Debug)]
pub struct Runtimes {
    places: Places,
    directory: PathBuf,
    found: Mutex<HashMap<&'static str, Result<Found, String>>>,
    /// By identifier, and whether its SDK was there.
    prepared: Mutex<HashMap<(&'static str, bool), Prepared>>,
}

impl Runtimes {
    /// Looks for nothing yet. Bootstraps are kept below `directory`.
    pub fn new(places: Places, directory: PathBuf) -> Self {
        Self { places, directory, found: Mutex::default(), prepared: Mutex::default() }
    }

    /// Every known runtime, found or not.
    pub fn list(&self) -> Vec<RuntimeStatus> {
        specs()
            .map(|spec| {
                let (found, problem) = match self.find(spec) {
                    Ok(found) => (Some(found), None),
                    Err(problem) => (None, Some(problem)),
                };
                RuntimeStatus {
                    identifier: spec.identifier,
                    source: found.as_ref().map(|found| found.source),
                    version: found.as_ref().map(|found| found.version.clone()),
                    path: found.and_then(|found| found.program),
                    problem,
                    sdk: spec.sdk.map(|sdk| SdkStatus {
                        package: sdk.package,
                        version: sdk.version,
                        ready: self.sdk_tree(sdk).is_some(),
                    }),
                }
            })
            .collect()
    }

    /// Where it was set up: in the folder for that, or in the data folder's own.
    fn sdk_tree(&self, sdk: &Sdk) -> Option<PathBuf> {
        self.places.sdks.as_deref().and_then(|folder| sdk.tree(folder)).or_else(|| sdk.tree(&self.directory))
    }

    /// What of the host is shown in sandboxes, beside what lies in the data folder: the system's trees, and the
    /// prefixes of the interpreters that were found, the SDKs.
    pub fn sources(&self) -> Vec<PathBuf> {
        let prefixes = specs().filter_map(|spec| self.find(spec).ok()?.prefix);
        let system = host_mounts().into_iter().map(|mount| mount.source);
        system.chain(prefixes).chain(self.places.sdks.clone().filter(|folder| folder.is_dir())).collect()
    }

    /// The newest Python there is, as AWS spells it.
    pub fn newest_python(&self) -> Option<&'static str> {
        python::RUNTIMES.iter().rev().find(|spec| self.find(spec).is_ok()).map(|spec| spec.identifier)
    }

    /// The newest Node.js there is, as AWS spells it.
    pub fn newest_node(&self) -> Option<&'static str> {
        node::RUNTIMES.iter().rev().find(|spec| self.find(spec).is_ok()).map(|spec| spec.identifier)
    }

    /// Whether the runtime can start here; if not, a sentence that says how to get it.
    pub fn supports(&self, identifier: &str) -> Result<(), String> {
        self.find(known(identifier)?).map(drop)
    }

    /// What identifies the runtime's build here: 64 hexadecimal digits.
    pub(crate) fn version(&self, identifier: &str) -> Option<String> {
        let spec = known(identifier).ok()?;
        Some(version_hash(spec, &self.find(spec).ok()?))
    }

    /// The runtime, its bootstrap written and compiled. Concurrent callers share the work.
    pub(crate) async fn prepare(
        &self,
        identifier: &str,
        sandbox: &dyn Sandbox,
    ) -> Result<Arc<Runtime>, String> {
        let spec = known(identifier)?;
        let found = self.find(spec)?;
        // It may have been set up since the last environment was made.
        let sdk = spec.sdk.and_then(|sdk| self.sdk_tree(sdk));
        let cell = {
            let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            prepared.entry((spec.identifier, sdk.is_some())).or_default().clone()
        };
        let runtime = cell.get_or_try_init(|| async {
            let hash = version_hash(spec, &found);
            let home = self.directory.join(format!("{}-{}", spec.identifier, &hash[..16]));
            let mut runtime = (spec.runtime)(spec.identifier, &found, &home, hash);
            compiled::prepare(&home, spec, &runtime, sandbox).await?;
            if let Some(place) = (spec.sdk_place)(spec.identifier, &found) {
                // Without it an empty directory: the host's own packages do not lie there either.
                let source = sdk.unwrap_or_else(|| home.join(compiled::EMPTY));
                runtime.mounts.push(Mount { source, target: place });
            }
            Ok::<_, String>(Arc::new(runtime))
        });
        runtime.await.cloned()
    }

    fn find(&self, spec: &'static RuntimeSpec) -> Result<Found, String> {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(spec.identifier).or_insert_with(|| (spec.find)(&self.places, spec.identifier)).clone()
    }
}

fn known(identifier: &str) -> Result<&'static RuntimeSpec, String> {
    specs()
        .find(|spec| spec.identifier == identifier)
        .ok_or_else(|| format!("the runtime {identifier} is not supported by this version of Hearth (`hearth runtimes` lists those that are)"))
}

/// Changes with the bootstrap, the runtime and the interpreter.
fn version_hash(spec: &RuntimeSpec, found: &Found) -> String {
    let mut hash = Sha256::new();
    let program = found.program.as_deref().unwrap_or(Path::new(""));
    for part in [spec.identifier, &found.version, &program.to_string_lossy()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for (name, source) in spec.sources {
        hash.update(name.as_bytes());
        hash.update(source.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Host trees that every sandbox sees at their own places.
fn host_mounts() -> Vec<Mount> {
    const TREES: [&str; 9] =
        ["/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc/ssl", "/etc/pki"];
    const FILES: [&str; 1] = ["/etc/ld.so.cache"];
    // On a merged-usr host the first ones are links, which the sandbox makes itself.
    let tree = |path: &&str| Path::new(path).symlink_metadata().is_ok_and(|it| it.is_dir());
    let file = |path: &&str| Path::new(path).symlink_metadata().is_ok_and(|it| it.is_file());
    let here = |path: &str| Mount { source: path.into(), target: path.into() };
    TREES.into_iter().filter(tree).chain(FILES.into_iter().filter(file)).map(here).collect()
}
