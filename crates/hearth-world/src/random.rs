//! Random numbers and ids: the kernel's, or a seed's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};
use uuid::Uuid;

/// A source of random numbers. Cheap to clone; clones of a seeded one share its sequence.
#[derive(Clone)]
pub struct Random {
    seeded: Option<Arc<Mutex<StdRng>>>,
}

impl Random {
    /// The kernel's generator, fit for secrets.
    pub fn kernel() -> Self {
        Self { seeded: None }
    }

    /// The same sequence for the same seed. Never for secrets.
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    /// Fills the buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.seeded {
            Some(generator) => generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer),
            None => SysRng.try_fill_bytes(buffer).expect("getrandom cannot fail once the kernel has booted"),
        }
    }

    /// N random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `bound`; zero when the bound is zero.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }

    /// A version 4 UUID: request ids, revision ids.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// Lower-case hexadecimal digits, two a byte.
    pub fn hex<const N: usize>(&self) -> String {
        self.bytes::<N>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.seeded.is_some() { "Random(seeded)" } else { "Random(kernel)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_gives_others() {
        assert_eq!(Random::seeded(7).uuid(), Random::seeded(7).uuid());
        assert_ne!(Random::seeded(7).uuid(), Random::seeded(8).uuid());
        assert_ne!(Random::kernel().uuid(), Random::kernel().uuid());
        assert_eq!(Random::kernel().uuid().get_version_num(), 4);
    }
}
