//! botocore's source package: taken once from the registry, unpacked in the build folder, never in the repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The release that our models are of.
const RELEASE: &str = "botocore-1.44.5";

const PROTOCOLS: &str = "tests/unit/protocols";
const SIGNATURES: &str = "tests/unit/auth/aws4_testsuite";
const LIBRARY: &str = "botocore";
/// The models of all services are 200 MB; S3's is the one that botocore itself is driven with.
const MODELS: &str = "botocore/data";
const MODEL: &str = "botocore/data/s3";

/// What botocore's own modules need of others, as its package says.
const NEEDED: [&str; 3] = ["jmespath>=0.7.1,<2", "python-dateutil>=2.1,<3", "urllib3>=1.25.4,<3"];

/// One file of cases: `input/json`.
pub(crate) fn cases(name: &str) -> Vec<u8> {
    let path = folder().join(PROTOCOLS).join(format!("{name}.json"));
    fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

/// AWS's test suite of signatures: a folder a case.
pub(crate) fn signatures() -> PathBuf {
    folder().join(SIGNATURES)
}

/// Where Python finds botocore and what it needs.
pub(crate) fn python_path() -> std::ffi::OsString {
    let needed = folder().with_file_name("needed");
    env::join_paths([folder(), &needed]).expect("no colon in the build folder's name")
}

/// The package's folder, with what we take of it.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(fetch)
}

fn fetch() -> PathBuf {
    // This program is target/PROFILE/deps/NAME.
    let program = env::current_exe().expect("a program knows its file");
    let target = program.ancestors().nth(3).expect("three folders deep");
    let kept = target.join("botocore-package");
    let package = kept.join(RELEASE);
    if package.exists() {
        return package;
    }
    // Another test process may do the same: each unpacks aside, and the first to rename wins.
    let scratch = target.join(format!("botocore-package.{}", std::process::id()));
    fs::create_dir_all(&scratch).expect("a folder in the build folder");
    let pip = || {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        pip
    };
    let version = RELEASE.replace('-', "==");
    run(pip().args(["download", "--no-deps", "--no-binary", ":all:", "--dest"]).arg(&scratch).arg(version));
    let archive = scratch.join(format!("{RELEASE}.tar.gz"));
    let inside = |path: &str| format!("{RELEASE}/{path}");
    let tar = || {
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&archive).arg("-C").arg(&scratch);
        tar
    };
    run(tar().args([PROTOCOLS, SIGNATURES, MODEL].map(inside)));
    run(tar().arg(format!("--exclude={}", inside(MODELS))).arg(inside(LIBRARY)));
    run(pip()
        .args(["install", "--root-user-action", "ignore", "--target"])
        .arg(scratch.join("needed"))
        .args(NEEDED));
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
