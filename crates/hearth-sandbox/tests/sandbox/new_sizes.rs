//! A `/tmp` of a size that nobody had before is made beside, by a program that may take its time.

use std::fs;
use std::path::PathBuf;

use hearth_sandbox::Spawner;
use hearth_sandbox::api::{Command, Event, Exit, SandboxId, SandboxSpec, StartFailure};

use crate::bench::{Bench, shell, write_script};

/// A spawner that sees another `mkfs.ext4`: it waits until a file is there.
fn with_slow_mkfs() -> (Bench, PathBuf) {
    let mut bench = Bench::new();
    bench.run("true"); // now there is a template of the usual size
    let place = bench.directory.path().to_owned();
    let go = place.join("go");
    fs::create_dir(place.join("real")).expect("a directory");
    fs::copy("/usr/sbin/mkfs.ext4", place.join("real/mkfs.ext4")).expect("a copy");
    let real = place.join("real/mkfs.ext4");
    let wait = format!("for i in $(seq 3000); do [ -e {} ] && break; sleep 0.01; done", go.display());
    write_script(&place.join("slow"), &format!("{wait}\nexec {} \"$@\"", real.display()));
    let program = bench.options.program.clone().expect("a spawner");
    let hide = format!("mount --bind {} $(realpath /usr/sbin/mkfs.ext4)", place.join("slow").display());
    let run = format!("exec unshare -m sh -c '{hide} && exec {} \"$@\"' sh \"$@\"", program.display());
    write_script(&place.join("spawner"), &run);
    bench.options.program = Some(place.join("spawner"));
    let next = bench.options.clone();
    bench.connection.shutdown().expect("it ends");
    bench.connection = Spawner::launch(&next).expect("a spawner");
    (bench, go)
}

fn of_new_size(script: &str) -> SandboxSpec {
    SandboxSpec { tmp_bytes: 24 << 20, ..shell(script) }
}

#[test]
fn only_sandboxes_of_a_new_size_wait_until_it_is_made() {
    let (bench, go) = with_slow_mkfs();
    let start = |id, spec| bench.send(&Command::Start(SandboxId(id), Box::new(spec)));
    start(1, of_new_size("true"));
    start(2, of_new_size("true"));
    let running = bench.start(3, shell("echo of a known size"));
    assert_eq!(running.read_all(), "of a known size\n");
    assert_eq!(bench.exited(3), (Exit::Status(0), false));

    bench.send(&Command::Kill(SandboxId(2)));
    match bench.event().0 {
        Event::StartFailed { id: SandboxId(2), failure: StartFailure::Host(reason) } => {
            assert_eq!(reason, "it was killed while it was being made");
        }
        other => panic!("the killed one waits no more: {other:?}"),
    }
    fs::write(go, "").expect("mkfs goes on");
    assert!(matches!(bench.event().0, Event::Started { id: SandboxId(1), .. }));
    assert_eq!(bench.exited(1), (Exit::Status(0), false));
}

#[test]
fn a_spawner_ends_while_sandboxes_wait_and_leaves_no_image() {
    let (bench, _) = with_slow_mkfs();
    bench.send(&Command::Start(SandboxId(5), Box::new(of_new_size("true"))));
    bench.run("true");
    let run = bench.options.run_directory.clone();
    let directory = bench.shutdown();
    let images = fs::read_dir(run).expect("the run directory").flatten();
    let images: Vec<_> = images.filter(|it| it.file_name().to_string_lossy().contains("image")).collect();
    assert!(images.is_empty(), "{images:?}");
    drop(directory);
}

#[test]
fn a_size_that_cannot_be_made_fails_its_sandboxes_alone() {
    let bench = Bench::new();
    let reason = bench.start_fails(1, SandboxSpec { tmp_bytes: 1 << 60, ..shell("true") });
    assert!(reason.contains("mkfs.ext4") || reason.contains("make /tmp"), "{reason}");
    assert_eq!(bench.run("echo still there").0, "still there\n");
}
