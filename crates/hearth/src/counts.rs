//! What the server is doing now, for `/_hearth/health`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counters of one server.
#[derive(Debug, Default)]
pub struct Counts {
    requests: AtomicUsize,
    connections: AtomicUsize,
}

/// Counts one thing for as long as it lives.
#[derive(Debug)]
pub struct Counted {
    counts: Arc<Counts>,
    which: fn(&Counts) -> &AtomicUsize,
}

impl Counts {
    /// Requests that are being answered.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Connections that are open, sandboxes' included.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// One more request.
    pub fn request(self: &Arc<Self>) -> Counted {
        Counted::new(self, |counts| &counts.requests)
    }

    /// One more connection.
    pub fn connection(self: &Arc<Self>) -> Counted {
        Counted::new(self, |counts| &counts.connections)
    }
}

impl Counted {
    fn new(counts: &Arc<Counts>, which: fn(&Counts) -> &AtomicUsize) -> Self {
        which(counts).fetch_add(1, Ordering::Relaxed);
        Self { counts: counts.clone(), which }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.which)(&self.counts).fetch_sub(1, Ordering::Relaxed);
    }
}
