//! An answer's body that is read as it comes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth_world::World;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::error::OutboundError;
use crate::idle::{Idle, Sender};
use crate::url::Destination;

/// A body in pieces. Read to its end, its connection serves the next request; dropped before, it is closed.
#[derive(Debug)]
pub struct Streamed {
    body: Incoming,
    /// The longest wait for one piece.
    pause: Duration,
    world: World,
    host: String,
    back: Option<Back>,
}

/// Where the connection goes at the end.
#[derive(Debug)]
pub(crate) struct Back {
    pub(crate) idle: Arc<Idle>,
    pub(crate) destination: Destination,
    pub(crate) sender: Sender,
    pub(crate) world: World,
}

impl Back {
    fn give(self) {
        self.idle.keep(self.destination, self.sender, self.world.physical().now());
    }
}

impl Streamed {
    /// A body that was not read yet. One without bytes is at its end already.
    pub(crate) fn new(body: Incoming, pause: Duration, back: Back) -> Self {
        let (world, host) = (back.world.clone(), back.destination.host.clone());
        let mut streamed = Self { body, pause, world, host, back: Some(back) };
        if streamed.body.is_end_stream() {
            streamed.ended();
        }
        streamed
    }

    /// The next piece; `None` at the end. Whoever reads bounds the sum.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        loop {
            let waited = self.world.physical().timeout(self.pause, self.body.frame()).await;
            let frame = waited.map_err(|_| OutboundError::TimedOut { host: self.host.clone() })?;
            let Some(frame) = frame else {
                self.ended();
                return Ok(None);
            };
            let frame = frame.map_err(|source| OutboundError::Http { host: self.host.clone(), source })?;
            // Trailers say nothing that anybody here reads.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    fn ended(&mut self) {
        if let Some(back) = self.back.take() {
            back.give();
        }
    }
}
