//! Python: the host's own interpreters, started on our bootstrap.
//!
//! An interpreter with a prefix of its own is shown at `/var/lang`, where AWS has it; one of the system runs from
//! `/usr` as it is. What it is, is read off its files: the program, its library, its headers.
//!
//! Never: a virtual environment or a shim taken for an interpreter.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hearth_sandbox::api::Mount;

use super::{
    Compilation, Entry, Found, LayerFolders, Places, Program, Runtime, RuntimeSpec, host_mounts, nothing, sdk,
};

/// Oldest first.
pub(super) const RUNTIMES: &[RuntimeSpec] =
    &[spec("python3.9"), spec("python3.10"), spec("python3.11"), spec("python3.12"), spec("python3.13")];

const fn spec(identifier: &'static str) -> RuntimeSpec {
    RuntimeSpec {
        identifier,
        find,
        sources: &SOURCES,
        compilation: Some(&COMPILATION),
        links: &[],
        sdk: Some(&sdk::PYTHON),
        sdk_place,
        runtime,
    }
}

/// What lies in `/var/runtime`.
const SOURCES: [(&str, &str); 2] = [
    ("bootstrap.py", include_str!("python/bootstrap.py")),
    ("hearth_runtime.py", include_str!("python/hearth_runtime.py")),
];

const COMPILATION: Compilation = Compilation { arguments: &["-S", "-c", COMPILE], complete: "bootstrap.pyc" };

/// Writes each compiled file as a line with its name and length, then its bytes. The pycs are of the kind that is
/// never compared with its source again; docstrings and asserts are left out.
const COMPILE: &str = r#"
import importlib.util, marshal, sys
for name, target in (
    ("bootstrap.py", "bootstrap.pyc"),
    ("hearth_runtime.py", "__pycache__/hearth_runtime." + sys.implementation.cache_tag + ".pyc"),
):
    path = "/var/runtime/" + name
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True, optimize=2)
    pyc = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + bytes(8) + marshal.dumps(code)
    sys.stdout.buffer.write(("%s %d\n" % (target, len(pyc))).encode() + pyc)
"#;

/// Where AWS's interpreters are.
const LANG: &str = "/var/lang";

/// The best interpreter: one with a prefix of its own, in the order of the places, else the system's.
fn find(places: &Places, name: &'static str) -> Result<Found, String> {
    let own = places.path.iter().map(|place| (place.join(name), "PATH"));
    let mut installed: Vec<PathBuf> = places
        .installations
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin").join(name)))
        .collect();
    installed.sort();
    let installed = installed.into_iter().rev().map(|program| (program, "pyenv"));
    let system = places.system.iter().map(|place| (place.join(name), "system"));
    let found: Vec<Found> = own
        .chain(installed)
        .chain(system)
        .filter_map(|(program, source)| look_at(&program, name, source))
        .collect();
    let best = found.iter().find(|it| it.prefix.is_some()).or_else(|| found.first());
    best.cloned().ok_or_else(|| {
        let version = name.trim_start_matches("python");
        format!("no Python {version} was found in PATH, pyenv or /usr: install it, for example with `pyenv install {version}`")
    })
}

/// What this program is, if it is an interpreter that can run alone.
fn look_at(program: &Path, name: &str, source: &'static str) -> Option<Found> {
    let program = program.canonicalize().ok()?;
    let mut magic = [0; 4];
    fs::File::open(&program).ok()?.read_exact(&mut magic).ok()?;
    let prefix = program.parent()?.parent()?;
    let complete = prefix.join("lib").join(name).join("os.py").is_file() && program.file_name()? == name;
    if magic != *b"\x7fELF" || !complete || prefix.join("pyvenv.cfg").exists() {
        return None;
    }
    let headers = prefix.join("include").join(name).join("patchlevel.h");
    let version = fs::read_to_string(headers).ok().and_then(|text| version_in(&text));
    let version = version.unwrap_or_else(|| name.trim_start_matches("python").to_owned());
    let own = !prefix.starts_with("/usr");
    Some(Found { source, prefix: own.then(|| prefix.to_owned()), program: Some(program), version })
}

/// `3.12.1` of `#define PY_VERSION "3.12.1"`.
fn version_in(headers: &str) -> Option<String> {
    let line = headers.lines().find_map(|line| line.trim().strip_prefix("#define PY_VERSION"))?;
    Some(line.trim().trim_matches('"').to_owned())
}

/// Where AWS's newer runtimes have boto3, over the interpreter's own packages. An installation without that directory
/// has no place for it.
fn sdk_place(identifier: &'static str, found: &Found) -> Option<PathBuf> {
    let packages = Path::new("lib").join(identifier).join("site-packages");
    let is_there = found.prefix.as_ref().is_none_or(|prefix| prefix.join(&packages).is_dir());
    is_there.then(|| Path::new(LANG).join(packages))
}

/// How it starts. `home` becomes `/var/runtime`.
fn runtime(identifier: &'static str, found: &Found, home: &Path, version_hash: String) -> Runtime {
    let mut mounts = host_mounts();
    let program = match &found.prefix {
        Some(prefix) => {
            mounts.push(Mount { source: prefix.clone(), target: LANG.into() });
            Path::new(LANG).join("bin").join(identifier)
        }
        None => found.program.clone().unwrap_or_default(),
    };
    mounts.push(Mount { source: home.to_owned(), target: "/var/runtime".into() });
    let minor = identifier.trim_start_matches("python");
    let build = found.version.strip_prefix(minor).and_then(|rest| rest.strip_prefix('.')).unwrap_or("0");
    let arguments = [
        program.to_string_lossy().into_owned(),
        // The host's site-packages are none of the function's business, and it saves 2.4 ms.
        "-S".to_owned(),
        // As AWS's client makes it: what is printed is out at once.
        "-u".to_owned(),
        "/var/runtime/bootstrap.pyc".to_owned(),
    ];
    Runtime {
        identifier,
        version: format!("python:{minor}.v{build}"),
        version_hash,
        mounts,
        entry: Entry::Program(Program { path: program, arguments: arguments.into(), by_memory: nothing }),
        channel: true,
        managed: true,
        layer_folders: LayerFolders::default(),
        variables: variables(minor),
    }
}

/// From 3.12 on AWS's hosts have no en_US.UTF-8, and there the interpreter names the locale that it falls back to.
/// Whether this host has it must not be seen: before 3.12 the bootstrap takes that name away, and gives the function's
/// own LC_CTYPE back where it set one.
fn variables(version: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![("PYTHONPATH", "/var/runtime".to_owned())];
    if !["3.9", "3.10", "3.11"].contains(&version) {
        all.push(("LC_CTYPE", "C.UTF-8".to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An installation as pyenv makes it.
    fn install(prefix: &Path, name: &str, version: &str) {
        for directory in ["bin", &format!("lib/{name}"), &format!("include/{name}")] {
            fs::create_dir_all(prefix.join(directory)).expect("a directory");
        }
        fs::write(prefix.join("bin").join(name), b"\x7fELF...").expect("a program");
        fs::write(prefix.join("lib").join(name).join("os.py"), "").expect("a library");
        let headers = format!("/* */\n#define PY_VERSION     \t\"{version}\"\n");
        fs::write(prefix.join("include").join(name).join("patchlevel.h"), headers).expect("headers");
    }

    #[test]
    fn the_newest_installation_with_a_prefix_of_its_own_is_taken() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        install(&root.join("3.12.1"), "python3.12", "3.12.1");
        install(&root.join("3.12.4"), "python3.12", "3.12.4");
        let places = Places { installations: vec![root.clone()], ..Places::default() };
        let found = find(&places, "python3.12").expect("two are there");
        assert_eq!((found.version.as_str(), found.source), ("3.12.4", "pyenv"));
        assert_eq!(found.prefix, Some(root.join("3.12.4")));
        assert!(find(&places, "python3.13").expect_err("none is there").contains("pyenv install 3.13"));
    }

    #[test]
    fn shims_and_virtual_environments_are_no_interpreters() {
        let root = tempfile::tempdir().expect("a directory");
        install(&root.path().join("venv"), "python3.12", "3.12.1");
        fs::write(root.path().join("venv/pyvenv.cfg"), "home = /x").expect("a marker");
        install(&root.path().join("shim"), "python3.12", "3.12.1");
        fs::write(root.path().join("shim/bin/python3.12"), "#!/bin/sh").expect("a shim");
        let path = vec![root.path().join("venv/bin"), root.path().join("shim/bin")];
        assert!(find(&Places { path, ..Places::default() }, "python3.12").is_err());
    }
}
