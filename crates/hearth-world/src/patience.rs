//! Waiting in tests: for a state, and never for ever.

use std::time::Duration;

/// How long a test waits for a state: far longer than any takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a future gives, for tests that wait for a state.
///
/// # Panics
/// When it is not there after 60 s of the machine's time, with `what` was waited for.
#[track_caller]
pub fn within<T>(what: &str, state: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let waited = tokio::time::timeout(PATIENCE, state).await;
        waited.unwrap_or_else(|_| panic!("{place}: after {} s still not: {what}", PATIENCE.as_secs()))
    }
}
