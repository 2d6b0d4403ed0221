//! When the driver looks at an environment by itself: for its limit, for its memory, for a REPORT line that is owed.
//!
//! A look that is set is not put off by later events, so that a busy environment sets its timer some times a second
//! and not with every call.

use std::time::{Duration, Instant};

use super::Core;
use crate::environment::state::Event;

/// Memory is looked at so often while an invocation runs; shorter ones once, at their end.
const SAMPLE_FIRST: Duration = Duration::from_millis(100);
/// Long invocations are looked at less often, by an eighth of their time so far, at least this often.
const SAMPLE_LAST: Duration = Duration::from_secs(1);
/// A look that nothing asks for.
const FAR: Duration = Duration::from_secs(3600);
/// A REPORT line is written so long after its invocation, or with the next one: neither the answer nor the next event
/// waits for it, and no other thread is woken for it.
const REPORT_WAIT: Duration = Duration::from_millis(5);

impl Core {
    /// A limit counts from now on. Most are further away than the look that is set; a rest after a long call is not.
    pub(super) fn limit(&mut self, after: Duration) {
        let deadline = Instant::now() + after;
        self.deadline = Some(deadline);
        self.todo.arm |= self.looks_at.is_none_or(|looks_at| looks_at > deadline);
    }

    /// The REPORT line of an invocation that ended just now has its time.
    pub(super) fn report_later(&mut self) {
        let due = Instant::now() + REPORT_WAIT;
        self.report_due = Some(due);
        self.todo.arm |= self.looks_at.is_none_or(|looks_at| looks_at > due);
    }

    /// When to look next; the caller does so then.
    pub(in super::super) fn next_look(&mut self, now: Instant) -> Instant {
        let running =
            self.current().map_or(Duration::ZERO, |(_, began)| now.saturating_duration_since(began));
        let sample = now + (running / 8).clamp(SAMPLE_FIRST, SAMPLE_LAST);
        let limit = self.deadline.map(|deadline| deadline.min(sample));
        self.looks_at = limit.into_iter().chain(self.report_due).min();
        self.looks_at.unwrap_or(now + FAR)
    }

    /// Looks at the limit, the memory and what is owed.
    pub(in super::super) fn look(&mut self, now: Instant) {
        if self.report_due.is_some_and(|due| due <= now) {
            self.report();
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.apply(Event::DeadlinePassed);
        }
        self.check_init_cpu(now);
        if self.current().is_some() {
            self.memory.sample();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::core::REST;
    use crate::environment::tests::core;

    #[test]
    fn a_timer_is_set_for_a_limit_that_comes_before_the_look_that_is_set_and_for_no_other() {
        let mut core = core();
        let now = Instant::now();
        for (looks_in, limit, arms) in [
            (Some(SAMPLE_LAST * 60), REST, true),
            (Some(SAMPLE_FIRST), Duration::from_secs(3), false),
            (None, Duration::from_secs(3), true),
        ] {
            core.looks_at = looks_in.map(|after| now + after);
            core.todo.arm = false;
            core.limit(limit);
            assert_eq!(core.todo.arm, arms, "a look in {looks_in:?}, a limit in {limit:?}");
        }
    }
}
