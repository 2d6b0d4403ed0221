//! The user that `hearth serve` runs as, and how the process becomes it.
//!
//! ```text
//! root ─▶ folder, port, spawner ─▶ become: user, group, no capability, nothing to gain ─▶ runtime, network
//!   └─ as_user: files that the server reads again later are read with the user's own rights
//! ```
//!
//! Never: called when a second thread exists; a way back after [`User::become_it`].

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::process::{DumpableBehavior, Gid, Uid, getgroups, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

/// The name that is looked for when none is given.
const USUAL_NAME: &str = "hearth";

/// Where numbers of data folders lie when the host has no such name: below those of sandboxes, far above what
/// hosts hand out.
const OWN_NUMBERS_START: u32 = 0x6F00_0000;
const OWN_NUMBERS_MASK: u32 = 0x00FF_FFFF;

/// A user of the host, or a number that stands for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// The user of this name or number, else `hearth`, else a number that belongs to the data folder of this instance.
    pub fn find(wanted: Option<&str>, instance: &str) -> Result<Self> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::find_in(&passwd, wanted, instance)
    }

    fn find_in(passwd: &str, wanted: Option<&str>, instance: &str) -> Result<Self> {
        let named = |name: &str| passwd.lines().find_map(|line| of_line(line, name));
        let user = match wanted {
            Some(wanted) => match (named(wanted), wanted.parse::<u32>()) {
                (Some(user), _) => user,
                (None, Ok(number)) => Self { uid: number, gid: number },
                (None, Err(_)) => bail!("--user {wanted}: /etc/passwd has no such user"),
            },
            None => named(USUAL_NAME).unwrap_or_else(|| {
                let number = u32::from_str_radix(instance, 16).unwrap_or_default();
                let number = OWN_NUMBERS_START | (number & OWN_NUMBERS_MASK);
                Self { uid: number, gid: number }
            }),
        };
        if user.is_privileged() {
            let text = "name one without privilege with --user";
            bail!("the server does not run as user {} of group {}: {text}", user.uid, user.gid);
        }
        Ok(user)
    }

    /// Whose server a folder of `hearth serve` is: its lock is the server's, its group is given by root.
    pub fn of_served(folder: &Path) -> Result<Self> {
        let look = || Ok::<_, io::Error>((fs::symlink_metadata(folder.join("lock"))?, fs::metadata(folder)?));
        let (lock, metadata) = look().with_context(|| format!("look at the lock of {}", folder.display()))?;
        let user = Self { uid: lock.uid(), gid: metadata.gid() };
        if user.is_privileged() {
            bail!("the lock of {} belongs to user {}, and not to its server", folder.display(), user.uid);
        }
        Ok(user)
    }

    fn is_privileged(&self) -> bool {
        [self.uid, self.gid].iter().any(|number| matches!(*number, 0 | u32::MAX))
    }

    /// Its number.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Its group's number.
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// Does something with this user's rights to files. Root again afterwards.
    pub fn as_user<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let groups = getgroups().context("read this process's groups")?;
        let (root_user, root_group) = (Uid::ROOT, Gid::ROOT);
        let (user, group) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let enter = || {
            set_thread_groups(&[])?;
            set_thread_res_gid(root_group, group, root_group)?;
            set_thread_res_uid(root_user, user, root_user)
        };
        enter().with_context(|| format!("act as user {}", self.uid))?;
        let done = act();
        let leave = || {
            set_thread_res_uid(root_user, root_user, root_user)?;
            set_thread_res_gid(root_group, root_group, root_group)?;
            set_thread_groups(&groups)
        };
        leave().context("act as root again")?;
        done
    }

    /// Becomes this user for good: no capability, none to be gained by executing something, not to be looked into.
    pub fn become_it(&self) -> Result<()> {
        let become_it = || -> rustix::io::Result<()> {
            for capability in CapabilitySet::all().iter() {
                // Fails for those that this kernel does not know, which nobody can hold.
                remove_capability_from_bounding_set(capability).ok();
            }
            let (user, group) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            set_thread_groups(&[])?;
            set_thread_res_gid(group, group, group)?;
            set_thread_res_uid(user, user, user)?;
            let none = CapabilitySet::empty();
            set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
            set_no_new_privs(true)?;
            set_dumpable_behavior(DumpableBehavior::NotDumpable)
        };
        become_it().with_context(|| format!("become user {}", self.uid))
    }
}

/// `name:x:uid:gid:...`
fn of_line(line: &str, name: &str) -> Option<User> {
    let mut fields = line.split(':');
    (fields.next()? == name).then_some(())?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(User { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nhearth:x:990:980::/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn the_server_runs_as_whom_it_is_told_and_never_as_root() {
        let find =
            |passwd, wanted| User::find_in(passwd, wanted, "0a0b0c0d").map_err(|error| error.to_string());
        let user = |uid, gid| Ok(User { uid, gid });
        assert_eq!(find(PASSWD, None), user(990, 980));
        assert_eq!(find(PASSWD, Some("hearth")), user(990, 980));
        assert_eq!(find(PASSWD, Some("1234")), user(1234, 1234));
        assert_eq!(find("", None), user(0x6f0b_0c0d, 0x6f0b_0c0d));
        assert_eq!(
            find(PASSWD, Some("nobody")),
            Err("--user nobody: /etc/passwd has no such user".to_owned())
        );
        assert!(find(PASSWD, Some("root")).is_err());
        assert!(find(PASSWD, Some("0")).is_err());
        assert!(find(PASSWD, Some("4294967295")).is_err());
    }
}
