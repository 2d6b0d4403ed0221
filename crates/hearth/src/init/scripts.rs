//! Scripts of `ready.d`, as other local AWS stacks have them: run one after the other with the server as their AWS.
//!
//! They are the owner's code and run as the server's user, in a process group of their own. Their standard output and
//! error go to the server's standard error.
//!
//! Never: run after their time; given a descriptor of the server's, its database's password, or credentials of its
//! environment in `up`.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::Place;

/// The folder of the scripts that run once the server answers.
const READY: &str = "ready.d";

/// Folders that have a meaning elsewhere and none here.
const OTHERS: [&str; 3] = ["boot.d", "start.d", "shutdown.d"];

/// Scripts of one folder.
const SCRIPTS_MAX: usize = 1_000;

/// Variables that lead an AWS client elsewhere, or sign as somebody else.
const MISLEADING: [&str; 7] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// One script.
#[derive(Debug)]
pub(super) struct Script {
    name: String,
    path: PathBuf,
    /// What reads it, when it is not executable itself.
    interpreter: Option<&'static str>,
}

/// The scripts of a folder in the order of their names.
pub(super) fn find(folder: &Path) -> Result<Vec<Script>> {
    for other in OTHERS {
        let filled = fs::read_dir(folder.join(other)).is_ok_and(|mut entries| entries.next().is_some());
        if filled {
            bail!("--init {}: scripts of {other} are not run, only those of {READY}", folder.display());
        }
    }
    let path = folder.join(READY);
    let entries = fs::read_dir(&path).with_context(|| {
        format!("--init {}: read its folder {READY}, which has the scripts", folder.display())
    })?;
    let mut scripts = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", path.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = std::path::absolute(entry.path()).context("find the scripts")?;
        let metadata = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
        if !metadata.is_file() {
            bail!("{} is not a script", path.display());
        }
        let is_executable = metadata.permissions().mode() & 0o111 != 0;
        let interpreter = match path.extension().and_then(|extension| extension.to_str()) {
            _ if is_executable => None,
            Some("sh") => Some("sh"),
            Some("py") => Some("python3"),
            _ => bail!("{} is not executable: chmod +x it, or call it .sh or .py", path.display()),
        };
        scripts.push(Script { name, path, interpreter });
        if scripts.len() > SCRIPTS_MAX {
            bail!("{} has more than {SCRIPTS_MAX} scripts", folder.join(READY).display());
        }
    }
    scripts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(scripts)
}

/// Nothing was started yet, or what was is over.
const NOTHING: i32 = 0;

/// Nobody waits for it any more.
const ABANDONED: i32 = -1;

/// The process group of a script that runs. Ended, with all that it started there, when nobody waits for it any more.
#[derive(Debug, Default)]
struct Group(Arc<AtomicI32>);

impl Drop for Group {
    fn drop(&mut self) {
        kill(self.0.swap(ABANDONED, Ordering::SeqCst));
    }
}

fn kill(group: i32) {
    if let Some(group) = Some(group).filter(|group| *group > NOTHING).and_then(Pid::from_raw) {
        // It may just have ended.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

impl Script {
    /// Its file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it to its end; dropped, it is killed.
    pub(super) async fn run(&self, place: &Place) -> Result<(), String> {
        let mut command = self.command(place).map_err(|error| error.to_string())?;
        let group = Group::default();
        let running = group.0.clone();
        let ended = tokio::task::spawn_blocking(move || -> std::io::Result<ExitStatus> {
            let mut child = command.spawn()?;
            let own = i32::try_from(child.id()).unwrap_or(NOTHING);
            if running.compare_exchange(NOTHING, own, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                kill(own);
            }
            let ended = child.wait();
            // Not killed any more: the number may be another's by then.
            let _ = running.compare_exchange(own, NOTHING, Ordering::SeqCst, Ordering::SeqCst);
            ended
        });
        match ended.await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(status.to_string()),
            Ok(Err(error)) => Err(format!("it cannot be run: {error}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn command(&self, place: &Place) -> std::io::Result<Command> {
        let mut command = match self.interpreter {
            Some(interpreter) => Command::new(interpreter),
            None => Command::new(&self.path),
        };
        if self.interpreter.is_some() {
            command.arg(&self.path);
        }
        if let Some(folder) = self.path.parent() {
            command.current_dir(folder);
        }
        command.process_group(0).stdin(Stdio::null()).stderr(Stdio::inherit());
        // Standard output belongs to the server's own lines.
        command.stdout(Stdio::from(std::io::stderr().as_fd().try_clone_to_owned()?));
        let misleading = |name: &str| {
            MISLEADING.contains(&name) || name.starts_with("AWS_ENDPOINT_URL") || name.starts_with("HEARTH_")
        };
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(misleading) {
                command.env_remove(name);
            }
        }
        command.env("AWS_ENDPOINT_URL", &place.endpoint).env("HEARTH_ENDPOINT", &place.endpoint);
        command.env("HEARTH_DATA", &place.data).env("HEARTH_ACCOUNT", &place.account);
        let region = super::region();
        command.env("AWS_DEFAULT_REGION", &region).env("AWS_REGION", &region);
        if let Some(authority) = &place.authority {
            command.env("AWS_CA_BUNDLE", authority);
        }
        if let Some(key) = &place.key {
            command.env("AWS_ACCESS_KEY_ID", &key.access_key_id).env("AWS_SECRET_ACCESS_KEY", &key.secret);
            if let Some(token) = &key.session_token {
                command.env("AWS_SESSION_TOKEN", token);
            }
        } else if place.any_key {
            command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, u32)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(READY)).unwrap();
        for (name, mode) in files {
            let path = folder.path().join(READY).join(name);
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        folder
    }

    #[test]
    fn scripts_run_in_the_order_of_their_names() {
        let folder = folder(&[
            ("20-b.py", 0o644),
            ("10-a.sh", 0o644),
            ("30-c", 0o755),
            (".hidden", 0o644),
            ("x~", 0o644),
        ]);
        let found = find(folder.path()).unwrap();
        let found: Vec<_> = found.iter().map(|script| (script.name(), script.interpreter)).collect();
        assert_eq!(found, [("10-a.sh", Some("sh")), ("20-b.py", Some("python3")), ("30-c", None)]);
    }

    #[test]
    fn what_would_not_run_is_told_at_once() {
        let refused = |folder: &Path| format!("{:#}", find(folder).unwrap_err());
        assert!(refused(folder(&[("notes.txt", 0o644)]).path()).contains("is not executable: chmod +x"));
        assert!(refused(&std::env::temp_dir().join("absent")).contains("ready.d"));
        let with_others = folder(&[]);
        fs::create_dir(with_others.path().join("boot.d")).unwrap();
        assert!(find(with_others.path()).unwrap().is_empty());
        fs::write(with_others.path().join("boot.d/a.sh"), "").unwrap();
        assert!(refused(with_others.path()).contains("scripts of boot.d are not run"));
    }
}
