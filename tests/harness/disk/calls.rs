//! The kernel's calls, each turned into one look or one act.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek,
    ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::Access;
use super::service::{BLOCK, Service, attributes, empty_file, file};
use super::state::{Body, Change, Names};

/// The kernel may keep what it knows: all changes come through it.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// The size that a disk without a limit shows.
const SHOWN_BYTES: u64 = 64 << 30;

fn entry(reply: ReplyEntry, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attributes) => reply.entry(&KNOWN_FOR, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn done(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Service {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.see(|inner| {
            let ino = inner.state.find(parent.0, name).ok_or(Errno::ENOENT)?;
            attributes(&inner.state, ino)
        });
        entry(reply, found);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.see(|inner| attributes(&inner.state, ino.0)) {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.act(Access::Write, ino.0, |state| {
            let node = state.nodes.get_mut(&ino.0).ok_or(Errno::ENOENT)?;
            if let Some(mode) = mode {
                node.mode = u16::try_from(mode & 0o7777).expect("twelve bits");
            }
            node.user = uid.unwrap_or(node.user);
            node.group = gid.unwrap_or(node.group);
            if let Some(size) = size {
                state.change(ino.0, Change::Length(size));
            }
            attributes(state, ino.0)
        });
        match changed {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        let target = self.see(|inner| match inner.state.nodes.get(&ino.0).map(|node| &node.body) {
            Some(Body::Link(target)) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        });
        match target {
            Ok(target) => reply.data(target.as_os_str().as_encoded_bytes()),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let body = Body::Folder { now: Names::new(), safe: Names::new() };
        entry(reply, self.make(request, parent, name, mode & !umask, body));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.remove(parent, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.remove(parent, name));
    }

    fn symlink(&self, request: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        entry(reply, self.make(request, parent, name, 0o777, Body::Link(target.to_owned())));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.act(Access::Write, parent.0, |state| {
            let ino = state.find(parent.0, name).ok_or(Errno::ENOENT)?;
            match state.find(newparent.0, newname) {
                Some(_) if flags.contains(RenameFlags::RENAME_NOREPLACE) => return Err(Errno::EEXIST),
                Some(there) if state.names(there).is_some_and(|names| !names.is_empty()) => {
                    return Err(Errno::ENOTEMPTY);
                }
                _ => {}
            }
            let edits = vec![(parent.0, name.to_owned(), None), (newparent.0, newname.to_owned(), Some(ino))];
            state.rename(edits);
            Ok(())
        });
        done(reply, renamed);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.make(request, parent, name, mode & !umask, empty_file()) {
            Ok(attributes) => {
                reply.created(&KNOWN_FOR, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        entry(reply, self.make(request, parent, name, mode & !umask, empty_file()));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.see(|inner| {
            inner.faults.check(Access::Read, &inner.state.path(ino.0))?;
            Ok(file(inner, ino.0)?.read(offset, size as usize))
        });
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.has_room(data.len() as u64).and_then(|()| {
            self.act(Access::Write, ino.0, |state| {
                state.change(ino.0, Change::Write { at: offset, bytes: data.to_vec() });
                Ok(())
            })
        });
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("a write of the kernel")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(
            reply,
            self.act(Access::Sync, ino.0, |state| {
                state.sync_file(ino.0);
                Ok(())
            }),
        );
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(
            reply,
            self.act(Access::Sync, ino.0, |state| {
                state.sync_folder(ino.0);
                Ok(())
            }),
        );
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.listing(ino.0) {
            Ok(listing) => {
                let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
                let handle = listings.keys().max().map_or(1, |last| last + 1);
                listings.insert(handle, Arc::new(listing));
                reply.opened(FileHandle(handle), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listing = self.listings.lock().unwrap_or_else(PoisonError::into_inner).get(&handle.0).cloned();
        let Some(listing) = listing else { return reply.error(Errno::EBADF) };
        for (number, (ino, kind, name)) in (0_u64..).zip(listing.iter()) {
            if number >= offset && reply.add(INodeNo(*ino), number + 1, *kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (size, used) = self
            .see(|inner| Ok((inner.faults.room_bytes.unwrap_or(SHOWN_BYTES), inner.state.room())))
            .unwrap_or_default();
        let free = size.saturating_sub(used) / BLOCK;
        reply.statfs(size / BLOCK, free, free, 1 << 20, 1 << 20, 4096, 255, 4096);
    }

    fn lseek(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        /// SEEK_DATA of lseek(2); SEEK_HOLE is the other one that the kernel asks for.
        const SEEK_DATA: i32 = 3;
        let found = self.see(|inner| {
            let (pages, at) = (file(inner, ino.0)?, u64::try_from(offset).map_err(|_| Errno::EINVAL)?);
            let found = if whence == SEEK_DATA { pages.data_from(at) } else { Some(pages.hole_from(at)) };
            found.filter(|_| at < pages.length()).ok_or(Errno::ENXIO)
        });
        match found {
            Ok(place) => reply.offset(i64::try_from(place).expect("a file of some gigabytes")),
            Err(error) => reply.error(error),
        }
    }
}
