//! How many connections this process can have open at all.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Of all descriptors so much is for connections; the rest is for sandboxes, blobs and the store.
const SHARE: u64 = 4;

/// Raises this process's limit of open descriptors as far as it may go. Many systems begin with 1,024.
pub fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!(%error, "the limit of open files stays as it is");
    }
}

/// At most this many connections, or fewer where the process may not open that much.
pub(super) fn bounded(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit
        .and_then(|limit| usize::try_from(limit / SHARE).ok())
        .map_or(connections, |most| most.clamp(1, connections))
}
