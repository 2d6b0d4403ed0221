//! What is in the 16 characters behind `AKIA` and `ASIA`: 80 bits in base32, as AWS's ids of today have them.
//!
//! ```text
//! │ 0 │ account: 40 │ random: 19 │ mark: 20, or random too │
//! ```

use hearth_world::Random;

/// RFC 4648, as AWS's ids use it.
const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const RANDOM_BITS: u32 = 19;
const MARK_BITS: u32 = 20;

/// The bits of a mark.
pub(super) const MARK_MASK: u32 = (1 << MARK_BITS) - 1;

/// The id of a long-lived key of an account: `AKIA` and 16 characters. Two may be the same, seldom: 39 bits are random.
pub fn access_key_id(random: &Random, account: &str) -> String {
    let mark = u32::from_be_bytes(random.bytes()) & MARK_MASK;
    written("AKIA", account.parse().unwrap_or(0), random_bits(random), mark)
}

/// The account that an access key's id names, whoever made it: 12 digits.
pub fn account_of_access_key(access_key_id: &str) -> Option<String> {
    let (account, _, _) = random_part(access_key_id)?;
    (account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

pub(super) fn random_bits(random: &Random) -> u32 {
    u32::from_be_bytes(random.bytes()) >> (32 - RANDOM_BITS)
}

pub(super) fn written(prefix: &str, account: u64, random: u32, mark: u32) -> String {
    let bits = (u128::from(account) << (RANDOM_BITS + MARK_BITS))
        | (u128::from(random) << MARK_BITS)
        | u128::from(mark);
    let digit = |at: u32| char::from(DIGITS[(bits >> (5 * (15 - at)) & 31) as usize]);
    prefix.chars().chain((0..16).map(digit)).collect()
}

/// Account, random part and mark.
pub(super) fn random_part(access_key_id: &str) -> Option<(u64, u32, u32)> {
    let (_, digits) = access_key_id.as_bytes().split_at_checked(4)?;
    if digits.len() != 16 {
        return None;
    }
    let mut bits: u128 = 0;
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        bits = bits << 5 | value as u128;
    }
    let random = (bits >> MARK_BITS) as u32 & ((1 << RANDOM_BITS) - 1);
    let account = u64::try_from(bits >> (RANDOM_BITS + MARK_BITS)).ok()?;
    Some((account & ((1 << 40) - 1), random, bits as u32 & MARK_MASK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_account() {
        let id = access_key_id(&Random::seeded(1), "123456789012");
        assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
        assert_eq!(account_of_access_key(&id).as_deref(), Some("123456789012"));
        // AWS's ids are read the same way: https://awsteele.com/blog/2020/09/26/aws-access-key-format.html
        assert_eq!(account_of_access_key("ASIAQNZGKIQY56JQ7WML").as_deref(), Some("029608264753"));
        for other in ["test", "AKIA", "123456789012", "AKIA0000000000000000", "AKIAÄÄÄÄÄÄÄÄ"] {
            assert_eq!(account_of_access_key(other), None, "{other}");
        }
    }
}
