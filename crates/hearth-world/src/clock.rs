//! A clock: the machine's, or one that is moved by hand.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Timestamp;

/// Tells the time and waits for it. Cheap to clone; clones of a manual clock are the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    manual: Option<Arc<watch::Sender<Timestamp>>>,
}

/// The time ran out before the future was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self { manual: Some(Arc::new(watch::Sender::new(start))) }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.manual {
            Some(clock) => *clock.borrow(),
            None => system_now(),
        }
    }

    /// Waits until the clock shows `when`. Cancel-safe.
    pub async fn sleep_until(&self, when: Timestamp) {
        match &self.manual {
            Some(clock) => {
                // The sender lives as long as this clock, so waiting cannot fail.
                let _ = clock.subscribe().wait_for(|now| *now >= when).await;
            }
            None => tokio::time::sleep(when.since(system_now())).await,
        }
    }

    /// Waits for a duration of this clock. Cancel-safe.
    pub async fn sleep(&self, duration: Duration) {
        match &self.manual {
            Some(_) => self.sleep_until(self.now().after(duration)).await,
            None => tokio::time::sleep(duration).await,
        }
    }

    /// Runs the future for at most `limit` of this clock; it is dropped when the time is over.
    pub async fn timeout<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.sleep(limit) => Err(Elapsed),
        }
    }

    /// Moves a manual clock forward; the machine's clock cannot be moved and stays as it is.
    pub fn advance(&self, duration: Duration) {
        if let Some(clock) = &self.manual {
            clock.send_modify(|now| *now = now.after(duration));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_limit_counts_on_its_own_clock_and_what_is_ready_wins() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        assert_eq!(clock.timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        let waiting = clock.timeout(Duration::from_secs(60), std::future::pending::<()>());
        let mut waiting = std::pin::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.clone().advance(Duration::from_secs(60));
        assert_eq!(waiting.await, Err(Elapsed));
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_its_sleepers_when_it_is_advanced_and_not_before() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let mut sleep = std::pin::pin!(clock.sleep(Duration::from_secs(60)));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(59));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now().as_millis(), 60_000);
    }
}
