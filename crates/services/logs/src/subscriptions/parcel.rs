//! What one call of a function carries: events of one stream, compressed, as AWS packs them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hearth_store::{Tx, transact_read};
use serde::Serialize;

use super::Subscription;
use crate::Logs;
use crate::batches::{Event, PackError};
use crate::error::LogsError;
use crate::keys::Owner;
use crate::patterns::Pattern;
use crate::position::Position;
use crate::read::{EVENT_BYTES, Found, Scope};

/// Parcels that are packed at once: the rest waits, so that a machine of few processors has some left.
pub(crate) const PACKED_AT_ONCE_MAX: usize = 2;

/// Messages of one parcel before compression, unless one batch has more: what one PutLogEvents may have.
const PARCEL_BYTES_MAX: usize = 1_048_576;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'p> {
    message_type: &'static str,
    owner: &'p str,
    log_group: &'p str,
    log_stream: &'p str,
    subscription_filters: [&'p str; 1],
    log_events: Vec<DataEvent>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataEvent {
    id: String,
    timestamp: u64,
    message: String,
    /// Of patterns of words alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    extracted_fields: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Payload {
    awslogs: Encoded,
}

#[derive(Serialize)]
struct Encoded {
    data: String,
}

/// What of a stream's batches goes into one call.
#[derive(Debug)]
pub(super) struct Parcel {
    /// How many of the batches it has, damaged ones included.
    pub(super) batches: usize,
    /// Which of them cannot be read, and never will.
    pub(super) damaged: BTreeSet<usize>,
    /// The event for the function; `None` when no message matches.
    pub(super) payload: Option<Bytes>,
    /// How many events are in it.
    pub(super) events: usize,
}

/// Batches that were read, each with its events; `None` of one that is damaged.
type Opened = Vec<(Found, Option<Vec<Event>>)>;

/// Packs the first of some batches of one stream. What has expired or was deleted is not there any more.
pub(super) async fn of(
    logs: &Logs,
    owner: &Owner,
    group: u64,
    filter: &Subscription,
    batches: Vec<Found>,
) -> Result<Parcel, LogsError> {
    let (reader, of_filter) = (owner.clone(), filter.clone());
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        LogsError::Packed(PackError::Packing(std::io::Error::other(error)))
    };
    let permit = logs.packing.clone().acquire_owned().await.map_err(|error| failed(error.into()))?;
    let opened =
        transact_read(&*logs.store, move |tx: &mut dyn Tx| open(tx, &reader, group, &batches)).await?;
    let owner = owner.clone();
    // Patterns and compression take time, and a transaction's thread is one of few.
    let packed = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        pack(&owner, &of_filter, opened)
    });
    packed.await.map_err(|error| failed(error.into()))?
}

/// Reads as many as fit into one parcel.
fn open(tx: &mut dyn Tx, owner: &Owner, group: u64, batches: &[Found]) -> Result<Opened, LogsError> {
    let (mut bytes, mut opened) = (0, Opened::new());
    for found in batches {
        let scope = Scope::Stream { owner: owner.clone(), group, stream: found.stream };
        let batch = match scope.open(tx, found) {
            Err(LogsError::Packed(_)) => None,
            batch => Some(batch?),
        };
        let size: usize = batch.iter().flatten().map(|event| event.message.len() + EVENT_BYTES).sum();
        if !opened.is_empty() && bytes + size > PARCEL_BYTES_MAX {
            break;
        }
        bytes += size;
        opened.push((found.clone(), batch));
    }
    Ok(opened)
}

fn pack(owner: &Owner, filter: &Subscription, opened: Opened) -> Result<Parcel, LogsError> {
    let pattern = Pattern::parse(&filter.pattern).map_err(|error| LogsError::Invalid(error.to_string()))?;
    let stream = opened.first().map_or(String::new(), |(found, _)| found.entry.stream.clone());
    let (batches, mut damaged, mut events) = (opened.len(), BTreeSet::new(), Vec::new());
    for (number, (found, batch)) in opened.into_iter().enumerate() {
        let Some(batch) = batch else {
            damaged.insert(number);
            continue;
        };
        for (index, event) in (0..).zip(batch) {
            if pattern.matches(&event.message) {
                let id = Position { time: event.time, index, ..found.position() }.to_string();
                let extracted_fields = fields(&pattern, &event.message);
                events.push(DataEvent {
                    id,
                    timestamp: event.time,
                    message: event.message,
                    extracted_fields,
                });
            }
        }
    }
    let count = events.len();
    let data = Data {
        message_type: "DATA_MESSAGE",
        owner: &owner.account,
        log_group: &filter.group,
        log_stream: &stream,
        subscription_filters: [&filter.name],
        log_events: events,
    };
    let payload = if count > 0 { Some(encode(&data)?) } else { None };
    Ok(Parcel { batches, damaged, payload, events: count })
}

fn fields(pattern: &Pattern, message: &str) -> Option<BTreeMap<String, String>> {
    let Pattern::Delimited(words) = pattern else { return None };
    let named = words.extracted(message).into_iter();
    Some(named.map(|(name, value)| (name.trim_start_matches('$').to_owned(), value)).collect())
}

fn encode(data: &Data<'_>) -> Result<Bytes, LogsError> {
    let failed = |error: std::io::Error| LogsError::Packed(PackError::Packing(error));
    let plain = serde_json::to_vec(data).map_err(|error| failed(error.into()))?;
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::default());
    let zipped = encoder.write_all(&plain).and_then(|()| encoder.finish()).map_err(failed)?;
    let event = Payload { awslogs: Encoded { data: BASE64_STANDARD.encode(zipped) } };
    Ok(serde_json::to_vec(&event).map_err(|error| failed(error.into()))?.into())
}
