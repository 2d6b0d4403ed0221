//! The targets of all crates.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;

use hearth_sandbox::api::{UnpackError, UnpackSpec};
use hearth_store::{Key, KeyParts};

/// A reader of foreign bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `regressions/`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
    /// How often a test runs it: more cost more than a second.
    pub executions: u64,
}

/// Most take some microseconds.
const EXECUTIONS: u64 = 5_000;

/// Those that write files.
const EXECUTIONS_ON_DISK: u64 = 500;

/// All targets.
pub fn targets() -> Vec<Target> {
    let own: [hearth_aws::fuzzing::Target; 4] = [
        ("store_key", store_key),
        ("spawner_command", hearth_sandbox::fuzzing::command),
        ("spawner_event", hearth_sandbox::fuzzing::event),
        ("unpack", unpack),
    ];
    let theirs = hearth_aws::fuzzing::TARGETS.iter().chain(hearth_worker::fuzzing::TARGETS).copied();
    theirs
        .chain(own)
        .map(|(name, run)| {
            let executions = if name == "unpack" { EXECUTIONS_ON_DISK } else { EXECUTIONS };
            Target { name, run, executions }
        })
        .collect()
}

/// The target of this name.
pub fn find(name: &str) -> Option<Target> {
    targets().into_iter().find(|target| target.name == name)
}

/// A stored key: what is read of it, written again, is its beginning. The first byte says which part is what.
fn store_key(bytes: &[u8]) {
    let Some((kinds, stored)) = bytes.split_first() else { return };
    let mut parts = KeyParts::of(stored);
    let mut again: Option<Key> = None;
    for at in 0..8 {
        let empty = || Key::from_bytes(&[]);
        let next = if kinds >> at & 1 == 0 {
            parts.text().map(|text| again.clone().unwrap_or_else(empty).text(&text))
        } else {
            parts.number().map(|number| again.clone().unwrap_or_else(empty).number(number))
        };
        let Some(next) = next else { break };
        assert!(stored.starts_with(next.as_bytes()));
        again = Some(next);
    }
    let key = Key::from_bytes(stored);
    let children = key.children();
    assert!(children.from.as_slice() > stored && (children.to.is_empty() || children.from < children.to));
    assert_eq!(Key::from_bytes(stored).as_bytes(), stored);
}

/// What an archive of a fuzzer may make.
const BYTES_MAX: u64 = 1 << 20;
const ENTRIES_MAX: u32 = 64;

thread_local! {
    static ROOM: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// An archive: nothing appears beside the tree, the tree is within its limits, and no archive is the host's fault.
fn unpack(bytes: &[u8]) {
    ROOM.with(|room| {
        // In memory where the host has such a place: every file is brought to its disk.
        let memory = Path::new("/dev/shm");
        let make = || {
            let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
            made.expect("a temporary folder")
        };
        let room = room.get_or_init(make).path();
        unpack_below(room, &[bytes]);
        // As two layers: the later one replaces all of the earlier.
        unpack_below(room, &[bytes, bytes]);
    });
}

fn unpack_below(room: &Path, archives: &[&[u8]]) {
    let tree = room.join("tree");
    // Left by an input that broke it.
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir(&tree).expect("a folder of our own");
    fs::write(room.join("beside"), b"untouched").expect("a file of our own");
    let spec = UnpackSpec { destination: tree.clone(), bytes_max: BYTES_MAX, entries_max: ENTRIES_MAX };
    let unpacked = hearth_sandbox::fuzzing::unpack(archives, &spec).expect("a memory file");
    if let Err(UnpackError::Host(why)) = &unpacked {
        panic!("an archive was taken for the host's fault: {why}");
    }
    let mut beside: Vec<_> =
        fs::read_dir(room).expect("our own").map(|entry| entry.expect("our own").file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["beside", "tree"]);
    assert_eq!(fs::read(room.join("beside")).expect("our own"), b"untouched");
    let (mut nodes, mut bytes) = (0, 0);
    count(&tree, &mut nodes, &mut bytes);
    assert!(nodes <= u64::from(ENTRIES_MAX) + 1, "{nodes} files and folders");
    assert!(bytes <= BYTES_MAX + 128 * 1024, "{bytes} bytes");
    fs::remove_dir_all(&tree).expect("our own");
}

fn count(folder: &Path, nodes: &mut u64, bytes: &mut u64) {
    // The tree's paths are as long as paths may be, and this folder lies before them.
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidFilename => return,
        entries => entries.expect("what was just made"),
    };
    for entry in entries {
        let entry = entry.expect("what was just made");
        let kind = entry.metadata().expect("what was just made");
        *nodes += 1;
        if kind.is_dir() {
            count(&entry.path(), nodes, bytes);
        } else if kind.is_file() {
            *bytes += kind.len();
        }
    }
}
