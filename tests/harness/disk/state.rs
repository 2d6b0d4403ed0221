//! What is on the disk, and what only the running system believes to be there.
//!
//! ```text
//!   write, create, rename ──▶ now, and pending ──fsync of the file, of the folder──▶ safe
//!                                                            loss of power: now = safe + some of what is pending
//! ```
//!
//! A file's bytes become safe by its own sync, its name by the sync of its folder: POSIX promises no more. Modes and
//! owners are safe at once. Never: less than what was synced after a loss of power.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::pages::Pages;
use crate::random::Chance;

/// Bytes that a disk writes as a whole.
const SECTOR: usize = 512;

/// The folder that is mounted.
pub(super) const ROOT: u64 = 1;

pub(super) type Names = BTreeMap<OsString, u64>;

/// What an inode is.
#[derive(Debug)]
pub(super) enum Body {
    File { now: Pages, safe: Pages, pending: Vec<Change> },
    Folder { now: Names, safe: Names },
    Link(PathBuf),
}

/// Of one file's content, in the order of their making.
#[derive(Debug)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) body: Body,
    pub(super) mode: u16,
    pub(super) user: u32,
    pub(super) group: u32,
    /// Where it was last seen: folder and name.
    pub(super) at: (u64, OsString),
}

/// One change of names: it survives as a whole or not at all.
#[derive(Debug)]
struct Naming {
    edits: Vec<(u64, OsString, Option<u64>)>,
}

/// How much of what was not synced a loss of power leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// All of it, as after a kill.
    Everything,
    /// Names up to some moment, as a journal keeps them; of the data any sectors.
    Ordered,
    /// Any names, any sectors.
    Anything,
}

impl Survival {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Everything, Self::Ordered, Self::Anything];
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) nodes: BTreeMap<u64, Node>,
    namings: Vec<Naming>,
    next: u64,
}

impl State {
    pub(super) fn new() -> Self {
        let body = Body::Folder { now: Names::new(), safe: Names::new() };
        let root = Node { body, mode: 0o755, user: 0, group: 0, at: (ROOT, OsString::new()) };
        Self { nodes: BTreeMap::from([(ROOT, root)]), namings: Vec::new(), next: ROOT + 1 }
    }

    /// Bytes that everything takes.
    pub(super) fn room(&self) -> u64 {
        let files = self.nodes.values().map(|node| match &node.body {
            Body::File { now, .. } => now.room(),
            _ => 0,
        });
        files.sum()
    }

    pub(super) fn names(&self, folder: u64) -> Option<&Names> {
        match &self.nodes.get(&folder)?.body {
            Body::Folder { now, .. } => Some(now),
            _ => None,
        }
    }

    pub(super) fn find(&self, folder: u64, name: &OsStr) -> Option<u64> {
        self.names(folder)?.get(name).copied()
    }

    /// The path from the mounted folder on, for those who match names.
    pub(super) fn path(&self, mut ino: u64) -> String {
        let mut path = String::new();
        while let Some(node) = self.nodes.get(&ino).filter(|_| ino != ROOT) {
            path = format!("/{}{path}", node.at.1.to_string_lossy());
            ino = node.at.0;
        }
        path
    }

    /// A new inode with a name.
    pub(super) fn make(&mut self, node: Node) -> u64 {
        let ino = self.next;
        self.next += 1;
        let (folder, name) = node.at.clone();
        self.nodes.insert(ino, node);
        self.rename(vec![(folder, name, Some(ino))]);
        ino
    }

    /// Changes names now; safe once a folder of them is synced.
    pub(super) fn rename(&mut self, edits: Vec<(u64, OsString, Option<u64>)>) {
        for (folder, name, target) in &edits {
            self.edit(*folder, name, *target, true);
            if let Some(node) = target.and_then(|ino| self.nodes.get_mut(&ino)) {
                node.at = (*folder, name.clone());
            }
        }
        self.namings.push(Naming { edits });
    }

    fn edit(&mut self, folder: u64, name: &OsStr, target: Option<u64>, is_now: bool) {
        let Some(Body::Folder { now, safe }) = self.nodes.get_mut(&folder).map(|node| &mut node.body) else {
            return;
        };
        let names = if is_now { now } else { safe };
        match target {
            Some(ino) => names.insert(name.to_owned(), ino),
            None => names.remove(name),
        };
    }

    pub(super) fn change(&mut self, ino: u64, change: Change) {
        if let Some(Body::File { now, pending, .. }) = self.nodes.get_mut(&ino).map(|node| &mut node.body) {
            apply(now, &change);
            pending.push(change);
        }
    }

    pub(super) fn sync_file(&mut self, ino: u64) {
        if let Some(Body::File { safe, pending, .. }) = self.nodes.get_mut(&ino).map(|node| &mut node.body) {
            pending.drain(..).for_each(|change| apply(safe, &change));
        }
    }

    /// A rename between two folders is not split: with it goes what came before in either of them.
    pub(super) fn sync_folder(&mut self, folder: u64) {
        let mut folders = BTreeSet::from([folder]);
        for naming in self.namings.iter().rev() {
            if naming.edits.iter().any(|(folder, ..)| folders.contains(folder)) {
                folders.extend(naming.edits.iter().map(|(folder, ..)| *folder));
            }
        }
        let all = std::mem::take(&mut self.namings);
        for naming in all {
            if naming.edits.iter().any(|(folder, ..)| folders.contains(folder)) {
                self.keep(&naming);
            } else {
                self.namings.push(naming);
            }
        }
    }

    fn keep(&mut self, naming: &Naming) {
        for (folder, name, target) in &naming.edits {
            self.edit(*folder, name, *target, false);
        }
    }

    /// The power is gone and comes back: what is there now is what was safe, and some of the rest.
    pub(super) fn lose_power(&mut self, survival: Survival, chance: &mut Chance) {
        let namings = std::mem::take(&mut self.namings);
        let percent = 5 + chance.below(90);
        let kept = chance.below(namings.len() as u64 + 1);
        for (number, naming) in (0..).zip(namings) {
            let survives = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Ordered => number < kept,
                Survival::Anything => chance.percent(percent),
            };
            if survives {
                self.keep(&naming);
            }
        }
        for node in self.nodes.values_mut() {
            match &mut node.body {
                Body::File { now, safe, pending } => {
                    for change in pending.drain(..) {
                        keep_some(safe, &change, survival, percent, chance);
                    }
                    *now = safe.clone();
                }
                Body::Folder { now, safe } => *now = safe.clone(),
                Body::Link(_) => {}
            }
        }
        self.forget_unnamed();
    }

    /// Inodes that no name leads to are gone.
    fn forget_unnamed(&mut self) {
        let mut named = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(folder) = open.pop() {
            let entries: Vec<(OsString, u64)> =
                self.names(folder).into_iter().flatten().map(|(name, ino)| (name.clone(), *ino)).collect();
            for (name, ino) in entries {
                if named.insert(ino) {
                    open.push(ino);
                }
                if let Some(node) = self.nodes.get_mut(&ino) {
                    node.at = (folder, name);
                }
            }
        }
        self.nodes.retain(|ino, _| named.contains(ino));
    }
}

fn apply(pages: &mut Pages, change: &Change) {
    match change {
        Change::Write { at, bytes } => pages.write(*at, bytes),
        Change::Length(length) => pages.set_length(*length),
    }
}

fn keep_some(safe: &mut Pages, change: &Change, survival: Survival, percent: u64, chance: &mut Chance) {
    match (survival, change) {
        (Survival::Nothing, _) => {}
        (Survival::Everything, change) => apply(safe, change),
        (Survival::Ordered | Survival::Anything, Change::Length(length)) => {
            if chance.percent(percent) {
                safe.set_length(*length);
            }
        }
        (Survival::Ordered | Survival::Anything, Change::Write { at, bytes }) => {
            for (number, sector) in (0..).zip(bytes.chunks(SECTOR)) {
                if chance.percent(percent) {
                    safe.write(at + number * SECTOR as u64, sector);
                }
            }
        }
    }
}
