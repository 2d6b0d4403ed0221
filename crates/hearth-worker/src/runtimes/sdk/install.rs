//! Makes an SDK's folder with the ordinary clients of its language: pip, npm.
//!
//! Never: leaves a folder of the final name that is not whole; runs a package's own scripts.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Sdk;

/// pip or npm, on a slow line.
const CLIENT_MAX: Duration = Duration::from_secs(900);
/// Between two looks at whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The end of what it said that an error shows.
const SAID_BYTES_MAX: u64 = 2_000;
/// Folders within folders: npm nests a handful.
const DEPTH_MAX: u32 = 64;
/// Only compilers and editors read these.
const NOT_RUN: [&str; 3] = [".d.ts", ".map", ".md"];

/// Installs the lock files in `folder`, which must not be there. `client` is pip or npm with its arguments, and runs
/// in the folder.
pub(super) fn install(sdk: &Sdk, folder: &Path, client: Command) -> Result<(), String> {
    let partial = folder.with_extension("partial");
    let failed = |what: &str, error: std::io::Error| format!("{what} {}: {error}", partial.display());
    remove(&partial).map_err(|error| failed("remove", error))?;
    fs::create_dir_all(&partial).map_err(|error| failed("make", error))?;
    let made = fill(sdk, &partial, client).and_then(|()| {
        sync(&partial).and_then(|()| fs::rename(&partial, folder)).map_err(|error| failed("keep", error))
    });
    if made.is_err() {
        // What is left is removed by the next one otherwise.
        let _ = remove(&partial);
    }
    made
}

fn fill(sdk: &Sdk, partial: &Path, mut client: Command) -> Result<(), String> {
    for (name, text) in sdk.sources {
        fs::write(partial.join(name), text).map_err(|error| format!("write {name}: {error}"))?;
    }
    run(client.current_dir(partial))?;
    for useless in ["bin", "node_modules/.bin", "node_modules/.package-lock.json"] {
        remove(&partial.join(useless)).map_err(|error| format!("remove {useless}: {error}"))?;
    }
    tidy(partial, 0).map_err(|error| format!("read {}: {error}", partial.display()))
}

/// Runs a program to its end. What it said is in the error, when it failed.
pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("run {name}: {error}");
    let mut said = nameless().map_err(failed)?;
    let (out, err) = (said.try_clone().map_err(failed)?, said.try_clone().map_err(failed)?);
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().map_err(failed)?;
    let status: ExitStatus = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if started.elapsed() > CLIENT_MAX => {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                return Err(format!("{name} did not end within {} s", CLIENT_MAX.as_secs()));
            }
            None => std::thread::sleep(LOOK_AGAIN),
        }
    };
    if status.success() {
        return Ok(());
    }
    let end = said.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut text = Vec::new();
    said.seek(SeekFrom::Start(end.saturating_sub(SAID_BYTES_MAX)))
        .and_then(|_| said.take(SAID_BYTES_MAX).read_to_end(&mut text))
        .map_err(failed)?;
    Err(format!("{name} failed ({status}): {}", String::from_utf8_lossy(&text).trim()))
}

/// A file without a name, for what a program says.
fn nameless() -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    Ok(File::from(rustix::fs::open(std::env::temp_dir(), flags, mode)?))
}

/// A sandbox's user has to read everything, whatever this process's umask is.
fn tidy(folder: &Path, depth: u32) -> std::io::Result<()> {
    if depth > DEPTH_MAX {
        return Err(std::io::Error::other("folders lie too deep"));
    }
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        if kind.is_dir() {
            tidy(&path, depth + 1)?;
        } else if kind.is_file() && NOT_RUN.iter().any(|end| name.to_string_lossy().ends_with(end)) {
            fs::remove_file(&path)?;
        } else if kind.is_file() {
            fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        }
    }
    Ok(())
}

/// On stable storage before it has its name: a folder that is there is whole, after a power loss too.
fn sync(folder: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(folder)?)?)
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `pip install` of the pinned wheels into the folder it runs in.
pub(super) fn pip(python: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-compile",
        ])
        .args(["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-warn-script-location"])
        .args(["--target", ".", "--requirement", "requirements.txt"])
        .env("PIP_ROOT_USER_ACTION", "ignore");
    command
}

/// `npm ci` in the folder it runs in, with the interpreter that npm's own first line looks for.
pub(super) fn npm(npm: &Path, node: &Path) -> Command {
    let mut places: Vec<PathBuf> = node.parent().map(Path::to_owned).into_iter().collect();
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(npm);
    command.args(["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
    if let Ok(path) = std::env::join_paths(places) {
        command.env("PATH", path);
    }
    command
}

/// What the interpreter makes of every module in `folder`, as it will be seen at `shown`. Never compared with the
/// sources again: nobody can change them.
pub(super) fn compile(python: &Path, folder: &Path, shown: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .args(["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s"])
        .arg(folder)
        .arg("-p")
        .args([shown, folder]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDK: Sdk =
        Sdk { name: "test", package: "test", version: "1", sources: &[("lock", "text")], shown: "" };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_folder_appears_when_its_client_ended_well_and_everybody_can_read_it() {
        let place = tempfile::tempdir().expect("a directory");
        let folder = place.path().join("sdk");
        let client =
            shell("umask 077; mkdir a; cp lock a/module.py; touch a/types.d.ts; mkdir bin; touch bin/tool");
        install(&SDK, &folder, client).expect("installed");
        let mode = |path: &str| fs::metadata(folder.join(path)).expect(path).permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("a"), mode("a/module.py")), (0o755, 0o755, 0o644));
        assert!(!folder.join("a/types.d.ts").exists() && !folder.join("bin").exists());
        assert!(!folder.with_extension("partial").exists());
    }

    #[test]
    fn a_client_that_fails_leaves_nothing_and_is_quoted() {
        let place = tempfile::tempdir().expect("a directory");
        let folder = place.path().join("sdk");
        fs::create_dir_all(folder.with_extension("partial").join("of/a/killed/one")).expect("a directory");
        let error = install(&SDK, &folder, shell("echo half >file; echo no route >&2; exit 7"))
            .expect_err("it fails");
        assert!(error.contains("no route") && error.contains("exit status: 7"), "{error}");
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
    }
}
