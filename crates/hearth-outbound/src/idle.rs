//! Connections that wait for their next request.
//!
//! Never: more than [`IDLE_MAX`] of them; one that is older than [`IDLE_TIME`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hearth_world::Timestamp;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

use crate::url::Destination;

/// Of all destinations together.
const IDLE_MAX: usize = 64;
/// Of one destination.
const IDLE_OF_ONE_MAX: usize = 8;
/// Shorter than what usual servers and load balancers allow (60 s), so that they seldom close first.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// The way to send requests over one connection.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<HashMap<Destination, Vec<(Sender, Timestamp)>>>);

impl Idle {
    /// The connection used last, if one is usable.
    pub(crate) fn take(&self, destination: &Destination, now: Timestamp) -> Option<Sender> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop_old(&mut all, now);
        Some(all.get_mut(destination)?.pop()?.0)
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn keep(&self, destination: Destination, sender: Sender, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop_old(&mut all, now);
        let many = all.values().map(Vec::len).sum::<usize>() >= IDLE_MAX;
        let waiting = all.entry(destination).or_default();
        if !many && waiting.len() < IDLE_OF_ONE_MAX && !sender.is_closed() {
            waiting.push((sender, now));
        }
    }
}

fn drop_old(all: &mut HashMap<Destination, Vec<(Sender, Timestamp)>>, now: Timestamp) {
    let limit = i64::try_from(IDLE_TIME.as_millis()).unwrap_or(i64::MAX);
    all.retain(|_, waiting| {
        waiting.retain(|(sender, since)| {
            !sender.is_closed() && now.as_millis().saturating_sub(since.as_millis()) < limit
        });
        !waiting.is_empty()
    });
}
