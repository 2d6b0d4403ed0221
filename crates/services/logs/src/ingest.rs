//! What functions write, into the store: many batches a transaction, at once when it was quiet.
//!
//! ```text
//! offer ─▶ bounded queue ─▶ writer: all that waits ─▶ one transaction ─▶ a pause, unless much waits ─▶ the next
//! ```
//!
//! A group or stream that is not there is made. Loss-tolerant, and says so: what waits when the process is killed is
//! lost, which is what came during the last commit and the pause after it.
//! Never: makes a function wait; holds more than its limits; loses events without a line that counts them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hearth_store::{StoreError, transact};
use hearth_world::{Stop, TaskGroup, TaskKind, Timestamp};
use tokio::sync::{Notify, mpsc};
use tracing::{info_span, warn};

use crate::Logs;
use crate::batches::{self, Event, Packed};
use crate::error::LogsError;
use crate::groups::{self, Group};
use crate::keys::Owner;
use crate::streams::{self, Stream};

/// Batches that wait.
const WAITING_MAX: usize = 8_192;

/// Messages that wait: 64 MB.
const WAITING_BYTES_MAX: usize = 64 * 1_048_576;

/// Batches of one transaction.
const WRITTEN_MAX: usize = 2_048;

/// Messages of one transaction: 4 MB.
const WRITTEN_BYTES_MAX: usize = 4 * 1_048_576;

/// From the begin of one transaction to that of the next, unless a whole one waits: a busy function calls for a commit
/// with each of its invocations, and took more of the CPU by that than by all the rest.
const EVERY: Duration = Duration::from_millis(100);

/// How often a transaction that failed is tried again before its events are given up.
const ATTEMPTS: u32 = 5;

/// How long after a failed transaction the next one is tried.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Events of one stream in their order, not by way of PutLogEvents.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Owner.
    pub account: String,
    /// Where.
    pub region: String,
    /// The group's name.
    pub group: String,
    /// The stream's name.
    pub stream: String,
    /// Times and messages.
    pub events: Vec<(Timestamp, String)>,
}

impl Batch {
    fn bytes(&self) -> usize {
        self.events.iter().map(|(_, message)| message.len() + crate::read::EVENT_BYTES).sum()
    }
}

/// The way into the writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Batch>,
    waiting_bytes: Arc<AtomicUsize>,
    /// A whole transaction's worth waits.
    full: Arc<Notify>,
    lost: Arc<AtomicU64>,
}

impl Ingest {
    fn shared(&self) -> Shared {
        let Self { waiting_bytes, full, lost, .. } = self.clone();
        Shared { waiting_bytes, full, lost }
    }

    /// Takes a batch, or drops it when too much waits: a line in the program's own log then counts the events.
    pub fn offer(&self, batch: Batch) {
        let (bytes, events) = (batch.bytes(), batch.events.len() as u64);
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes > WAITING_BYTES_MAX || self.queue.try_send(batch).is_err() {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.lost.fetch_add(events, Ordering::Relaxed);
        }
        if waiting + bytes >= WRITTEN_BYTES_MAX || self.queue.capacity() <= WAITING_MAX - WRITTEN_MAX {
            self.full.notify_one();
        }
    }
}

/// Starts the writer. When the group is told to stop, what waits is written, and then it ends.
pub(crate) fn start(logs: &Arc<Logs>, tasks: &TaskGroup) -> Ingest {
    let (queue, mut waiting) = mpsc::channel(WAITING_MAX);
    let ingest = Ingest { queue, waiting_bytes: Arc::default(), full: Arc::default(), lost: Arc::default() };
    let (logs, shared) = (logs.clone(), ingest.shared());
    tasks.spawn(TaskKind::Service, info_span!("function logs"), move |stop| async move {
        let clock = logs.world.physical();
        while let Some(written) = next(&mut waiting, &stop).await {
            let began = clock.now();
            shared.write(&logs, written).await;
            let pause = clock.sleep_until(began.after(EVERY));
            // A permit of `full` that is older than what waits costs one small transaction.
            stop.or(async {
                tokio::select! { () = pause => {}, () = shared.full.notified() => {} }
            })
            .await;
        }
    });
    ingest
}

/// All that waits, up to one transaction's worth, as soon as something does; after the stop, what still waits.
async fn next(waiting: &mut mpsc::Receiver<Batch>, stop: &Stop) -> Option<Vec<Batch>> {
    let first = match stop.or(waiting.recv()).await {
        Some(first) => first?,
        None => waiting.try_recv().ok()?,
    };
    let mut bytes = first.bytes();
    let mut written = vec![first];
    while written.len() < WRITTEN_MAX && bytes < WRITTEN_BYTES_MAX {
        let Ok(batch) = waiting.try_recv() else { break };
        bytes += batch.bytes();
        written.push(batch);
    }
    Some(written)
}

/// What the writer shares with those who offer, without a way into the queue: that ends when they are gone.
struct Shared {
    waiting_bytes: Arc<AtomicUsize>,
    full: Arc<Notify>,
    lost: Arc<AtomicU64>,
}

impl Shared {
    /// Writes them and counts them as gone.
    async fn write(&self, logs: &Arc<Logs>, written: Vec<Batch>) {
        let bytes = written.iter().map(Batch::bytes).sum();
        let events: u64 = written.iter().map(|batch| batch.events.len() as u64).sum();
        if let Err(error) = write(logs, written).await {
            warn!(%error, events, "what functions wrote is lost: the store does not take it");
        }
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            warn!(events = lost, "what functions wrote is lost: it came faster than it could be kept");
        }
    }
}

/// The events of one stream, ready to be written.
#[derive(Clone)]
struct Ready {
    owner: Owner,
    group: Group,
    stream: Stream,
    batches: Vec<Packed>,
}

async fn write(logs: &Arc<Logs>, written: Vec<Batch>) -> Result<(), LogsError> {
    let now = logs.now();
    let mut streams: HashMap<(Owner, String, String), Vec<Event>> = HashMap::new();
    let mut order = Vec::new();
    for batch in written {
        let owner = Owner { account: batch.account, region: batch.region };
        let key = (owner, batch.group, batch.stream);
        let events = streams.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Vec::new()
        });
        events.extend(
            batch
                .events
                .into_iter()
                .map(|(time, message)| Event { time: u64::try_from(time.as_millis()).unwrap_or(0), message }),
        );
    }
    let mut ready = Vec::new();
    for key in order {
        let Some(mut events) = streams.remove(&key) else { continue };
        // AWS takes no event without text.
        events.retain(|event| !event.message.is_empty());
        events.sort_by_key(|event| event.time);
        let (owner, group, stream) = key;
        ready.push(Ready {
            owner,
            group: Group::new(logs.number(), &group, now),
            stream: Stream::new(logs.number(), &stream, now),
            batches: batches::pack(&events)?,
        });
    }
    for attempt in 1.. {
        let ready = ready.clone();
        let done = transact(&*logs.store, move |tx| -> Result<(), LogsError> {
            for Ready { owner, group, stream, batches } in &ready {
                let group = match groups::find(tx, owner, &group.name)? {
                    Some(known) => known,
                    None => {
                        groups::insert(tx, owner, group)?;
                        group.clone()
                    }
                };
                let stream = match streams::find(tx, owner, group.number, &stream.name)? {
                    Some(known) => known,
                    None => {
                        streams::insert(tx, owner, group.number, stream)?;
                        stream.clone()
                    }
                };
                streams::append(tx, owner, &group, stream, batches, now)?;
            }
            Ok(())
        });
        match done.await {
            Err(LogsError::Store(StoreError::Engine(_) | StoreError::Uncertain(_))) if attempt < ATTEMPTS => {
                logs.world.physical().sleep(AFTER_FAILURE).await;
            }
            done => return done,
        }
    }
    Ok(())
}
