//! Timers in the store: a record by kind and id, and an index by kind and time. Everything here runs inside a
//! transaction.
//!
//! ```text
//! system/timer      kind  id       ─▶ when it is due, its payload, who has claimed it
//! system/timer-due  kind  due  id  ─▶ nothing
//! ```

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::{Key, KeyRange};
use crate::leases::Lease;
use crate::records;
use crate::seam::{Order, StoreError, Tx, TxResult};

const VERSION_1: u8 = 1;

/// Where the index by time lies: a hint of change under it may be a new first timer.
pub(super) const DUE: &str = "system/timer-due";

/// Something to be done at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What is to be done, named by the service that does it: `lambda/retry`.
    pub kind: &'static str,
    /// To what. There is one timer of a kind and id.
    pub id: String,
    /// When, by the domain clock.
    pub due: Timestamp,
    /// What the handler has to know beside the id: up to 60 KB.
    pub payload: Bytes,
}

/// A timer as it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// To what.
    pub id: String,
    /// When it fires; for one that was claimed, when it fires again unless it is settled before.
    pub due: Timestamp,
    /// How often it has fired.
    pub attempts: u32,
    /// Whether a handler has it now.
    pub claimed: bool,
    /// What the handler has to know.
    pub payload: Bytes,
}

/// A timer that has fired, as its handler sees it: a claim that others respect until its end.
#[derive(Clone, Debug)]
pub struct Fired {
    /// What is to be done.
    pub kind: &'static str,
    /// To what.
    pub id: String,
    /// How often it has fired, this time included.
    pub attempts: u32,
    /// What the handler has to know.
    pub payload: Bytes,
    lease: Lease,
}

#[derive(Serialize, Deserialize)]
struct TimerV1 {
    due_micros: i64,
    attempts: u32,
    claim: Option<ClaimV1>,
    payload: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct ClaimV1 {
    owner: u128,
    epoch: u64,
}

/// Sets a timer, or sets it anew: a handler that has it now cannot settle it any more.
pub fn set(tx: &mut dyn Tx, timer: &Timer) -> TxResult<()> {
    if let Some(before) = read(tx, timer.kind, &timer.id)? {
        tx.delete(&due_key(timer.kind, before.due(), &timer.id))?;
    }
    let record = TimerV1 {
        due_micros: timer.due.as_micros(),
        attempts: 0,
        claim: None,
        payload: timer.payload.to_vec(),
    };
    write(tx, timer.kind, &timer.id, &record)
}

/// Takes a timer back; `false` when there was none. A handler that has it now cannot settle it any more.
pub fn cancel(tx: &mut dyn Tx, kind: &str, id: &str) -> TxResult<bool> {
    let Some(record) = read(tx, kind, id)? else { return Ok(false) };
    remove(tx, kind, id, &record)?;
    Ok(true)
}

/// One timer.
pub fn get(tx: &mut dyn Tx, kind: &str, id: &str) -> TxResult<Option<Waiting>> {
    Ok(read(tx, kind, id)?.map(|record| record.waiting(id)))
}

/// At most `limit` timers of a kind in the order of their ids, those that come after `after`.
pub fn waiting(tx: &mut dyn Tx, kind: &str, after: Option<&str>, limit: u32) -> TxResult<Vec<Waiting>> {
    let all = Key::of("system/timer").text(kind);
    let range = match after {
        Some(id) => all.children_after(&record_key(kind, id)),
        None => all.children(),
    };
    let mut found = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |key, value| {
        found.push((key.to_vec(), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    let waiting = |(key, value): (Vec<u8>, Bytes)| {
        let key = Key::from_bytes(&key);
        let mut parts = key.parts();
        let id = parts.text().and_then(|_| parts.text()).and_then(|_| parts.text());
        Ok(decode(&value)?.waiting(&id.ok_or_else(unreadable)?))
    };
    found.into_iter().map(waiting).collect()
}

/// When the next timer of a kind is due.
pub fn soonest(tx: &mut dyn Tx, kind: &str) -> TxResult<Option<Timestamp>> {
    let mut first = None;
    tx.scan(Key::of(DUE).text(kind).children(), Order::Ascending, 1, &mut |key, _| {
        first = Some(key.to_vec());
        ControlFlow::Break(())
    })?;
    Ok(first.and_then(|key| due_and_id(&key)).map(|(due, _)| due))
}

/// When the next timer of a kind is due that has no handler in this process: of at most `running` handlers.
pub(super) fn soonest_but(
    tx: &mut dyn Tx,
    kind: &str,
    working: &dyn Fn(&str) -> bool,
    running: u32,
) -> TxResult<Option<Timestamp>> {
    let mut first = None;
    tx.scan(Key::of(DUE).text(kind).children(), Order::Ascending, running + 1, &mut |key, _| {
        first = due_and_id(key).filter(|(_, id)| !working(id));
        if first.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(first.map(|(due, _)| due))
}

/// Claims at most `n` timers of a kind that are due. One that `working` names has a handler in this process still, of
/// at most `running`, and whose it is does not change: a claimed one is looked at again when a claim would end, one that
/// was set anew stays due until that handler has ended.
pub(super) fn claim(
    tx: &mut dyn Tx,
    kind: &'static str,
    owner: u128,
    lasts: Duration,
    n: u32,
    (working, running): (&dyn Fn(&str) -> bool, u32),
) -> TxResult<Vec<Fired>> {
    let of_kind = Key::of(DUE).text(kind);
    let behind = of_kind.clone().number(micros(tx.now()).saturating_add(1));
    let due = KeyRange { from: of_kind.children().from, to: behind.as_bytes().to_vec() };
    let mut fired = Vec::new();
    for (key, _) in tx.take(due, n.saturating_add(running))? {
        let (due, id) = due_and_id(key.as_bytes()).ok_or_else(unreadable)?;
        let record = read(tx, kind, &id)?.filter(|record| micros(record.due()) == micros(due));
        // An entry without its record is nobody's, and has just been taken out.
        let Some(mut record) = record else { continue };
        if working(&id) || fired.len() >= n as usize {
            if working(&id) && record.claim.is_some() {
                record.due_micros = tx.now().after(lasts).as_micros();
            }
            write(tx, kind, &id, &record)?;
            continue;
        }
        let lease = Lease {
            owner,
            until: tx.now().after(lasts),
            epoch: record.claim.as_ref().map_or(0, |claim| claim.epoch) + 1,
        };
        record.due_micros = lease.until.as_micros();
        record.attempts = record.attempts.saturating_add(1);
        record.claim = Some(ClaimV1 { owner, epoch: lease.epoch });
        write(tx, kind, &id, &record)?;
        let (attempts, payload) = (record.attempts, record.payload.into());
        fired.push(Fired { kind, id, attempts, payload, lease });
    }
    Ok(fired)
}

impl Fired {
    /// Whether the timer is still this handler's: not set anew, cancelled, or claimed by another since.
    pub fn is_mine(&self, tx: &mut dyn Tx) -> TxResult<bool> {
        Ok(self.claimed(tx)?.is_some())
    }

    /// It is done, and the timer goes. `false`, and nothing changes, when it is not this handler's any more.
    pub fn settle(&self, tx: &mut dyn Tx) -> TxResult<bool> {
        let Some(record) = self.claimed(tx)? else { return Ok(false) };
        remove(tx, self.kind, &self.id, &record)?;
        Ok(true)
    }

    /// It is to fire again at this time. `false`, and nothing changes, when it is not this handler's any more.
    pub fn again(&self, tx: &mut dyn Tx, due: Timestamp) -> TxResult<bool> {
        let Some(record) = self.claimed(tx)? else { return Ok(false) };
        tx.delete(&due_key(self.kind, record.due(), &self.id))?;
        let record = TimerV1 { due_micros: due.as_micros(), claim: None, ..record };
        write(tx, self.kind, &self.id, &record)?;
        Ok(true)
    }

    /// The claim lasts so long from now on, or longer if it did. `false` when it is not this handler's any more.
    pub(crate) fn renew(&self, tx: &mut dyn Tx, lasts: Duration) -> TxResult<bool> {
        let Some(mut record) = self.claimed(tx)? else { return Ok(false) };
        tx.delete(&due_key(self.kind, record.due(), &self.id))?;
        record.due_micros = record.due_micros.max(tx.now().after(lasts).as_micros());
        write(tx, self.kind, &self.id, &record)?;
        Ok(true)
    }

    /// The epoch of the claim, for what is written outside of the store: it rises with each claim of this timer.
    pub fn epoch(&self) -> u64 {
        self.lease.epoch
    }

    fn claimed(&self, tx: &mut dyn Tx) -> TxResult<Option<TimerV1>> {
        let record = read(tx, self.kind, &self.id)?;
        Ok(record.filter(|record| {
            let claim = record.claim.as_ref();
            claim.is_some_and(|claim| claim.owner == self.lease.owner && claim.epoch == self.lease.epoch)
        }))
    }
}

impl TimerV1 {
    fn due(&self) -> Timestamp {
        Timestamp::from_micros(self.due_micros)
    }

    fn waiting(self, id: &str) -> Waiting {
        Waiting {
            id: id.to_owned(),
            due: self.due(),
            attempts: self.attempts,
            claimed: self.claim.is_some(),
            payload: self.payload.into(),
        }
    }
}

fn read(tx: &mut dyn Tx, kind: &str, id: &str) -> TxResult<Option<TimerV1>> {
    tx.get(&record_key(kind, id))?.map(|record| decode(&record)).transpose()
}

fn decode(record: &[u8]) -> TxResult<TimerV1> {
    records::decode(VERSION_1, "a timer", record)
}

fn write(tx: &mut dyn Tx, kind: &str, id: &str, record: &TimerV1) -> TxResult<()> {
    tx.put(&record_key(kind, id), records::encode(VERSION_1, record)?)?;
    tx.put(&due_key(kind, record.due(), id), Bytes::new())
}

fn remove(tx: &mut dyn Tx, kind: &str, id: &str, record: &TimerV1) -> TxResult<()> {
    tx.delete(&due_key(kind, record.due(), id))?;
    tx.delete(&record_key(kind, id))
}

fn record_key(kind: &str, id: &str) -> Key {
    Key::of("system/timer").text(kind).text(id)
}

fn due_key(kind: &str, due: Timestamp, id: &str) -> Key {
    Key::of(DUE).text(kind).number(micros(due)).text(id)
}

/// A time before 1970 is due as much as 1970 is.
fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(0)
}

fn due_and_id(key: &[u8]) -> Option<(Timestamp, String)> {
    let key = Key::from_bytes(key);
    let mut parts = key.parts();
    parts.text().and_then(|_| parts.text())?;
    let due = Timestamp::from_micros(i64::try_from(parts.number()?).unwrap_or(i64::MAX));
    Some((due, parts.text()?))
}

fn unreadable() -> StoreError {
    StoreError::Engine("the key of a timer is damaged".into())
}
