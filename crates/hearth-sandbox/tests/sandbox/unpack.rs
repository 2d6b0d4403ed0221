//! What becomes of archives, good and hostile.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use hearth_sandbox::api::{Command, Event, Exit, Mount, UnpackError, UnpackSpec, Unpacked};

use crate::bench::{Bench, program};
use crate::zips::{Entry, archive, directory, entry, file, link};

const BYTES_MAX: u64 = 1 << 20;
const ENTRIES_MAX: u32 = 100;

impl Bench {
    pub(crate) fn unpack(&self, bytes: &[u8]) -> (Result<Unpacked, UnpackError>, PathBuf) {
        self.unpack_all(&[bytes])
    }

    fn unpack_all(&self, all: &[&[u8]]) -> (Result<Unpacked, UnpackError>, PathBuf) {
        let destination = self.folder().join("tree");
        let archives: Vec<File> = all
            .iter()
            .map(|bytes| {
                let mut archive = tempfile::tempfile().expect("a file");
                archive.write_all(bytes).and_then(|()| archive.rewind()).expect("written");
                archive
            })
            .collect();
        let spec =
            UnpackSpec { destination: destination.clone(), bytes_max: BYTES_MAX, entries_max: ENTRIES_MAX };
        let descriptors: Vec<_> = archives.iter().map(AsFd::as_fd).collect();
        self.connection.send(&Command::Unpack(7, spec), &descriptors).expect("sent");
        match self.event().0 {
            Event::Unpacked(7, result) => (result, destination),
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// Where trees go: the folder that the server is confined to, if it is.
    fn folder(&self) -> PathBuf {
        let confinement = self.options.confinement.as_ref();
        confinement.map_or_else(|| self.directory.path().to_owned(), |walls| walls.folder.clone())
    }

    /// Nothing of a refused archive stays, neither under its name nor half made.
    fn assert_nothing_unpacked(&self) {
        assert!(!self.directory.path().join("tree").exists());
        let is_staged = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("unpack");
        crate::bench::eventually("removed", || {
            !fs::read_dir(&self.options.run_directory).expect("the run directory").flatten().any(is_staged)
        });
    }
}

#[test]
fn files_directories_and_links_come_out_as_they_went_in() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack(&archive(&[
        file("index.py", "print(1)"),
        entry("bin/run", "#!/bin/sh", 0o100_755),
        entry("private", "x", 0o100_600),
        directory("locked/", 0o555),
        file("locked/inside", "y"),
        link("node_modules/.bin/tool", "../tool/main.js"),
        file("node_modules/tool/main.js", "z"),
        link("later", "locked"),
        file("./dotted//path", "d"),
    ]));
    assert_eq!(result, Ok(Unpacked { bytes: 8 + 9 + 1 + 1 + 1 + 1, entries: 9 }));
    let mode = |path: &str| {
        fs::symlink_metadata(tree.join(path)).expect("it is there").permissions().mode() & 0o7777
    };
    assert_eq!(
        [mode("index.py"), mode("bin/run"), mode("private"), mode("locked")],
        [0o644, 0o755, 0o644, 0o555]
    );
    assert_eq!([mode(""), mode("bin"), mode("node_modules/tool")], [0o755; 3]);
    assert_eq!(
        fs::read_link(tree.join("node_modules/.bin/tool")).expect("a link"),
        PathBuf::from("../tool/main.js")
    );
    assert_eq!(fs::read_to_string(tree.join("node_modules/.bin/tool")).expect("followed"), "z");
    assert_eq!(fs::read_to_string(tree.join("later/inside")).expect("followed"), "y");
    assert_eq!(fs::read_to_string(tree.join("dotted/path")).expect("there"), "d");
}

#[test]
fn entries_without_modes_are_readable_by_everybody() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack(&archive(&[entry("a.py", "x", 0), entry("d/", "", 0)]));
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(fs::metadata(tree.join("a.py")).expect("there").mode() & 0o7777, 0o644);
    assert_eq!(fs::metadata(tree.join("d")).expect("there").mode() & 0o7777, 0o755);
}

#[test]
fn unpacked_code_belongs_to_root_inside_and_to_nobody_of_the_host() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack(&archive(&[file("index.py", "x")]));
    assert!(result.is_ok(), "{result:?}");
    assert!(fs::metadata(tree.join("index.py")).expect("there").uid() >= 0x7000_0000);
    let mut spec = program(&["/usr/bin/stat", "-c", "%U:%G %a", ".", "index.py"]);
    spec.mounts.push(Mount { source: tree, target: "/var/task".into() });
    let (said, exit, _) = bench.run_spec(spec);
    assert_eq!((said.as_str(), exit), ("root:root 755\nroot:root 644\n", Exit::Status(0)));
}

#[test]
fn set_user_bits_do_not_come_out() {
    let bench = Bench::new();
    let (_, tree) = bench.unpack(&archive(&[entry("tool", "x", 0o104_755)]));
    assert_eq!(fs::metadata(tree.join("tool")).expect("there").mode() & 0o7777, 0o755);
}

#[test]
fn an_archive_of_nothing_is_an_empty_directory() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack(&archive(&[]));
    assert_eq!(result, Ok(Unpacked { bytes: 0, entries: 0 }));
    assert_eq!(fs::read_dir(tree).expect("a directory").count(), 0);
}

#[test]
fn hostile_archives_are_refused_and_leave_nothing() {
    let encrypted = Entry { flags: 1, ..file("a", "secret") };
    let zero = Entry { name: b"a\0b".to_vec(), ..file("", "x") };
    let cases: &[(&str, Vec<Entry>, &str)] = &[
        ("up", vec![file("../a", "x")], "leads out"),
        ("up in the middle", vec![file("a/../../b", "x")], "leads out"),
        ("absolute", vec![file("/etc/cron.d/x", "x")], "absolute"),
        ("absolute link", vec![link("a", "/etc")], "leads out"),
        ("link up", vec![link("d/a", "../../etc")], "leads out"),
        (
            "link of links up",
            vec![link("p/x", "../t"), directory("t/", 0o755), link("p/y", "x/../../z")],
            "leads out",
        ),
        ("file below a link", vec![directory("d/", 0o755), link("a", "d"), file("a/x", "x")], "below a link"),
        ("file below a link out", vec![link("a", ".."), file("a/x", "x")], "leads out"),
        ("file below a file", vec![file("a", "x"), file("a/x", "x")], "below a file"),
        ("file then directory", vec![file("a", "x"), directory("a/", 0o755)], "below a file"),
        ("directory then file", vec![directory("a/", 0o755), file("a", "x")], "twice"),
        (
            "file in the place of a link, then below it",
            vec![file("a", "x"), link("./a", ".."), file("a/x", "x")],
            "leads out",
        ),
        ("device", vec![entry("a", "", 0o020_666)], "neither"),
        ("pipe", vec![entry("a", "", 0o010_666)], "neither"),
        ("socket", vec![entry("a", "", 0o140_666)], "neither"),
        ("encrypted", vec![encrypted], ""),
        ("zero byte", vec![zero], "not a path"),
        ("long name", vec![file(&"n".repeat(256), "x")], "too long"),
        ("deep path", vec![file(&format!("{}f", "d/".repeat(200)), "x")], "too deep"),
        (
            "directories that only paths name",
            (0..=ENTRIES_MAX / 50).map(|i| file(&format!("d{i}/{}f", "a/".repeat(60)), "")).collect(),
            "files and directories",
        ),
        ("many entries", (0..=ENTRIES_MAX).map(|i| file(&format!("f{i}"), "")).collect(), "entries"),
    ];
    let bench = Bench::new();
    for (name, entries, reason) in cases {
        let (result, _) = bench.unpack(&archive(entries));
        assert!(
            matches!(&result, Err(UnpackError::Bad(text)) if text.contains(reason)),
            "{name}: {result:?} should say {reason:?}"
        );
        bench.assert_nothing_unpacked();
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let bench = Bench::new();
    let whole = archive(&[file("a", "content"), file("b", "more")]);
    for bytes in [&b""[..], b"PK", b"not a zip at all", &whole[..whole.len() / 2], &whole[1..]] {
        assert!(matches!(bench.unpack(bytes).0, Err(UnpackError::Bad(_))), "{bytes:?}");
        bench.assert_nothing_unpacked();
    }
}

#[test]
fn more_than_the_limit_is_too_large_whatever_it_tells() {
    let bench = Bench::new();
    let large = file("a", &"x".repeat(BYTES_MAX as usize + 1));
    assert_eq!(
        bench.unpack(&archive(std::slice::from_ref(&large))).0,
        Err(UnpackError::TooLarge { limit: BYTES_MAX })
    );
    let lies = Entry { told_bytes: Some(1), ..large };
    assert!(bench.unpack(&archive(&[lies])).0.is_err());
    bench.assert_nothing_unpacked();
}

#[test]
fn of_two_entries_at_one_path_the_later_one_stays() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack(&archive(&[
        file("same", "1"),
        file("spelled", "1"),
        file("linked", "1"),
        link("plain", "/etc/../x"),
        file("same", "2"),
        file("./spelled", "2"),
        link("./linked", "same"),
    ]));
    assert!(
        matches!(result, Err(UnpackError::Bad(_))),
        "a link that leads out is one also when it is replaced: {result:?}"
    );
    bench.assert_nothing_unpacked();
    drop(tree);
    let (result, tree) = bench.unpack(&archive(&[
        file("same", "1"),
        file("spelled", "1"),
        file("linked", "1"),
        link("plain", "same"),
        file("same", "2"),
        file("./spelled", "2"),
        link("./linked", "same"),
        file("./plain", "2"),
    ]));
    assert!(result.is_ok(), "{result:?}");
    let read = |path: &str| fs::read_to_string(tree.join(path)).expect("it is there");
    assert_eq!(["same", "spelled", "linked", "plain"].map(read), ["2"; 4]);
    assert!(tree.join("linked").is_symlink() && !tree.join("plain").is_symlink());
}

#[test]
fn names_are_utf_8_or_those_of_windows() {
    let bench = Bench::new();
    let windows = Entry { name: b"\x84\x94\x81.txt".to_vec(), ..file("", "x") };
    let (result, tree) = bench.unpack(&archive(&[file("日本.txt", "x"), windows]));
    assert!(result.is_ok(), "{result:?}");
    assert!(tree.join("日本.txt").exists() && tree.join("äöü.txt").exists());
}

#[test]
fn what_a_later_archive_has_replaces_what_an_earlier_one_had() {
    let bench = Bench::new();
    let (result, tree) = bench.unpack_all(&[
        &archive(&[file("a", "1"), file("d/b", "1"), link("l", "a"), entry("tool", "1", 0o100_755)]),
        &archive(&[file("d/b", "2"), file("l", "no link"), link("a", "d/b"), file("tool", "2")]),
    ]);
    assert_eq!(result, Ok(Unpacked { bytes: 12, entries: 8 }));
    let read = |path: &str| fs::read_to_string(tree.join(path)).expect("it is there");
    assert_eq!([read("a"), read("d/b"), read("l"), read("tool")], ["2", "2", "no link", "2"]);
    assert_eq!(fs::metadata(tree.join("tool")).expect("it is there").permissions().mode() & 0o777, 0o644);
}

#[test]
fn archives_that_contradict_each_other_or_are_too_large_together_are_refused() {
    let bench = Bench::new();
    let large = entry("large", &"x".repeat(600 << 10), 0o100_644);
    let check = |first: &[Entry], second: &[Entry]| {
        let (result, _) = bench.unpack_all(&[&archive(first), &archive(second)]);
        bench.assert_nothing_unpacked();
        result.expect_err("refused")
    };
    assert!(matches!(check(&[file("d/a", "1")], &[file("d", "2")]), UnpackError::Bad(_)));
    assert!(matches!(check(&[file("d", "1")], &[file("d/a", "2")]), UnpackError::Bad(_)));
    assert!(matches!(check(&[link("d", "e")], &[file("d/a", "2")]), UnpackError::Bad(_)));
    let other = [entry("other", &"x".repeat(600 << 10), 0o100_644)];
    assert!(matches!(check(&[large], &other), UnpackError::TooLarge { .. }));
}

#[test]
fn content_that_does_not_match_its_checksum_is_refused() {
    let mut bytes = archive(&[file("a", "content")]);
    let place = bytes.windows(7).position(|window| window == b"content").expect("stored");
    bytes[place] = b'C';
    assert!(matches!(Bench::new().unpack(&bytes).0, Err(UnpackError::Bad(_))));
}

#[test]
fn a_destination_that_exists_is_not_touched() {
    let bench = Bench::new();
    fs::create_dir(bench.directory.path().join("tree")).expect("a directory");
    let (result, tree) = bench.unpack(&archive(&[file("a", "x")]));
    assert!(matches!(result, Err(UnpackError::Host(_))), "{result:?}");
    assert_eq!(fs::read_dir(tree).expect("a directory").count(), 0);
}

#[test]
fn unpacking_without_an_archive_is_refused() {
    let bench = Bench::new();
    let destination = bench.directory.path().join("tree");
    bench.send(&Command::Unpack(1, UnpackSpec { destination, bytes_max: 1, entries_max: 1 }));
    assert!(matches!(bench.event().0, Event::Unpacked(1, Err(UnpackError::Host(_)))));
}

#[test]
fn the_archive_may_stand_anywhere_in_its_file() {
    let bench = Bench::new();
    let path = bench.directory.path().join("code.zip");
    fs::write(&path, archive(&[file("a", "x")])).expect("written");
    let mut archive = File::open(&path).expect("opened");
    archive.seek(std::io::SeekFrom::End(0)).expect("at its end");
    let destination = bench.directory.path().join("tree");
    let spec = UnpackSpec { destination, bytes_max: 1, entries_max: 1 };
    bench.connection.send(&Command::Unpack(1, spec), &[archive.as_fd()]).expect("sent");
    assert!(matches!(bench.event().0, Event::Unpacked(1, Ok(Unpacked { bytes: 1, entries: 1 }))));
}
