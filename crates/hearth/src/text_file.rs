//! Small files that others may have had their hands on: opened without following a link, read whole or refused.
//!
//! Never: waits for a pipe; takes a part for the whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading that has this very name: what a link leads to is not it.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// The same with other options.
pub fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Without waiting: a pipe of that name would be opened when somebody writes into it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options.custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::LOOP) => no_file(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// All of its text, which has at most so many bytes.
pub fn read(file: File, bytes_max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let reason = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no file of its own (a link or something else)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_a_folder_and_a_pipe_are_not_opened_and_nothing_is_read_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for name in ["link", "folder", "pipe"] {
            let refused = open(&path(name)).unwrap_err();
            assert!(refused.to_string().contains("no file of its own"), "{name}: {refused}");
        }
        assert_eq!(open(&path("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
        let read = |bytes_max| read(open(&path("file")).unwrap(), bytes_max);
        assert_eq!(read(5).unwrap(), "12345");
        assert!(read(4).unwrap_err().to_string().contains("more than 4 bytes"));
    }
}
