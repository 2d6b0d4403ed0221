//! Hints of change.

use std::time::Duration;

use super::{key, put};
use crate::key::Key;
use crate::seam::{Store, Watch};

/// A hint comes within milliseconds; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn told(watch: &mut Watch) {
    tokio::time::timeout(PATIENCE, watch.changed()).await.expect("a hint comes");
}

/// By a put and by a delete, for the space, for a part of it and for the key itself.
pub async fn a_watch_is_told_of_a_commit_under_its_prefix(store: &dyn Store) {
    let mut watches = [Key::of("contract"), key("a"), key("a").text("b")].map(|prefix| store.watch(prefix));
    put(store, &key("a").text("b"), "1").await;
    for watch in &mut watches {
        told(watch).await;
    }
    super::write(store, |tx| tx.delete(&key("a").text("b"))).await;
    for watch in &mut watches {
        told(watch).await;
    }
}

/// The hint waits for the watcher.
pub async fn a_commit_before_the_waiting_begins_is_not_missed(store: &dyn Store) {
    let mut watch = store.watch(key("a"));
    for _ in 0..20 {
        put(store, &key("a"), "1").await;
        told(&mut watch).await;
    }
}

/// Who was not waiting hears once and looks for himself; a clone hears for itself.
pub async fn many_commits_may_be_one_hint(store: &dyn Store) {
    let mut watch = store.watch(key("a"));
    let mut other = watch.clone();
    for _ in 0..20 {
        put(store, &key("a"), "1").await;
    }
    told(&mut watch).await;
    told(&mut other).await;
}
