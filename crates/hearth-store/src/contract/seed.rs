//! The seed of a simulated run or of random cases: another one each time, told when the run fails, replayed with `HEARTH_SEED`.

use hearth_world::World;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The variable that names the seed to replay.
const VARIABLE: &str = "HEARTH_SEED";

/// A seed that is printed when its test panics.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed of `HEARTH_SEED`, or one at random.
    ///
    /// # Panics
    /// When `HEARTH_SEED` is no number.
    pub fn pick() -> Self {
        match std::env::var(VARIABLE) {
            Ok(text) => Self(text.parse().unwrap_or_else(|_| panic!("{VARIABLE}={text} is no number"))),
            Err(_) => Self(u64::from_le_bytes(World::real().random().bytes())),
        }
    }

    /// A simulated world of this seed.
    pub fn world(&self) -> World {
        World::simulated(self.0)
    }

    /// A runner of random cases, all of them drawn from this seed.
    pub fn runner(&self, cases: u32) -> TestRunner {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.0.to_le_bytes());
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.0
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with {VARIABLE}={}", self.0);
        }
    }
}
