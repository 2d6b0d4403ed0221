//! What one call of a function carries: events of one stream, compressed, as AWS packs them.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hearth_store::Tx;
use serde::Serialize;

use super::Subscription;
use crate::batches::PackError;
use crate::error::LogsError;
use crate::keys::Owner;
use crate::patterns::Pattern;
use crate::position::Position;
use crate::read::{EVENT_BYTES, Found, Scope};

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
struct Event {
    awslogs: Encoded,
}

#[derive(Serialize)]
struct Encoded {
    data: String,
}

/// What of a stream's batches goes into one call.
#[derive(Debug)]
pub(super) struct Parcel {
    /// How many of the batches it has.
    pub(super) batches: usize,
    /// The event for the function; `None` when no message matches.
    pub(super) payload: Option<Bytes>,
    /// How many events are in it.
    pub(super) events: usize,
}

/// Packs the first of some batches of one stream. What has expired or was deleted is not there any more.
pub(super) fn pack(
    tx: &mut dyn Tx,
    owner: &Owner,
    group: u64,
    filter: &Subscription,
    batches: &[Found],
) -> Result<Parcel, LogsError> {
    let pattern = Pattern::parse(&filter.pattern).map_err(|error| LogsError::Invalid(error.to_string()))?;
    let (mut bytes, mut taken, mut events) = (0, 0, Vec::new());
    for found in batches {
        let scope = Scope::Stream { owner: owner.clone(), group, stream: found.stream };
        let batch = scope.open(tx, found)?;
        let size: usize = batch.iter().map(|event| event.message.len() + EVENT_BYTES).sum();
        if taken > 0 && bytes + size > PARCEL_BYTES_MAX {
            break;
        }
        (bytes, taken) = (bytes + size, taken + 1);
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
        log_stream: batches.first().map_or("", |found| &found.entry.stream),
        subscription_filters: [&filter.name],
        log_events: events,
    };
    let payload = if count > 0 { Some(encode(&data)?) } else { None };
    Ok(Parcel { batches: taken, payload, events: count })
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
    let event = Event { awslogs: Encoded { data: BASE64_STANDARD.encode(zipped) } };
    Ok(serde_json::to_vec(&event).map_err(|error| failed(error.into()))?.into())
}
