//! What cargo knows of the packages, reduced to what the checks ask.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::sources;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package, ours or a stranger's.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package asks for.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for what the product needs; `dev` for what only its tests need.
    pub(crate) kind: Option<String>,
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Our own packages.
pub(crate) fn workspace() -> Result<Vec<Package>> {
    load(&["--no-deps"])
}

/// Our packages and everything below them, for the platform that we ship.
pub(crate) fn tree() -> Result<Vec<Package>> {
    load(&["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"])
}

fn load(arguments: &[&str]) -> Result<Vec<Package>> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(sources::root())
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    Ok(metadata.packages)
}
