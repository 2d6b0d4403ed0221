//! The database file seen from outside: read, and copied, also while another process writes to it.
//!
//! Never: writes to the file, makes one, or waits for the lock of the one who writes.

use std::path::Path;

use hearth_world::World;
use rusqlite::{Connection, OpenFlags};

use super::file::{self, OpenError};
use super::readers::Reader;
use super::{join, schema};
use crate::key::Key;
use crate::lane::Lane;
use crate::seam::{BoxFuture, Job, Kind, Store, StoreError, Watch};
use crate::watches::Watches;

/// A store that only reads. Never hears of changes.
pub struct SqliteView {
    world: World,
    reader: Lane,
    watches: Watches,
}

impl SqliteView {
    /// Opens the file of a store, whether a server has it open or not. Refuses what is not of the newest format: what
    /// this program looks for may not be there yet.
    pub fn open(path: &Path, world: &World) -> Result<Self, OpenError> {
        drop(look(path)?);
        let reader = Reader::new(path.to_path_buf());
        let reader = Lane::start("store-view", std::iter::once(move |queue| reader.run(queue)));
        let reader = reader.map_err(|source| file::io("start a thread for", path, source))?;
        Ok(Self { world: world.clone(), reader, watches: Watches::new() })
    }

    /// Copies the store as it is at one moment to a new file, while others write. On stable storage when it returns.
    pub fn copy(path: &Path, to: &Path) -> Result<(), OpenError> {
        let connection = look(path)?;
        let failed = |error: rusqlite::Error| file::io("copy", path, std::io::Error::other(error));
        let name = to.to_str().ok_or_else(|| {
            let reason = "its path is not UTF-8, which SQLite needs";
            file::io("copy to", to, std::io::Error::other(reason))
        })?;
        connection.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
        let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
        synced.map_err(|source| file::io("sync", to, source))
    }
}

impl Store for SqliteView {
    fn submit(&self, kind: Kind, job: Job) -> BoxFuture<'_, Result<(), StoreError>> {
        let now = self.world.domain().now();
        Box::pin(async move {
            match kind {
                Kind::Read => self.reader.submit(kind, now, job).await,
                Kind::Write | Kind::Take => Err(StoreError::ReadOnly),
            }
        })
    }

    fn watch(&self, prefix: Key) -> Watch {
        self.watches.watch(&prefix)
    }
}

impl Drop for SqliteView {
    fn drop(&mut self) {
        join(self.reader.stop());
    }
}

/// Opens the file for reading and checks that it is a store of the newest format.
fn look(path: &Path) -> Result<Connection, OpenError> {
    if !path.is_file() {
        return Err(file::io("open", path, std::io::ErrorKind::NotFound.into()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || -> rusqlite::Result<(Connection, i32, u32)> {
        let connection = Connection::open_with_flags(path, flags)?;
        let mark = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let format = schema::format(&connection)?;
        Ok((connection, mark, format))
    };
    let (connection, mark, format) = look().map_err(|error| file::unfit(path, error))?;
    if mark != schema::APPLICATION_ID {
        return Err(file::damaged(path, "it carries no mark of ours"));
    }
    match format {
        schema::NEWEST => Ok(connection),
        found if found > schema::NEWEST => {
            Err(OpenError::Newer { path: path.to_path_buf(), found, known: schema::NEWEST })
        }
        found => Err(OpenError::Older { path: path.to_path_buf(), found, known: schema::NEWEST }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;
    use crate::seam::{transact, transact_read};

    #[tokio::test]
    async fn a_view_reads_what_another_writes_and_copies_one_moment_of_it() {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::real());
        let (path, copy) = (folder.path().join("hearth.db"), folder.path().join("copy.db"));
        let store = SqliteStore::open(&path, &world).unwrap();
        let pair = [Key::of("test").number(1), Key::of("test").number(2)];
        for value in ["one", "two"] {
            let pair = pair.clone();
            let write = transact::<_, StoreError, _>(&store, move |tx| {
                pair.iter().try_for_each(|key| tx.put(key, value.into()))
            });
            write.await.unwrap();
            if value == "one" {
                SqliteView::copy(&path, &copy).unwrap();
            }
        }
        for (path, value) in [(&path, "two"), (&copy, "one")] {
            let (view, pair) = (SqliteView::open(path, &world).unwrap(), pair.clone());
            let read = transact_read::<_, StoreError, _>(&view, move |tx| tx.get_many(&pair)).await.unwrap();
            assert_eq!(read, [Some(value.into()), Some(value.into())]);
            let write = transact::<_, StoreError, _>(&view, |tx| tx.delete(&Key::of("test"))).await;
            assert!(matches!(write, Err(StoreError::ReadOnly)));
        }
        assert!(SqliteView::copy(&path, &copy).is_err(), "a file that is there is not written over");
        assert!(SqliteView::open(&folder.path().join("nothing.db"), &world).is_err());
    }
}
