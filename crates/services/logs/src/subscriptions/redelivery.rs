//! What a function failed with: called again twice, as Lambda does.
//!
//! Never: more than three calls with the same events, or one after a day without room.

use std::sync::Arc;
use std::time::Duration;

use hearth_store::timers::{self, Fate, Fired, Timer};
use hearth_store::{Stored, Tx, transact, transact_read};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::calls::{Outcome, call};
use super::delivery::{GIVEN_UP_AFTER, events_of, no_room_wait};
use super::outbox::parse;
use super::parcel;
use crate::Logs;
use crate::batches::Entry;
use crate::error::LogsError;
use crate::read::Found;

/// The timer of batches that a function failed with.
pub(super) const REDELIVER: &str = "logs/redeliver";

/// How long after a failure the function is called again: Lambda's waits for asynchronous calls.
pub(super) const AFTER_FAILURES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// Batches that a function failed with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Redelivery {
    /// Stream, first event, batch, and what the indexes say.
    places: Vec<(u64, u64, u64, Entry)>,
    failures: u32,
    refusals: u32,
    /// Milliseconds since 1970.
    since: u64,
}

impl Stored for Redelivery {}

impl Redelivery {
    pub(super) fn after_failure(batches: &[Found], now: u64) -> Self {
        let place = |found: &Found| (found.stream, found.first, found.batch, found.entry.clone());
        Self { places: batches.iter().map(place).collect(), failures: 1, refusals: 0, since: now }
    }

    fn batches(&self) -> Vec<Found> {
        let found = |(stream, first, batch, entry): &(u64, u64, u64, Entry)| Found {
            stream: *stream,
            first: *first,
            batch: *batch,
            entry: entry.clone(),
        };
        self.places.iter().map(found).collect()
    }

    /// How long until it is tried again, if it is.
    fn next(&mut self, outcome: &Outcome, now: u64) -> Option<Duration> {
        match outcome {
            Outcome::Delivered | Outcome::NotThere(_) => None,
            Outcome::Failed => {
                self.failures += 1;
                AFTER_FAILURES.get(self.failures as usize - 1).copied()
            }
            Outcome::NoRoom(_) => {
                self.refusals += 1;
                let is_young = now.saturating_sub(self.since) < GIVEN_UP_AFTER.as_millis() as u64;
                is_young.then(|| no_room_wait(self.refusals))
            }
        }
    }
}

pub(super) async fn redeliver(logs: Arc<Logs>, fired: Fired) -> Fate {
    match try_again(&logs, fired).await {
        Ok(()) => Fate::Done,
        Err(error) => Fate::Failed(error.to_string()),
    }
}

async fn try_again(logs: &Logs, fired: Fired) -> Result<(), LogsError> {
    let Some((owner, group, number)) = parse(&fired.id) else { return Ok(()) };
    let mut again = Redelivery::decode(&fired.payload)?;
    let of = owner.clone();
    let filters = transact_read(&*logs.store, move |tx: &mut dyn Tx| super::of(tx, &of, group)).await?;
    let Some(filter) = filters.0.into_iter().find(|known| known.number == number) else {
        info!(events = events_of(&again.batches()), "subscription filter: deleted with what waited for it");
        return Ok(());
    };
    let parcel = parcel::of(logs, &owner, group, &filter, again.batches()).await?;
    if !parcel.damaged.is_empty() {
        warn!(batches = parcel.damaged.len(), filter = filter.name, "subscription filter: damaged, left out");
    }
    let Some(payload) = parcel.payload else { return Ok(()) };
    let outcome = call(logs, &owner, &filter, payload).await;
    let Some(wait) = again.next(&outcome, logs.now()) else {
        if outcome != Outcome::Delivered {
            warn!(
                ?outcome,
                events = parcel.events,
                filter = filter.name,
                "subscription filter: not delivered"
            );
        }
        return Ok(());
    };
    let payload = again.encode()?;
    transact(&*logs.store, move |tx| -> Result<(), LogsError> {
        if fired.is_mine(tx)? {
            let (id, due) = (fired.id.clone(), tx.now().after(wait));
            timers::set(tx, &Timer { kind: REDELIVER, id, due, payload: payload.clone() })?;
        }
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::super::delivery::NO_ROOM_MAX;
    use super::*;

    #[test]
    fn a_function_that_fails_is_called_twice_more_and_one_without_room_for_a_day() {
        let mut again = Redelivery::after_failure(&[], 0);
        let day = GIVEN_UP_AFTER.as_millis() as u64;
        let no_room = Outcome::NoRoom(String::new());
        assert_eq!(again.next(&no_room, 1), Some(Duration::from_secs(1)));
        assert_eq!(again.next(&no_room, 1), Some(Duration::from_secs(2)));
        assert_eq!(again.next(&Outcome::Failed, 1), Some(Duration::from_secs(120)));
        assert_eq!(again.next(&Outcome::Failed, 1), None, "three calls in all");
        assert_eq!(again.next(&no_room, day), None);
        assert_eq!(again.next(&Outcome::NotThere(String::new()), 1), None);
        assert_eq!(no_room_wait(u32::MAX), NO_ROOM_MAX);
    }
}
