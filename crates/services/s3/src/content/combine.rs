//! The checksum of an object out of the checksums of its parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hearth_aws::sigv4::{Algorithm, Checksum};

/// The checksum over the checksums of the parts, and how many there were.
pub(crate) fn composite(algorithm: Algorithm, parts: &[&str]) -> Option<String> {
    let mut checksum = Checksum::new(algorithm);
    for part in parts {
        checksum.update(&STANDARD.decode(part).ok()?);
    }
    Some(format!("{}-{}", checksum.value(), parts.len()))
}

/// The checksum over all bytes, out of that of each part and its length. Only a CRC has one.
pub(crate) fn full(algorithm: Algorithm, parts: &[(&str, u64)]) -> Option<String> {
    let field = Field::of(algorithm)?;
    let mut whole = 0;
    let mut shift: Option<(u64, Matrix)> = None;
    for (value, bytes) in parts {
        let raw = STANDARD.decode(value).ok().filter(|raw| raw.len() == field.bytes())?;
        let part = raw.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        // All parts but the last have the same length, as a rule.
        let matrix = match &shift {
            Some((length, matrix)) if length == bytes => matrix,
            _ => &shift.insert((*bytes, field.zeros(*bytes))).1,
        };
        whole = matrix.times(whole) ^ part;
    }
    let all = whole.to_be_bytes();
    Some(STANDARD.encode(&all[all.len() - field.bytes()..]))
}

/// A CRC whose bits are reflected and whose first and last value are all ones.
struct Field {
    polynomial: u64,
    bits: usize,
}

/// What a number of zero bytes does to a CRC: one column a bit.
#[derive(Clone)]
struct Matrix(Vec<u64>);

impl Field {
    fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Crc32 => Some(Self { polynomial: 0xedb8_8320, bits: 32 }),
            Algorithm::Crc32C => Some(Self { polynomial: 0x82f6_3b78, bits: 32 }),
            Algorithm::Crc64Nvme => {
                Some(Self { polynomial: 0xad93_d235_94c9_3659_u64.reverse_bits(), bits: 64 })
            }
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    fn bytes(&self) -> usize {
        self.bits / 8
    }

    /// So many zero bytes.
    fn zeros(&self, mut bytes: u64) -> Matrix {
        let bit = (0..self.bits).map(|at| if at == 0 { self.polynomial } else { 1 << (at - 1) });
        let mut power = Matrix(bit.collect());
        for _ in 0..3 {
            power = power.after(&power);
        }
        let mut all = Matrix((0..self.bits).map(|at| 1 << at).collect());
        while bytes > 0 {
            if bytes & 1 == 1 {
                all = power.after(&all);
            }
            power = power.after(&power);
            bytes >>= 1;
        }
        all
    }
}

impl Matrix {
    fn times(&self, vector: u64) -> u64 {
        let set = self.0.iter().enumerate().filter(|(at, _)| vector >> at & 1 == 1);
        set.fold(0, |sum, (_, column)| sum ^ column)
    }

    /// This one after the other.
    fn after(&self, first: &Self) -> Self {
        Self(first.0.iter().map(|column| self.times(*column)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut checksum = Checksum::new(algorithm);
        checksum.update(bytes);
        checksum.value()
    }

    #[test]
    fn the_parts_of_a_payload_have_the_checksum_of_the_whole() {
        let payload: Vec<u8> =
            (0..40_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32C, Algorithm::Crc64Nvme] {
            for cuts in [vec![], vec![1], vec![0, 7, 7, 39_999], vec![10_000, 20_000, 30_000]] {
                let ends = cuts.iter().copied().chain([payload.len()]);
                let starts = std::iter::once(0).chain(cuts.iter().copied());
                let parts: Vec<(String, u64)> = starts
                    .zip(ends)
                    .map(|(from, to)| (value(algorithm, &payload[from..to]), (to - from) as u64))
                    .collect();
                let parts: Vec<(&str, u64)> =
                    parts.iter().map(|(text, bytes)| (text.as_str(), *bytes)).collect();
                assert_eq!(
                    full(algorithm, &parts),
                    Some(value(algorithm, &payload)),
                    "{algorithm} at {cuts:?}"
                );
            }
        }
        assert_eq!(full(Algorithm::Sha256, &[("", 0)]), None);
    }
}
