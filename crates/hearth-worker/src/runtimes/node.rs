//! Node.js: the host's own interpreters, started on our bootstrap.
//!
//! As with Python, an installation with a prefix of its own is shown at `/var/lang`, and one of the system runs from
//! `/usr` as it is. What it is, is read off its headers, which every installation carries.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hearth_sandbox::api::Mount;

use super::{Entry, Found, LayerFolders, Places, Program, Runtime, RuntimeSpec, host_mounts, sdk};

/// Oldest first.
pub(super) const RUNTIMES: &[RuntimeSpec] = &[
    without_sdk("nodejs16.x"),
    spec("nodejs18.x"),
    spec("nodejs20.x"),
    spec("nodejs22.x"),
    spec("nodejs24.x"),
    spec("nodejs26.x"),
];

const fn spec(identifier: &'static str) -> RuntimeSpec {
    RuntimeSpec {
        identifier,
        find,
        sources: &SOURCES,
        compilation: None,
        links: &[("node_modules", MODULES)],
        sdk: Some(&sdk::NODEJS),
        sdk_place: |_, _| Some(MODULES.into()),
        runtime,
    }
}

/// AWS's runtime for it carries version 2 of the SDK, which has no pins here.
const fn without_sdk(identifier: &'static str) -> RuntimeSpec {
    // GAP(nodejs16-sdk): version 2 of the SDK.
    RuntimeSpec { sdk: None, ..spec(identifier) }
}

/// Where the SDK lies: above `/var/task`, where an `import` looks, which knows no `NODE_PATH`. A `require` finds it
/// as `/var/runtime/node_modules`.
const MODULES: &str = "/node_modules";
/// Where an `import` finds what layers bring: nearer than the SDK.
const LAYER_MODULES: &str = "/var/node_modules";

/// What lies in `/var/runtime`.
const SOURCES: [(&str, &str); 6] = [
    ("bootstrap.js", include_str!("node/bootstrap.js")),
    ("context.js", include_str!("node/context.js")),
    ("errors.js", include_str!("node/errors.js")),
    ("handler.js", include_str!("node/handler.js")),
    ("log.js", include_str!("node/log.js")),
    ("streams.js", include_str!("node/streams.js")),
];

/// Where AWS's interpreters are.
const LANG: &str = "/var/lang";

/// `20` of `nodejs20.x`.
fn major(identifier: &str) -> &str {
    identifier.trim_start_matches("nodejs").trim_end_matches(".x")
}

/// The best installation of this major version: one with a prefix of its own, in the order of the places, else the
/// system's.
fn find(places: &Places, identifier: &'static str) -> Result<Found, String> {
    let own = places.path.iter().map(|place| (place.join("node"), "PATH"));
    let mut installed: Vec<PathBuf> = places
        .node_installations
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin/node")))
        .collect();
    installed.sort();
    let installed = installed.into_iter().rev().map(|program| (program, "nvm"));
    let system = places.system.iter().map(|place| (place.join("node"), "system"));
    let found: Vec<Found> = own
        .chain(installed)
        .chain(system)
        .filter_map(|(program, source)| look_at(&program, source))
        .filter(|found| found.version.split('.').next() == Some(major(identifier)))
        .collect();
    let best = found.iter().find(|it| it.prefix.is_some()).or_else(|| found.first());
    best.cloned().ok_or_else(|| {
        let major = major(identifier);
        format!(
            "no Node.js {major} was found in PATH, nvm or /usr: install it, for example with `nvm install {major}`"
        )
    })
}

/// What this program is, if it is an interpreter that can run alone.
fn look_at(program: &Path, source: &'static str) -> Option<Found> {
    let program = program.canonicalize().ok()?;
    let mut magic = [0; 4];
    fs::File::open(&program).ok()?.read_exact(&mut magic).ok()?;
    let prefix = program.parent()?.parent()?;
    if magic != *b"\x7fELF" {
        return None;
    }
    let headers =
        ["include/node", "include/nodejs/src"].map(|place| prefix.join(place).join("node_version.h"));
    let version = headers.iter().find_map(|path| version_in(&fs::read_to_string(path).ok()?))?;
    let own = !prefix.starts_with("/usr");
    Some(Found { source, prefix: own.then(|| prefix.to_owned()), program: Some(program), version })
}

/// `20.20.2` of the three numbers that the headers define.
fn version_in(headers: &str) -> Option<String> {
    let number = |name: &str| {
        let line =
            headers.lines().find_map(|line| line.strip_prefix(&format!("#define NODE_{name}_VERSION ")))?;
        line.trim().parse::<u32>().ok()
    };
    Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
}

/// How it starts. `home` becomes `/var/runtime`.
fn runtime(identifier: &'static str, found: &Found, home: &Path, version_hash: String) -> Runtime {
    let mut mounts = host_mounts();
    let program = match &found.prefix {
        Some(prefix) => {
            mounts.push(Mount { source: prefix.clone(), target: LANG.into() });
            Path::new(LANG).join("bin/node")
        }
        None => found.program.clone().unwrap_or_default(),
    };
    mounts.push(Mount { source: home.to_owned(), target: "/var/runtime".into() });
    let major = major(identifier);
    let modules = format!(
        "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
    );
    let build = found.version.strip_prefix(major).unwrap_or_default().trim_start_matches('.');
    Runtime {
        identifier,
        version: format!("nodejs:{major}.v{build}"),
        version_hash,
        mounts,
        entry: Entry::Program(Program {
            arguments: vec![program.to_string_lossy().into_owned(), "/var/runtime/bootstrap.js".to_owned()],
            path: program,
            by_memory: heap,
        }),
        channel: true,
        managed: true,
        variables: vec![("NODE_PATH", modules)],
        // GAP(layers): where layers bring both folders, an `import` finds only the first; a `require` finds both.
        layer_folders: LayerFolders {
            names: vec![format!("nodejs/node{major}/node_modules"), "nodejs/node_modules".to_owned()],
            place: LAYER_MODULES.into(),
        },
    }
}

/// The heap takes nearly all of the function's memory, as on AWS; by itself Node.js takes half.
fn heap(memory_mb: u32) -> Vec<String> {
    vec![
        format!("--max-semi-space-size={}", (memory_mb * 5 / 100).max(1)),
        format!("--max-old-space-size={}", memory_mb * 90 / 100),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(prefix: &Path, version: [u32; 3]) {
        for directory in ["bin", "include/node"] {
            fs::create_dir_all(prefix.join(directory)).expect("a directory");
        }
        fs::write(prefix.join("bin/node"), b"\x7fELF...").expect("a program");
        let [major, minor, patch] = version;
        let headers = format!(
            "#define NODE_MAJOR_VERSION {major}\n#define NODE_MINOR_VERSION {minor}\n#define NODE_PATCH_VERSION {patch}\n"
        );
        fs::write(prefix.join("include/node/node_version.h"), headers).expect("headers");
    }

    #[test]
    fn the_newest_installation_of_the_major_version_is_taken() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        install(&root.join("v20.1.0"), [20, 1, 0]);
        install(&root.join("v20.20.2"), [20, 20, 2]);
        install(&root.join("v22.3.0"), [22, 3, 0]);
        let places = Places { node_installations: vec![root.clone()], ..Places::default() };
        let found = find(&places, "nodejs20.x").expect("two are there");
        assert_eq!((found.version.as_str(), found.source), ("20.20.2", "nvm"));
        assert_eq!(found.prefix, Some(root.join("v20.20.2")));
        assert!(find(&places, "nodejs18.x").expect_err("none is there").contains("nvm install 18"));
    }

    #[test]
    fn the_heap_has_nine_tenths_of_the_memory() {
        assert_eq!(heap(1024), ["--max-semi-space-size=51", "--max-old-space-size=921"]);
    }
}
