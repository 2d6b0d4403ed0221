//! Random numbers and ids: the kernel's, or a seed's.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};
use uuid::Uuid;

/// A source of random numbers. Cheap to clone; clones of a seeded one share its sequence.
#[derive(Clone)]
pub struct Random {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Kernel(Arc<Mutex<Drawn>>),
    Seeded(Arc<Mutex<StdRng>>),
}

/// Bytes asked of the kernel at a time: a call costs as much for 16 bytes as for these, and every invocation draws some.
const DRAWN_BYTES: usize = 512;

/// The kernel's bytes that were not given out yet; those that were are wiped.
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    given: usize,
}

impl Drawn {
    fn give(&mut self, buffer: &mut [u8]) {
        if buffer.len() > DRAWN_BYTES {
            return from_kernel(buffer);
        }
        if DRAWN_BYTES - self.given < buffer.len() {
            from_kernel(&mut self.bytes);
            self.given = 0;
        }
        let given = &mut self.bytes[self.given..][..buffer.len()];
        buffer.copy_from_slice(given);
        given.fill(0);
        self.given += buffer.len();
    }
}

fn from_kernel(buffer: &mut [u8]) {
    SysRng.try_fill_bytes(buffer).expect("getrandom cannot fail once the kernel has booted");
}

impl Random {
    /// The kernel's generator, fit for secrets.
    pub fn kernel() -> Self {
        let drawn = Drawn { bytes: [0; DRAWN_BYTES], given: DRAWN_BYTES };
        Self { source: Source::Kernel(Arc::new(Mutex::new(drawn))) }
    }

    /// The same sequence for the same seed. Never for secrets.
    pub fn seeded(seed: u64) -> Self {
        Self { source: Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    /// Fills the buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.source {
            Source::Kernel(drawn) => drawn.lock().unwrap_or_else(PoisonError::into_inner).give(buffer),
            Source::Seeded(generator) => {
                generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
            }
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
        out.write_str(match self.source {
            Source::Kernel(_) => "Random(kernel)",
            Source::Seeded(_) => "Random(seeded)",
        })
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

    #[test]
    fn the_kernels_bytes_are_given_out_once_whatever_is_asked_for() {
        let random = Random::kernel();
        let mut seen = std::collections::HashSet::new();
        for length in (8..200).chain([DRAWN_BYTES, DRAWN_BYTES + 1, 3 * DRAWN_BYTES]) {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            for piece in bytes.chunks_exact(8) {
                assert!(seen.insert(piece.to_vec()), "8 bytes came twice");
            }
        }
    }
}
