//! botocore's source package: taken once from the registry, unpacked in the build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::suite::Suite;

/// The release that our models are of.
const RELEASE: &str = "botocore-1.44.5";

const PROTOCOLS: &str = "tests/unit/protocols";
const SIGNATURES: &str = "tests/unit/auth/aws4_testsuite";

/// The suites of one file: `input/json`.
pub(super) fn suites(name: &str) -> Vec<Suite> {
    let path = folder().join(PROTOCOLS).join(format!("{name}.json"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("parse {}: {error}", path.display()))
}

/// AWS's test suite of signatures: a folder a case.
pub(crate) fn signatures() -> PathBuf {
    folder().join(SIGNATURES)
}

/// The package's folder, with what we take of it.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(fetch)
}

fn fetch() -> PathBuf {
    // Beside `debug` and `release`: OUT_DIR is target/PROFILE/build/PACKAGE/out.
    let target = Path::new(env!("OUT_DIR")).ancestors().nth(4).expect("five folders deep");
    let kept = target.join("botocore-cases");
    let package = kept.join(RELEASE);
    if package.exists() {
        return package;
    }
    // Another test process may do the same: each unpacks aside, and the first to rename wins.
    let scratch = target.join(format!("botocore-cases.{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder in the build folder");
    let version = RELEASE.replace('-', "==");
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"])
        .arg(&scratch)
        .arg(version));
    let archive = scratch.join(format!("{RELEASE}.tar.gz"));
    run(Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&scratch)
        .args([PROTOCOLS, SIGNATURES].map(|cases| format!("{RELEASE}/{cases}"))));
    fs::remove_file(&archive).expect("what was just unpacked");
    if fs::rename(&scratch, &kept).is_err() {
        fs::remove_dir_all(&scratch).expect("our own folder");
    }
    package
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    assert!(status.success(), "{command:?} failed ({status}): the cases come from the Python package index");
}
