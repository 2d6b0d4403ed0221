//! The thread of one lane: all that waits becomes one SQL transaction.
//!
//! ```text
//!   wait ─▶ rehearse all, read what they miss in one way ─▶ run all for good ─▶ write, mark, COMMIT ─▶ answers, hints
//!     ▲        (a single one runs for good at once)            │ conflict: again, then in halves │ answer lost
//!     └────────────────────────────────────────────────────────┘◀── not committed ── ask the mark ◀┘ ─▶ committed
//! ```
//!
//! Never: answers a write before its commit; commits a group again whose commit may have happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_world::World;

use super::hints::Hints;
use super::known::{Changes, Known};
use super::reader::{Reader, Uncommitted};
use super::session::Trouble;
use super::view::{View, Wishes};
use crate::lane::{Lane, Queue, Submission};
use crate::seam::{Kind, StoreError};
use crate::transaction::{self, Verdict, Written};

/// Transactions in one commit. More would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;

/// Rehearsals of a group before it reads in line.
const REHEARSALS_MAX: u32 = 4;

/// How long a group is tried, while the server is away or others are faster.
const PATIENCE: Duration = Duration::from_secs(15);

/// Conflicts of a group before it is halved.
const CONFLICTS_MAX: u32 = 2;

/// The longest pause after the first failure; it doubles with each.
const PAUSE: Duration = Duration::from_millis(2);

/// The longest pause at all.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct Worker {
    pub(super) kind: Kind,
    pub(super) reader: Reader,
    pub(super) world: World,
    pub(super) hints: Arc<Hints>,
    pub(super) marks: Marks,
    /// Where transactions go that a taker cannot run.
    pub(super) writer: Option<Arc<Lane>>,
    /// Since when the server cannot be reached.
    pub(super) away_since: Option<Instant>,
}

/// The row that numbers the commits of one lane.
#[derive(Debug)]
pub(super) struct Marks {
    /// The server's own name and the lane's.
    pub(super) name: String,
    /// Rows used so far: a new one after each doubt.
    pub(super) rows: u64,
    /// The number of the last commit, once the row is there.
    pub(super) number: Option<i64>,
}

impl Marks {
    fn row(&self) -> String {
        format!("{}/{}", self.name, self.rows)
    }
}

/// What becomes of one transaction.
enum Fate {
    Answer(Result<(), StoreError>),
    /// Something is to be read first.
    NotYet,
    /// The other lane's.
    Elsewhere,
}

/// What becomes of a group.
struct Pass {
    fates: Vec<Fate>,
    written: Written,
}

enum Failed {
    /// Nothing happened.
    Trouble(Trouble),
    /// Nobody knows what happened.
    Uncertain(String),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Worker {
    pub(super) fn run(mut self, queue: Queue) {
        while let Some(first) = queue.wait() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX
                && let Some(next) = queue.waiting()
            {
                group.push(next);
            }
            self.serve(group);
            self.reader.end();
        }
    }

    /// Tries until the group is answered.
    fn serve(&mut self, mut group: Vec<Submission>) {
        let begun = self.away_since.unwrap_or_else(Instant::now);
        let (mut failures, mut conflicts) = (0, 0);
        loop {
            let trouble = match self.attempt(&mut group) {
                Ok(pass) => {
                    self.away_since = None;
                    return self.acknowledge(group, pass);
                }
                Err(Failed::Trouble(trouble)) => trouble,
                Err(Failed::Uncertain(why)) => {
                    return answer_all(group, &StoreError::Uncertain(why.into()));
                }
            };
            self.reader.end();
            failures += 1;
            let again = match &trouble {
                Trouble::Lost(_) => {
                    self.away_since.get_or_insert_with(Instant::now);
                    true
                }
                Trouble::Conflict(_) => {
                    conflicts += 1;
                    conflicts <= CONFLICTS_MAX || group.len() == 1
                }
                Trouble::Closed(_) => {
                    self.marks.number = None;
                    true
                }
                Trouble::Refused(_) => false,
            };
            if !again && group.len() > 1 {
                // One of them may be the cause: each half has its own fate.
                let rest = group.split_off(group.len() / 2);
                self.serve(group);
                return self.serve(rest);
            }
            if !again || begun.elapsed() > PATIENCE {
                return answer_all(group, &StoreError::Engine(trouble.text().into()));
            }
            self.reader.session.pause(self.pause(failures));
        }
    }

    /// Random, so that two servers which met do not meet again.
    fn pause(&self, failures: u32) -> Duration {
        let longest = PAUSE.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX);
        Duration::from_micros(self.world.random().below(longest.as_micros() as u64))
    }

    fn attempt(&mut self, group: &mut [Submission]) -> Result<Pass, Failed> {
        self.reader.session.open()?;
        self.make_marks()?;
        let mut known = Known::default();
        let pass = match self.rehearse(group, &mut known)? {
            Some(pass) => pass,
            None => self.run_all(group, &mut known, None)?,
        };
        let committed = match self.kind {
            // Answered first; the transaction ends afterwards.
            Kind::Read => Ok(()),
            Kind::Take if known.changes.is_empty() => {
                self.reader.end();
                Ok(())
            }
            Kind::Write if known.changes.is_empty() => self.reader.commit_reads(),
            Kind::Write | Kind::Take => return self.commit(&known).map(|()| pass),
        };
        match committed {
            Ok(()) => Ok(pass),
            Err(Uncommitted::Not(trouble) | Uncommitted::Unsure(trouble)) => Err(trouble.into()),
        }
    }

    /// Runs the closures of a group until nothing is missing; `None` when they must read in line.
    fn rehearse(&mut self, group: &mut [Submission], known: &mut Known) -> Result<Option<Pass>, Trouble> {
        if group.len() < 2 {
            return Ok(None);
        }
        for _ in 0..REHEARSALS_MAX {
            let mut wishes = Wishes::default();
            let pass = self.run_all(group, known, Some(&mut wishes))?;
            if wishes.is_empty() {
                return Ok(Some(pass));
            }
            self.reader.grant(wishes, known)?;
        }
        Ok(None)
    }

    /// Runs each closure over the changes of those before it.
    fn run_all(
        &mut self,
        group: &mut [Submission],
        known: &mut Known,
        mut rehearsal: Option<&mut Wishes>,
    ) -> Result<Pass, Trouble> {
        known.changes = Changes::new();
        let mut pass = Pass { fates: Vec::with_capacity(group.len()), written: Written::default() };
        for job in group {
            let mut view = View::new(self.kind, known, &mut self.reader, rehearsal.as_deref_mut());
            let verdict = transaction::run(&mut view, job.kind, job.now, &mut job.job);
            let View { own, trouble, reads_beside, wished, .. } = view;
            if let Some(trouble) = trouble {
                return Err(trouble);
            }
            let fate = match verdict {
                _ if reads_beside => Fate::Elsewhere,
                _ if wished => Fate::NotYet,
                Verdict::RollBack(answer) => Fate::Answer(answer),
                Verdict::Commit(keys) => {
                    known.changes.extend(own);
                    pass.written.append(keys);
                    Fate::Answer(Ok(()))
                }
            };
            pass.fates.push(fate);
        }
        Ok(pass)
    }

    fn commit(&mut self, known: &Known) -> Result<(), Failed> {
        let number = self.marks.number.unwrap_or(0) + 1;
        let row = self.marks.row();
        match self.reader.commit(&row, number, known) {
            Ok(()) => {
                self.marks.number = Some(number);
                Ok(())
            }
            Err(Uncommitted::Not(trouble)) => Err(trouble.into()),
            Err(Uncommitted::Unsure(trouble)) => self.settle(&row, number, trouble),
        }
    }

    /// Makes the row that numbers this lane's commits, where there is none: before the transaction, so that it is
    /// there whatever becomes of it.
    fn make_marks(&mut self) -> Result<(), Trouble> {
        if self.kind == Kind::Read || self.marks.number.is_some() {
            return Ok(());
        }
        self.marks.rows += 1;
        self.reader.make_marks(&self.marks.row())?;
        self.marks.number = Some(0);
        Ok(())
    }

    /// Asks whether the commit happened. Closing the row waits for a commit that is still under way, and whoever
    /// comes later finds it closed and fails.
    fn settle(&mut self, row: &str, number: i64, trouble: Trouble) -> Result<(), Failed> {
        self.marks.number = None;
        let begun = Instant::now();
        let mut failures = 0;
        tracing::debug!(row, number, why = trouble.text(), "asking whether a commit happened");
        loop {
            match self.reader.close_marks(row) {
                Ok(Some(last)) if last >= number => return Ok(()),
                Ok(Some(_)) => return Err(trouble.into()),
                Ok(None) => return Err(Failed::Uncertain(trouble.text().to_owned())),
                Err(_) if begun.elapsed() < PATIENCE => {
                    failures += 1;
                    self.reader.session.pause(self.pause(failures));
                }
                Err(still) => {
                    self.away_since.get_or_insert(begun);
                    return Err(Failed::Uncertain(format!("{}; then {}", trouble.text(), still.text())));
                }
            }
        }
    }

    fn acknowledge(&self, group: Vec<Submission>, pass: Pass) {
        for (job, fate) in group.into_iter().zip(pass.fates) {
            match (fate, &self.writer) {
                (Fate::Answer(answer), _) => job.answer(answer),
                (Fate::Elsewhere, Some(writer)) => writer.pass_on(job),
                (Fate::Elsewhere | Fate::NotYet, _) => {
                    job.answer(Err(StoreError::Engine("the transaction could not be read through".into())));
                }
            }
        }
        self.hints.committed(pass.written);
    }
}

fn answer_all(group: Vec<Submission>, error: &StoreError) {
    group.into_iter().for_each(|job| job.answer(Err(error.clone())));
}
