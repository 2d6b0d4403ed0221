//! The database file: its lock, its making and its opening.
//!
//! A new database is made beside its place and renamed into it, so a file at that place is always a whole one:
//! an empty or cut one is damage and is never taken for a new store.
//!
//! Never: two stores on one file; opens what is damaged, foreign or newer.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hearth_world::World;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema::{self, APPLICATION_ID, NEWEST};
use crate::folder;

/// A lock file holds one process id; what is longer was not written by us.
const LOCK_BYTES_MAX: u64 = 32;

/// Why a database could not be opened. Each is one line for the user.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store holds the file.
    #[error("{} is in use by another server{}", path.display(), holder(pid.as_deref()))]
    InUse {
        /// The database file.
        path: PathBuf,
        /// The other server's process id, where it could be read.
        pid: Option<String>,
    },
    /// A later release has written the file.
    #[error("{} was written by a newer release (format {found}, this one knows up to {known})", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// An earlier release has written the file, and it is only looked at.
    #[error("{} was written by an earlier release (format {found}, this one has {known}): start the server once", path.display())]
    Older {
        /// The database file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// The file is cut, overwritten, or not one of ours.
    #[error("{} is damaged or not a Hearth database: {reason}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

fn holder(pid: Option<&str>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { doing, path: path.to_path_buf(), source }
}

/// Locks and opens the file, and makes it first where there is none.
pub(super) fn open(path: &Path, world: &World) -> Result<(File, Connection), OpenError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder::create(folder).map_err(|source| io("create", folder, source))?;
    let lock = lock(path)?;
    if !path.try_exists().map_err(|source| io("look for", path, source))? {
        create(path, folder, world)?;
    }
    let connection = check(path, world).map_err(|error| match error {
        Unfit::Newer(found) => OpenError::Newer { path: path.to_path_buf(), found, known: NEWEST },
        Unfit::Foreign => damaged(path, "it carries no mark of ours"),
        Unfit::Sqlite(error) => unfit(path, error),
    })?;
    Ok((lock, connection))
}

/// A database that belongs to this connection alone.
pub(super) fn in_memory(world: &World) -> Result<Connection, OpenError> {
    let open = || {
        let mut connection = Connection::open_in_memory()?;
        schema::prepare_writer(&connection)?;
        schema::migrate(&mut connection, 0, world)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| damaged(Path::new(":memory:"), &error.to_string()))
}

/// A connection for one reading thread.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    schema::prepare_reader(&connection)?;
    Ok(connection)
}

/// The lock goes with its descriptor, so it is gone with a killed process too. The file itself stays.
fn lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = beside(path, ".lock");
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&lock_path);
    let mut lock = open.map_err(|source| io("open", &lock_path, source))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let read = (&lock).take(LOCK_BYTES_MAX).read_to_string(&mut pid);
            let pid = read.ok().map(|_| pid.trim().to_owned()).filter(|pid| !pid.is_empty());
            return Err(OpenError::InUse { path: path.to_path_buf(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock", &lock_path, source)),
    }
    let noted = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    noted.map_err(|source| io("write", &lock_path, source))?;
    Ok(lock)
}

/// Makes the database under another name, syncs it, and gives it its name.
fn create(path: &Path, folder: &Path, world: &World) -> Result<(), OpenError> {
    // A log without its file may hold acknowledged data, and SQLite would replay it into the new file.
    if beside(path, "-wal").exists() {
        return Err(damaged(path, "the file is missing, but its write-ahead log is there"));
    }
    let draft = beside(path, ".new");
    for leftover in
        [draft.clone(), beside(&draft, "-wal"), beside(&draft, "-shm"), beside(&draft, "-journal")]
    {
        match fs::remove_file(&leftover) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(io("remove", &leftover, source));
            }
            _ => {}
        }
    }
    // Its owner alone may read what is in it; SQLite gives the log beside it the same mode.
    let mut owners = File::options();
    owners.write(true).create_new(true).mode(0o600);
    owners.open(&draft).map_err(|source| io("create", &draft, source))?;
    let fill = || {
        let mut connection = Connection::open(&draft)?;
        // Nothing counts before the one sync below: a draft that a crash leaves behind is removed.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        schema::migrate(&mut connection, 0, world)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)
    };
    fill().map_err(|error: rusqlite::Error| io("create", &draft, io::Error::other(error)))?;
    let publish = File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| folder::sync(folder));
    publish.map_err(|source| io("create", path, source))
}

enum Unfit {
    Newer(u32),
    Foreign,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Opens what is there and brings it to the newest format.
fn check(path: &Path, world: &World) -> Result<Connection, Unfit> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    let mark: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark != APPLICATION_ID {
        return Err(Unfit::Foreign);
    }
    let format = schema::format(&connection)?;
    if format > NEWEST {
        return Err(Unfit::Newer(format));
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    schema::prepare_writer(&connection)?;
    schema::migrate(&mut connection, format, world)?;
    Ok(connection)
}

/// Why SQLite could not open a file: the system's fault, or the file's.
pub(super) fn unfit(path: &Path, error: rusqlite::Error) -> OpenError {
    if is_refusal(&error) {
        return io("open", path, io::Error::other(error));
    }
    damaged(path, &error.to_string())
}

/// The system refused; what is in the file is not to blame.
fn is_refusal(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DiskFull, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure};
    let refusals = [CannotOpen, DiskFull, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure];
    error.sqlite_error_code().is_some_and(|code| refusals.contains(&code))
}

pub(super) fn damaged(path: &Path, reason: &str) -> OpenError {
    OpenError::Damaged { path: path.to_path_buf(), reason: reason.to_owned() }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
