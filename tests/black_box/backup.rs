//! Backups: of a server under load, whole or not at all, and what comes of them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hearth_tests::{Function, Hearth, Package, Request, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

const CODE: &str = "def handler(event, context):\n    return open('/var/task/data.txt').read()\n";

fn package(mark: &str) -> Vec<u8> {
    Package::of("app.py", CODE).file("data.txt", mark).bytes()
}

fn run(command: &str, file: &Path, data: &Path) -> Output {
    let mut hearth = Command::new(binary());
    hearth.args([command, "--json", "--data"]).arg(data).arg(file).output().expect("run hearth")
}

#[track_caller]
fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The one line of a command that must fail.
#[track_caller]
fn refused(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    text
}

fn names(hearth: &Hearth) -> Vec<String> {
    let page = hearth.send(&Request::new("GET", "/2015-03-31/functions/").signed("lambda")).json();
    let functions = page["Functions"].as_array().expect("a list").iter();
    functions.filter_map(|entry| entry["FunctionName"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_backup_under_load_is_one_moment_and_every_function_of_it_runs() {
    let hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    for number in 0..3 {
        hearth.function(&format!("stays-{number}")).package(&package(&format!("stays-{number}"))).create();
    }
    // Functions are created in order, and each is deleted once the next one is there: one or two exist at any moment.
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (address, stop) = (hearth.address().to_owned(), stop.clone());
        let requests: Vec<Request> = (0..400)
            .map(|n| {
                hearth.function(&format!("wanders-{n}")).package(&package(&format!("wanders-{n}"))).request()
            })
            .collect();
        std::thread::spawn(move || {
            let mut made = 0;
            for (number, request) in requests.iter().enumerate() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                assert_eq!(request.send(&address).expect("created").status, 201);
                if number > 0 {
                    let path = format!("/2015-03-31/functions/wanders-{}", number - 1);
                    let deleted = Request::new("DELETE", &path).signed("lambda").send(&address);
                    assert_eq!(deleted.expect("deleted").status, 204);
                }
                made = number;
            }
            made
        })
    };
    let folder = TempDir::new().expect("a folder");
    let files: Vec<_> = (0..3).map(|number| folder.path().join(format!("{number}.tar"))).collect();
    for file in &files {
        assert!(done(&run("backup", file, hearth.data()))["blobs"].as_u64().is_some_and(|blobs| blobs >= 3));
    }
    stop.store(true, Ordering::Relaxed);
    load.join().expect("no call failed");
    let left = std::fs::read_dir(hearth.data()).expect("the data folder").flatten();
    let left: Vec<_> =
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with("backup-")).collect();
    assert!(left.is_empty(), "{left:?}");
    for file in &files {
        let restored = Hearth::over(|data| drop(done(&run("restore", file, data))), &[]);
        assert_ne!(restored.instance(), hearth.instance());
        let names = names(&restored);
        let wanders = names.iter().filter(|name| name.starts_with("wanders")).count();
        assert!((names.len() - wanders, wanders <= 2) == (3, true), "{names:?}");
        for name in &names {
            let function = Function::existing(&restored, name);
            function.wait_until_active();
            assert_eq!(function.invoke("{}").json(), json!(name));
        }
    }
}

#[test]
fn a_backup_that_is_cut_or_changed_is_refused_in_one_line_and_leaves_nothing() {
    let mut hearth = Hearth::start();
    hearth.function("one").package(&package("one")).create();
    hearth.stop();
    let folder = TempDir::new().expect("a folder");
    let (file, data) = (folder.path().join("whole.tar"), folder.path().join("data"));
    done(&run("backup", &file, hearth.data()));
    let whole = std::fs::read(&file).expect("the backup");
    let line = refused(&run("backup", &file, hearth.data()));
    assert!(line.contains("is there already"), "{line}");

    let broken = folder.path().join("broken.tar");
    let mut changed = whole.clone();
    let middle = whole.windows(2).rposition(|bytes| bytes == b"PK").expect("a package");
    changed[middle + 12] ^= 1;
    let at = |share: usize| whole[..whole.len() * share / 100].to_vec();
    for bytes in [Vec::new(), b"no archive".to_vec(), at(1), at(30), at(90), changed] {
        std::fs::write(&broken, &bytes).expect("write");
        let line = refused(&run("restore", &broken, &data));
        assert!(line.contains("is no whole backup"), "{line}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
    let line = refused(&run("restore", &file, hearth.data()));
    assert!(line.contains("is not empty"), "{line}");
    done(&run("restore", &file, &data));
    let line = refused(&run("backup", &folder.path().join("none.tar"), folder.path()));
    assert!(line.contains("is no data folder"), "{line}");
}

#[test]
fn a_damaged_package_is_told_when_the_backup_is_made_and_not_when_it_is_needed() {
    let mut hearth = Hearth::start();
    hearth.function("kept").package(&package("kept")).create();
    let mut blobs = std::fs::read_dir(hearth.data().join("blobs")).expect("blobs");
    let blob = blobs.next().expect("one").expect("a file").path();
    let mut bytes = std::fs::read(&blob).expect("bytes");
    bytes[20] ^= 1;
    std::fs::write(&blob, bytes).expect("written");

    let folder = TempDir::new().expect("a folder");
    let line = refused(&run("backup", &folder.path().join("a.tar"), hearth.data()));
    let name = blob.file_name().expect("a name").to_string_lossy();
    assert!(line.contains(&format!("the package {name} is damaged: upload it again")), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    hearth.stop();
}
