//! The host's switch for forwarding packets (`net.ipv4.ip_forward`): on while any spawner needs it, then as before.
//!
//! ```text
//! first spawner: exclusive lock ▸ was it off? note that ▸ on ▸ shared lock          last one: note ▸ off
//! ```
//!
//! The note outlives a killed spawner; the next one, or `clean_up`, finds it when nobody holds the lock.
//!
//! Never: switched off while another spawner, or whoever had it on before, needs it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

/// The switch, of the network namespace of who opens it.
const SWITCH: &str = "/proc/sys/net/ipv4/ip_forward";
/// Where the notes lie: one directory for the whole host.
const NOTES: &str = "/run/hearth";
/// What a note says.
const WAS_OFF: &str = "off\n";

/// Holds the switch on.
#[derive(Debug)]
pub(crate) struct Forwarding {
    note: File,
}

impl Forwarding {
    /// Switches it on if it is off.
    pub(crate) fn switch_on() -> io::Result<Forwarding> {
        let mut note = open()?;
        // An exclusive lock is held for moments only; a shared one keeps others from switching it off.
        if flock(&note, FlockOperation::NonBlockingLockExclusive).is_err() {
            flock(&note, FlockOperation::LockShared)?;
        }
        if fs::read_to_string(SWITCH)?.trim() == "0" {
            note.set_len(0)?;
            note.write_all(WAS_OFF.as_bytes())?;
            fs::write(SWITCH, "1")?;
        }
        flock(&note, FlockOperation::LockShared)?;
        Ok(Forwarding { note })
    }

    /// Switches it off if it was, and nobody else needs it.
    pub(crate) fn switch_back(mut self) {
        if let Err(error) = restore(&mut self.note) {
            eprintln!("hearth spawner: put {SWITCH} back: {error}");
        }
    }
}

/// After a killed spawner: as if it had ended well.
pub(crate) fn clean_up() -> io::Result<()> {
    match open() {
        Ok(mut note) => restore(&mut note),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

fn restore(note: &mut File) -> io::Result<()> {
    if flock(&*note, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(()); // somebody else needs it, and puts it back
    }
    let mut text = String::new();
    note.rewind()?;
    note.read_to_string(&mut text)?;
    if text == WAS_OFF {
        fs::write(SWITCH, "0")?;
        note.set_len(0)?;
    }
    Ok(())
}

/// The note of the present network namespace.
fn open() -> io::Result<File> {
    fs::create_dir_all(NOTES)?;
    let namespace = fs::metadata("/proc/self/ns/net")?.ino();
    let path = PathBuf::from(NOTES).join(format!("forwarding-{namespace}"));
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
}
