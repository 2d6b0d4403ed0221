//! Nothing stays: not after sandboxes, not after the spawner, however it ends.

use std::fs;
use std::path::Path;

use hearth_sandbox::api::{Command, Event, SandboxId};
use hearth_sandbox::{Spawner, clean_up};
use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, cgroups_of, eventually, processes_of, shell};

/// Loop devices backed by a file below a directory, also by one that has no name any more.
fn loop_devices_of(directory: &Path) -> usize {
    let devices = fs::read_dir("/sys/block").expect("/sys/block").flatten();
    let backing =
        devices.filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok());
    backing.filter(|file| Path::new(file.trim_end()).starts_with(directory)).count()
}

fn assert_nothing_is_left(instance: &str, directory: &Path, users: &[u32]) {
    assert_eq!(cgroups_of(instance), Vec::<std::path::PathBuf>::new());
    for user in users {
        assert_eq!(processes_of(*user), Vec::<String>::new());
    }
    eventually("no loop device is left", || loop_devices_of(directory) == 0);
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
    assert!(!mounts.contains(&*directory.to_string_lossy()), "{mounts}");
    let run = fs::read_dir(directory.join("run")).expect("the run directory").flatten();
    let images = run.filter(|entry| entry.file_name().to_string_lossy().contains("image")).count();
    assert_eq!(images, 0);
}

#[test]
fn fifty_sandboxes_leave_nothing() {
    let bench = Bench::new();
    let mut users = Vec::new();
    for id in 0..50 {
        bench.send(&Command::Start(SandboxId(id), Box::new(shell("sleep 1000"))));
    }
    let mut ended = 0;
    while ended < 50 {
        match bench.event().0 {
            Event::Started { id, memory_stat, .. } => {
                let user = memory_stat.parent().and_then(Path::file_name).expect("a group").to_string_lossy();
                users.push(user.parse().expect("named by its user"));
                bench.send(&Command::Kill(id));
            }
            Event::Exited { .. } => ended += 1,
            other => panic!("unexpected: {other:?}"),
        }
    }
    let instance = bench.options.instance.clone();
    let directory = bench.shutdown();
    assert_eq!(users.len(), 50);
    assert_nothing_is_left(&instance, directory.path(), &users);
}

#[test]
fn a_closed_connection_takes_every_sandbox_along() {
    let bench = Bench::new();
    let users = [1, 2, 3].map(|id| bench.start(id, shell("sleep 1000")).user());
    let Bench { connection, options, directory } = bench;
    drop(connection);
    eventually("the groups are gone", || cgroups_of(&options.instance).is_empty());
    assert_nothing_is_left(&options.instance, directory.path(), &users);
}

#[test]
fn a_killed_spawner_leaves_no_process_and_the_next_one_removes_the_rest() {
    let bench = Bench::new();
    let users = [1, 2, 3].map(|id| bench.start(id, shell("trap '' TERM; sleep 1000 & sleep 1000")).user());
    let spawner = Pid::from_raw(bench.connection.process_id() as i32).expect("a process");
    kill_process(spawner, Signal::KILL).expect("kill it");
    assert!(bench.connection.receive_until_gone());
    for user in users {
        eventually("its processes are gone", || processes_of(user).is_empty());
    }
    assert!(!bench.cgroups().is_empty(), "nobody was there to remove the groups");

    let next = Spawner::launch(&bench.options).expect("the next spawner");
    assert!(
        users.iter().all(|user| bench.cgroups().iter().all(|parent| !parent.join(user.to_string()).exists()))
    );
    next.shutdown().expect("it ends");
    assert_nothing_is_left(&bench.options.instance, bench.directory.path(), &users);
}

#[test]
fn a_spawner_killed_at_any_moment_of_starting_leaves_nothing_after_the_next_start() {
    let mut bench = Bench::new();
    for moment in 0..12 {
        for id in 0..6 {
            bench.send(&Command::Start(SandboxId(id), Box::new(shell("sleep 1000 & sleep 1000"))));
        }
        for _ in 0..moment.min(6) {
            assert!(matches!(bench.event().0, Event::Started { .. }));
        }
        for id in 0..moment.max(6) - 6 {
            bench.send(&Command::Kill(SandboxId(id)));
        }
        let spawner = Pid::from_raw(bench.connection.process_id() as i32).expect("a process");
        kill_process(spawner, Signal::KILL).expect("kill it");
        assert!(bench.connection.receive_until_gone());
        bench.connection = Spawner::launch(&bench.options).expect("the next spawner");
    }
    let instance = bench.options.instance.clone();
    let directory = bench.shutdown();
    assert_nothing_is_left(&instance, directory.path(), &[]);
}

#[test]
fn cleaning_up_touches_only_its_own_instance() {
    let [mine, other] = [Bench::new(), Bench::new()];
    let running = other.start(1, shell("sleep 1000"));
    let (instance, directory) = (mine.options.instance.clone(), mine.options.run_directory.clone());
    let kept = mine.shutdown();
    clean_up(&instance, &directory).expect("clean up");
    assert_eq!(processes_of(running.user()).len(), 1);
    assert!(running.memory_stat.exists());
    drop(kept);
}

#[test]
fn two_spawners_never_share_users() {
    let benches = [Bench::new(), Bench::new()];
    let users = benches.each_ref().map(|bench| bench.start(1, shell("sleep 1000")).user());
    assert_ne!(users[0], users[1]);
}

#[test]
fn a_second_spawner_waits_for_the_first_to_leave_its_run_directory() {
    let Bench { connection, options, directory } = Bench::new();
    drop(connection);
    let next = Spawner::launch(&options).expect("the next spawner");
    next.shutdown().expect("it ends");
    drop(directory);
}

#[test]
fn an_instance_that_could_name_other_groups_is_refused() {
    let Bench { connection, mut options, directory } = Bench::new();
    connection.shutdown().expect("it ends");
    options.instance = "../hearth".to_owned();
    assert!(Spawner::launch(&options).is_err_and(|error| error.to_string().contains("instance")));
    drop(directory);
}

trait UntilGone {
    fn receive_until_gone(&self) -> bool;
}

impl UntilGone for hearth_sandbox::Connection {
    /// Waits for the spawner's end.
    fn receive_until_gone(&self) -> bool {
        while crate::bench::readable(self) {
            if matches!(self.receive(), Ok(None)) {
                return true;
            }
        }
        false
    }
}
