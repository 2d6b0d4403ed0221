//! How long a test waits for what must come.

use std::sync::OnceLock;
use std::time::Duration;

/// A bound that only what is broken reaches. On a machine that is slower than any in use (one that is emulated),
/// `HEARTH_TEST_PATIENCE` is a number that all of them are multiplied by.
pub fn patience(seconds: u64) -> Duration {
    static TIMES: OnceLock<u64> = OnceLock::new();
    let times = TIMES.get_or_init(|| {
        let set = std::env::var("HEARTH_TEST_PATIENCE").ok();
        set.map_or(1, |times| times.parse().expect("HEARTH_TEST_PATIENCE is a whole number"))
    });
    Duration::from_secs(seconds * times)
}
