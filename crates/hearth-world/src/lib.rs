//! Time, randomness, tasks and shutdown, from one value: the [`World`].
//!
//! Two clocks. The *physical* one is where real processes live: sandbox deadlines, sockets, signatures,
//! credential expiry. The *domain* one is where promises live: retries, visibility, schedules, retention; tests
//! and virtual time move it by hand.
//!
//! Never: becomes a drawer for helpers.

mod clock;
mod patience;
mod random;
mod tasks;
mod timestamp;

pub use clock::{AtWork, Clock, Elapsed};
pub use patience::within;
pub use random::Random;
pub use tasks::{Stop, TaskGroup, TaskKind, Unfinished};
pub use timestamp::Timestamp;

/// Where time, randomness and ids come from. Cheap to clone; an argument of everything that needs one.
#[derive(Clone, Debug)]
pub struct World {
    physical: Clock,
    domain: Clock,
    random: Random,
}

impl World {
    /// The machine's clock for both, and the kernel's random numbers.
    pub fn real() -> Self {
        Self { physical: Clock::system(), domain: Clock::system(), random: Random::kernel() }
    }

    /// Random numbers and ids from a seed, and a domain clock that stands still until it is advanced.
    pub fn simulated(seed: u64) -> Self {
        let start = Timestamp::from_millis(1_767_225_600_000); // 2026-01-01T00:00:00Z
        Self { physical: Clock::system(), domain: Clock::manual(start), random: Random::seeded(seed) }
    }

    /// The clock of real processes.
    pub fn physical(&self) -> &Clock {
        &self.physical
    }

    /// The clock of promises: retries, schedules, retention.
    pub fn domain(&self) -> &Clock {
        &self.domain
    }

    /// Random numbers and ids.
    pub fn random(&self) -> &Random {
        &self.random
    }
}
