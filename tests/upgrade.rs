//! Data folders of earlier releases: this one opens them, and everything is there and runs.
//!
//! `cargo xtask snapshot NAME` keeps the folder of the release that is built; what it holds is made and checked here.
//! Never: a snapshot is changed once a release carried it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hearth_tests::{Function, Hearth, Package, Request, binary};
use serde_json::json;

const CODE: &str = "import os\ndef handler(event, context):\n    \
    return [event, os.environ.get('GREETING'), context.memory_limit_in_mb]\n";

/// Every machine of the tests has it: Debian 12's own.
const RUNTIME: &str = "python3.11";

/// What of a data folder is not kept: it is made again, or the snapshot would hold a machine's paths.
const LEFT_OUT: [&str; 4] = ["--exclude=code", "--exclude=runtimes", "--exclude=run", "--exclude=empty"];

fn snapshots() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("upgrade");
    let entries = std::fs::read_dir(folder).expect("tests/upgrade");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "there is a snapshot of an earlier release");
    paths
}

fn tar(arguments: &[&str], file: &Path, folder: &Path) {
    std::fs::create_dir_all(folder).expect("make the folder");
    let place = ["-C".as_ref(), folder.as_os_str()];
    // Packing is told what to pack; unpacking takes everything.
    let what: &[&str] = if arguments.contains(&"-cz") { &["."] } else { &[] };
    let status = Command::new("tar").args(arguments).arg("-f").arg(file).args(place).args(what).status();
    let status = status.expect("run tar");
    assert!(status.success(), "tar {}", file.display());
}

/// Two functions of the same package, and one with everything that can be set.
fn fill(hearth: &Hearth) {
    for name in ["plain", "twin"] {
        hearth.function(name).code(CODE).with("Runtime", json!(RUNTIME)).create();
    }
    let package = Package::of("app.py", CODE).file("more.txt", "another package").bytes();
    let configured = hearth.function("configured").package(&package).with("Runtime", json!(RUNTIME));
    let configured = configured.with("MemorySize", json!(256)).with("Timeout", json!(7));
    let configured = configured.with("Tags", json!({ "team": "pictures" }));
    configured.with("Environment", json!({ "Variables": { "GREETING": "good day" } })).create();
}

fn check(hearth: &Hearth) {
    for name in ["plain", "twin"] {
        assert_eq!(Function::existing(hearth, name).invoke("1").json(), json!([1, null, "128"]));
    }
    let configured = Function::existing(hearth, "configured");
    assert_eq!(configured.invoke("2").json(), json!([2, "good day", "256"]));
    let configuration = configured.configuration().json();
    assert_eq!((&configuration["Timeout"], &configuration["State"]), (&json!(7), &json!("Active")));
    let whole = hearth.send(&Request::new("GET", "/2015-03-31/functions/configured").signed("lambda")).json();
    assert_eq!(whole["Tags"], json!({ "team": "pictures" }));
}

fn blobs(hearth: &Hearth) -> usize {
    std::fs::read_dir(hearth.data().join("blobs")).expect("blobs/").count()
}

/// What an environment still uses goes once that has ended.
fn comes_to_one_blob(hearth: &Hearth) {
    let started = Instant::now();
    while blobs(hearth) > 1 {
        assert!(started.elapsed() < Duration::from_secs(30), "the package without a function stays");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn data_of_every_earlier_release_is_opened_and_its_functions_run() {
    for snapshot in snapshots() {
        let mut hearth = Hearth::over(|data| tar(&["-xz"], &snapshot, data), &["--garbage-grace", "0s"]);
        check(&hearth);
        // A package goes with its last function, also where an earlier release has written all of them.
        assert_eq!(blobs(&hearth), 2);
        assert_eq!(Function::existing(&hearth, "plain").delete().status, 204);
        assert_eq!(Function::existing(&hearth, "configured").delete().status, 204);
        let freed = Command::new(binary())
            .args(["disk", "--free", "--endpoint", &format!("http://{}", hearth.address()), "--data"])
            .arg(hearth.data())
            .status();
        assert!(freed.expect("run hearth disk").success());
        comes_to_one_blob(&hearth);
        assert_eq!(Function::existing(&hearth, "twin").invoke("1").json(), json!([1, null, "128"]));
        hearth.stop();
        hearth.restart();
        assert_eq!(Function::existing(&hearth, "twin").invoke("1").json(), json!([1, null, "128"]));
        assert_eq!(blobs(&hearth), 1);
    }
}

#[test]
#[ignore = "a chore: cargo xtask snapshot"]
fn a_snapshot_of_this_release_is_written() {
    let to = PathBuf::from(std::env::var_os("HEARTH_SNAPSHOT").expect("HEARTH_SNAPSHOT names the file"));
    let mut hearth = Hearth::start();
    fill(&hearth);
    check(&hearth);
    assert_eq!(hearth.stop(), Some(0));
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("make tests/upgrade");
    let arguments = [&["-cz", "--numeric-owner", "--sort=name"][..], &LEFT_OUT].concat();
    tar(&arguments, &to, hearth.data());
}
