//! Subscription filters: what comes into a group goes to functions.
//!
//! ```text
//! append ─▶ outbox of each filter, its timer ─▶ delivery: a page of the outbox ─▶ parcels, by stream ─▶ function
//!                                                                                    │ it failed, or had no room
//!                                                                                    └▶ timer of the parcel ─▶ again
//! ```
//!
//! The events are written once, where readers find them; an outbox has their places alone. A place leaves it in the
//! transaction after its delivery: what was acknowledged is delivered, at least once, whenever the server is killed.
//! Never: makes who writes wait for a function; loses an event without a line that counts it.

mod calls;
mod delivery;
mod outbox;
mod parcel;
mod redelivery;

use hearth_store::{Stored, Tx, timers};
use serde::{Deserialize, Serialize};

use crate::error::LogsError;
use crate::keys::Owner;

pub(crate) use calls::log_group_of;
pub(crate) use delivery::keep_up;
pub(crate) use outbox::Outboxes;
pub(crate) use parcel::PACKED_AT_ONCE_MAX;

/// Subscription filters of one group: AWS's quota.
const FILTERS_MAX: usize = 2;

/// One filter of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscription {
    /// Its number, of no other filter that is or was in the group.
    pub(crate) number: u64,
    /// The group's name.
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    /// The function's ARN, as it was given.
    pub(crate) destination: String,
    pub(crate) distribution: String,
    /// Milliseconds since 1970.
    pub(crate) created: u64,
}

/// All filters of a group, in the order of their names: one record, because every write into the group reads it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Subscriptions(pub(crate) Vec<Subscription>);

impl Stored for Subscriptions {}

/// The filters of a group.
pub(crate) fn of(tx: &mut dyn Tx, owner: &Owner, group: u64) -> Result<Subscriptions, LogsError> {
    let record = tx.get(&owner.subscriptions(group))?;
    Ok(record.map_or_else(|| Ok(Subscriptions::default()), |record| Subscriptions::decode(&record))?)
}

/// Adds a filter, or changes the one of its name: what waits for that one goes where it says now.
pub(crate) fn put(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    wanted: &Subscription,
) -> Result<(), LogsError> {
    let Subscriptions(mut filters) = of(tx, owner, group)?;
    match filters.iter().position(|filter| filter.name == wanted.name) {
        Some(at) => {
            let Subscription { number, created, .. } = filters[at];
            filters[at] = Subscription { number, created, ..wanted.clone() };
            outbox::wake_anew(tx, owner, group, number)?;
        }
        None if filters.len() >= FILTERS_MAX => return Err(LogsError::Limit),
        None => filters.push(wanted.clone()),
    }
    filters.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tx.put(&owner.subscriptions(group), Subscriptions(filters).encode()?)?)
}

/// Takes a filter away. What waits for it is not delivered any more.
pub(crate) fn delete(tx: &mut dyn Tx, owner: &Owner, group: u64, name: &str) -> Result<(), LogsError> {
    let Subscriptions(mut filters) = of(tx, owner, group)?;
    let at = filters.iter().position(|filter| filter.name == name);
    let gone = filters.remove(at.ok_or(LogsError::NoFilter("subscription filter"))?);
    // Its timer finds no filter and removes what waits.
    outbox::wake_anew(tx, owner, group, gone.number)?;
    Ok(tx.put(&owner.subscriptions(group), Subscriptions(filters).encode()?)?)
}

/// The group is gone, and its filters with it. What waits for them leaves the disk with the group's events.
pub(crate) fn delete_all(tx: &mut dyn Tx, owner: &Owner, group: u64) -> Result<(), LogsError> {
    for filter in of(tx, owner, group)?.0 {
        timers::cancel(tx, outbox::DELIVER, &outbox::id(owner, group, filter.number))?;
    }
    Ok(tx.delete(&owner.subscriptions(group))?)
}
