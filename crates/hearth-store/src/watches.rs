//! Who wants to hear of changes under which prefix.
//!
//! Never: holds more than the living watches need; keeps its lock while a transaction runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::key::Key;
use crate::seam::Watch;
use crate::transaction::Written;

/// Prefixes held before the first search for those that nobody watches any more.
const PRUNE_FIRST: usize = 64;

/// The watches of one store. One sender a prefix; its receivers see only that the count went up.
#[derive(Debug)]
pub(crate) struct Watches {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    senders: HashMap<Vec<u8>, watch::Sender<u64>>,
    /// How many prefixes have each length: a key is looked up once a length, not once a prefix.
    lengths: BTreeMap<usize, usize>,
    prune_at: usize,
}

impl Watches {
    pub(crate) fn new() -> Self {
        let inner = Inner { senders: HashMap::new(), lengths: BTreeMap::new(), prune_at: PRUNE_FIRST };
        Self { inner: Mutex::new(inner) }
    }

    pub(crate) fn watch(&self, prefix: &Key) -> Watch {
        let mut inner = self.lock();
        if let Some(sender) = inner.senders.get(prefix.as_bytes()) {
            return Watch::new(sender.subscribe());
        }
        if inner.senders.len() >= inner.prune_at {
            inner.prune();
        }
        let (sender, receiver) = watch::channel(0);
        *inner.lengths.entry(prefix.as_bytes().len()).or_default() += 1;
        inner.senders.insert(prefix.as_bytes().to_vec(), sender);
        Watch::new(receiver)
    }

    /// Hints at all prefixes of what was committed.
    pub(crate) fn committed(&self, written: &Written) {
        if written.is_empty() {
            return;
        }
        let inner = self.lock();
        match written.keys() {
            None => inner.senders.values().for_each(raise),
            Some(keys) => keys.iter().for_each(|key| inner.hint(key)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn hint(&self, key: &[u8]) {
        for &length in self.lengths.keys().take_while(|length| **length <= key.len()) {
            if let Some(sender) = self.senders.get(&key[..length]) {
                raise(sender);
            }
        }
    }

    fn prune(&mut self) {
        self.senders.retain(|_, sender| sender.receiver_count() > 0);
        self.lengths.clear();
        for prefix in self.senders.keys() {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        self.prune_at = PRUNE_FIRST.max(self.senders.len() * 2);
    }
}

fn raise(sender: &watch::Sender<u64>) {
    sender.send_modify(|count| *count = count.wrapping_add(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_that_nobody_watches_any_more_are_forgotten() {
        let watches = Watches::new();
        let kept = watches.watch(&Key::of("kept"));
        for number in 0..10_000 {
            drop(watches.watch(&Key::of("gone").number(number)));
        }
        assert!(watches.lock().senders.len() <= PRUNE_FIRST + 1);
        assert!(watches.lock().senders.contains_key(Key::of("kept").as_bytes()));
        drop(kept);
    }
}
