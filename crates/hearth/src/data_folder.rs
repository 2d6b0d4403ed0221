//! The data folder: everything that one Hearth remembers, and the lock that keeps a second server out of it.
//!
//! ```text
//! hearth.db   the store             instance  a name made once, which this server's cgroups carry
//! blobs/      packages              token     what the command line shows to read what is private (0600)
//! code/       packages, unpacked    lock      held by the running server; names its process
//! runtimes/   bootstraps            run/      the spawner's locks and templates
//! elsewhere   what of the state is not here, by the options that say where
//! boot        the run of the machine in which code/, runtimes/ and run/ were made
//! ```
//!
//! What can be made again is not synced when it is made. A kill leaves it whole, because the kernel has it; a loss
//! of power may leave any part of it, under its final name. So it does not outlive the machine's run.
//!
//! Never: readable by anybody else (0700); opened by two servers; a folder that holds something else already.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hearth_world::World;

use crate::folder_lock::Lock;
use crate::folder_names::{self, RUNTIMES};
use crate::text_file;

/// Bytes of the token before they become hexadecimal digits.
const TOKEN_BYTES: usize = 16;

/// Bytes of the instance's name before they become hexadecimal digits: short, because interfaces carry it.
const INSTANCE_BYTES: usize = 4;

/// Bytes of any of the small files here that are read: more than each of them has.
pub const NOTE_BYTES_MAX: u64 = 256;

/// How the names of ephemeral folders begin.
const EPHEMERAL_PREFIX: &str = "hearth-";

/// The file that tells an ephemeral folder from what else may have such a name.
const EPHEMERAL_MARK: &str = "ephemeral";

/// What can be made again.
pub const REMADE: [&str; 3] = ["code", "runtimes", "run"];

/// In which run of the machine those were made.
const BOOT: &str = "boot";

/// The kernel's name of the machine's run: another one after every start.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// An opened data folder. While it lives, no other server opens it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    instance: String,
    token: String,
    ephemeral: bool,
    _lock: Lock,
}

impl DataFolder {
    /// Opens the folder, making what is missing.
    pub fn open(path: &Path, world: &World) -> Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| is_served(&metadata)) {
            // What this process, as root, would leave there, `hearth serve` could not use again.
            bail!(
                "the data folder {} belongs to `hearth serve`: name another one with --data",
                path.display()
            );
        }
        folder_names::check(path)?;
        Self::open_as(path, world, false)
    }

    /// Opens the folder of `hearth serve`, with the rights of the server's user. It is there, and locked.
    pub fn open_served(path: PathBuf, lock: Lock, world: &World) -> Result<Self> {
        Self::open_locked(path, lock, world, false)
    }

    /// A new folder among the temporary files, removed by [`DataFolder::close`].
    pub fn ephemeral(world: &World) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("{EPHEMERAL_PREFIX}{}", world.random().hex::<8>()));
        let folder = Self::open_as(&path, world, true)?;
        File::create(folder.join(EPHEMERAL_MARK)).context("mark the ephemeral folder")?;
        Ok(folder)
    }

    /// Ephemeral folders whose servers were killed before they could remove them.
    pub fn abandoned(world: &World) -> Vec<Self> {
        let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
        let named = |entry: &fs::DirEntry| {
            entry.file_name().as_encoded_bytes().starts_with(EPHEMERAL_PREFIX.as_bytes())
        };
        let mine = |path: &Path| {
            let user = fs::symlink_metadata(path).map(|metadata| metadata.is_dir().then_some(metadata.uid()));
            user.is_ok_and(|user| user == Some(rustix::process::geteuid().as_raw()))
        };
        let paths = entries.filter(named).map(|entry| entry.path());
        let marked = paths.filter(|path| mine(path) && path.join(EPHEMERAL_MARK).exists());
        // One that is in use is locked, and does not open.
        marked.filter_map(|path| Self::open_as(&path, world, true).ok()).collect()
    }

    fn open_as(path: &Path, world: &World, ephemeral: bool) -> Result<Self> {
        make_folder(path)?;
        // Paths inside reach another process with another working directory.
        let path = path.canonicalize().with_context(|| format!("find the data folder {}", path.display()))?;
        let lock = Lock::take(&path)?;
        Self::open_locked(path, lock, world, ephemeral)
    }

    fn open_locked(path: PathBuf, lock: Lock, world: &World, ephemeral: bool) -> Result<Self> {
        discard_of_earlier_boots(&path)?;
        for folder in ["blobs", "code", "run"] {
            make_folder(&path.join(folder))?;
        }
        let instance = make_instance(&path, world)?;
        let token = made_once(&path.join("token"), TOKEN_BYTES, || world.random().hex::<TOKEN_BYTES>())?;
        sync_folder(&path).with_context(|| format!("sync the folder {}", path.display()))?;
        Ok(Self { path, instance, token, ephemeral, _lock: lock })
    }

    /// The folder of this name inside, or the file.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name that everything of this Hearth carries on the host.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What a caller of `/_hearth` shows to change or read what is private.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Gives the folder back; an ephemeral one is removed.
    pub fn close(self) -> Result<()> {
        if self.ephemeral {
            fs::remove_dir_all(&self.path).with_context(|| format!("remove {}", self.path.display()))?;
        }
        Ok(())
    }
}

/// Whether `hearth serve` has made the folder its own.
pub fn is_served(metadata: &fs::Metadata) -> bool {
    metadata.mode() & 0o1000 != 0 && metadata.gid() != 0
}

/// The instance's name, made when there is none yet.
pub fn make_instance(path: &Path, world: &World) -> Result<String> {
    made_once(&path.join("instance"), INSTANCE_BYTES, || world.random().hex::<INSTANCE_BYTES>())
}

/// The token of a folder that a server may be using, for the command line. What else lies there under that name, root
/// does not show to that server.
pub fn read_token(path: &Path) -> Option<String> {
    let token = read_note(path, "token").ok()?;
    is_value(&token, TOKEN_BYTES).then_some(token)
}

/// One of the small files of a folder, without the space around its text.
pub fn read_note(folder: &Path, name: &str) -> io::Result<String> {
    let text = text_file::read(text_file::open(&folder.join(name))?, NOTE_BYTES_MAX)?;
    Ok(text.trim().to_owned())
}

/// Writes one of them: on stable storage when it returns, and whole at any time.
pub fn write_note(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    write_whole(&folder.join(name), text)?;
    sync_folder(folder)
}

/// `$XDG_DATA_HOME/hearth`, or `~/.local/share/hearth`.
pub fn default_path() -> Result<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("hearth"))
        .context("neither XDG_DATA_HOME nor HOME is set: name the folder with --data")
}

/// Makes the folder and the missing ones above it. Its name is on stable storage, also when another has made it and
/// was killed at once. Only where it is there already and the folder above is not ours to open, that is left to its
/// owner.
fn make_folder(path: &Path) -> Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.exists()).count();
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("make the folder {}", path.display()))?;
    for above in path.ancestors().skip(1).take(missing.max(1)) {
        match sync_folder(above) {
            Err(error) if missing == 0 && error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced.with_context(|| format!("sync the folder {}", above.display()))?,
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// Removes what another run of the machine has made. Nothing is synced here: after a loss of power the run is another
/// one again. Needs the rights of who made it; done once, it does nothing more in the same run.
pub fn discard_of_earlier_boots(folder: &Path) -> Result<()> {
    let boot = fs::read_to_string(BOOT_ID).ok();
    let made_in = read_note(folder, BOOT).ok();
    if boot.is_some() && boot.as_deref().map(str::trim) == made_in.as_deref() {
        return Ok(());
    }
    for name in REMADE {
        let path = folder.join(name);
        if name == RUNTIMES && is_own_folder(&path) {
            discard_bootstraps(&path).with_context(|| format!("clear {}", path.display()))?;
            continue;
        }
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {}", path.display()));
            }
            _ => {}
        }
    }
    match boot {
        Some(boot) => {
            let path = folder.join(BOOT);
            // Made anew: root does this in a folder where another user could have put a link.
            let made = match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => OpenOptions::new().write(true).create_new(true).open(&path),
            };
            let written = made.and_then(|mut file| file.write_all(boot.as_bytes()));
            written.with_context(|| format!("write {}", path.display()))
        }
        None => Ok(()),
    }
}

/// Whether it is a folder, no link, of whoever this process is: in another user's, names may change while it is read.
fn is_own_folder(path: &Path) -> bool {
    let found = fs::symlink_metadata(path);
    found.is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::geteuid().as_raw())
}

/// Removes what was compiled, and keeps what was fetched: that is on stable storage, and costs the network.
fn discard_bootstraps(runtimes: &Path) -> io::Result<()> {
    for entry in fs::read_dir(runtimes)? {
        let entry = entry?;
        if !folder_names::is_fetched(&entry.file_name()) {
            let is_folder = entry.file_type()?.is_dir();
            if is_folder { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
    }
    Ok(())
}

/// Reads the file, or writes it with a new value of so many bytes in hexadecimal digits. The value stands whole or not
/// at all; what is no such value was not written by us, and must not become part of a path or a header.
fn made_once(path: &Path, bytes: usize, make: impl FnOnce() -> String) -> Result<String> {
    match fs::read(path) {
        Ok(found) => match std::str::from_utf8(&found).map(str::trim) {
            Ok(value) if is_value(value, bytes) => return Ok(value.to_owned()),
            _ => tracing::warn!(file = %path.display(), "not what was written there: it is made anew"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    }
    let value = make();
    write_whole(path, &value).with_context(|| format!("write {}", path.display()))?;
    Ok(value)
}

/// So many bytes in hexadecimal digits.
fn is_value(text: &str, bytes: usize) -> bool {
    text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_keeps_its_names_is_private_and_opens_once() {
        let world = World::simulated(1);
        let path = std::env::temp_dir().join(format!("test-of-hearth-{}", std::process::id()));
        let folder = DataFolder::open_as(&path, &world, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder.join("token")).unwrap().permissions().mode() & 0o777, 0o600);

        let second = DataFolder::open(&path, &world).unwrap_err().to_string();
        assert_eq!(
            second,
            format!(
                "the data folder {} is used by another server (process {}): stop it, or name another folder with --data",
                path.display(),
                std::process::id()
            )
        );

        let (instance, token) = (folder.instance().to_owned(), folder.token().to_owned());
        drop(folder);
        let again = DataFolder::open_as(&path, &world, true).unwrap();
        assert_eq!((again.instance(), again.token()), (instance.as_str(), token.as_str()));
        assert_eq!(read_token(&path), Some(token.clone()));
        // Whoever may write there gets neither another file's text nor what is no token.
        let outside = path.with_extension("outside");
        fs::rename(path.join("token"), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("token")).unwrap();
        assert_eq!(read_token(&path), None);
        fs::rename(&outside, path.join("token")).unwrap();
        assert_eq!(read_token(&path), Some(token));
        fs::write(path.join("token"), "root's secret").unwrap();
        assert_eq!(read_token(&path), None);
        again.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_name_that_was_damaged_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instance");
        for damage in [&b""[..], b"../../etc", b"\xff\xfe", b"0123456", b"012345678"] {
            fs::write(&path, damage).unwrap();
            assert_eq!(made_once(&path, INSTANCE_BYTES, || "89abcdef".to_owned()).unwrap(), "89abcdef");
            assert_eq!(made_once(&path, INSTANCE_BYTES, || unreachable!("it is there")).unwrap(), "89abcdef");
        }
    }

    #[test]
    fn what_can_be_made_again_stays_for_one_run_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::simulated(1);
        let path = folder.path().join("data");
        let opened = DataFolder::open(&path, &world).unwrap();
        for name in REMADE {
            fs::create_dir_all(opened.join(name).join("made")).unwrap();
        }
        drop(opened);
        let opened = DataFolder::open(&path, &world).unwrap();
        assert!(REMADE.iter().all(|name| opened.join(name).join("made").exists()));
        fs::write(opened.join("blobs/kept"), "").unwrap();
        fs::create_dir_all(opened.join("runtimes/sdk-python-00")).unwrap();
        fs::write(opened.join(BOOT), "an earlier one").unwrap();
        drop(opened);
        let opened = DataFolder::open(&path, &world).unwrap();
        assert!(REMADE.iter().all(|name| !opened.join(name).join("made").exists()));
        assert!(opened.join("blobs/kept").exists() && opened.join("runtimes/sdk-python-00").exists());
    }

    #[test]
    fn an_ephemeral_folder_is_abandoned_when_nobody_holds_its_lock() {
        let world = World::real();
        let folder = DataFolder::ephemeral(&world).unwrap();
        let path = folder.path().to_owned();
        assert!(DataFolder::abandoned(&world).iter().all(|found| found.path() != path));
        drop(folder); // as a killed server does
        let abandoned = DataFolder::abandoned(&world).into_iter().find(|found| found.path() == path);
        abandoned.expect("nobody holds it").close().unwrap();
        assert!(!path.exists());
    }
}
