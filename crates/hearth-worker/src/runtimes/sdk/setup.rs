//! `hearth runtimes setup`: every SDK that this host's runtimes want, installed once and compiled for each interpreter.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::super::{Found, Places, RuntimeSpec, specs};
use super::{NODEJS, PYTHON, Sdk, install};

/// Another setup in the same folder is waited for.
const OTHER_MAX: Duration = Duration::from_secs(1_800);
/// Between two looks at whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What became of one SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkSetup {
    /// `python`, `nodejs`
    pub name: &'static str,
    /// `boto3 1.42.97`
    pub title: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// See there.
    pub outcome: SdkOutcome,
}

/// See [`SdkSetup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkOutcome {
    /// It was there already.
    Ready,
    /// It is there now.
    Installed,
    /// No runtime of this host wants it.
    NotWanted,
    /// It is not there; why, and what to do.
    Failed(String),
}

/// Why nothing could be set up at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The folder for runtimes.
    #[error("use the folder {folder}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Another setup does not end.
    #[error("another setup works in {0}, and did not end within half an hour")]
    Busy(PathBuf),
}

/// Sees to every SDK. `tell` hears what is being done, before it is. What is there already is left as it is; one that
/// fails does not hold up the others.
pub fn set_up(
    places: &Places,
    runtimes: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<SdkSetup>, SetupError> {
    let _alone = lock(runtimes)?;
    let wanting = |sdk: &Sdk| -> Vec<(&RuntimeSpec, Found)> {
        let wants = |spec: &&RuntimeSpec| spec.sdk.is_some_and(|it| it.name == sdk.name);
        specs()
            .filter(wants)
            .filter_map(|spec| Some((spec, (spec.find)(places, spec.identifier).ok()?)))
            .collect()
    };
    let see_to = |sdk: &'static Sdk| {
        let folder = sdk.folder(runtimes);
        let outcome = match wanting(sdk).as_slice() {
            [] => SdkOutcome::NotWanted,
            found => one(sdk, &folder, found, places, tell).unwrap_or_else(SdkOutcome::Failed),
        };
        SdkSetup { name: sdk.name, title: sdk.title(), folder, outcome }
    };
    Ok([&PYTHON, &NODEJS].map(see_to).into())
}

/// Installs the SDK unless it is there, and compiles it for the interpreters that have not.
fn one(
    sdk: &Sdk,
    folder: &Path,
    found: &[(&RuntimeSpec, Found)],
    places: &Places,
    tell: &mut dyn FnMut(&str),
) -> Result<SdkOutcome, String> {
    let mut outcome = SdkOutcome::Ready;
    if !folder.is_dir() {
        tell(&format!("installing {} for {}", sdk.title(), sdk.name));
        let client = if sdk.name == PYTHON.name { pip(found)? } else { npm(found, places)? };
        install::install(sdk, folder, client)?;
        outcome = SdkOutcome::Installed;
    }
    for (spec, found) in found {
        let (Some(shown), Some(program)) = ((spec.sdk_place)(spec.identifier, found), &found.program) else {
            continue;
        };
        let done = folder.join(format!(".compiled-{}-{}", spec.identifier, found.version));
        if sdk.name != PYTHON.name || done.is_file() {
            continue;
        }
        tell(&format!("compiling {} for {}", sdk.title(), spec.identifier));
        install::run(&mut install::compile(program, folder, &shown))?;
        fs::write(&done, "").map_err(|error| format!("write {}: {error}", done.display()))?;
        outcome = SdkOutcome::Installed;
    }
    Ok(outcome)
}

/// The newest interpreter that has pip.
fn pip(found: &[(&RuntimeSpec, Found)]) -> Result<std::process::Command, String> {
    let has_pip = |program: &&PathBuf| {
        install::run(std::process::Command::new(program).args(["-m", "pip", "--version"])).is_ok()
    };
    let program = found.iter().rev().filter_map(|(_, found)| found.program.as_ref()).find(has_pip);
    let missing =
        "pip is missing: install it (Debian package python3-pip) and run `hearth runtimes setup` again";
    program.map(|program| install::pip(program)).ok_or_else(|| missing.to_owned())
}

/// npm of the newest interpreter, or of `PATH`.
fn npm(found: &[(&RuntimeSpec, Found)], places: &Places) -> Result<std::process::Command, String> {
    let nodes = found.iter().rev().filter_map(|(_, found)| found.program.as_deref());
    let beside = nodes.clone().filter_map(|node| Some(node.parent()?.join("npm")));
    let elsewhere = places.path.iter().chain(&places.system).map(|place| place.join("npm"));
    let npm = beside.chain(elsewhere).find(|npm| npm.is_file());
    let missing = "npm is missing: install it (Debian package npm) and run `hearth runtimes setup` again";
    npm.zip(nodes.clone().next())
        .map(|(npm, node)| install::npm(&npm, node))
        .ok_or_else(|| missing.to_owned())
}

/// One setup at a time in a folder. The kernel gives the lock back when the process ends, however it ends.
fn lock(runtimes: &Path) -> Result<File, SetupError> {
    let failed = |source: std::io::Error| SetupError::Folder { folder: runtimes.to_owned(), source };
    fs::create_dir_all(runtimes).map_err(failed)?;
    let path = runtimes.join("setup.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    let started = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if started.elapsed() < OTHER_MAX => {
                std::thread::sleep(LOOK_AGAIN)
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(SetupError::Busy(runtimes.to_owned())),
            Err(error) => return Err(failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_interpreters_wants_no_sdk() {
        let folder = tempfile::tempdir().expect("a directory");
        let mut said = Vec::new();
        let done = set_up(&Places::default(), folder.path(), &mut |text| said.push(text.to_owned()))
            .expect("it runs");
        assert!(done.iter().all(|it| it.outcome == SdkOutcome::NotWanted), "{done:?}");
        assert!(said.is_empty(), "{said:?}");
    }
}
