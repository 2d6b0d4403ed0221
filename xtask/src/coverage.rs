//! docs/coverage.md: which operations of the models are built. The program itself knows, so it prints the page.

use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use crate::{metadata, sources};

const PAGE: &str = "docs/coverage.md";

/// Writes the page.
pub(crate) fn write() -> Result<()> {
    fs::write(sources::root().join(PAGE), page()?).with_context(|| format!("write {PAGE}"))
}

/// The page as it stands must be the page that the program prints.
pub(crate) fn check() -> Result<Vec<String>> {
    let stands = fs::read_to_string(sources::root().join(PAGE)).unwrap_or_default();
    if stands == page()? {
        Ok(vec![])
    } else {
        Ok(vec![format!("{PAGE} is out of date: run `cargo xtask coverage`")])
    }
}

/// Asks the program that `HEARTH_BINARY` names, or the one that cargo builds.
fn page() -> Result<String> {
    let mut program = match env::var_os("HEARTH_BINARY") {
        Some(binary) => Command::new(binary),
        None => {
            let mut cargo = Command::new(metadata::cargo());
            cargo.args(["run", "--quiet", "--locked", "--package", "hearth", "--bin", "hearth", "--"]);
            cargo
        }
    };
    let output =
        program.arg("__coverage").current_dir(sources::root()).output().context("run hearth __coverage")?;
    if !output.status.success() {
        bail!("hearth __coverage: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("read the coverage page")
}
