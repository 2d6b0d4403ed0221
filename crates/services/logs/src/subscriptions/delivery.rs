//! Delivers what is in the outboxes.
//!
//! ```text
//! delivered, or nothing matches ─▶ leaves the outbox
//! the function failed           ─▶ leaves it for a timer of its own: twice more, after 1 and 2 minutes, as Lambda does
//! no room, not ready            ─▶ stays; the next try after a wait that doubles; older than 24 hours: given up
//! damaged                       ─▶ given up, and what is beside it goes on
//! not there, not allowed        ─▶ given up, and all that comes within the pause with it, as CloudWatch Logs does
//! ```
//!
//! Never: more than its limit of calls for one filter at once; parcels of one stream at once; gives up for its age what
//! was not tried (nobody tries while no server runs).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hearth_store::timers::{self, Fate, Fired, Timer, Timers};
use hearth_store::{Key, Stored as _, transact};
use hearth_world::TaskGroup;
use tracing::{info, warn};

use super::calls::{Outcome, call};
use super::outbox::{self, DELIVER, PAUSED, parse};
use super::redelivery::{AFTER_FAILURES, REDELIVER, Redelivery, redeliver};
use super::{Subscription, parcel};
use crate::Logs;
use crate::error::LogsError;
use crate::keys::Owner;
use crate::read::Found;

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
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// The first wait for a function without room; it doubles each time.
const NO_ROOM_FIRST: Duration = Duration::from_secs(1);

/// The longest wait for a function without room: Lambda's for asynchronous calls.
pub(super) const NO_ROOM_MAX: Duration = Duration::from_secs(300);

/// Batches of one stream, with their keys in the outbox.
struct Waiting {
    keys: Vec<Key>,
    batches: Vec<Found>,
}

/// A parcel that was sent.
struct Sent {
    keys: Vec<Key>,
    batches: Vec<Found>,
    /// What of the stream was left out, for ever.
    damaged: Vec<(Key, Found)>,
    /// How many events were in it.
    events: usize,
    outcome: Outcome,
}

/// What is in an outbox.
enum Look {
    /// Nothing, or it is no longer this handler's to look.
    Over,
    /// There may be more; what was taken out of it is not to be delivered, and why.
    Dropped(Why, Vec<Found>),
    /// The same of so many places that do not say what they are.
    Damaged(usize),
    Page(Subscription, Vec<Waiting>),
}

/// Why events are not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    FilterDeleted,
    NotThere,
    Damaged,
    NoRoom,
}

impl Why {
    fn text(self) -> &'static str {
        match self {
            Self::FilterDeleted => "the filter was deleted",
            Self::NotThere => "the function is not there",
            Self::Damaged => "their batches are damaged",
            Self::NoRoom => "the function had no room for a day",
        }
    }

    /// Says it, with the number of events that came, whether or not the pattern takes them.
    fn tell(self, batches: &[Found]) {
        let (why, events, batches) = (self.text(), events_of(batches), batches.len());
        match self {
            // Its owner did that.
            Self::FilterDeleted => info!(why, events, batches, "subscription filter: not delivered"),
            Self::NotThere | Self::Damaged | Self::NoRoom => {
                warn!(why, events, batches, "subscription filter: not delivered");
            }
        }
    }
}

/// How many events came in some batches.
pub(super) fn events_of(batches: &[Found]) -> u64 {
    batches.iter().map(|found| u64::from(found.entry.events)).sum()
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
                why.tell(&batches);
                continue;
            }
            Look::Damaged(places) => {
                warn!(places, "subscription filter: not delivered, the record of what came is damaged");
                continue;
            }
            Look::Page(filter, waiting) => (filter, waiting),
        };
        let parcels = stream::iter(waiting).map(|waiting| send(&logs, &owner, group, &filter, waiting));
        let sent: Vec<_> = parcels.buffer_unordered(CALLS_MAX).collect().await;
        let (mut done, mut failed) = (Vec::new(), None);
        for sent in sent {
            match sent {
                Ok(sent) => done.push(sent),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        // First: what was delivered is not delivered again because another parcel could not be made.
        let settled = settle(&logs, &owner, (group, &filter), &fired, done).await;
        match (settled, failed) {
            (Err(error), _) | (Ok(None), Some(error)) => return Fate::Failed(error.to_string()),
            (Ok(Some(fate)), _) => return fate,
            (Ok(None), None) => {}
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
    transact(&*logs.store, move |tx| -> Result<Look, LogsError> {
        if !fired.is_mine(tx)? {
            return Ok(Look::Over);
        }
        let filters = super::of(tx, &owner, group)?.0;
        let found = filters.into_iter().find(|known| known.number == filter);
        let why = if found.is_some() { Why::NotThere } else { Why::FilterDeleted };
        let outbox::Page { places, damaged } = outbox::page(tx, &owner, group, filter, PAGE)?;
        if places.is_empty() && damaged.is_empty() {
            fired.settle(tx)?;
            return Ok(Look::Over);
        }
        if !damaged.is_empty() {
            damaged.iter().try_for_each(|key| tx.delete(key))?;
            return Ok(Look::Damaged(damaged.len()));
        }
        let Some(found) = found.filter(|_| !is_paused) else {
            places.iter().try_for_each(|(key, _)| tx.delete(key))?;
            return Ok(Look::Dropped(why, places.into_iter().map(|(_, found)| found).collect()));
        };
        Ok(Look::Page(found, by_stream(places)))
    })
    .await
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
    let parcel = parcel::of(logs, owner, group, filter, waiting.batches.clone()).await?;
    let (mut keys, mut batches, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
    let taken = waiting.keys.into_iter().zip(waiting.batches).take(parcel.batches).enumerate();
    for (number, (key, found)) in taken {
        if parcel.damaged.contains(&number) {
            damaged.push((key, found));
        } else {
            keys.push(key);
            batches.push(found);
        }
    }
    let outcome = match parcel.payload {
        Some(payload) => call(logs, owner, filter, payload).await,
        None => Outcome::Delivered,
    };
    Ok(Sent { keys, batches, damaged, events: parcel.events, outcome })
}

/// What becomes of parcels.
#[derive(Default)]
struct Verdict {
    /// Out of the outbox.
    gone: Vec<Key>,
    /// For another try, under these numbers.
    failed: Vec<(u64, Vec<Found>)>,
    damaged: Vec<Found>,
    too_old: Vec<Found>,
    has_no_room: bool,
    is_not_there: bool,
}

impl Verdict {
    fn add(&mut self, logs: &Logs, filter: &Subscription, sent: Sent) {
        let Sent { keys, batches, damaged, events, outcome } = sent;
        for (key, found) in damaged {
            self.gone.push(key);
            self.damaged.push(found);
        }
        match outcome {
            Outcome::Delivered => self.gone.extend(keys),
            Outcome::Failed => {
                self.gone.extend(keys);
                self.failed.push((logs.number(), batches));
            }
            Outcome::NoRoom(_) => {
                self.has_no_room = true;
                let since = logs.now().saturating_sub(GIVEN_UP_AFTER.as_millis() as u64);
                let old = keys.into_iter().zip(batches).filter(|(_, found)| found.entry.ingested < since);
                for (key, found) in old {
                    self.gone.push(key);
                    self.too_old.push(found);
                }
            }
            Outcome::NotThere(why) => {
                self.gone.extend(keys);
                warn!(why, events, filter = filter.name, "subscription filter: not delivered");
                self.is_not_there = true;
            }
        }
    }
}

/// Writes what became of the parcels, and says what becomes of the timer, if it is not to go on.
async fn settle(
    logs: &Logs,
    owner: &Owner,
    (group, filter): (u64, &Subscription),
    fired: &Fired,
    sent: Vec<Sent>,
) -> Result<Option<Fate>, LogsError> {
    let mut verdict = Verdict::default();
    sent.into_iter().for_each(|sent| verdict.add(logs, filter, sent));
    let Verdict { gone, failed, damaged, too_old, has_no_room, is_not_there } = verdict;
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
        if is_not_there && claim.is_mine(tx)? {
            let due = tx.now().after(PAUSE);
            let payload = Bytes::from_static(PAUSED);
            timers::set(tx, &Timer { kind: DELIVER, id, due, payload })?;
        }
        Ok(())
    })
    .await?;
    for (why, batches) in [(Why::Damaged, damaged), (Why::NoRoom, too_old)] {
        if !batches.is_empty() {
            why.tell(&batches);
        }
    }
    Ok(match (is_not_there, has_no_room) {
        (true, _) => Some(Fate::Done),
        (false, true) => Some(Fate::Again(no_room_wait(fired.attempts))),
        (false, false) => None,
    })
}

/// Doubles with each attempt.
pub(super) fn no_room_wait(attempts: u32) -> Duration {
    NO_ROOM_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(NO_ROOM_MAX)
}
