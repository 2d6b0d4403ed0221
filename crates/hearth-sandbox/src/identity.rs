//! Who runs what on the host: a block of user numbers of this spawner's own.
//!
//! ```text
//! block k:  first number    owns unpacked code, unpacks, is "root" inside; has no privilege anywhere
//!           the others      one per sandbox that lives, seen inside as 993
//! ```
//!
//! A block is claimed by a lock on a file, held as long as the spawner lives, so servers never share numbers.
//!
//! Never: a number that two living sandboxes share; a number that the host gives to people or services.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// The first number of the first block: far above what hosts and `subuid` hand out.
const BLOCKS_START: u32 = 0x7000_0000;
/// Numbers in a block.
const BLOCK_SIZE: u32 = 4096;
/// Blocks tried before giving up: spawners on one host at most.
const BLOCKS_MAX: u32 = 1024;
/// Where the locks lie: one directory for the whole host.
const CLAIMS: &str = "/run/hearth";
/// The file of the run directory that remembers the last block, so that code unpacked earlier keeps its owner.
const REMEMBERED: &str = "uid-block";

/// The user number of the program inside, as in AWS's sandboxes.
pub(crate) const INSIDE_USER: u32 = 993;
/// Its group.
pub(crate) const INSIDE_GROUP: u32 = 990;

/// Whether this number owns unpacked code for some spawner: the block may have been another one earlier.
pub(crate) fn owns_code(user: u32) -> bool {
    let number = user.wrapping_sub(BLOCKS_START);
    number.is_multiple_of(BLOCK_SIZE) && number / BLOCK_SIZE < BLOCKS_MAX
}

/// One user number, given back when it is handed to [`Identities::give_back`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u32);

impl Identity {
    /// The number on the host, of the user and of its group.
    pub(crate) fn number(&self) -> u32 {
        self.0
    }
}

/// The block claimed, and which of it is in use.
#[derive(Debug)]
pub(crate) struct Identities {
    first: u32,
    next: u32,
    used: BTreeSet<u32>,
    _claim: File,
}

impl Identities {
    /// Claims a block: the one this run directory had before if it is free, else the first free one.
    pub(crate) fn claim(run_directory: &Path) -> Result<Identities, String> {
        fs::create_dir_all(CLAIMS).map_err(|e| format!("make {CLAIMS}: {e}"))?;
        let remembered = run_directory.join(REMEMBERED);
        let before = fs::read_to_string(&remembered).ok().and_then(|text| text.trim().parse::<u32>().ok());
        let candidates = before.into_iter().filter(|block| *block < BLOCKS_MAX).chain(0..BLOCKS_MAX);
        for block in candidates {
            let path = Path::new(CLAIMS).join(format!("uids-{block}"));
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let claim = opened.map_err(|e| format!("open {}: {e}", path.display()))?;
            if flock(&claim, FlockOperation::NonBlockingLockExclusive).is_ok() {
                fs::write(&remembered, format!("{block}\n"))
                    .map_err(|e| format!("write {remembered:?}: {e}"))?;
                let first = BLOCKS_START + block * BLOCK_SIZE;
                return Ok(Identities { first, next: 1, used: BTreeSet::new(), _claim: claim });
            }
        }
        Err(format!("{BLOCKS_MAX} spawners run on this host already"))
    }

    /// The number that owns unpacked code.
    pub(crate) fn owner(&self) -> u32 {
        self.first
    }

    /// A number that no living sandbox has; the longest unused comes first.
    pub(crate) fn take(&mut self) -> io::Result<Identity> {
        for _ in 1..BLOCK_SIZE {
            let number = self.first + self.next;
            self.next = if self.next + 1 == BLOCK_SIZE { 1 } else { self.next + 1 };
            if self.used.insert(number) {
                return Ok(Identity(number));
            }
        }
        Err(io::Error::other(format!("{} sandboxes live already", BLOCK_SIZE - 1)))
    }

    /// Lets a number be used again.
    pub(crate) fn give_back(&mut self, identity: &Identity) {
        self.used.remove(&identity.0);
    }
}
