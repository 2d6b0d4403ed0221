//! Reading events in their order: across a group, or of one stream; forward, or the last ones.
//!
//! ```text
//! index entries, by first event ──▶ batches opened when their time has come ──▶ heap ──▶ events in order
//! ```
//!
//! Never: opens a batch outside of the wanted time; holds more of them than overlap in one minute; looks at more than
//! its budget in one transaction.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::{Key, KeyRange, Order, Stored, Tx};

use crate::batches::{self, Entry, Event, SPAN_MS};
use crate::error::LogsError;
use crate::keys::Owner;
use crate::position::Position;
use crate::streams;

/// Messages of one page: 1 MB, AWS's limit of GetLogEvents and FilterLogEvents.
pub(crate) const PAGE_BYTES_MAX: usize = 1_048_576;

/// Messages that are looked at for one page: what does not match is not free.
const LOOKED_BYTES_MAX: usize = 16 * 1_048_576;

/// Entries of the index that are looked at for one page.
const ENTRIES_MAX: usize = 50_000;

/// Entries that are read at once.
const ENTRIES_READ: u32 = 500;

/// Whose events.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// A group's, of streams that are wanted.
    Group { owner: Owner, group: u64, streams: Streams },
    /// One stream's.
    Stream { owner: Owner, group: u64, stream: u64 },
}

/// Which streams of a group.
#[derive(Clone, Debug)]
pub(crate) enum Streams {
    All,
    /// Those with these names; `true` for those that begin so.
    Named(BTreeSet<String>, bool),
}

impl Streams {
    fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names, false) => names.contains(name),
            Self::Named(prefixes, true) => prefixes.iter().any(|prefix| name.starts_with(prefix)),
        }
    }
}

/// An event as readers see it.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) position: Position,
    pub(crate) stream: String,
    pub(crate) message: String,
    /// Milliseconds since 1970.
    pub(crate) ingested: u64,
}

/// What is wanted of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want {
    /// The first place.
    pub(crate) from: Position,
    /// The first place behind it.
    pub(crate) to: Position,
    /// Events at most.
    pub(crate) limit: usize,
}

/// A page of events in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) events: Vec<Read>,
    /// Where reading goes on; `None` when everything was looked at.
    pub(crate) next: Option<Position>,
}

/// A batch that the index names.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) first: u64,
    pub(crate) stream: u64,
    pub(crate) batch: u64,
    pub(crate) entry: Entry,
}

impl Found {
    pub(crate) fn position(&self) -> Position {
        Position { time: self.first, stream: self.stream, batch: self.batch, index: 0 }
    }
}

/// A batch that is open, as an iterator over what is left of it.
struct Open {
    stream: String,
    ingested: u64,
    events: VecDeque<(Position, String)>,
}

impl Scope {
    fn owner(&self) -> (&Owner, u64) {
        match self {
            Self::Group { owner, group, .. } | Self::Stream { owner, group, .. } => (owner, *group),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::Group { owner, group, .. } => owner.index(*group),
            Self::Stream { owner, group, stream } => owner.stream_index(*group, *stream),
        }
    }

    /// Entries whose first event lies in the range, at most `limit`.
    pub(crate) fn entries(
        &self,
        tx: &mut dyn Tx,
        range: KeyRange,
        order: Order,
        limit: u32,
    ) -> Result<(Vec<Found>, Option<Vec<u8>>), LogsError> {
        let (mut found, mut failed, mut last) = (Vec::new(), None, None);
        tx.scan(range, order, limit, &mut |key, value| {
            last = Some(key.to_vec());
            match Entry::decode(value) {
                Ok(entry) => found.extend(self.found(key, entry)),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        failed.map_or(Ok((found, last)), |error| Err(error.into()))
    }

    fn found(&self, key: &[u8], entry: Entry) -> Option<Found> {
        let key = Key::from_bytes(key);
        let mut parts = key.parts();
        parts.text().and_then(|_| parts.text()).and_then(|_| parts.text())?;
        parts.number()?;
        let (first, second, third) = (parts.number()?, parts.number()?, parts.number()?);
        Some(match self {
            Self::Group { .. } => Found { first, stream: second, batch: third, entry },
            Self::Stream { .. } => Found { first: second, stream: first, batch: third, entry },
        })
    }

    /// Batches whose first event has one of these times.
    pub(crate) fn range(&self, from: u64, to: u64) -> KeyRange {
        let all = self.key();
        let to = all.clone().number(to).as_bytes().to_vec();
        KeyRange { from: all.number(from).as_bytes().to_vec(), to }
    }

    /// The events of one batch; none of one that has left the disk meanwhile.
    pub(crate) fn open(&self, tx: &mut dyn Tx, found: &Found) -> Result<Vec<Event>, LogsError> {
        let (owner, group) = self.owner();
        let under = owner.batches(group, found.stream).number(found.first).number(found.batch);
        let keys: Vec<Key> = (0..found.entry.parts).map(|part| under.clone().number(part.into())).collect();
        let parts: Vec<Bytes> = tx.get_many(&keys)?.into_iter().flatten().collect();
        if parts.len() < keys.len() {
            // Expired or deleted between two pages' transactions: there is nothing to show.
            return Ok(Vec::new());
        }
        Ok(batches::unpack(found.first, &parts)?)
    }
}

/// What is wanted of a batch, with the events' places.
fn wanted_of(
    tx: &mut dyn Tx,
    scope: &Scope,
    found: &Found,
    want: &Want,
) -> Result<VecDeque<(Position, String)>, LogsError> {
    let positions = (0..).map(|index| Position { index, ..found.position() });
    let events = positions.zip(scope.open(tx, found)?);
    Ok(events
        .map(|(position, event)| (Position { time: event.time, ..position }, event.message))
        .filter(|(position, _)| *position >= want.from && *position < want.to)
        .collect())
}

/// Which batches are shown: of streams that are wanted and that exist.
struct Living<'s> {
    scope: &'s Scope,
    streams: HashMap<String, Option<u64>>,
}

impl Living<'_> {
    fn has(&mut self, tx: &mut dyn Tx, found: &Found) -> Result<bool, LogsError> {
        let Scope::Group { owner, group, streams: wanted } = self.scope else { return Ok(true) };
        let name = &found.entry.stream;
        if !wanted.wants(name) {
            return Ok(false);
        }
        if let Some(known) = self.streams.get(name) {
            return Ok(*known == Some(found.stream));
        }
        let number = streams::find(tx, owner, *group, name)?.map(|stream| stream.number);
        self.streams.insert(name.clone(), number);
        Ok(number == Some(found.stream))
    }
}

/// The first events of what is wanted, those that `matches` takes.
pub(crate) fn forward(
    tx: &mut dyn Tx,
    scope: &Scope,
    want: &Want,
    matches: &dyn Fn(&str) -> bool,
) -> Result<Page, LogsError> {
    let mut page = Page::default();
    if want.from >= want.to {
        return Ok(page);
    }
    let mut living = Living { scope, streams: HashMap::new() };
    let mut range = scope.range(want.from.time / SPAN_MS * SPAN_MS, want.to.time.saturating_add(1));
    let (mut waiting, mut is_last) = (VecDeque::new(), false);
    let mut heap: BinaryHeap<Reverse<(Position, usize)>> = BinaryHeap::new();
    let mut open: HashMap<usize, Open> = HashMap::new();
    let (mut opened, mut looked, mut shown, mut seen) = (0, 0, 0, 0);
    loop {
        if waiting.is_empty() && !is_last {
            let (found, last) = scope.entries(tx, range.clone(), Order::Ascending, ENTRIES_READ)?;
            seen += found.len();
            is_last = last.is_none();
            range.from = last.map_or(range.from, |last| [&last[..], &[0]].concat());
            waiting = found.into();
        }
        let next: Option<&Found> = waiting.front();
        let is_next =
            next.is_some_and(|next| heap.peek().is_none_or(|Reverse((first, _))| next.position() <= *first));
        if is_next {
            let Some(found) = waiting.pop_front() else { continue };
            if found.entry.last < want.from.time || !living.has(tx, &found)? {
                // What is not even opened is looked at too: so many entries end a page.
                if seen > ENTRIES_MAX {
                    page.next = Some(found.position().max(want.from));
                    return Ok(page);
                }
                continue;
            }
            let events = wanted_of(tx, scope, &found, want)?;
            if let Some((first, _)) = events.front() {
                heap.push(Reverse((*first, opened)));
                open.insert(
                    opened,
                    Open { stream: found.entry.stream, ingested: found.entry.ingested, events },
                );
                opened += 1;
            }
            continue;
        }
        let Some(Reverse((position, which))) = heap.pop() else {
            if waiting.is_empty() && is_last {
                return Ok(page);
            }
            continue;
        };
        let Some(batch) = open.get_mut(&which) else { continue };
        let Some((_, message)) = batch.events.pop_front() else { continue };
        let cost = message.len() + EVENT_BYTES;
        looked += cost;
        if matches(&message) {
            let fits = shown + cost <= PAGE_BYTES_MAX || page.events.is_empty();
            if page.events.len() >= want.limit || !fits {
                page.next = Some(position);
                return Ok(page);
            }
            shown += cost;
            let (stream, ingested) = (batch.stream.clone(), batch.ingested);
            page.events.push(Read { position, stream, message, ingested });
        }
        match batch.events.front() {
            Some((first, _)) => heap.push(Reverse((*first, which))),
            None => drop(open.remove(&which)),
        }
        if looked > LOOKED_BYTES_MAX {
            page.next = Some(position.next());
            return Ok(page);
        }
    }
}

/// What an event costs beside its text: 26 bytes, AWS's figure for uploads.
pub(crate) const EVENT_BYTES: usize = 26;

/// The last events of what is wanted, in their order.
pub(crate) fn backward(tx: &mut dyn Tx, scope: &Scope, want: &Want) -> Result<Vec<Read>, LogsError> {
    let (mut events, mut shown) = (Vec::new(), 0);
    let mut range = scope.range(want.from.time / SPAN_MS * SPAN_MS, want.to.time.saturating_add(1));
    if want.from >= want.to {
        return Ok(events);
    }
    while let Some(mut closed) = last_minute(tx, scope, &mut range)? {
        closed.sort_by_key(|found| found.entry.last);
        let mut heap: BinaryHeap<(Position, usize)> = BinaryHeap::new();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let last = heap.peek().map(|(position, _)| position.time);
            if closed.last().is_some_and(|found| last.is_none_or(|last| found.entry.last >= last)) {
                let Some(found) = closed.pop() else { continue };
                let batch = wanted_of(tx, scope, &found, want)?;
                if let Some((position, _)) = batch.back() {
                    heap.push((*position, open.len()));
                    let (stream, ingested) = (found.entry.stream, found.entry.ingested);
                    open.push(Open { stream, ingested, events: batch });
                }
                continue;
            }
            let Some((position, which)) = heap.pop() else { break };
            let batch = &mut open[which];
            let Some((_, message)) = batch.events.pop_back() else { continue };
            shown += message.len() + EVENT_BYTES;
            if events.len() >= want.limit || (shown > PAGE_BYTES_MAX && !events.is_empty()) {
                events.reverse();
                return Ok(events);
            }
            let (stream, ingested) = (batch.stream.clone(), batch.ingested);
            events.push(Read { position, stream, message, ingested });
            if let Some((position, _)) = batch.events.back() {
                heap.push((*position, which));
            }
        }
    }
    events.reverse();
    Ok(events)
}

/// The batches of the last minute of a range that has any; the range then ends before them.
fn last_minute(
    tx: &mut dyn Tx,
    scope: &Scope,
    range: &mut KeyRange,
) -> Result<Option<Vec<Found>>, LogsError> {
    let mut minute: Vec<Found> = Vec::new();
    while minute.len() < ENTRIES_MAX {
        let (found, last) = scope.entries(tx, range.clone(), Order::Descending, ENTRIES_READ)?;
        let Some(mut last) = last else { break };
        let begins = minute.first().or(found.first()).map_or(0, |found| found.first / SPAN_MS * SPAN_MS);
        let (mut inside, outside): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| found.first >= begins);
        minute.append(&mut inside);
        if !outside.is_empty() {
            last = scope.range(begins, begins).from;
            range.to = last;
            break;
        }
        range.to = last;
    }
    Ok(Some(minute).filter(|minute| !minute.is_empty()))
}

/// Entries of one group that a live tail looks at, at once.
const ARRIVALS_MAX: u32 = 5_000;

/// Events of batches that came since a time and were not yet seen, in their order; the batches are seen then.
/// Only batches whose events are not older than `since` are looked at.
pub(crate) fn arrivals(
    tx: &mut dyn Tx,
    scope: &Scope,
    since: u64,
    ingested_from: u64,
    seen: &mut BTreeSet<Position>,
    matches: &dyn Fn(&str) -> bool,
) -> Result<Vec<Read>, LogsError> {
    let mut living = Living { scope, streams: HashMap::new() };
    let range = scope.range(since / SPAN_MS * SPAN_MS, u64::MAX);
    let (found, _) = scope.entries(tx, range, Order::Descending, ARRIVALS_MAX)?;
    let mut events = Vec::new();
    for found in found.into_iter().filter(|found| found.entry.ingested >= ingested_from) {
        if !seen.insert(found.position()) || !living.has(tx, &found)? {
            continue;
        }
        let positions = (0..).map(|index| Position { index, ..found.position() });
        let batch = positions.zip(scope.open(tx, &found)?).filter(|(_, event)| matches(&event.message));
        events.extend(batch.map(|(position, event)| Read {
            position: Position { time: event.time, ..position },
            stream: found.entry.stream.clone(),
            message: event.message,
            ingested: found.entry.ingested,
        }));
    }
    events.sort_by_key(|event| event.position);
    Ok(events)
}
