//! FilterLogEvents: the events of a group that match, of all its streams in the order of their times.

use std::collections::BTreeSet;

use hearth_aws::{Document, shape};

use super::family::{long, millis, one_group, operation, owner, pattern, read};
use crate::error::LogsError;
use crate::groups;
use crate::position::Position;
use crate::read::{self as events, Scope, Streams, Want};
use crate::streams;

/// Events of one page: AWS's limit and default.
const PAGE: usize = 10_000;

shape! {
    camelCase;
    /// An event as it is found.
    pub(super) struct FilteredLogEvent {
        log_stream_name: String,
        timestamp: i64,
        message: String,
        ingestion_time: i64,
        event_id: String,
    }
}

operation! {
    /// See the module. A page may be empty and yet not the last one.
    FilterLogEvents {
        log_group_name: Option<String>,
        log_group_identifier: Option<String>,
        log_stream_names: Option<Vec<String>>,
        log_stream_name_prefix: Option<String>,
        start_time: Option<i64>,
        end_time: Option<i64>,
        filter_pattern: Option<String>,
        next_token: Option<String>,
        limit: Option<u32>,
        start_from_head: Option<bool>,
    } => {
        events: Vec<FilteredLogEvent>,
        searched_log_streams: Vec<Document>,
        next_token: Option<String>,
    } |cx, input| {
        let name = one_group(&owner(cx), input.log_group_name, input.log_group_identifier)?;
        if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
            let text = "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.";
            return Err(LogsError::invalid(text).into());
        }
        // GAP(logs): the last events first.
        if input.start_from_head == Some(false) {
            let text = "Hearth reads from the head: leave `startFromHead` out, or say true.";
            return Err(LogsError::invalid(text).into());
        }
        let pattern = pattern(input.filter_pattern.as_deref())?;
        let token = input.next_token.as_deref().map(|token| Position::parse(token).ok_or(LogsError::Token));
        let token = token.transpose()?.unwrap_or_default();
        let start = input.start_time.map_or(0, millis);
        // An event of the last millisecond is wanted too.
        let end = input.end_time.map_or(u64::MAX, |end| millis(end).saturating_add(1));
        let (limit, now) = (input.limit.map_or(PAGE, |limit| limit as usize), cx.now());
        let wanted = match (input.log_stream_names, input.log_stream_name_prefix) {
            (Some(names), _) => Streams::Named(names.into_iter().collect(), false),
            (None, Some(prefix)) => Streams::Named(BTreeSet::from([prefix]), true),
            (None, None) => Streams::All,
        };
        let found = read(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &name)?;
            let scope = scope(tx, owner, group.number, &wanted)?;
            let from = Position::at(start.max(group.expired_before(now)));
            let want = Want { from: from.max(token), to: Position::at(end), limit };
            events::forward(tx, &scope, &want, &|message| pattern.matches(message))
        });
        let page = found.await?;
        let events = page.events.into_iter().map(|event| FilteredLogEvent {
            log_stream_name: event.stream,
            timestamp: long(event.position.time),
            message: event.message,
            ingestion_time: long(event.ingested),
            event_id: event.position.to_string(),
        });
        Ok(Output {
            events: events.collect(),
            // AWS fills it no more since 2019.
            searched_log_streams: Vec::new(),
            next_token: page.next.map(|next| next.to_string()),
        })
    }
}

/// Streams that are named must be there; a single one has an order of its own.
fn scope(
    tx: &mut dyn hearth_store::Tx,
    owner: &crate::keys::Owner,
    group: u64,
    wanted: &Streams,
) -> Result<Scope, LogsError> {
    if let Streams::Named(names, false) = wanted {
        let numbers = names.iter().map(|name| Ok(streams::get(tx, owner, group, name)?.number));
        let numbers = numbers.collect::<Result<Vec<u64>, LogsError>>()?;
        if let [stream] = numbers[..] {
            return Ok(Scope::Stream { owner: owner.clone(), group, stream });
        }
    }
    Ok(Scope::Group { owner: owner.clone(), group, streams: wanted.clone() })
}
