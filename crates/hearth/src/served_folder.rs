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
use crate::privileges::User;

/// Group may do everything, others nothing, and who made an entry alone removes it.
const MODE: u32 = 0o1770;

/// The spawner's own.
const RUN: &str = "run";

/// Unpacked packages: their files belong to a number of the spawner's.
const CODE: &str = "code";

/// Makes the folder, decides the user, and opens it with the user's rights. As root, before any thread.
pub fn open(path: &Path, wanted: Option<&str>, world: &World) -> Result<(DataFolder, User)> {
    let made = fs::create_dir_all(path);
    made.with_context(|| format!("make the data folder {}", path.display()))?;
    let path = path.canonicalize().with_context(|| format!("find the data folder {}", path.display()))?;
    let metadata = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
    if metadata.uid() != 0 {
        bail!("the data folder {} must belong to root, not to user {}", path.display(), metadata.uid());
    }
    let served_before = data_folder::is_served(&metadata);
    let instance = if served_before {
        let read = fs::read_to_string(path.join("instance"));
        read.with_context(|| format!("read the instance's name in {}", path.display()))?.trim().to_owned()
    } else {
        data_folder::make_instance(&path, world)?
    };
    let user = User::find(wanted, &instance)?;
    if served_before && metadata.gid() != user.gid() {
        let text = "belongs to the server's group";
        bail!(
            "the data folder {} {text} {}, not to {}: start with --user",
            path.display(),
            metadata.gid(),
            user.gid()
        );
    }
    // What the spawner made is root's and its own: the server's user could not remove it.
    data_folder::discard_of_earlier_boots(&path)?;
    if served_before {
        make_anew(&path, &user).with_context(|| format!("make folders in {}", path.display()))?;
    } else {
        give(&path, &user).with_context(|| format!("give {} to user {}", path.display(), user.uid()))?;
    }
    let opened = user.as_user(|| DataFolder::open_served(&path, world));
    let folder = opened.with_context(|| format!("open the data folder as user {}", user.uid()))?;
    Ok((folder, user))
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
        if entry.file_name() == RUN {
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
