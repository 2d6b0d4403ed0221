//! What a filter still has to deliver: the places of batches, in the order in which they came.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::timers::{self, Timer};
use hearth_store::{Key, Order, RecordError, Stored, Tx};

use super::Subscriptions;
use crate::batches::Entry;
use crate::error::LogsError;
use crate::keys::Owner;
use crate::read::Found;

/// The timer of a filter: something is in its outbox.
pub(super) const DELIVER: &str = "logs/deliver";

/// What a timer knows of a filter whose function is not there: it fires when the pause is over.
pub(super) const PAUSED: &[u8] = b"paused";

/// `ACCOUNT REGION GROUP FILTER`.
pub(super) fn id(owner: &Owner, group: u64, filter: u64) -> String {
    format!("{} {} {group} {filter}", owner.account, owner.region)
}

/// Reads what [`id`] made; further parts are ignored.
pub(super) fn parse(id: &str) -> Option<(Owner, u64, u64)> {
    let mut parts = id.split(' ');
    let owner = Owner { account: parts.next()?.to_owned(), region: parts.next()?.to_owned() };
    Some((owner, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The outboxes of a group's filters, for who writes into the group.
#[derive(Debug)]
pub(crate) struct Outboxes {
    owner: Owner,
    group: u64,
    filters: Vec<u64>,
}

impl Outboxes {
    pub(crate) fn of(tx: &mut dyn Tx, owner: &Owner, group: u64) -> Result<Self, LogsError> {
        let Subscriptions(filters) = super::of(tx, owner, group)?;
        let filters = filters.into_iter().map(|filter| filter.number).collect();
        Ok(Self { owner: owner.clone(), group, filters })
    }

    /// A batch came: its place in the order of arrival, and the record that the indexes have too.
    pub(crate) fn add(
        &self,
        tx: &mut dyn Tx,
        (stream, first, batch): (u64, u64, u64),
        ingested: u64,
        entry: &Bytes,
    ) -> Result<(), LogsError> {
        for filter in &self.filters {
            let under = self.owner.outbox(self.group, *filter).number(ingested);
            tx.put(&under.number(stream).number(first).number(batch), entry.clone())?;
        }
        Ok(())
    }

    /// After all was added. A filter that is at work, or waits, looks into its outbox by itself.
    pub(crate) fn wake(&self, tx: &mut dyn Tx) -> Result<(), LogsError> {
        for filter in &self.filters {
            if timers::get(tx, DELIVER, &id(&self.owner, self.group, *filter))?.is_none() {
                wake_anew(tx, &self.owner, self.group, *filter)?;
            }
        }
        Ok(())
    }
}

/// The filter looks into its outbox now, whatever it waited for.
pub(super) fn wake_anew(tx: &mut dyn Tx, owner: &Owner, group: u64, filter: u64) -> Result<(), LogsError> {
    let due = tx.now();
    let timer = Timer { kind: DELIVER, id: id(owner, group, filter), due, payload: Bytes::new() };
    Ok(timers::set(tx, &timer)?)
}

/// The first places of an outbox.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) places: Vec<(Key, Found)>,
    /// Those that name no batch, and never will.
    pub(super) damaged: Vec<Key>,
}

/// The first places of an outbox, at most `limit`.
pub(super) fn page(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    filter: u64,
    limit: u32,
) -> Result<Page, LogsError> {
    let (mut page, mut failed) = (Page::default(), None);
    let all = owner.outbox(group, filter);
    tx.scan(all.children(), Order::Ascending, limit, &mut |key, value| {
        let key = Key::from_bytes(key);
        match Entry::decode(value).map(|entry| place(&key, entry)) {
            Ok(Some(place)) => page.places.push((key, place)),
            Ok(None) | Err(RecordError::Damaged(_) | RecordError::Version(None)) => page.damaged.push(key),
            // Of a newer program, which may come back.
            Err(error @ RecordError::Version(Some(_))) => failed = Some(error),
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    failed.map_or(Ok(page), |error| Err(error.into()))
}

fn place(key: &Key, entry: Entry) -> Option<Found> {
    let mut parts = key.parts();
    parts.text().and_then(|_| parts.text()).and_then(|_| parts.text())?;
    parts.number().and_then(|_| parts.number()).and_then(|_| parts.number())?;
    Some(Found { stream: parts.number()?, first: parts.number()?, batch: parts.number()?, entry })
}
