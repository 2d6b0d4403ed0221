//! The data folder of `hearth serve`: shared between root's spawner and a server without privilege.
//!
//! ```text
//! DATA        root, the server's group, 1770: the server makes and removes what is its own, and nothing of root's
//! DATA/run    root, 0700: the spawner's locks and templates
//! the rest    the server's user: hearth.db blobs/ code/ runtimes/ tls/ token instance lock
//! ```
//!
//! Never: gives the server something of root's after the first start (a link planted by the server would be followed).

use std::fs::{self, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use anyhow::{Context, Result, bail};
use hearth_world::World;

use crate::data_folder::{self, DataFolder};
use crate::folder_lock::Lock;
use crate::folder_names::{self, LOST_AND_FOUND};
use crate::privileges::User;

/// Group may do everything, others nothing, and who made an entry alone removes it.
const MODE: u32 = 0o1770;

/// The spawner's own.
const RUN: &str = "run";

/// Unpacked packages: their files belong to a number of the spawner's.
const CODE: &str = "code";

/// Makes the folder, decides the user, and opens it with the user's rights. As root, before any thread. A folder of
/// `up` stays one when another server has it, the user cannot reach it, or `check` finds something wrong.
pub fn open<T>(
    path: &Path,
    wanted: Option<&str>,
    world: &World,
    check: impl FnOnce(&User) -> Result<T>,
) -> Result<(DataFolder, User, T)> {
    let made = fs::create_dir_all(path);
    made.with_context(|| format!("make the data folder {}", path.display()))?;
    let path = path.canonicalize().with_context(|| format!("find the data folder {}", path.display()))?;
    let metadata = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
    if metadata.uid() != 0 {
        bail!("the data folder {} must belong to root, not to user {}", path.display(), metadata.uid());
    }
    let served_before = data_folder::is_served(&metadata);
    if !served_before {
        folder_names::check(&path)?;
        folder_names::check_every_name(&path)?;
    }
    let instance = if served_before {
        let read = data_folder::read_note(&path, "instance");
        read.with_context(|| format!("read the instance's name in {}", path.display()))?
    } else {
        data_folder::make_instance(&path, world)?
    };
    let user = User::find(wanted, &instance)?;
    if served_before && metadata.gid() != user.gid() {
        let text = "start it with --user and the name or number of its first start";
        bail!(
            "the data folder {} is group {}'s, not {}'s: {text}",
            path.display(),
            metadata.gid(),
            user.gid()
        );
    }
    let reached = user.as_user(|| Ok(is_reached(&path)?));
    reached.with_context(|| {
        let text = "open everything on the way to it, or name another folder with --data";
        format!("the server's user {} does not reach {}: {text}", user.uid(), path.display())
    })?;
    let checked = check(&user)?;
    // In a folder of the server's own, root does not follow the links that the server may have left.
    let lock = if served_before { user.as_user(|| Lock::take(&path))? } else { Lock::take(&path)? };
    // What the spawner made is root's and its own: the server's user could not remove it.
    data_folder::discard_of_earlier_boots(&path)?;
    if served_before {
        make_anew(&path, &user).with_context(|| format!("make folders in {}", path.display()))?;
    } else {
        give(&path, &user).with_context(|| format!("give {} to user {}", path.display(), user.uid()))?;
    }
    let opened = user.as_user(|| DataFolder::open_served(path, lock, world));
    let folder = opened.with_context(|| format!("open the data folder as user {}", user.uid()))?;
    Ok((folder, user, checked))
}

/// Whether everything above the folder lets this process through.
fn is_reached(path: &Path) -> std::io::Result<()> {
    fs::symlink_metadata(path).map(drop)
}

/// The folders that go with a run of the machine.
fn make_anew(path: &Path, user: &User) -> std::io::Result<()> {
    for (name, owner) in [(RUN, None), (CODE, Some(user))] {
        let folder = path.join(name);
        if fs::symlink_metadata(&folder).is_ok() {
            continue;
        }
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        if let Some(user) = owner {
            lchown(&folder, Some(user.uid()), Some(user.gid()))?;
        }
    }
    Ok(())
}

/// A folder that was root's alone, or is new.
fn give(path: &Path, user: &User) -> std::io::Result<()> {
    let private = |name: &str| -> std::io::Result<()> {
        let folder = path.join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))
    };
    private(RUN)?;
    private(CODE)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == RUN || entry.file_name() == LOST_AND_FOUND {
            continue;
        }
        lchown(entry.path(), Some(user.uid()), Some(user.gid()))?;
        if entry.file_name() != CODE && entry.file_type()?.is_dir() {
            give_tree(&entry.path(), user)?;
        }
    }
    lchown(path, Some(0), Some(user.gid()))?;
    // Last: the folder is given when all in it is.
    fs::set_permissions(path, Permissions::from_mode(MODE))
}

fn give_tree(path: &Path, user: &User) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        lchown(entry.path(), Some(user.uid()), Some(user.gid()))?;
        if entry.file_type()?.is_dir() {
            give_tree(&entry.path(), user)?;
        }
    }
    Ok(())
}
