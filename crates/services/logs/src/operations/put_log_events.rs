//! PutLogEvents: adds events to a stream. They are on stable storage when it answers.

use hearth_aws::{Document, shape};

use super::family::{long, millis, operation, write};
use super::streams::sequence_token;
use crate::batches::{self, Event};
use crate::error::LogsError;
use crate::groups::{self, Group};
use crate::read::EVENT_BYTES;
use crate::streams;

/// Messages of one call, with 26 bytes for each: 1 MB.
const CALL_BYTES_MAX: usize = 1_048_576;

/// From the first to the last event of one call.
const SPAN_MS_MAX: u64 = 24 * 3_600_000;

/// Events older than this are not taken.
const AGE_MS_MAX: u64 = 14 * 24 * 3_600_000;

/// Nor are events so far in the future.
const AHEAD_MS_MAX: u64 = 2 * 3_600_000;

shape! {
    camelCase;
    /// An event as it is given.
    pub(super) struct InputLogEvent {
        timestamp: i64,
        message: String,
    }

    /// Which events were not taken, by their numbers in the call.
    pub(super) struct RejectedLogEventsInfo {
        too_new_log_event_start_index: Option<i64>,
        too_old_log_event_end_index: Option<i64>,
        expired_log_event_end_index: Option<i64>,
    }
}

operation! {
    /// See the module. Sequence tokens are ignored, as by AWS since 2023.
    PutLogEvents {
        log_group_name: String,
        log_stream_name: String,
        log_events: Vec<InputLogEvent>,
        entity: Option<Document>,
    } => {
        next_sequence_token: String,
        rejected_log_events_info: Option<RejectedLogEventsInfo>,
    } |cx, input| {
        // GAP(logs): entities, which only CloudWatch's pages on applications show.
        if input.entity.is_some() {
            return Err(LogsError::invalid("Hearth does not keep entities yet: leave `entity` out.").into());
        }
        let events = events(input.log_events)?;
        let (now, kept) = (cx.now(), std::sync::Arc::new(events));
        let (name, stream) = (input.log_group_name, input.log_stream_name);
        let written = write(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &name)?;
            let stream = streams::get(tx, owner, group.number, &stream)?;
            let (good, rejected) = taken(&kept, &group, now);
            let batches = batches::pack(&kept[good])?;
            let next = stream.next_batch + batches.len() as u64;
            streams::append(tx, owner, &group, stream, &batches, now)?;
            Ok((next, rejected))
        });
        let (next, rejected_log_events_info) = written.await?;
        Ok(Output { next_sequence_token: sequence_token(next), rejected_log_events_info })
    }
}

/// The events of a call that keeps to the limits.
fn events(given: Vec<InputLogEvent>) -> Result<Vec<Event>, LogsError> {
    let bytes: usize = given.iter().map(|event| event.message.len() + EVENT_BYTES).sum();
    if bytes > CALL_BYTES_MAX {
        let text = format!("Upload too large: {bytes} bytes exceeds limit of {CALL_BYTES_MAX}");
        return Err(LogsError::Invalid(text));
    }
    if given.windows(2).any(|pair| pair[0].timestamp > pair[1].timestamp) {
        let text = "Log events in a single PutLogEvents request must be in chronological order.";
        return Err(LogsError::invalid(text));
    }
    let events =
        given.into_iter().map(|event| Event { time: millis(event.timestamp), message: event.message });
    let events: Vec<Event> = events.collect();
    let span = events.last().zip(events.first()).map_or(0, |(last, first)| last.time - first.time);
    if span > SPAN_MS_MAX {
        let text = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        return Err(LogsError::invalid(text));
    }
    Ok(events)
}

/// Which events are taken, and what is said of the others.
fn taken(
    events: &[Event],
    group: &Group,
    now: u64,
) -> (std::ops::Range<usize>, Option<RejectedLogEventsInfo>) {
    let before = |time: u64| events.partition_point(|event| event.time < time);
    let (too_old, expired) = (before(now.saturating_sub(AGE_MS_MAX)), before(group.expired_before(now)));
    let too_new = before(now.saturating_add(AHEAD_MS_MAX).saturating_add(1));
    let first = too_old.max(expired).min(too_new);
    let index = |index: usize| long(index as u64);
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: Some(too_new).filter(|start| *start < events.len()).map(index),
        too_old_log_event_end_index: Some(too_old).filter(|end| *end > 0).map(index),
        expired_log_event_end_index: Some(expired).filter(|end| *end > too_old).map(index),
    };
    let is_any = first > 0 || too_new < events.len();
    (first..too_new, is_any.then_some(rejected))
}
