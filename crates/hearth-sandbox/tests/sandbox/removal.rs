//! Unpacked trees are removed on command, and nothing else is.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use hearth_sandbox::Confinement;
use hearth_sandbox::api::{Command, Event};

use crate::bench::{Bench, eventually};
use crate::zips::{archive, directory, file};

impl Bench {
    fn remove(&self, tree: &Path) -> Result<(), String> {
        self.send(&Command::Remove(9, tree.to_owned()));
        match self.event().0 {
            Event::Removed(9, result) => result,
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn left_aside(&self) -> bool {
        let run = fs::read_dir(&self.options.run_directory).expect("the run directory").flatten();
        run.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("unpack"))
    }
}

/// A spawner whose server is confined to `<directory>/data`, with its run directory in there.
fn confined() -> (Bench, PathBuf) {
    let bench = Bench::with(|options| {
        let folder = options.run_directory.parent().expect("a directory").join("data");
        fs::create_dir(&folder).expect("a folder");
        options.run_directory = folder.join("run");
        options.confinement = Some(Confinement { folder, sources: vec!["/usr".into()] });
    });
    let folder = bench.directory.path().join("data");
    (bench, folder)
}

#[test]
fn a_tree_is_gone_when_its_removal_is_answered() {
    for bench in [Bench::new(), confined().0] {
        let (result, tree) = bench.unpack(&archive(&[directory("d", 0o755), file("d/a.py", "x")]));
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(bench.remove(&tree), Ok(()));
        assert!(!tree.exists() && !bench.left_aside());
        assert!(bench.remove(&tree).is_err(), "it is gone already");
    }
}

#[test]
fn a_confined_server_has_nothing_removed_that_was_not_unpacked() {
    let (bench, folder) = confined();
    let outside = bench.directory.path().join("outside");
    for directory in [&outside, &folder.join("plain"), &folder.join("stranger")] {
        fs::create_dir(directory).expect("a directory");
    }
    chown(folder.join("stranger"), Some(0x7000_0001), None).expect("a sandbox's user");
    symlink(&outside, folder.join("link")).expect("a link");
    fs::write(folder.join("file"), "x").expect("a file");
    for path in
        ["plain", "stranger", "link", "file", "run", "run/root", "run/lock", "../outside", "link/x", ""]
    {
        assert!(bench.remove(&folder.join(path)).is_err(), "{path}");
    }
    assert!(bench.remove(&outside).is_err());
    for kept in
        [outside, folder.join("plain"), folder.join("stranger"), folder.join("link"), folder.join("run/lock")]
    {
        assert!(kept.symlink_metadata().is_ok(), "{}", kept.display());
    }
}

#[test]
fn a_tree_that_was_taken_away_and_left_goes_at_the_next_start() {
    let (bench, folder) = confined();
    fs::create_dir_all(folder.join("run/unpack-gone-7/d")).expect("what a killed spawner left");
    let options = bench.options.clone();
    let directory = bench.shutdown();
    let next = hearth_sandbox::Spawner::launch(&options).expect("the next spawner");
    eventually("it is gone", || !folder.join("run/unpack-gone-7").exists());
    next.shutdown().expect("it ends");
    drop(directory);
}
