//! Leases: one of several servers does a thing for a while, and whoever takes over is told apart from it.
//!
//! ```text
//!            acquire                  renew                until is over: acquire by anybody, epoch + 1
//!   free ──────────────▶ held, epoch 1 ─────▶ held, epoch 1 ─────────────────────────────▶ held, epoch 2
//!    ▲                        │ release                                                        │
//!    └────────────────────────┴────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything here runs inside a transaction, by its time. The epoch only rises: what is written outside of the store
//! carries it, so that a former holder that wakes up late is seen for what it is.
//! Never: two holders at one time of the domain clock; the same epoch twice for one key.

use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::key::Key;
use crate::records;
use crate::seam::{Tx, TxResult};

const VERSION_1: u8 = 1;

/// Who holds something, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whoever holds it: a number that nobody else has, from [`hearth_world::Random::bytes`].
    pub owner: u128,
    /// Until when, by the domain clock. At this time it is free again.
    pub until: Timestamp,
    /// Counts the holders of this key.
    pub epoch: u64,
}

#[derive(Serialize, Deserialize)]
struct LeaseV1 {
    owner: u128,
    until_micros: i64,
    epoch: u64,
}

impl Lease {
    /// The lease that follows this one, or that comes first; `None` while another owner holds it.
    pub fn next(last: Option<&Lease>, owner: u128, now: Timestamp, lasts: Duration) -> Option<Lease> {
        let until = now.after(lasts);
        match last {
            Some(last) if last.until > now && last.owner != owner => None,
            Some(last) if last.until > now => Some(Lease { until, ..*last }),
            last => Some(Lease { owner, until, epoch: last.map_or(0, |last| last.epoch) + 1 }),
        }
    }
}

/// Takes the lease of this key, or takes it anew; `None` while another owner holds it.
pub fn acquire(tx: &mut dyn Tx, key: &Key, owner: u128, lasts: Duration) -> TxResult<Option<Lease>> {
    let last = read(tx, key)?;
    let next = Lease::next(last.as_ref(), owner, tx.now(), lasts);
    if let Some(lease) = &next {
        write(tx, key, lease)?;
    }
    Ok(next)
}

/// Holds the lease longer; `None` when it was lost, even if nobody else has taken it yet.
pub fn renew(tx: &mut dyn Tx, key: &Key, held: &Lease, lasts: Duration) -> TxResult<Option<Lease>> {
    if !is_held(tx, key, held)? {
        return Ok(None);
    }
    let lease = Lease { until: tx.now().after(lasts), ..*held };
    write(tx, key, &lease)?;
    Ok(Some(lease))
}

/// Whether this lease is still the one that counts. Asked in the transaction that acts on it.
pub fn is_held(tx: &mut dyn Tx, key: &Key, held: &Lease) -> TxResult<bool> {
    let now = tx.now();
    let current = read(tx, key)?;
    Ok(current.is_some_and(|it| it.owner == held.owner && it.epoch == held.epoch && it.until > now))
}

/// Gives the lease back before its time; nothing happens when it was lost. The epoch stays on record.
pub fn release(tx: &mut dyn Tx, key: &Key, held: &Lease) -> TxResult<()> {
    if is_held(tx, key, held)? {
        let over = Lease { until: tx.now(), ..*held };
        write(tx, key, &over)?;
    }
    Ok(())
}

/// Forgets a key whose thing does not exist any more.
pub fn forget(tx: &mut dyn Tx, key: &Key) -> TxResult<()> {
    tx.delete(key)
}

fn read(tx: &mut dyn Tx, key: &Key) -> TxResult<Option<Lease>> {
    let Some(record) = tx.get(key)? else { return Ok(None) };
    let LeaseV1 { owner, until_micros, epoch } = records::decode(VERSION_1, "a lease", &record)?;
    Ok(Some(Lease { owner, until: Timestamp::from_micros(until_micros), epoch }))
}

fn write(tx: &mut dyn Tx, key: &Key, lease: &Lease) -> TxResult<()> {
    let Lease { owner, until, epoch } = *lease;
    tx.put(key, records::encode(VERSION_1, &LeaseV1 { owner, until_micros: until.as_micros(), epoch })?)
}

#[cfg(test)]
mod tests {
    use hearth_world::World;

    use super::*;
    use crate::seam::{StoreError, transact};
    use crate::{Faults, SimulatedStore};

    const LASTS: Duration = Duration::from_secs(10);

    fn key() -> Key {
        Key::of("test/lease").text("mapping")
    }

    async fn acquired(store: &SimulatedStore, owner: u128) -> Option<Lease> {
        transact::<_, StoreError, _>(store, move |tx| acquire(tx, &key(), owner, LASTS)).await.unwrap()
    }

    #[tokio::test]
    async fn a_lease_has_one_holder_until_its_time_is_over_and_each_holder_has_an_epoch() {
        let world = World::simulated(7);
        let store = SimulatedStore::new(&world, Faults::default());
        let first = acquired(&store, 1).await.expect("it was free");
        assert_eq!((first.epoch, acquired(&store, 2).await), (1, None));
        world.domain().advance(Duration::from_secs(9));
        let renewed =
            transact::<_, StoreError, _>(&store, move |tx| renew(tx, &key(), &first, LASTS)).await.unwrap();
        world.domain().advance(Duration::from_secs(9));
        assert_eq!(acquired(&store, 2).await, None, "it was renewed: {renewed:?}");
        world.domain().advance(Duration::from_secs(1));
        let second = acquired(&store, 2).await.expect("its time is over");
        assert_eq!(second.epoch, 2);
        let late =
            transact::<_, StoreError, _>(&store, move |tx| renew(tx, &key(), &first, LASTS)).await.unwrap();
        assert_eq!(late, None, "who lost it cannot renew it");
        transact::<_, StoreError, _>(&store, move |tx| release(tx, &key(), &first)).await.unwrap();
        assert_eq!(acquired(&store, 3).await, None, "nor give it back");
        transact::<_, StoreError, _>(&store, move |tx| release(tx, &key(), &second)).await.unwrap();
        assert_eq!(acquired(&store, 3).await.map(|lease| lease.epoch), Some(3));
    }
}
