//! Connections that are shaking hands: a number of their own, so that slow ones cannot fill the listener.
//!
//! When there are too many, the oldest is dropped for the newest: an honest client takes milliseconds.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// Handshakes at the same time. Each holds a descriptor and some 40 KB.
const HANDSHAKES_MAX: usize = 1_024;

/// How long one may take, with the wait for a connection's place afterwards.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub struct Handshakes {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    next: u64,
    /// By age. Dropping the sender drops the connection.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// One handshake's place.
#[derive(Debug)]
pub struct Place {
    handshakes: Arc<Handshakes>,
    number: u64,
    evicted: oneshot::Receiver<()>,
}

impl Handshakes {
    /// A place, taken from the oldest if there is none left.
    pub fn enter(self: &Arc<Self>) -> Place {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.waiting.len() >= HANDSHAKES_MAX {
            pending.waiting.pop_first();
        }
        let number = pending.next;
        pending.next += 1;
        let (keep, evicted) = oneshot::channel();
        pending.waiting.insert(number, keep);
        Place { handshakes: self.clone(), number, evicted }
    }
}

impl Place {
    /// Does the work, or gives it up when the place is taken away.
    pub async fn hold<T>(mut self, work: impl Future<Output = T>) -> Option<T> {
        // What is dropped: a connection that nothing was said on yet.
        tokio::select! {
            biased;
            done = work => Some(done),
            _ = &mut self.evicted => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pending = self.handshakes.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_all_places_are_taken_the_oldest_handshake_makes_room() {
        let handshakes = Arc::new(Handshakes::default());
        let oldest = handshakes.enter();
        let mut others: Vec<_> = (1..HANDSHAKES_MAX).map(|_| handshakes.enter()).collect();
        let newest = handshakes.enter();
        assert_eq!(oldest.hold(std::future::pending::<()>()).await, None);
        assert_eq!(newest.hold(std::future::ready(1)).await, Some(1));
        // A place that is given back is free again.
        assert_eq!(others.remove(0).hold(std::future::ready(2)).await, Some(2));
        let _one = handshakes.enter();
        assert_eq!(others.remove(0).hold(std::future::ready(3)).await, Some(3));
    }
}
