//! GetLogEvents: the events of one stream, forward and backward without an end.
//!
//! A forward token is the last event that was read, a backward one the first: at the end the same token comes back,
//! and later finds what came since.

use hearth_aws::shape;

use super::family::{long, millis, one_group, operation, owner, read};
use crate::error::LogsError;
use crate::groups;
use crate::position::Position;
use crate::read::{self as events, Scope, Want};
use crate::streams;

/// Events of one page: AWS's limit and default.
const PAGE: usize = 10_000;

shape! {
    camelCase;
    /// An event as it is read.
    pub(super) struct OutputLogEvent {
        timestamp: i64,
        message: String,
        ingestion_time: i64,
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
enum Token {
    /// Events from this place on.
    Forward(Position),
    /// Events before this place.
    Backward(Position),
}

operation! {
    /// See the module.
    GetLogEvents {
        log_group_name: Option<String>,
        log_group_identifier: Option<String>,
        log_stream_name: String,
        start_time: Option<i64>,
        end_time: Option<i64>,
        next_token: Option<String>,
        limit: Option<u32>,
        start_from_head: Option<bool>,
    } => {
        events: Vec<OutputLogEvent>,
        next_forward_token: String,
        next_backward_token: String,
    } |cx, input| {
        let name = one_group(&owner(cx), input.log_group_name, input.log_group_identifier)?;
        let start = input.start_time.map_or(0, millis);
        let end = input.end_time.map_or(u64::MAX, millis);
        let token = input.next_token.as_deref().map(parse).transpose()?;
        let token = token.unwrap_or(match input.start_from_head {
            Some(true) => Token::Forward(Position::at(start)),
            _ => Token::Backward(Position::at(end)),
        });
        let (limit, now) = (input.limit.map_or(PAGE, |limit| limit as usize), cx.now());
        let found = read(cx, move |tx, owner| {
            let group = groups::get(tx, owner, &name)?;
            let stream = streams::get(tx, owner, group.number, &input.log_stream_name)?;
            let scope = Scope::Stream { owner: owner.clone(), group: group.number, stream: stream.number };
            let from = Position::at(start.max(group.expired_before(now)));
            let to = Position::at(end);
            match token {
                Token::Forward(first) => {
                    let want = Want { from: from.max(first), to, limit };
                    Ok(events::forward(tx, &scope, &want, &|_| true)?.events)
                }
                Token::Backward(behind) => {
                    events::backward(tx, &scope, &Want { from, to: to.min(behind), limit })
                }
            }
        });
        let found = found.await?;
        let (first, behind) = match (found.first(), found.last(), token) {
            (Some(first), Some(last), _) => (first.position, last.position.next()),
            (_, _, Token::Forward(place) | Token::Backward(place)) => (place, place),
        };
        let events = found.into_iter().map(|event| OutputLogEvent {
            timestamp: long(event.position.time),
            message: event.message,
            ingestion_time: long(event.ingested),
        });
        Ok(Output {
            events: events.collect(),
            next_forward_token: format!("f/{}/s", open(behind)),
            next_backward_token: format!("b/{}/s", open(first)),
        })
    }
}

/// The place behind all events is where a stream without events begins.
fn open(place: Position) -> Position {
    if place.time == u64::MAX { Position::default() } else { place }
}

fn parse(token: &str) -> Result<Token, LogsError> {
    let (direction, rest) = token.split_once('/').ok_or(LogsError::Token)?;
    let place = rest.strip_suffix("/s").and_then(Position::parse).ok_or(LogsError::Token)?;
    match direction {
        "f" => Ok(Token::Forward(place)),
        "b" => Ok(Token::Backward(place)),
        _ => Err(LogsError::Token),
    }
}
