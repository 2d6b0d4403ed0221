//! What the kernel's calls have in common: a look at the state, or an act that power and faults allow.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use fuser::{Errno, FileAttr, FileType, INodeNo, Request};

use super::pages::Pages;
use super::state::{Body, Node, ROOT, State};
use super::{Access, Inner, Shared};

/// Bytes of a block, as programs are told.
pub(super) const BLOCK: u64 = 4096;

type Listing = Vec<(u64, FileType, OsString)>;

/// One mount of a disk.
pub(super) struct Service {
    shared: Arc<Shared>,
    /// A folder is listed as it was when it was opened.
    pub(super) listings: Mutex<HashMap<u64, Arc<Listing>>>,
}

impl Service {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, listings: Mutex::default() }
    }

    /// Looks at the state; a disk without power still shows what the kernel would have in its cache.
    pub(super) fn see<T>(&self, look: impl FnOnce(&Inner) -> Result<T, Errno>) -> Result<T, Errno> {
        look(&self.shared.lock())
    }

    /// Changes or syncs, unless there is no power or a fault.
    pub(super) fn act<T>(
        &self,
        access: Access,
        ino: u64,
        act: impl FnOnce(&mut State) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut inner = self.shared.lock();
        if let Some(left) = inner.countdown.as_mut().filter(|_| access != Access::Read) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                inner.is_dead = true;
                self.shared.cut.notify_all();
            }
        }
        if inner.is_dead {
            return Err(Errno::EIO);
        }
        let path = inner.state.path(ino);
        inner.faults.check(access, &path)?;
        match access {
            Access::Sync => inner.syncs += 1,
            Access::Write => inner.changes += 1,
            Access::Read => {}
        }
        if access == Access::Sync && inner.faults.is_lie(&path) {
            // Nothing happens, and nobody is told.
            return act(&mut State::new());
        }
        act(&mut inner.state)
    }

    /// Whether so many bytes more fit.
    pub(super) fn has_room(&self, bytes: u64) -> Result<(), Errno> {
        self.see(|inner| match inner.faults.room_bytes {
            Some(room) if inner.state.room() + bytes > room => Err(Errno::ENOSPC),
            _ => Ok(()),
        })
    }

    pub(super) fn make(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        body: Body,
    ) -> Result<FileAttr, Errno> {
        self.has_room(0)?;
        self.act(Access::Write, parent.0, |state| {
            if state.find(parent.0, name).is_some() {
                return Err(Errno::EEXIST);
            }
            let node = Node {
                body,
                mode: u16::try_from(mode & 0o7777).expect("twelve bits"),
                user: request.uid(),
                group: request.gid(),
                at: (parent.0, name.to_owned()),
            };
            let ino = state.make(node);
            attributes(state, ino)
        })
    }

    pub(super) fn remove(&self, parent: INodeNo, name: &OsStr) -> Result<(), Errno> {
        self.act(Access::Write, parent.0, |state| {
            let ino = state.find(parent.0, name).ok_or(Errno::ENOENT)?;
            if state.names(ino).is_some_and(|names| !names.is_empty()) {
                return Err(Errno::ENOTEMPTY);
            }
            state.rename(vec![(parent.0, name.to_owned(), None)]);
            Ok(())
        })
    }

    pub(super) fn listing(&self, ino: u64) -> Result<Listing, Errno> {
        self.see(|inner| {
            let names = inner.state.names(ino).ok_or(Errno::ENOTDIR)?;
            let kind = |ino: &u64| inner.state.nodes.get(ino).map_or(FileType::RegularFile, kind);
            let dots = [".", ".."].map(|name| (ino, FileType::Directory, name.into()));
            Ok(dots
                .into_iter()
                .chain(names.iter().map(|(name, ino)| (*ino, kind(ino), name.clone())))
                .collect())
        })
    }
}

fn kind(node: &Node) -> FileType {
    match node.body {
        Body::File { .. } => FileType::RegularFile,
        Body::Folder { .. } => FileType::Directory,
        Body::Link(_) => FileType::Symlink,
    }
}

pub(super) fn attributes(state: &State, ino: u64) -> Result<FileAttr, Errno> {
    let node = state.nodes.get(&ino).ok_or(Errno::ENOENT)?;
    let (size, room) = match &node.body {
        Body::File { now, .. } => (now.length(), now.room()),
        Body::Folder { .. } => (BLOCK, BLOCK),
        Body::Link(target) => (target.as_os_str().len() as u64, 0),
    };
    let is_named = ino == ROOT || state.find(node.at.0, &node.at.1) == Some(ino);
    Ok(FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: room / 512,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: kind(node),
        perm: node.mode,
        nlink: u32::from(is_named),
        uid: node.user,
        gid: node.group,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

pub(super) fn file(inner: &Inner, ino: u64) -> Result<&Pages, Errno> {
    match &inner.state.nodes.get(&ino).ok_or(Errno::ENOENT)?.body {
        Body::File { now, .. } => Ok(now),
        _ => Err(Errno::EISDIR),
    }
}

pub(super) fn empty_file() -> Body {
    Body::File { now: Pages::default(), safe: Pages::default(), pending: Vec::new() }
}
