//! What is to leave the disk: events older than their group's retention, and what was deleted, a page at a time.
//!
//! ```text
//! PutRetentionPolicy, first events ─▶ timer logs/expire ─▶ pages of old batches ─▶ timer at the next oldest
//! DeleteLogGroup, DeleteLogStream  ─▶ timer logs/delete ─▶ pages of everything under the number
//! ```
//!
//! Never: deletes in one transaction more than a page; leaves a timer behind a group that is gone.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use hearth_store::timers::{self, Fate, Fired, Timer, Timers};
use hearth_store::{Key, Order, Tx, transact};
use hearth_world::{TaskGroup, Timestamp};

use crate::Logs;
use crate::error::LogsError;
use crate::groups::{self, Group};
use crate::keys::Owner;
use crate::read::{Found, Scope, Streams};

/// Old events of a group.
const EXPIRE: &str = "logs/expire";

/// What was deleted.
const DELETE: &str = "logs/delete";

/// Keys, or batches, that one transaction deletes.
const PAGE: u32 = 500;

/// How long after their time events go: many expire at once then.
const TOGETHER: Duration = Duration::from_secs(300);

/// Starts what fires the timers of this service, until the group stops.
pub(crate) fn keep_up(logs: &Arc<Logs>, tasks: &TaskGroup) {
    let (expiring, deleting) = (logs.clone(), logs.clone());
    Timers::new(logs.store.clone(), logs.world.clone())
        .on(EXPIRE, move |fired| expire(expiring.clone(), fired))
        .on(DELETE, move |fired| delete(deleting.clone(), fired))
        .spawn(tasks);
}

/// `ACCOUNT REGION GROUP`, and a stream.
fn id(owner: &Owner, group: u64, stream: Option<u64>) -> String {
    let whole = format!("{} {} {group}", owner.account, owner.region);
    stream.map_or(whole.clone(), |stream| format!("{whole} {stream}"))
}

fn parse(id: &str) -> Option<(Owner, u64, Option<u64>)> {
    let mut parts = id.split(' ');
    let owner = Owner { account: parts.next()?.to_owned(), region: parts.next()?.to_owned() };
    Some((owner, parts.next()?.parse().ok()?, parts.next().and_then(|stream| stream.parse().ok())))
}

/// A group's retention is another now: old events go by it.
pub(crate) fn retention_changed(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    kept: Option<&Group>,
) -> Result<(), LogsError> {
    let Some(group) = kept.filter(|group| group.retention_days.is_some()) else {
        timers::cancel(tx, EXPIRE, &id(owner, group, None))?;
        return Ok(());
    };
    let due = tx.now();
    Ok(timers::set(tx, &timer(owner, group, due))?)
}

/// Events came into a group: they will go, if it has a retention.
pub(crate) fn events_came(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: &Group,
    first: u64,
) -> Result<(), LogsError> {
    let Some(kept) = group.retention() else { return Ok(()) };
    let due = due(first, kept);
    match timers::get(tx, EXPIRE, &id(owner, group.number, None))? {
        Some(waiting) if waiting.due <= due || waiting.claimed => Ok(()),
        _ => Ok(timers::set(tx, &timer(owner, group, due))?),
    }
}

fn due(first: u64, kept: Duration) -> Timestamp {
    Timestamp::from_millis(i64::try_from(first).unwrap_or(0)).after(kept).after(TOGETHER)
}

fn timer(owner: &Owner, group: &Group, due: Timestamp) -> Timer {
    let id = id(owner, group.number, None);
    Timer { kind: EXPIRE, id, due, payload: group.name.clone().into() }
}

/// Everything of a group is to go.
pub(crate) fn delete_group(tx: &mut dyn Tx, owner: &Owner, group: u64) -> Result<(), LogsError> {
    delete_soon(tx, id(owner, group, None))
}

/// Everything of a stream is to go.
pub(crate) fn delete_stream(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    stream: u64,
) -> Result<(), LogsError> {
    delete_soon(tx, id(owner, group, Some(stream)))
}

fn delete_soon(tx: &mut dyn Tx, id: String) -> Result<(), LogsError> {
    let due = tx.now();
    Ok(timers::set(tx, &Timer { kind: DELETE, id, due, payload: groups::nothing() })?)
}

async fn expire(logs: Arc<Logs>, fired: Fired) -> Fate {
    let Some((owner, number, _)) = parse(&fired.id) else { return Fate::Done };
    loop {
        let (owner, fired) = (owner.clone(), fired.clone());
        let page = transact(&*logs.store, move |tx| -> Result<bool, LogsError> {
            if !fired.is_mine(tx)? {
                return Ok(true);
            }
            let name = String::from_utf8_lossy(&fired.payload).into_owned();
            let group = groups::find(tx, &owner, &name)?.filter(|group| group.number == number);
            let Some((group, kept)) = group.and_then(|group| Some((group.clone(), group.retention()?)))
            else {
                fired.settle(tx)?;
                return Ok(true);
            };
            let now = u64::try_from(tx.now().as_millis()).unwrap_or(0);
            let before = group.expired_before(now);
            let found = oldest(tx, &owner, number, before)?;
            if found.is_empty() {
                match oldest(tx, &owner, number, u64::MAX)?.first() {
                    None => fired.settle(tx)?,
                    Some(first) => {
                        let due = due(first.first, kept).max(tx.now().after(TOGETHER));
                        fired.again(tx, due)?
                    }
                };
                return Ok(true);
            }
            let old: Vec<&Found> = found.iter().filter(|found| found.entry.last < before).collect();
            for found in &old {
                remove(tx, &owner, number, found)?;
            }
            if old.len() < found.len() {
                // The rest of them has events that stay; later ones of the same minute may be old as well.
                fired.again(tx, Timestamp::from_millis(now as i64).after(TOGETHER))?;
                return Ok(true);
            }
            Ok(false)
        });
        match page.await {
            Ok(false) => {}
            Ok(true) => return Fate::Done,
            Err(error) => return Fate::Failed(error.to_string()),
        }
    }
}

/// The first batches of a group that begin before a time.
fn oldest(tx: &mut dyn Tx, owner: &Owner, group: u64, before: u64) -> Result<Vec<Found>, LogsError> {
    let scope = Scope::Group { owner: owner.clone(), group, streams: Streams::All };
    let limit = if before == u64::MAX { 1 } else { PAGE };
    let (found, _) = scope.entries(tx, scope.range(0, before), Order::Ascending, limit)?;
    Ok(found)
}

fn remove(tx: &mut dyn Tx, owner: &Owner, group: u64, found: &Found) -> Result<(), LogsError> {
    let under = owner.batches(group, found.stream).number(found.first).number(found.batch);
    for part in 0..found.entry.parts {
        tx.delete(&under.clone().number(part.into()))?;
    }
    tx.delete(&owner.index(group).number(found.first).number(found.stream).number(found.batch))?;
    tx.delete(&owner.stream_index(group, found.stream).number(found.first).number(found.batch))?;
    Ok(())
}

async fn delete(logs: Arc<Logs>, fired: Fired) -> Fate {
    let Some((owner, group, stream)) = parse(&fired.id) else { return Fate::Done };
    loop {
        let owner = owner.clone();
        let page = transact(&*logs.store, move |tx| -> Result<bool, LogsError> {
            match stream {
                Some(stream) => delete_page_of_stream(tx, &owner, group, stream),
                None => delete_page_of_group(tx, &owner, group),
            }
        });
        match page.await {
            Ok(false) => {}
            Ok(true) => return Fate::Done,
            Err(error) => return Fate::Failed(error.to_string()),
        }
    }
}

/// Whether nothing is left.
fn delete_page_of_stream(tx: &mut dyn Tx, owner: &Owner, group: u64, stream: u64) -> Result<bool, LogsError> {
    let scope = Scope::Stream { owner: owner.clone(), group, stream };
    let (found, _) = scope.entries(tx, scope.range(0, u64::MAX), Order::Ascending, PAGE)?;
    for found in &found {
        remove(tx, owner, group, found)?;
    }
    Ok(found.is_empty())
}

/// Whether nothing is left.
fn delete_page_of_group(tx: &mut dyn Tx, owner: &Owner, group: u64) -> Result<bool, LogsError> {
    let spaces = [
        owner.streams(group),
        owner.streams_by_last(group),
        owner.index(group),
        owner.stream_indexes(group),
        owner.group_batches(group),
        owner.outboxes(group),
    ];
    for space in spaces {
        let mut keys = Vec::new();
        tx.scan(space.children(), Order::Ascending, PAGE, &mut |key, _| {
            keys.push(Key::from_bytes(key));
            ControlFlow::Continue(())
        })?;
        if !keys.is_empty() {
            keys.iter().try_for_each(|key| tx.delete(key))?;
            return Ok(false);
        }
    }
    Ok(true)
}
