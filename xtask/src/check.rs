//! `cargo xtask check`: what the gate runs beside the tests.
//!
//! All checks run, so that one call shows everything there is to mend.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{arrows, coverage, licences, metadata, models, sizes, sources, words};

/// One check: what it is called and what it found wrong, one line each.
type Check = (&'static str, fn() -> Result<Vec<String>>);

const CHECKS: [Check; 8] = [
    ("format", format),
    ("sizes", || sizes::check(&sources::all()?)),
    ("words", || words::check(&sources::all()?)),
    ("arrows", || Ok(arrows::check(&metadata::workspace()?))),
    ("licences", || Ok(licences::check(&metadata::tree()?))),
    ("models", models_as_written),
    ("lints", lints),
    ("coverage", coverage::check),
];

/// Runs the checks of these names, or all, and fails when one found something.
pub(crate) fn run(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !CHECKS.iter().any(|(known, _)| known == name)) {
        bail!("there is no check {unknown}: {}", CHECKS.map(|(name, _)| name).join(", "));
    }
    let mut broken = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
    {
        let started = Instant::now();
        let findings = check().with_context(|| format!("check {name}"))?;
        let verdict = if findings.is_empty() { "ok" } else { "BROKEN" };
        eprintln!("check {name:<10} {verdict} ({:.1} s)", started.elapsed().as_secs_f32());
        for finding in &findings {
            eprintln!("  {finding}");
        }
        if !findings.is_empty() {
            broken.push(*name);
        }
    }
    if broken.is_empty() { Ok(()) } else { bail!("the house is not in order: {}", broken.join(", ")) }
}

fn models_as_written() -> Result<Vec<String>> {
    Ok(models::check().err().map(|error| format!("{error:#}")).into_iter().collect())
}

fn format() -> Result<Vec<String>> {
    passes(&["fmt", "--all", "--check"])
}

fn lints() -> Result<Vec<String>> {
    passes(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
}

/// Runs cargo; what it has to say goes to the terminal as it is.
fn passes(arguments: &[&str]) -> Result<Vec<String>> {
    let status = Command::new(metadata::cargo())
        .args(arguments)
        .current_dir(sources::root())
        .status()
        .with_context(|| format!("run cargo {}", arguments.join(" ")))?;
    if status.success() {
        Ok(vec![])
    } else {
        Ok(vec![format!("cargo {} failed: see above", arguments.join(" "))])
    }
}
