//! When access keys were used, before it is written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::access_keys::LastUsed;

/// Keys whose last use is remembered; of further ones it is not known.
const KEYS_MAX: usize = 1_024;

/// The last use of each key since the last writing.
#[derive(Debug, Default)]
pub(crate) struct LastUses {
    by_key: Mutex<HashMap<String, LastUsed>>,
}

impl LastUses {
    pub(crate) fn note(&self, id: &str, used: LastUsed) {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = by_key.get_mut(id) {
            *known = used;
        } else if by_key.len() < KEYS_MAX {
            by_key.insert(id.to_owned(), used);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<LastUsed> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn take(&self) -> Vec<(String, LastUsed)> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}
