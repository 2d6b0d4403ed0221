//! What is wrong with a disk.

use fuser::Errno;

/// What a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A read of a file's bytes.
    Read,
    /// A write to a file, its making, its renaming, its removal.
    Write,
    /// A sync of a file or a folder.
    Sync,
}

/// The faults of a disk. None at first.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    failing: Vec<(Access, String)>,
    lying: Option<String>,
    /// Bytes that all files together may take; beyond that the disk is full.
    pub room_bytes: Option<u64>,
    /// Nothing may be changed.
    pub is_read_only: bool,
}

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// This access to what has this text in its path is answered with EIO.
    #[must_use]
    pub fn fails(mut self, access: Access, path: &str) -> Self {
        self.failing.push((access, path.to_owned()));
        self
    }

    /// A sync of what has this text in its path is answered well and does nothing.
    #[must_use]
    pub fn lies(self, path: &str) -> Self {
        Self { lying: Some(path.to_owned()), ..self }
    }

    /// No more than this fits.
    #[must_use]
    pub fn room(self, bytes: u64) -> Self {
        Self { room_bytes: Some(bytes), ..self }
    }

    /// Nothing can be changed.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    pub(super) fn is_lie(&self, path: &str) -> bool {
        self.lying.as_ref().is_some_and(|text| path.contains(text.as_str()))
    }

    pub(super) fn check(&self, access: Access, path: &str) -> Result<(), Errno> {
        if self.failing.iter().any(|(failing, text)| *failing == access && path.contains(text.as_str())) {
            return Err(Errno::EIO);
        }
        if self.is_read_only && access == Access::Write {
            return Err(Errno::EROFS);
        }
        Ok(())
    }
}
