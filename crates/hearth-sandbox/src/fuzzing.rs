//! Reading archives and messages as functions of bytes. `fuzz/` drives them; nothing of the product does.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::api::{Command, Event, UnpackError, UnpackSpec, Unpacked};
use crate::unpack;

/// Unpacks archives into one directory of this process, without the walls that the product puts around it. The
/// process's current directory is another meanwhile.
///
/// # Errors
/// When the host has no memory file, or the directory cannot be entered.
pub fn unpack(archives: &[&[u8]], spec: &UnpackSpec) -> io::Result<Result<Unpacked, UnpackError>> {
    let in_memory = |archive: &&[u8]| -> io::Result<File> {
        let mut file = File::from(memfd_create("archive", MemfdFlags::CLOEXEC)?);
        file.write_all(archive)?;
        file.rewind()?;
        Ok(file)
    };
    let files = archives.iter().map(in_memory).collect::<io::Result<Vec<_>>>()?;
    let before = std::env::current_dir()?;
    std::env::set_current_dir(&spec.destination)?;
    let unpacked = unpack::here(files, spec);
    std::env::set_current_dir(before)?;
    Ok(unpacked)
}

/// A message of the server's to the spawner: what was read is written and read again as the same.
pub fn command(bytes: &[u8]) {
    if let Ok(command) = postcard::from_bytes::<Command>(bytes) {
        let written = postcard::to_stdvec(&command).expect("it was read");
        let again: Command = postcard::from_bytes(&written).expect("it was written");
        assert_eq!(format!("{again:?}"), format!("{command:?}"));
    }
}

/// A message of the spawner's to the server, the same.
pub fn event(bytes: &[u8]) {
    if let Ok(event) = postcard::from_bytes::<Event>(bytes) {
        let written = postcard::to_stdvec(&event).expect("it was read");
        let again: Event = postcard::from_bytes(&written).expect("it was written");
        assert_eq!(format!("{again:?}"), format!("{event:?}"));
    }
}
