//! Batches: events of one stream within one minute, compressed, in parts that fit into values of the store.
//!
//! Never: an event outside of its batch's minute, so what lies in one minute never overlaps with the next.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use hearth_store::Stored;

/// Batches end where minutes do: a reader who begins at a time looks at most so far back.
pub(crate) const SPAN_MS: u64 = 60_000;

/// Messages of one batch before compression: 256 KB, one event may have more.
const BATCH_BYTES_MAX: usize = 262_144;

/// Events of one batch.
const BATCH_EVENTS_MAX: usize = 2_000;

/// One part's bytes: below the store's 64 KB a value.
const PART_BYTES: usize = 60_000;

/// What a batch may have when it is unpacked: an event of 1 MB in the longest encoding, with the events before it.
const UNPACKED_BYTES_MAX: u64 = 8 * 1_048_576;

/// One event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) message: String,
}

/// What a reader must know of a batch before it is read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The stream's name.
    pub(crate) stream: String,
    /// The last event's time.
    pub(crate) last: u64,
    pub(crate) events: u32,
    /// Under how many keys the events lie.
    pub(crate) parts: u32,
    /// When it came, in milliseconds since 1970.
    pub(crate) ingested: u64,
}

impl Stored for Entry {}

#[derive(Serialize, Deserialize)]
struct Events(Vec<(u64, String)>);

/// A batch that is ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) events: u32,
    pub(crate) parts: Vec<Bytes>,
}

/// Events that cannot be packed, or a batch that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error("the events cannot be packed or unpacked")]
    Packing(#[source] std::io::Error),
    #[error("the batch is damaged")]
    Damaged(#[from] postcard::Error),
}

/// Packs events, which are in the order of their times.
pub(crate) fn pack(events: &[Event]) -> Result<Vec<Packed>, PackError> {
    let mut packed = Vec::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        let mut bytes = 0;
        let fits = |event: &&Event| {
            bytes += event.message.len();
            event.time / SPAN_MS == first.time / SPAN_MS && bytes <= BATCH_BYTES_MAX
        };
        let count = rest.iter().take(BATCH_EVENTS_MAX).take_while(fits).count().max(1);
        let (batch, after) = rest.split_at(count);
        packed.push(pack_one(batch)?);
        rest = after;
    }
    Ok(packed)
}

fn pack_one(batch: &[Event]) -> Result<Packed, PackError> {
    let (first, last) = (batch[0].time, batch[batch.len() - 1].time);
    let events = Events(batch.iter().map(|event| (event.time - first, event.message.clone())).collect());
    let plain = postcard::to_stdvec(&events)?;
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    let compressed = encoder.write_all(&plain).and_then(|()| encoder.finish()).map_err(PackError::Packing)?;
    let compressed = Bytes::from(compressed);
    let parts = (0..compressed.len().div_ceil(PART_BYTES))
        .map(|part| compressed.slice(part * PART_BYTES..compressed.len().min((part + 1) * PART_BYTES)));
    Ok(Packed { first, last, events: batch.len() as u32, parts: parts.collect() })
}

/// Unpacks the parts of one batch whose first event has this time.
pub(crate) fn unpack(first: u64, parts: &[Bytes]) -> Result<Vec<Event>, PackError> {
    let compressed = parts.concat();
    let mut plain = Vec::with_capacity(compressed.len() * 4);
    let mut decoder = DeflateDecoder::new(&compressed[..]).take(UNPACKED_BYTES_MAX);
    decoder.read_to_end(&mut plain).map_err(PackError::Packing)?;
    let Events(events) = postcard::from_bytes(&plain)?;
    Ok(events.into_iter().map(|(after, message)| Event { time: first + after, message }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: u64, message: impl Into<String>) -> Event {
        Event { time, message: message.into() }
    }

    #[test]
    fn events_come_back_as_they_were_and_no_batch_crosses_a_minute() {
        let noise = |seed: usize| -> String {
            (0..400_000).map(|at: usize| char::from(b'!' + (at.wrapping_mul(at + seed) % 91) as u8)).collect()
        };
        let events = vec![
            event(59_998, "a"),
            event(59_999, "b"),
            event(60_000, "c"),
            event(60_000, noise(1)),
            event(60_001, noise(7)),
        ];
        let packed = pack(&events).expect("packed");
        assert_eq!(packed.iter().map(|batch| batch.events).collect::<Vec<_>>(), [2, 1, 1, 1]);
        let mut back = Vec::new();
        for batch in &packed {
            assert_eq!(batch.first / SPAN_MS, batch.last / SPAN_MS);
            assert!(batch.parts.iter().all(|part| !part.is_empty() && part.len() <= PART_BYTES));
            back.extend(unpack(batch.first, &batch.parts).expect("unpacked"));
        }
        assert_eq!(back, events);
        assert!(unpack(0, &[Bytes::from_static(b"no deflate")]).is_err());
    }
}
