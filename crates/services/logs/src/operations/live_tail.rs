//! StartLiveTail: what comes into some groups, once a second, until the caller hangs up.
//!
//! ```text
//! sessionStart ─▶ sessionUpdate, each second, with or without events ─▶ SessionTimeoutException after three hours
//! ```
//!
//! GAP(logs): events that come more than a minute late are in their stream but in no live tail.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use hearth_aws::{ApiError, Code, Cx, Document, EventStream, IntoDocument, Operation, Stream, shape};
use hearth_store::transact_read;
use hearth_world::Timestamp;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::family::{long, named, owner, pattern, read};
use crate::Logs;
use crate::error::LogsError;
use crate::groups;
use crate::keys::Owner;
use crate::patterns::Pattern;
use crate::position::Position;
use crate::read::{self as events, Read, Scope, Streams};

/// Live tails at once, of all callers.
const SESSIONS_MAX: usize = 64;

/// How long one lasts: AWS's limit.
const SESSION_LASTS: Duration = Duration::from_secs(3 * 3_600);

/// How often events are sent.
const UPDATE: Duration = Duration::from_secs(1);

/// Events of one update: AWS's limit. When more came, the update says that it is a sample.
const UPDATE_EVENTS_MAX: usize = 500;

/// How late an event may come to be seen.
const LATE_MS_MAX: u64 = 60_000;

/// Room for live tails.
#[derive(Debug)]
pub(crate) struct Sessions(Arc<Semaphore>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(SESSIONS_MAX)))
    }
}

shape! {
    camelCase;
    pub(crate) struct Input {
        log_group_identifiers: Vec<String>,
        log_stream_names: Option<Vec<String>>,
        log_stream_name_prefixes: Option<Vec<String>>,
        log_event_filter_pattern: Option<String>,
    }

    pub(crate) struct Output {
        response_stream: Stream,
    }

    struct SessionStart {
        request_id: String,
        session_id: String,
        log_group_identifiers: Vec<String>,
        log_stream_names: Option<Vec<String>>,
        log_stream_name_prefixes: Option<Vec<String>>,
        log_event_filter_pattern: String,
    }

    struct Metadata {
        sampled: bool,
    }

    struct Update {
        session_metadata: Metadata,
        session_results: Vec<SessionLogEvent>,
    }

    struct SessionLogEvent {
        log_stream_name: String,
        log_group_identifier: String,
        message: String,
        timestamp: i64,
        ingestion_time: i64,
    }
}

/// See the module.
pub(crate) struct StartLiveTail;

/// One caller who follows.
struct Session {
    logs: Arc<Logs>,
    messages: EventStream,
    /// What a group is called in events, and where its events are.
    groups: Vec<(String, Scope)>,
    pattern: Arc<Pattern>,
    /// Batches that were sent.
    seen: BTreeSet<Position>,
    began: u64,
    ends: Timestamp,
    start: Option<SessionStart>,
    is_over: bool,
    _room: OwnedSemaphorePermit,
}

impl Operation for StartLiveTail {
    const NAME: &'static str = "StartLiveTail";
    type State = Logs;
    type Input = Input;
    type Output = Output;

    async fn call(cx: &Cx<Logs>, input: Input) -> Result<Output, ApiError> {
        let pattern = Arc::new(pattern(input.log_event_filter_pattern.as_deref())?);
        let streams = streams(&input)?;
        let owner = owner(cx);
        let names: Vec<String> = input
            .log_group_identifiers
            .iter()
            .map(|identifier| named(&owner, identifier))
            .collect::<Result<_, LogsError>>()?;
        let found = read(cx, move |tx, owner| {
            names.iter().map(|name| groups::get(tx, owner, name)).collect::<Result<Vec<_>, _>>()
        });
        let room = cx.sessions.0.clone().try_acquire_owned().map_err(|_| LogsError::Limit)?;
        let groups = found.await?.into_iter().map(|group| {
            let identifier = format!("{}:{}", owner.account, group.name);
            (identifier, scope(&owner, group.number, &streams))
        });
        let messages = EventStream::of("logs", Self::NAME);
        let messages = messages.ok_or(LogsError::Limit)?;
        let session = Session {
            logs: cx.state().clone(),
            messages,
            groups: groups.collect(),
            pattern,
            seen: BTreeSet::new(),
            began: cx.now(),
            ends: cx.world.physical().now().after(SESSION_LASTS),
            start: Some(SessionStart {
                request_id: cx.call.request_id.to_string(),
                session_id: cx.world.random().uuid().to_string(),
                log_group_identifiers: input.log_group_identifiers,
                log_stream_names: input.log_stream_names,
                log_stream_name_prefixes: input.log_stream_name_prefixes,
                log_event_filter_pattern: input.log_event_filter_pattern.unwrap_or_default(),
            }),
            is_over: false,
            _room: room,
        };
        let messages = stream::unfold(session, |mut session| async move {
            let message = session.next().await?;
            Some((Ok::<_, Infallible>(Frame::data(message)), session))
        });
        Ok(Output { response_stream: Stream::new(StreamBody::new(messages.boxed())) })
    }
}

fn streams(input: &Input) -> Result<Streams, LogsError> {
    let (names, prefixes) = (&input.log_stream_names, &input.log_stream_name_prefixes);
    if (names.is_some() || prefixes.is_some()) && input.log_group_identifiers.len() > 1 {
        return Err(LogsError::invalid("Log streams can be named for a single log group only."));
    }
    let set = |texts: &Vec<String>| texts.iter().cloned().collect::<BTreeSet<String>>();
    match (names, prefixes) {
        (Some(_), Some(_)) => {
            Err(LogsError::invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive."))
        }
        (Some(names), None) => Ok(Streams::Named(set(names), false)),
        (None, Some(prefixes)) => Ok(Streams::Named(set(prefixes), true)),
        (None, None) => Ok(Streams::All),
    }
}

fn scope(owner: &Owner, group: u64, streams: &Streams) -> Scope {
    Scope::Group { owner: owner.clone(), group, streams: streams.clone() }
}

impl Session {
    /// The next message; `None` when the server stops or the session is over.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        if let Some(start) = self.start.take() {
            return self.message("sessionStart", start.into_document());
        }
        let stop = self.logs.stop.clone();
        stop.or(self.logs.world.physical().sleep(UPDATE)).await?;
        if self.logs.world.physical().now() >= self.ends {
            self.is_over = true;
            let code = Code::Modelled("SessionTimeoutException");
            let text = "The live tail has lasted three hours: start another one.";
            return self.messages.failure(&ApiError::client(code, text)).ok();
        }
        match self.update().await {
            Ok(update) => self.message("sessionUpdate", update.into_document()),
            Err(error) => {
                self.is_over = true;
                let code = Code::Modelled("SessionStreamingException");
                self.messages.failure(&ApiError::client(code, error)).ok()
            }
        }
    }

    fn message(&self, name: &str, value: Document) -> Option<Bytes> {
        self.messages.event(name, &value).ok()
    }

    async fn update(&mut self) -> Result<Update, LogsError> {
        let since = self.logs.now().saturating_sub(LATE_MS_MAX);
        let (groups, pattern, seen) = (self.groups.clone(), self.pattern.clone(), self.seen.clone());
        let began = self.began;
        let read = transact_read(&*self.logs.store, move |tx| -> Result<_, LogsError> {
            let (mut seen, mut all) = (seen.clone(), Vec::<(String, Read)>::new());
            for (identifier, scope) in &groups {
                let matches = |message: &str| pattern.matches(message);
                let found = events::arrivals(tx, scope, since, began, &mut seen, &matches)?;
                all.extend(found.into_iter().map(|event| (identifier.clone(), event)));
            }
            Ok((seen, all))
        });
        let (seen, mut all) = read.await?;
        self.seen = seen;
        // What is older is not looked at again.
        let oldest = Position::at(since.saturating_sub(2 * LATE_MS_MAX));
        self.seen = self.seen.split_off(&oldest);
        all.sort_by_key(|(_, event)| event.position);
        let sampled = all.len() > UPDATE_EVENTS_MAX;
        let session_results =
            all.into_iter().take(UPDATE_EVENTS_MAX).map(|(identifier, event)| SessionLogEvent {
                log_stream_name: event.stream,
                log_group_identifier: identifier,
                message: event.message,
                timestamp: long(event.position.time),
                ingestion_time: long(event.ingested),
            });
        let session_results = session_results.collect();
        Ok(Update { session_metadata: Metadata { sampled }, session_results })
    }
}
