//! `/var/runtime`: a runtime's own files, and what its interpreter makes of them once, in a sandbox.
//!
//! Compiling a bootstrap costs more than a whole cold start, and a function's root is read-only.
//!
//! Never: runs the interpreter outside a sandbox; leaves a half-written directory.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use hearth_sandbox::api::{Exit, SandboxSpec};

use super::{Entry, Program, Runtime, RuntimeSpec};
use crate::sandbox::{Running, Sandbox};

/// A directory without anything, in every runtime's own.
pub(super) const EMPTY: &str = "empty";
/// Compiling takes some 50 ms.
const COMPILE_MAX: Duration = Duration::from_secs(30);
/// Memory for it.
const COMPILE_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// All compiled files together, with their names.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;
const TMP_BYTES: u64 = 512 * 1024 * 1024;
/// A compilation is waited for: it weighs as much as a process of the host.
const COMPILE_CPU_SHARES: u64 = 1_024;

/// Writes a runtime's own files and, where there is something to compile, makes the directory complete, unless it
/// is already.
pub(super) async fn prepare(
    home: &Path,
    spec: &RuntimeSpec,
    runtime: &Runtime,
    sandbox: &dyn Sandbox,
) -> Result<(), String> {
    let write = |error: std::io::Error| format!("write {}: {error}", home.display());
    let empty = home.join(EMPTY);
    fs::create_dir_all(&empty)
        .and_then(|()| readable(home))
        .and_then(|()| readable(&empty))
        .map_err(write)?;
    if spec.compilation.is_some_and(|it| home.join(it.complete).is_file()) {
        return Ok(());
    }
    for (name, source) in spec.sources {
        put(home, name, source.as_bytes())?;
    }
    for (name, to) in spec.links {
        match std::os::unix::fs::symlink(to, home.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(write(error)),
            _ => {}
        }
    }
    let Some(compilation) = spec.compilation else { return Ok(()) };
    let Entry::Program(Program { path, .. }) = &runtime.entry else { return Ok(()) };
    let arguments = std::iter::once(path.to_string_lossy().into_owned())
        .chain(compilation.arguments.iter().map(|&argument| argument.to_owned()));
    let spec = SandboxSpec {
        memory_bytes: COMPILE_MEMORY_BYTES,
        processes_max: 16,
        cpu_shares: COMPILE_CPU_SHARES,
        tmp_bytes: TMP_BYTES,
        keeps_tmp: false,
        tmp_of: None,
        mounts: runtime.mounts.clone(),
        program: path.clone(),
        arguments: arguments.collect(),
        environment: vec![("LD_LIBRARY_PATH".to_owned(), "/var/lang/lib".to_owned())],
        directory: "/".into(),
        listen: Vec::new(),
        channel: false,
    };
    let running = sandbox.start(spec).await.map_err(|error| format!("start the interpreter: {error}"))?;
    let id = running.id;
    let compiled = tokio::time::timeout(COMPILE_MAX, compiled(running)).await;
    sandbox.kill(id);
    let files =
        compiled.map_err(|_| "the interpreter took too long to compile the bootstrap".to_owned())??;
    store(home, compilation.complete, &files)
}

/// What the compiler wrote, once it ended well.
async fn compiled(running: Running) -> Result<Vec<u8>, String> {
    let Running { output, ended, .. } = running;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        rustix::io::ioctl_fionbio(&output, false)?;
        fs::File::from(output).take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    });
    let bytes = read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    match ended.await {
        Ok(ended) if ended.exit == Exit::Status(0) => Ok(bytes),
        Ok(ended) => {
            let said = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
            Err(format!("the interpreter does not run in a sandbox ({:?}): {said}", ended.exit))
        }
        Err(_) => Err("the spawner died".to_owned()),
    }
}

/// Reads lines of a name and a length, each followed by that many bytes. The complete one comes last in time: where
/// it is, all is.
fn store(home: &Path, complete: &str, mut bytes: &[u8]) -> Result<(), String> {
    let mut files = Vec::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&bytes[..end]).ok().and_then(|line| line.split_once(' '));
        let parsed = line.and_then(|(name, length)| Some((name, length.parse::<usize>().ok()?)));
        let (name, length) = parsed.ok_or("the compiler wrote something else")?;
        let file =
            bytes.get(end + 1..).and_then(|rest| rest.get(..length)).ok_or("the compiler stopped early")?;
        if name.contains("..") || name.starts_with('/') {
            return Err("the compiler named a file elsewhere".to_owned());
        }
        files.push((name, file));
        bytes = &bytes[end + 1 + length..];
    }
    files.sort_by_key(|(name, _)| *name == complete);
    if files.last().is_none_or(|(name, _)| *name != complete) {
        return Err("the compiler wrote nothing".to_owned());
    }
    files.into_iter().try_for_each(|(name, file)| put(home, name, file))
}

/// A file of `/var/runtime`, whole or not at all.
fn put(home: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    let (partial, whole) = (home.join(format!("{name}.partial")), home.join(name));
    let directory = whole.parent().unwrap_or(home);
    let made = fs::create_dir_all(directory).and_then(|()| readable(directory));
    let written = made.and_then(|()| fs::write(&partial, bytes)).and_then(|()| readable(&partial));
    let written = written.and_then(|()| fs::rename(&partial, &whole));
    written.map_err(|error| format!("write {}: {error}", whole.display()))
}

/// A sandbox's user has to read it, whatever this process's umask is.
fn readable(path: &Path) -> std::io::Result<()> {
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
