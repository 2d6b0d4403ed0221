//! A thread that reads: one snapshot a transaction, on a connection of its own.

use std::path::PathBuf;

use rusqlite::Connection;

use super::entries::{SqliteEntries, failed};
use super::file::open_reader;
use crate::lane::{Queue, Submission};
use crate::seam::StoreError;
use crate::transaction::{self, Verdict};

/// A reader that opens its connection at its first transaction: a server that is idle pays for none.
pub(super) struct Reader {
    path: PathBuf,
    connection: Option<Connection>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, connection: None }
    }

    pub(super) fn run(mut self, queue: Queue) {
        while let Some(mut submission) = queue.wait() {
            let result = self.read(&mut submission);
            submission.answer(result);
        }
    }

    fn read(&mut self, submission: &mut Submission) -> Result<(), StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(failed)?,
        };
        // A connection that cannot begin or end a transaction is dropped; the next read opens another.
        connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).map_err(failed)?;
        let mut entries = SqliteEntries(&connection);
        let verdict = transaction::run(&mut entries, submission.kind, submission.now, &mut submission.job);
        let ended = connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        if ended.is_ok() {
            self.connection = Some(connection);
        }
        match verdict {
            Verdict::Commit(_) => Ok(()),
            Verdict::RollBack(answer) => answer,
        }
    }
}
