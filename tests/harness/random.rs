//! Chance that can be repeated: everything random in a test comes from one printed seed.

use std::io::Read;

/// A stream of numbers from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// From `HEARTH_SEED`, or from a new seed. Printed, so that a failed run can be repeated.
    pub fn new() -> Self {
        let given =
            std::env::var("HEARTH_SEED").ok().map(|text| text.parse().expect("HEARTH_SEED is a number"));
        let seed = given.unwrap_or_else(fresh);
        eprintln!("HEARTH_SEED={seed}");
        Self::seeded(seed)
    }

    /// From this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Another stream of the same seed, independent of how much of this one is used.
    pub fn stream(&self, number: u64) -> Self {
        let mut mixed = Self::seeded(self.seed ^ number.wrapping_add(1).wrapping_mul(0xA24B_AED4_963E_E407));
        Self::seeded(mixed.number())
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to below `limit`, which is not zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// True that many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let place = self.below(choices.len() as u64);
        &choices[usize::try_from(place).expect("an index of a slice")]
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self::new()
    }
}

fn fresh() -> u64 {
    let mut bytes = [0_u8; 4];
    let mut source = std::fs::File::open("/dev/urandom").expect("a source of chance");
    source.read_exact(&mut bytes).expect("chance");
    u32::from_le_bytes(bytes).into()
}
