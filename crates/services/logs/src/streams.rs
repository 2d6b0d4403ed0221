//! Log streams as they are kept. Everything here runs inside a transaction.

use std::ops::ControlFlow;

use hearth_store::{Key, KeyRange, Order, Stored, Tx};
use serde::{Deserialize, Serialize};

use crate::batches::{Entry, Packed};
use crate::error::LogsError;
use crate::expiry;
use crate::groups::{Group, nothing};
use crate::keys::Owner;
use crate::subscriptions::Outboxes;

/// A stream. Times are milliseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Its number, of no other stream that is or was in the group.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) created: u64,
    pub(crate) first_event: Option<u64>,
    pub(crate) last_event: Option<u64>,
    pub(crate) last_ingestion: Option<u64>,
    /// The number of the next batch.
    pub(crate) next_batch: u64,
}

impl Stored for Stream {}

impl Stream {
    pub(crate) fn new(number: u64, name: &str, created: u64) -> Self {
        Self {
            number,
            name: name.to_owned(),
            created,
            first_event: None,
            last_event: None,
            last_ingestion: None,
            next_batch: 1,
        }
    }

    fn by_last(&self, owner: &Owner, group: u64) -> Key {
        owner.stream_by_last(group, self.last_event.unwrap_or(0), &self.name)
    }
}

pub(crate) fn find(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    name: &str,
) -> Result<Option<Stream>, LogsError> {
    Ok(tx.get(&owner.stream(group, name))?.map(|record| Stream::decode(&record)).transpose()?)
}

pub(crate) fn get(tx: &mut dyn Tx, owner: &Owner, group: u64, name: &str) -> Result<Stream, LogsError> {
    find(tx, owner, group, name)?.ok_or(LogsError::NoStream)
}

pub(crate) fn insert(tx: &mut dyn Tx, owner: &Owner, group: u64, stream: &Stream) -> Result<(), LogsError> {
    if find(tx, owner, group, &stream.name)?.is_some() {
        return Err(LogsError::StreamExists);
    }
    tx.put(&owner.stream(group, &stream.name), stream.encode()?)?;
    Ok(tx.put(&stream.by_last(owner, group), nothing())?)
}

/// The stream is gone at once; its events leave the disk after that.
pub(crate) fn delete(tx: &mut dyn Tx, owner: &Owner, group: &Group, name: &str) -> Result<(), LogsError> {
    let stream = get(tx, owner, group.number, name)?;
    tx.delete(&owner.stream(group.number, name))?;
    tx.delete(&stream.by_last(owner, group.number))?;
    expiry::delete_stream(tx, owner, group.number, stream.number)
}

/// Adds events to a stream. They are packed in the order of their times.
pub(crate) fn append(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: &Group,
    mut stream: Stream,
    batches: &[Packed],
    ingested: u64,
) -> Result<(), LogsError> {
    let group_number = group.number;
    let (Some(first), Some(last)) = (batches.first(), batches.last()) else { return Ok(()) };
    let before = stream.by_last(owner, group_number);
    let outboxes = Outboxes::of(tx, owner, group_number)?;
    for batch in batches {
        let number = stream.next_batch;
        let entry = Entry {
            stream: stream.name.clone(),
            last: batch.last,
            events: batch.events,
            parts: batch.parts.len() as u32,
            ingested,
        };
        let entry = entry.encode()?;
        let under = owner.batches(group_number, stream.number).number(batch.first).number(number);
        for (part, bytes) in (0..).zip(&batch.parts) {
            tx.put(&under.clone().number(part), bytes.clone())?;
        }
        let index = owner.index(group_number).number(batch.first).number(stream.number).number(number);
        tx.put(&index, entry.clone())?;
        let index = owner.stream_index(group_number, stream.number).number(batch.first).number(number);
        tx.put(&index, entry.clone())?;
        outboxes.add(tx, (stream.number, batch.first, number), ingested, &entry)?;
        stream.next_batch += 1;
    }
    outboxes.wake(tx)?;
    stream.first_event = Some(stream.first_event.map_or(first.first, |known| known.min(first.first)));
    stream.last_event = Some(stream.last_event.map_or(last.last, |known| known.max(last.last)));
    stream.last_ingestion = Some(ingested);
    let after = stream.by_last(owner, group_number);
    if before != after {
        tx.delete(&before)?;
        tx.put(&after, nothing())?;
    }
    tx.put(&owner.stream(group_number, &stream.name), stream.encode()?)?;
    expiry::events_came(tx, owner, group, first.first)
}

/// How streams are listed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) prefix: String,
    pub(crate) by_last_event: bool,
    pub(crate) order: Order,
    pub(crate) limit: usize,
    /// The key's last parts of the last stream that was shown: its last event's time and its name.
    pub(crate) after: Option<(u64, String)>,
}

/// A page of streams, and whether there are more.
pub(crate) fn page(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    listing: &Listing,
) -> Result<(Vec<Stream>, bool), LogsError> {
    let all = if listing.by_last_event { owner.streams_by_last(group) } else { owner.streams(group) };
    let after = listing.after.as_ref().map(|(last, name)| {
        if listing.by_last_event {
            owner.stream_by_last(group, *last, name)
        } else {
            owner.stream(group, name)
        }
    });
    let mut range = all.children();
    if !listing.by_last_event {
        let front = owner.stream(group, &listing.prefix).as_bytes().to_vec();
        range.from = range.from.max(front[..front.len() - 2].to_vec());
        // No name has this byte: it is behind all that begin with the prefix.
        range.to = range.to.min([&front[..front.len() - 2], &[0xff]].concat());
    }
    if let Some(after) = after {
        range = match listing.order {
            Order::Ascending => KeyRange { from: [after.as_bytes(), &[0]].concat(), ..range },
            Order::Descending => KeyRange { to: after.as_bytes().to_vec(), ..range },
        };
    }
    let mut keys = Vec::new();
    let limit = u32::try_from(listing.limit + 1).unwrap_or(u32::MAX);
    tx.scan(range, listing.order, limit, &mut |key, _| {
        keys.push(Key::from_bytes(key));
        ControlFlow::Continue(())
    })?;
    let more = keys.len() > listing.limit;
    keys.truncate(listing.limit);
    if listing.by_last_event {
        keys = keys.iter().filter_map(|key| named(owner, group, key)).collect();
    }
    let records = tx.get_many(&keys)?;
    let streams = records.iter().flatten().map(|record| Ok(Stream::decode(record)?));
    Ok((streams.collect::<Result<_, LogsError>>()?, more))
}

/// The stream's own key from its key by last event.
fn named(owner: &Owner, group: u64, key: &Key) -> Option<Key> {
    let mut parts = key.parts();
    parts.text().and_then(|_| parts.text()).and_then(|_| parts.text())?;
    parts.number().and_then(|_| parts.number())?;
    Some(owner.stream(group, &parts.text()?))
}
