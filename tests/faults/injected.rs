//! Disks that are full, read-only or broken, and files that are not what was left there: one clear line, nothing
//! harmed, and all is well again when the cause is gone.

use std::fs;
use std::process::{Command, Stdio};

use hearth_tests::{Access, Answer, Disk, Faults, Function, Hearth, Request, binary};

use crate::expected::{iam_request, package, run};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A server on a disk without faults yet, with a function that is warm.
fn with_a_warm_function(disk: &Disk) -> Hearth {
    let hearth = Hearth::start_on(disk);
    hearth.function("warm").package(&package(1)).create();
    run(&hearth, "warm", 1);
    hearth
}

fn create(hearth: &Hearth, name: &str, number: u64) -> Answer {
    hearth.function(name).package(&package(number)).try_create()
}

fn create_role(hearth: &Hearth, name: &str) -> Answer {
    hearth.send(&iam_request("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]))
}

/// An error of AWS's kind, by whichever protocol, that says what happened.
#[track_caller]
fn is_fault(answer: &Answer, text: &str) {
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(
        answer.text().contains("ServiceException")
            || answer.text().contains("ServiceFailure")
            || answer.header("x-amzn-errortype") == "ServiceException",
        "{:?}",
        answer
    );
    assert!(answer.text().contains(text), "{text:?} is not in {}", answer.text());
}

/// What runs and what is read needs no write.
#[track_caller]
fn calls_and_reads_go_on(hearth: &Hearth) {
    run(hearth, "warm", 1);
    let read = hearth.send(&Request::new("GET", "/2015-03-31/functions/warm").signed("lambda"));
    assert_eq!(read.status, 200, "{}", read.text());
    assert_eq!(hearth.send(&iam_request("ListRoles", &[])).status, 200);
}

/// The one line of a server that does not start.
#[track_caller]
fn refusal(disk: &Disk) -> String {
    let output = Command::new(binary())
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(disk.path().join("data"))
        .stdin(Stdio::null())
        .output()
        .expect("run hearth");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("hearth: "), "{text}");
    text
}

#[test]
fn a_full_disk_fails_writes_alone_and_only_until_there_is_room() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    disk.set(Faults::none().room(disk.used_bytes()));
    // The system's words or the store's, whichever meets it first.
    let refused = create(&hearth, "more", 2);
    is_fault(&refused, if refused.text().contains("full") { "full" } else { "No space left on device" });
    let roles: Vec<Answer> = (0..3).map(|number| create_role(&hearth, &format!("role-{number}"))).collect();
    for role in &roles {
        is_fault(role, "full");
    }
    calls_and_reads_go_on(&hearth);
    disk.set(Faults::none());
    assert_eq!(create(&hearth, "more", 2).status, 201);
    run(&hearth, "more", 2);
    assert_eq!(create_role(&hearth, "role-0").status, 200);
    assert_eq!(hearth.stop(), Some(0));
    let unfinished = fs::read_dir(disk.path().join("data/blobs")).expect("listed").flatten();
    assert_eq!(unfinished.filter(|entry| entry.file_name().len() != 64).count(), 0);
}

#[test]
fn a_server_that_starts_on_a_full_or_read_only_disk_says_so_in_one_line() {
    let disk = Disk::new();
    for (faults, text) in [
        (Faults::none().room(0), "No space left on device"),
        (Faults::none().read_only(), "Read-only file system"),
        (Faults::none().fails(Access::Sync, ""), "Input/output error"),
        (Faults::none().fails(Access::Write, "hearth.db"), "hearth.db"),
    ] {
        disk.set(faults);
        let line = refusal(&disk);
        assert!(line.contains(text), "{line}");
        assert!(line.contains(&*disk.path().to_string_lossy()), "{line}");
    }
    disk.set(Faults::none());
    with_a_warm_function(&disk);
    for faults in [Faults::none().read_only(), Faults::none().fails(Access::Read, "hearth.db")] {
        disk.set(faults);
        refusal(&disk);
        disk.set(Faults::none());
    }
    let hearth = Hearth::start_on(&disk);
    run(&hearth, "warm", 1);
}

/// After a failed write or sync of the store it takes no writes until a restart, and says so each time.
#[track_caller]
fn the_store_closes_for_writes_when(access: Access) {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    assert_eq!(create_role(&hearth, "before").status, 200);
    disk.set(Faults::none().fails(access, "hearth.db-wal"));
    let first = create_role(&hearth, "first");
    is_fault(&first, "An internal error occurred: the store");
    disk.set(Faults::none());
    for number in 0..2 {
        let later = create_role(&hearth, &format!("later-{number}"));
        is_fault(&later, "the store takes no writes until a restart, after a failed write to disk");
    }
    is_fault(&create(&hearth, "later", 2), "the store takes no writes until a restart");
    calls_and_reads_go_on(&hearth);
    let log = hearth.log();
    assert!(log.contains("ERROR a write to disk failed: the store takes no writes until a restart"), "{log}");
    hearth.stop();
    hearth.restart();
    calls_and_reads_go_on(&hearth);
    let roles = hearth.send(&iam_request("ListRoles", &[])).text();
    assert!(roles.contains("before") && !roles.contains("later"), "{roles}");
    assert_eq!(create_role(&hearth, "after").status, 200);
    assert_eq!(create(&hearth, "later", 2).status, 201);
}

#[test]
fn after_a_failed_sync_the_store_takes_no_writes_until_a_restart() {
    the_store_closes_for_writes_when(Access::Sync);
}

#[test]
fn after_a_failed_write_the_store_takes_no_writes_until_a_restart() {
    the_store_closes_for_writes_when(Access::Write);
}

#[test]
fn after_a_failed_sync_of_a_package_no_package_is_kept_until_a_restart() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    disk.set(Faults::none().fails(Access::Sync, "/data/blobs"));
    is_fault(&create(&hearth, "more", 2), "no blob can be kept after a failed write to disk");
    disk.set(Faults::none());
    is_fault(&create(&hearth, "more", 2), "no blob can be kept after a failed write to disk");
    calls_and_reads_go_on(&hearth);
    assert_eq!(create_role(&hearth, "role").status, 200);
    assert_eq!(hearth.stop(), Some(0));
    hearth.restart();
    assert_eq!(create(&hearth, "more", 2).status, 201);
    run(&hearth, "more", 2);
}

#[test]
fn a_package_that_cannot_be_read_or_is_damaged_does_not_run_and_is_mended_by_a_new_upload() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    hearth.stop();
    let blobs = disk.path().join("data/blobs");
    let blob = fs::read_dir(&blobs).expect("listed").flatten().next().expect("one package").path();
    let whole = fs::read(&blob).expect("read");
    let mut changed = whole.clone();
    changed[40] ^= 1;
    for damage in [&whole[..whole.len() / 2], &changed, b""] {
        fs::write(&blob, damage).expect("written");
        fs::remove_dir_all(disk.path().join("data/code")).expect("removed");
        hearth.restart();
        let answer = hearth.send(&Function::existing(&hearth, "warm").request("{}"));
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(answer.text().contains("is damaged: its bytes have another digest"), "{}", answer.text());
        assert_eq!(create(&hearth, "again", 1).status, 201);
        run(&hearth, "again", 1);
        run(&hearth, "warm", 1);
        assert_eq!(Function::existing(&hearth, "again").delete().status, 204);
        hearth.stop();
    }
    disk.set(Faults::none().fails(Access::Read, "/data/blobs"));
    fs::remove_dir_all(disk.path().join("data/code")).expect("removed");
    hearth.restart();
    let answer = hearth.send(&Function::existing(&hearth, "warm").request("{}"));
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("Input/output error"), "{}", answer.text());
    disk.set(Faults::none());
    run(&hearth, "warm", 1);
}

#[test]
fn a_store_that_is_damaged_is_refused_in_one_line_and_opens_when_it_is_put_back() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    hearth.stop();
    let path = disk.path().join("data/hearth.db");
    let whole = fs::read(&path).expect("read");
    for damage in [&b"garbage"[..], &b"garbage".repeat(5000), &whole[..whole.len() / 2], b""] {
        fs::write(&path, damage).expect("written");
        let line = refusal(&disk);
        assert!(line.contains(&format!("{} is damaged or not a Hearth database", path.display())), "{line}");
        assert!(fs::read(&path).expect("read") == damage, "it was left alone");
    }
    fs::write(&path, &whole).expect("written");
    hearth.restart();
    calls_and_reads_go_on(&hearth);
}

#[test]
fn a_log_with_garbage_at_its_end_loses_nothing_that_was_acknowledged() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    for number in 0..5 {
        assert_eq!(create_role(&hearth, &format!("role-{number}")).status, 200);
    }
    hearth.kill();
    let path = disk.path().join("data/hearth.db-wal");
    let mut log = fs::read(&path).expect("a server that was killed leaves its log");
    log.extend(b"garbage".repeat(3000));
    fs::write(&path, log).expect("written");
    hearth.restart();
    calls_and_reads_go_on(&hearth);
    assert!(hearth.send(&iam_request("ListRoles", &[])).text().contains("role-4"));
}

#[test]
fn small_files_and_folders_that_are_lost_or_damaged_are_made_again() {
    let disk = Disk::new();
    let mut hearth = with_a_warm_function(&disk);
    let data = disk.path().join("data");
    for damage in [None, Some(&b""[..]), Some(b"../../etc/passwd"), Some(b"\xff\xfe\x00")] {
        assert_eq!(hearth.stop(), Some(0));
        for name in ["token", "instance", "boot", "lock"] {
            match damage {
                None => fs::remove_file(data.join(name)).expect("removed"),
                Some(bytes) => fs::write(data.join(name), bytes).expect("written"),
            }
        }
        for name in ["code", "runtimes", "run"] {
            fs::remove_dir_all(data.join(name)).expect("removed");
        }
        hearth.restart();
        run(&hearth, "warm", 1);
        let health = hearth.send(&Request::new("GET", "/_hearth/health")).json();
        assert_eq!(health["instance"], hearth.instance());
    }
}
