//! `provided.*`: the function brings its own runtime, a program called `bootstrap`.
//!
//! It finds what a minimal Linux has: the host's `/usr` without any interpreter of ours, and the HTTP Runtime API.

use std::path::Path;

use super::{Entry, Found, LayerFolders, Places, Runtime, RuntimeSpec, host_mounts};

/// Both run the same here: what differs on AWS is the distribution around the program.
pub(super) const RUNTIMES: &[RuntimeSpec] = &[spec("provided.al2"), spec("provided.al2023")];

/// Where a bootstrap is looked for (`spec/invoke.md` section 7). `/var/runtime` is empty here, as on AWS.
const BOOTSTRAPS: &[&str] = &["/var/task/bootstrap", "/opt/bootstrap"];

const fn spec(identifier: &'static str) -> RuntimeSpec {
    let sdk_place = |_: &'static str, _: &Found| None;
    RuntimeSpec {
        identifier,
        find,
        sources: &[],
        compilation: None,
        links: &[],
        sdk: None,
        sdk_place,
        runtime,
    }
}

fn find(_: &Places, identifier: &'static str) -> Result<Found, String> {
    let version = identifier.trim_start_matches("provided.").to_owned();
    Ok(Found { source: "function", program: None, prefix: None, version })
}

fn runtime(identifier: &'static str, found: &Found, _: &Path, version_hash: String) -> Runtime {
    Runtime {
        identifier,
        version: format!("provided:{}.v1", found.version),
        version_hash,
        mounts: host_mounts(),
        entry: Entry::FirstOf(BOOTSTRAPS),
        channel: false,
        managed: false,
        variables: Vec::new(),
        layer_folders: LayerFolders::default(),
    }
}
