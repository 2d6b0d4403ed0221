//! Delivers what is in the outboxes.
//!
//! ```text
//! delivered, or nothing matches ─▶ leaves the outbox
//! the function failed           ─▶ leaves it for a timer of its own: twice more, after 1 and 2 minutes, as Lambda does
//! no room, not ready            ─▶ stays; the next try after a wait that doubles; given up after 24 hours
//! not there, not allowed        ─▶ given up, and all that comes within the pause with it, as CloudWatch Logs does
//! ```
//!
//! Never: more than its limit of calls for one filter at once; parcels of one stream at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hearth_store::timers::{self, Fate, Fired, Timer, Timers};
use hearth_store::{Key, Stored, Tx, transact, transact_read};
use hearth_world::TaskGroup;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::calls::{Outcome, call};
use super::outbox::{self, DELIVER, PAUSED, parse};
use super::{Subscription, keys_below, parcel};
use crate::Logs;
use crate::batches::Entry;
use crate::error::LogsError;
use crate::keys::Owner;
use crate::read::Found;

/// What a function failed with.
const REDELIVER: &str = "logs/redeliver";

/// Places of an outbox that are looked at together.
const PAGE: u32 = 256;

/// Batches of one parcel: so many places fit into the payload of a timer.
const PARCEL_BATCHES_MAX: usize = 64;

/// Calls of one filter's function at once.
const CALLS_MAX: usize = 8;

/// Pages that one handler works off before others have its place.
const ROUNDS_MAX: u32 = 100;

/// How long nothing is delivered to a function that is not there. CloudWatch Logs: up to 10 minutes.
const PAUSE: Duration = Duration::from_secs(60);

/// How long a function that cannot be called is tried: CloudWatch Logs' figure.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// How long after a failure the function is called again: Lambda's waits for asynchronous calls.
const AFTER_FAILURES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// The first wait for a function without room; it doubles each time.
const NO_ROOM_FIRST: Duration = Duration::from_secs(1);

/// The longest wait for a function without room: Lambda's for asynchronous calls.
const NO_ROOM_MAX: Duration = Duration::from_secs(300);

/// Batches that a function failed with.
#[derive(Debug, Serialize, Deserialize)]
struct Redelivery {
    /// Stream, first event, batch, and what the indexes say.
    places: Vec<(u64, u64, u64, Entry)>,
    failures: u32,
    refusals: u32,
    /// Milliseconds since 1970.
    since: u64,
}

impl Stored for Redelivery {}

/// Batches of one stream, with their keys in the outbox.
struct Waiting {
    keys: Vec<Key>,
    batches: Vec<Found>,
}

/// A parcel that was sent.
struct Sent {
    keys: Vec<Key>,
    batches: Vec<Found>,
    events: usize,
    outcome: Outcome,
}

/// What is in an outbox.
enum Look {
    /// Nothing, or it is no longer this handler's to look.
    Over,
    /// There may be more; so many batches were taken out of it, which are not to be delivered, and why.
    Dropped(&'static str, usize),
    Page(Subscription, Vec<Waiting>),
}

/// Starts what delivers, until the group stops.
pub(crate) fn keep_up(logs: &Arc<Logs>, tasks: &TaskGroup) {
    let (delivering, again) = (logs.clone(), logs.clone());
    // Apart from what frees the disk: a slow function keeps a handler's place for as long as it runs.
    Timers::new(logs.store.clone(), logs.world.clone())
        .on(DELIVER, move |fired| deliver(delivering.clone(), fired))
        .on(REDELIVER, move |fired| redeliver(again.clone(), fired))
        .spawn(tasks);
}

async fn deliver(logs: Arc<Logs>, fired: Fired) -> Fate {
    let Some((owner, group, filter)) = parse(&fired.id) else { return Fate::Done };
    for _ in 0..ROUNDS_MAX {
        let looked = match look(&logs, &owner, (group, filter), &fired).await {
            Ok(looked) => looked,
            Err(error) => return Fate::Failed(error.to_string()),
        };
        let (filter, waiting) = match looked {
            Look::Over => return Fate::Done,
            Look::Dropped(why, batches) => {
                warn!(why, batches, "subscription filter: not delivered");
                continue;
            }
            Look::Page(filter, waiting) => (filter, waiting),
        };
        let parcels = stream::iter(waiting).map(|waiting| send(&logs, &owner, group, &filter, waiting));
        let sent: Vec<_> = parcels.buffer_unordered(CALLS_MAX).collect().await;
        let sent: Result<Vec<Sent>, LogsError> = sent.into_iter().collect();
        match settle(&logs, &owner, (group, &filter), &fired, sent).await {
            Ok(None) => {}
            Ok(Some(fate)) => return fate,
            Err(error) => return Fate::Failed(error.to_string()),
        }
    }
    Fate::Again(Duration::ZERO)
}

/// What is to be delivered next. A filter that is gone, or was paused, has its outbox emptied.
async fn look(
    logs: &Logs,
    owner: &Owner,
    (group, filter): (u64, u64),
    fired: &Fired,
) -> Result<Look, LogsError> {
    let (owner, fired) = (owner.clone(), fired.clone());
    let is_paused = fired.payload.as_ref() == PAUSED;
    let too_old = logs.now().saturating_sub(GIVEN_UP_AFTER.as_millis() as u64);
    transact(&*logs.store, move |tx| -> Result<Look, LogsError> {
        if !fired.is_mine(tx)? {
            return Ok(Look::Over);
        }
        let filters = super::of(tx, &owner, group)?.0;
        let found = filters.into_iter().find(|known| known.number == filter);
        let why = if found.is_some() { "the function is not there" } else { "the filter was deleted" };
        let Some(found) = found.filter(|_| !is_paused) else {
            let keys = keys_below(tx, &owner.outbox(group, filter), PAGE)?;
            if keys.is_empty() {
                fired.settle(tx)?;
                return Ok(Look::Over);
            }
            return drop_all(tx, &keys, why);
        };
        let page = outbox::page(tx, &owner, group, filter, PAGE)?;
        let old = page.iter().filter(|(_, place)| place.entry.ingested < too_old);
        let old: Vec<Key> = old.map(|(key, _)| key.clone()).collect();
        if !old.is_empty() {
            return drop_all(tx, &old, "the function had no room for a day");
        }
        if page.is_empty() {
            fired.settle(tx)?;
            return Ok(Look::Over);
        }
        Ok(Look::Page(found, by_stream(page)))
    })
    .await
}

fn drop_all(tx: &mut dyn Tx, keys: &[Key], why: &'static str) -> Result<Look, LogsError> {
    keys.iter().try_for_each(|key| tx.delete(key))?;
    Ok(Look::Dropped(why, keys.len()))
}

fn by_stream(page: Vec<(Key, Found)>) -> Vec<Waiting> {
    let mut streams: BTreeMap<u64, Waiting> = BTreeMap::new();
    for (key, found) in page {
        let empty = || Waiting { keys: Vec::new(), batches: Vec::new() };
        let waiting = streams.entry(found.stream).or_insert_with(empty);
        if waiting.keys.len() < PARCEL_BATCHES_MAX {
            waiting.keys.push(key);
            waiting.batches.push(found);
        }
    }
    streams.into_values().collect()
}

async fn send(
    logs: &Logs,
    owner: &Owner,
    group: u64,
    filter: &Subscription,
    waiting: Waiting,
) -> Result<Sent, LogsError> {
    let Waiting { mut keys, mut batches } = waiting;
    let parcel = pack(logs, owner, group, filter, batches.clone()).await?;
    keys.truncate(parcel.batches);
    batches.truncate(parcel.batches);
    let outcome = match parcel.payload {
        Some(payload) => call(logs, owner, filter, payload).await,
        None => Outcome::Delivered,
    };
    Ok(Sent { keys, batches, events: parcel.events, outcome })
}

async fn pack(
    logs: &Logs,
    owner: &Owner,
    group: u64,
    filter: &Subscription,
    batches: Vec<Found>,
) -> Result<parcel::Parcel, LogsError> {
    let (owner, filter) = (owner.clone(), filter.clone());
    transact_read(&*logs.store, move |tx: &mut dyn Tx| parcel::pack(tx, &owner, group, &filter, &batches))
        .await
}

/// Writes what became of the parcels, and says what becomes of the timer, if it is not to go on.
async fn settle(
    logs: &Logs,
    owner: &Owner,
    (group, filter): (u64, &Subscription),
    fired: &Fired,
    sent: Result<Vec<Sent>, LogsError>,
) -> Result<Option<Fate>, LogsError> {
    let (mut gone, mut failed, mut no_room, mut not_there) = (Vec::new(), Vec::new(), None, None);
    for Sent { keys, batches, events, outcome } in sent? {
        match outcome {
            Outcome::Delivered => gone.extend(keys),
            Outcome::Failed => {
                gone.extend(keys);
                failed.push((logs.number(), batches));
            }
            Outcome::NoRoom(why) => no_room = Some(why),
            Outcome::NotThere(why) => {
                gone.extend(keys);
                warn!(why, events, filter = filter.name, "subscription filter: not delivered");
                not_there = Some(());
            }
        }
    }
    let (owner, claim, now, number) = (owner.clone(), fired.clone(), logs.now(), filter.number);
    transact(&*logs.store, move |tx| -> Result<(), LogsError> {
        // Also when the filter was changed meanwhile: what was delivered is.
        gone.iter().try_for_each(|key| tx.delete(key))?;
        let id = outbox::id(&owner, group, number);
        for (parcel, batches) in &failed {
            let again = Redelivery::after_failure(batches, now);
            let due = tx.now().after(AFTER_FAILURES[0]);
            let timer =
                Timer { kind: REDELIVER, id: format!("{id} {parcel}"), due, payload: again.encode()? };
            timers::set(tx, &timer)?;
        }
        if not_there.is_some() && claim.is_mine(tx)? {
            let due = tx.now().after(PAUSE);
            let payload = Bytes::from_static(PAUSED);
            timers::set(tx, &Timer { kind: DELIVER, id, due, payload })?;
        }
        Ok(())
    })
    .await?;
    Ok(match (not_there, no_room) {
        (Some(()), _) => Some(Fate::Done),
        (None, Some(_)) => Some(Fate::Again(no_room_wait(fired.attempts))),
        (None, None) => None,
    })
}

/// Doubles with each attempt.
fn no_room_wait(attempts: u32) -> Duration {
    NO_ROOM_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(NO_ROOM_MAX)
}

impl Redelivery {
    fn after_failure(batches: &[Found], now: u64) -> Self {
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

async fn redeliver(logs: Arc<Logs>, fired: Fired) -> Fate {
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
    let Some(filter) = filters.0.into_iter().find(|known| known.number == number) else { return Ok(()) };
    let parcel = pack(logs, &owner, group, &filter, again.batches()).await?;
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
