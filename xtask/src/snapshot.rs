//! Keeps a data folder as this release writes it, for the tests of later ones.
//!
//! What is in it, and what must be there after an upgrade, stands in one place: `tests/upgrade.rs`, which does the work.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{metadata, sources};

/// What a snapshot may take in the repository.
const BYTES_MAX: u64 = 200_000;

/// Writes the snapshot of this name. `HEARTH_BINARY` may name another program than the one built here.
pub(crate) fn write(name: &str) -> Result<()> {
    ensure!(
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)),
        "a name of letters, digits, - and ."
    );
    let path = sources::root().join("tests/upgrade").join(format!("{name}.tar.gz"));
    let status = Command::new(metadata::cargo())
        .args(["test", "--package", "hearth-tests", "--test", "upgrade", "--"])
        .args(["--ignored", "--exact", "a_snapshot_of_this_release_is_written"])
        .env("HEARTH_SNAPSHOT", &path)
        .current_dir(sources::root())
        .status()
        .context("run cargo test")?;
    if !status.success() {
        bail!("the snapshot was not written");
    }
    let bytes = std::fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?.len();
    ensure!(bytes <= BYTES_MAX, "{} has {bytes} bytes, over {BYTES_MAX}", path.display());
    eprintln!("{}: {bytes} bytes", path.display());
    Ok(())
}
