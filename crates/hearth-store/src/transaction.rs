//! The rules of a transaction, the same for every engine: limits, access, time, and that a failed step is final.
//!
//! Never: lets a transaction commit after one of its steps failed, whatever the closure answers.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hearth_world::Timestamp;

use crate::key::{Key, KeyRange};
use crate::seam::{Abort, Each, Job, KEY_BYTES_MAX, Kind, Order, StoreError, Tx, TxResult, VALUE_BYTES_MAX};

/// How long the steps of one transaction may take together: a closure that runs longer holds up all others.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Written keys remembered for hints; a transaction with more of them hints at everything.
const WRITTEN_KEYS_MAX: usize = 4_096;

/// What an engine brings: its entries as one transaction sees and changes them.
pub(crate) trait Entries {
    fn get(&mut self, key: &[u8]) -> TxResult<Option<Bytes>>;
    fn put(&mut self, key: &[u8], value: &[u8]) -> TxResult<()>;
    fn delete(&mut self, key: &[u8]) -> TxResult<()>;
    fn scan(&mut self, range: &KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()>;

    /// Several keys are about to be read: an engine for which each of them is a way of its own goes once.
    fn prefetch(&mut self, _keys: &[Key]) -> TxResult<()> {
        Ok(())
    }

    /// Shows the first `limit` entries, which the transaction deletes next: an engine may pass over those that
    /// another taker holds.
    fn scan_to_take(&mut self, range: &KeyRange, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        self.scan(range, Order::Ascending, limit, each)
    }
}

/// The keys that a transaction wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    keys: Vec<Vec<u8>>,
    too_many: bool,
}

impl Written {
    /// These keys, as another server tells of them; `None` is any.
    pub(crate) fn elsewhere(keys: Option<Vec<Vec<u8>>>) -> Self {
        Self { too_many: keys.is_none(), keys: keys.unwrap_or_default() }
    }

    fn note(&mut self, key: &[u8]) {
        if self.keys.len() < WRITTEN_KEYS_MAX {
            self.keys.push(key.to_vec());
        } else {
            self.too_many = true;
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.too_many |= other.too_many;
        if self.keys.len() + other.keys.len() <= WRITTEN_KEYS_MAX {
            self.keys.append(&mut other.keys);
        } else {
            self.too_many = true;
        }
    }

    /// The keys, or `None` when there were too many to remember.
    pub(crate) fn keys(&self) -> Option<&[Vec<u8>]> {
        if self.too_many { None } else { Some(&self.keys) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.too_many
    }
}

/// How a run of a closure ended.
pub(crate) enum Verdict {
    /// To be committed.
    Commit(Written),
    /// To be rolled back, with this answer.
    RollBack(Result<(), StoreError>),
}

/// Runs a closure once over an engine's entries.
pub(crate) fn run(entries: &mut dyn Entries, kind: Kind, now: Timestamp, job: &mut Job) -> Verdict {
    let mut tx = Transaction::new(entries, kind, now, Instant::now() + TIME_LIMIT);
    // Unwinding is safe here: the engine rolls back all that the closure did to its entries, and what the closure
    // itself captured is dropped without another run.
    let outcome = catch_unwind(AssertUnwindSafe(|| job(&mut tx)));
    match (outcome, tx.failure) {
        (Err(_), _) => Verdict::RollBack(Err(StoreError::Engine("the transaction panicked".into()))),
        (Ok(Err(Abort::Failed(error))), _) | (Ok(Ok(())), Some(error)) => Verdict::RollBack(Err(error)),
        (Ok(Err(Abort::Decided)), _) => Verdict::RollBack(Ok(())),
        (Ok(Ok(())), None) => Verdict::Commit(tx.written),
    }
}

struct Transaction<'e> {
    entries: &'e mut dyn Entries,
    now: Timestamp,
    writable: bool,
    deadline: Instant,
    /// The first failed step. All later steps repeat it.
    failure: Option<StoreError>,
    written: Written,
}

impl<'e> Transaction<'e> {
    fn new(entries: &'e mut dyn Entries, kind: Kind, now: Timestamp, deadline: Instant) -> Self {
        let writable = kind != Kind::Read;
        Self { entries, now, writable, deadline, failure: None, written: Written::default() }
    }

    /// One step: not after a failure, not after the deadline; its own failure is final.
    fn step<T>(&mut self, step: impl FnOnce(&mut Self) -> TxResult<T>) -> TxResult<T> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let result = if past(self.deadline) { Err(too_slow()) } else { step(self) };
        if let Err(error) = &result {
            self.failure = Some(error.clone());
        }
        result
    }

    /// A step that shows entries until the time is over.
    fn show(
        &mut self,
        each: &mut Each<'_>,
        scan: impl FnOnce(&mut dyn Entries, &mut Each<'_>) -> TxResult<()>,
    ) -> TxResult<()> {
        self.step(|tx| {
            let deadline = tx.deadline;
            let mut late = false;
            scan(tx.entries, &mut |key, value| {
                late = past(deadline);
                if late { ControlFlow::Break(()) } else { each(key, value) }
            })?;
            if late { Err(too_slow()) } else { Ok(()) }
        })
    }

    fn check_write(&self, key: &Key, value_bytes: usize) -> TxResult<()> {
        let key_bytes = key.as_bytes().len();
        if !self.writable {
            Err(StoreError::ReadOnly)
        } else if key_bytes > KEY_BYTES_MAX {
            Err(StoreError::KeyTooLong { bytes: key_bytes, limit: KEY_BYTES_MAX })
        } else if value_bytes > VALUE_BYTES_MAX {
            Err(StoreError::ValueTooLarge { bytes: value_bytes, limit: VALUE_BYTES_MAX })
        } else {
            Ok(())
        }
    }
}

impl Tx for Transaction<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn get_many(&mut self, keys: &[Key]) -> TxResult<Vec<Option<Bytes>>> {
        self.step(|tx| {
            tx.entries.prefetch(keys)?;
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                if past(tx.deadline) {
                    return Err(too_slow());
                }
                values.push(tx.entries.get(key.as_bytes())?);
            }
            Ok(values)
        })
    }

    fn put(&mut self, key: &Key, value: Bytes) -> TxResult<()> {
        self.step(|tx| {
            tx.check_write(key, value.len())?;
            tx.entries.put(key.as_bytes(), &value)?;
            tx.written.note(key.as_bytes());
            Ok(())
        })
    }

    fn delete(&mut self, key: &Key) -> TxResult<()> {
        self.step(|tx| {
            tx.check_write(key, 0)?;
            tx.entries.delete(key.as_bytes())?;
            tx.written.note(key.as_bytes());
            Ok(())
        })
    }

    fn scan(&mut self, range: KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        self.show(each, |entries, each| entries.scan(&range, order, limit, each))
    }

    fn take(&mut self, range: KeyRange, n: u32) -> TxResult<Vec<(Key, Bytes)>> {
        let mut taken = Vec::new();
        let mut note = |key: &[u8], value: &[u8]| {
            taken.push((Key::from_bytes(key), Bytes::copy_from_slice(value)));
            ControlFlow::Continue(())
        };
        self.show(&mut note, |entries, each| entries.scan_to_take(&range, n, each))?;
        for (key, _) in &taken {
            self.delete(key)?;
        }
        Ok(taken)
    }
}

fn past(deadline: Instant) -> bool {
    Instant::now() > deadline
}

fn too_slow() -> StoreError {
    StoreError::Engine(format!("the transaction took longer than {} s", TIME_LIMIT.as_secs()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::MapEntries;

    #[test]
    fn no_step_works_after_the_time_is_over_and_a_scan_ends_at_once() {
        let mut map = [(Key::of("a").as_bytes().to_vec(), Bytes::from("1"))].into_iter().collect();
        let mut entries = MapEntries::new(&mut map);
        let over = Instant::now().checked_sub(Duration::from_micros(1)).expect("the machine runs for longer");
        let steps: [fn(&mut dyn Tx) -> TxResult<()>; 5] = [
            |tx| tx.get(&Key::of("a")).map(drop),
            |tx| tx.put(&Key::of("a"), "2".into()),
            |tx| tx.delete(&Key::of("a")),
            |tx| tx.take(Key::of("a").children(), 1).map(drop),
            |tx| {
                let all = KeyRange { from: Vec::new(), to: Vec::new() };
                tx.scan(all, Order::Ascending, 1, &mut |_, _| panic!("nothing is shown"))
            },
        ];
        for step in steps {
            let mut tx = Transaction::new(&mut entries, Kind::Write, Timestamp::from_millis(0), over);
            assert!(matches!(step(&mut tx), Err(StoreError::Engine(_))));
        }
        assert_eq!(entries.get(Key::of("a").as_bytes()).unwrap().as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn more_written_keys_than_are_remembered_are_a_hint_at_everything() {
        let mut written = Written::default();
        (0..WRITTEN_KEYS_MAX).for_each(|_| written.note(b"a"));
        assert_eq!(written.keys().map(<[_]>::len), Some(WRITTEN_KEYS_MAX));
        let mut more = Written::default();
        more.note(b"b");
        written.append(more);
        assert!(written.keys().is_none() && !written.is_empty());
    }
}
