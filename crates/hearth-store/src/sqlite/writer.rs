//! The thread that writes: job after job, one commit for all that waited, answers after it.
//!
//! ```text
//!   wait ─▶ BEGIN ─▶ { job, its changes or none of them } for each ─▶ COMMIT ─▶ answers ─▶ hints ─▶ checkpoint
//!                                     │ SQLite gave up the whole transaction      │ failed
//!                                     └──────────────▶ each job again, alone ◀────┘
//! ```
//!
//! No timer collects a group: the next one forms while the disk works.
//! Never: answers a write before its commit; commits again after a failed sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::entries::{execute, failed};
use super::pending::Pending;
use crate::lane::{Poison, Queue, Submission};
use crate::seam::StoreError;
use crate::transaction::{self, Verdict, Written};
use crate::watches::Watches;

/// Jobs in one commit. More would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;

/// Pages in the log from which on it is folded into the file after a commit: 32 MB. The same pages are written again
/// and again, and folded once: folding eight times as often takes most of a busy writer's time.
pub(super) const LOG_PAGES: i32 = 8_192;

/// Pages in the log from which on readers are waited for, so that it can begin anew: 128 MB.
const LOG_PAGES_MAX: i32 = 32_768;

/// How long that may wait for readers before the next commit has its turn.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(500);

/// The connection that writes, and what its commits touch.
pub(super) struct Writer {
    connection: Connection,
    watches: Arc<Watches>,
    poison: Poison,
    log_pages: Arc<AtomicI32>,
    /// Pages in the log from which on it is folded.
    fold_at: i32,
    /// Pages in the log from which on readers are waited for. Rises when they kept it in vain: a backup reads for long,
    /// and no commit after it is to wait again.
    wait_at: AtomicI32,
}

/// What became of a group.
enum Attempt {
    Committed {
        answers: Vec<Result<(), StoreError>>,
        written: Written,
    },
    /// Nothing of it happened; the answer is the last job's, whose doing it was, or the commit's.
    Lost(Result<(), StoreError>),
}

impl Writer {
    pub(super) fn new(connection: Connection, watches: Arc<Watches>, poison: Poison, fold_at: i32) -> Self {
        Self {
            connection,
            watches,
            poison,
            log_pages: Arc::default(),
            fold_at,
            wait_at: AtomicI32::new(LOG_PAGES_MAX),
        }
    }

    pub(super) fn run(mut self, queue: Queue) {
        if let Err(error) = self.follow_log() {
            self.poison(&error);
        }
        while let Some(first) = queue.wait() {
            self.serve(first, Some(&queue));
            self.checkpoint();
        }
    }

    /// Checkpoints are ours, after the answers: SQLite's own run inside a commit, and a caller waits for their syncs.
    fn follow_log(&mut self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(CHECKPOINT_WAIT)?;
        let log_pages = self.log_pages.clone();
        self.connection.wal_hook(Some(move |_: &mut _, pages| {
            log_pages.store(pages, Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Serves a job and, where there is a queue, all that join it.
    fn serve(&mut self, first: Submission, queue: Option<&Queue>) {
        let mut group = vec![first];
        match self.attempt(&mut group, queue) {
            Attempt::Committed { answers, written } => self.acknowledge(group, answers, &written),
            // One job was too much for SQLite, or the disk is full. Alone, each has its own fate.
            Attempt::Lost(_) if group.len() > 1 => group.into_iter().for_each(|job| self.serve(job, None)),
            Attempt::Lost(answer) => group.into_iter().for_each(|job| job.answer(answer.clone())),
        }
    }

    fn acknowledge(&self, group: Vec<Submission>, answers: Vec<Result<(), StoreError>>, written: &Written) {
        for (job, answer) in group.into_iter().zip(answers) {
            job.answer(answer);
        }
        self.watches.committed(written);
    }

    /// Runs the group in one SQLite transaction, with those from the queue that come while it runs.
    fn attempt(&mut self, group: &mut Vec<Submission>, queue: Option<&Queue>) -> Attempt {
        let begun = self.poison.check().and_then(|()| self.execute("BEGIN IMMEDIATE").map_err(failed));
        if let Err(error) = begun {
            return Attempt::Lost(Err(error));
        }
        let mut answers = Vec::with_capacity(group.len());
        let mut written = Written::default();
        let mut next = 0;
        while let Some(job) = group.get_mut(next) {
            match self.run_job(job, &mut written) {
                Ok(answer) => answers.push(answer),
                Err(answer) => return self.roll_back(answer),
            }
            next += 1;
            if next == group.len() && next < GROUP_MAX {
                group.extend(queue.and_then(Queue::waiting));
            }
        }
        match self.execute("COMMIT") {
            Ok(()) => Attempt::Committed { answers, written },
            Err(error) => self.commit_failed(&error),
        }
    }

    /// Runs one job. `Err` when the transaction around it is gone or unsure: all jobs are lost.
    fn run_job(
        &self,
        job: &mut Submission,
        written: &mut Written,
    ) -> Result<Result<(), StoreError>, Result<(), StoreError>> {
        let mut entries = Pending::new(&self.connection);
        let verdict = transaction::run(&mut entries, job.kind, job.now, &mut job.job);
        // After a full disk or an I/O error SQLite rolls back everything by itself.
        let gone = self.connection.is_autocommit();
        match verdict {
            Verdict::Commit(_) if gone => Err(Err(StoreError::Engine("the transaction is gone".into()))),
            Verdict::RollBack(answer) if gone => Err(answer),
            Verdict::Commit(keys) => {
                entries.keep().map_err(Err)?;
                written.append(keys);
                Ok(Ok(()))
            }
            Verdict::RollBack(answer) => {
                entries.forget().map_err(Err)?;
                Ok(answer)
            }
        }
    }

    /// A full disk is told before anything is synced, and SQLite takes the transaction back. Whatever else fails in
    /// a commit may have been the sync, after which the kernel forgets what it could not write: no second try.
    fn commit_failed(&self, error: &rusqlite::Error) -> Attempt {
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
            return self.roll_back(Err(StoreError::Engine("the disk is full".into())));
        }
        let poisoned = self.poison(error);
        self.roll_back(Err(poisoned))
    }

    /// Leaves the log alone from now on, also when the connection closes: what the kernel shows of it may not be
    /// what the disk has, and a checkpoint copies without a look at the checksums. Opening looks at them.
    fn poison(&self, error: &rusqlite::Error) -> StoreError {
        let left_alone = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        debug_assert!(left_alone.is_ok(), "the setting exists since SQLite 3.16");
        self.poison.set(&error.to_string())
    }

    fn roll_back(&self, answer: Result<(), StoreError>) -> Attempt {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            return Attempt::Lost(Err(self.poison(&error)));
        }
        Attempt::Lost(answer)
    }

    /// Folds the log into the file. Readers may keep it from being finished; then a later one does.
    fn checkpoint(&self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        let wait_at = self.wait_at.load(Ordering::Relaxed);
        let mode = match pages {
            pages if pages < self.fold_at => return,
            pages if pages < wait_at => CheckpointMode::PASSIVE,
            _ => CheckpointMode::RESTART,
        };
        if pages >= wait_at {
            self.wait_at.store(pages.saturating_add(LOG_PAGES_MAX), Ordering::Relaxed);
        }
        match self.connection.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), mode) {
            Ok((_, folded)) if folded >= pages => {
                self.log_pages.store(0, Ordering::Relaxed);
                self.wait_at.store(LOG_PAGES_MAX, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {}
                Some(ErrorCode::DiskFull) => {
                    tracing::warn!("the disk is full: the store's log cannot be folded")
                }
                _ => drop(self.poison(&error)),
            },
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        execute(&self.connection, sql)
    }
}
