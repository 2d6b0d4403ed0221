//! A clock: the machine's, or one that is moved by hand.
//!
//! One that is moved by hand knows who waits for which time, and who is at work: it can jump to the next time that
//! somebody waits for, and does so only while nobody works.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::Timestamp;

/// Tells the time and waits for it. Cheap to clone; clones of a manual clock are the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    manual: Option<Arc<Manual>>,
}

#[derive(Debug)]
struct Manual {
    now: watch::Sender<Timestamp>,
    waiting: Mutex<Waiting>,
}

/// Who keeps a manual clock from jumping, and where it would jump to.
#[derive(Debug, Default)]
struct Waiting {
    /// How many wait for each time.
    sleepers: BTreeMap<Timestamp, usize>,
    at_work: usize,
}

/// Keeps a manual clock from jumping until it is dropped.
#[derive(Debug)]
pub struct AtWork {
    manual: Option<Arc<Manual>>,
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
        Self { manual: Some(Arc::new(Manual { now: watch::Sender::new(start), waiting: Mutex::default() })) }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.manual {
            Some(clock) => *clock.now.borrow(),
            None => system_now(),
        }
    }

    /// Waits until the clock shows `when`. Cancel-safe.
    pub async fn sleep_until(&self, when: Timestamp) {
        match &self.manual {
            Some(clock) => {
                let _sleeper = Sleeper::enter(clock, when);
                // The sender lives as long as this clock, so waiting cannot fail.
                let _ = clock.now.subscribe().wait_for(|now| *now >= when).await;
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
            clock.now.send_modify(|now| *now = now.after(duration));
        }
    }

    /// Says that something runs whose end may change what is due: a manual clock does not jump before it is dropped.
    pub fn at_work(&self) -> AtWork {
        if let Some(manual) = &self.manual {
            manual.waiting().at_work += 1;
        }
        AtWork { manual: self.manual.clone() }
    }

    /// Moves a manual clock to the next time that somebody waits for. `None`, and nothing moves, while somebody is at
    /// work, when nobody waits for a later time, and on the machine's clock.
    pub fn jump(&self) -> Option<Timestamp> {
        let clock = self.manual.as_ref()?;
        // Under the lock: nobody begins to work between the look and the jump.
        let waiting = clock.waiting();
        let now = *clock.now.borrow();
        let (next, _) = waiting.sleepers.iter().find(|(when, _)| **when > now)?;
        if waiting.at_work > 0 {
            return None;
        }
        clock.now.send_replace(*next);
        Some(*next)
    }
}

impl Manual {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(manual) = &self.manual {
            manual.waiting().at_work -= 1;
        }
    }
}

/// One who waits for a time, until dropped.
struct Sleeper<'c> {
    clock: &'c Manual,
    when: Timestamp,
}

impl<'c> Sleeper<'c> {
    fn enter(clock: &'c Manual, when: Timestamp) -> Self {
        *clock.waiting().sleepers.entry(when).or_default() += 1;
        Self { clock, when }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut waiting = self.clock.waiting();
        if let Some(count) = waiting.sleepers.get_mut(&self.when) {
            *count -= 1;
            if *count == 0 {
                waiting.sleepers.remove(&self.when);
            }
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

    #[test]
    fn a_clock_jumps_to_whoever_waits_first_and_only_while_nobody_works() {
        let clock = Clock::manual(Timestamp::from_millis(0));
        assert_eq!(clock.jump(), None, "nobody waits");
        let mut later = Box::pin(clock.sleep(Duration::from_secs(60)));
        let mut sooner = Box::pin(clock.sleep(Duration::from_secs(5)));
        assert!(later.as_mut().now_or_never().is_none() && sooner.as_mut().now_or_never().is_none());
        let work = clock.at_work();
        assert_eq!(clock.jump(), None, "somebody works");
        drop(work);
        assert_eq!(clock.jump(), Some(Timestamp::from_millis(5_000)));
        assert_eq!(sooner.as_mut().now_or_never(), Some(()));
        drop(later);
        assert_eq!(clock.jump(), None, "who waited has gone");
        assert_eq!(Clock::system().jump(), None);
    }
}
