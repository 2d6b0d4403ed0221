//! What a token says: who its holder is, until when, and what the holder is held to.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

/// Policies and tags of a session, packed: with them a token stays below 4 KB. AWS does not tell its own limit.
pub const PACKED_BYTES_MAX: usize = 2_560;

/// A policy of 2,048 characters, ten ARNs of 2,048 and fifty tags of 128 and 256, in up to four bytes a character.
const UNPACKED_BYTES_MAX: u64 = 262_144;

/// A session: whom its credentials speak for, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The account in which it acts.
    pub account: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME`, a user, or the account's root.
    pub arn: String,
    /// `AROA…:NAME`, `AIDA…`, or the account.
    pub user_id: String,
    /// When it began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Who first said who they are; stays through further roles.
    pub source_identity: Option<String>,
    /// Whether a device of the caller's confirmed it.
    pub mfa: bool,
    /// What the session is held to, and its tags.
    pub restrictions: Restrictions,
}

/// What AssumeRole can give a session beside its role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// A policy that limits what the role's policies allow.
    pub policy: Option<String>,
    /// Managed policies that do so.
    pub policy_arns: Vec<String>,
    /// Tags of the session.
    pub tags: Vec<(String, String)>,
    /// Keys of those tags that go on into the next role.
    pub transitive_tag_keys: Vec<String>,
}

impl Session {
    /// A session without restrictions, from now on.
    pub fn new(account: &str, arn: String, user_id: String, now: Timestamp, life: Duration) -> Self {
        Self {
            account: account.to_owned(),
            arn,
            user_id,
            issued: now,
            expires: now.after(life),
            source_identity: None,
            mfa: false,
            restrictions: Restrictions::default(),
        }
    }

    /// Whether it is one of a role.
    pub fn is_of_a_role(&self) -> bool {
        self.arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("assumed-role/"))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let record = postcard::to_extend(self, std::mem::take(out));
        *out = record.expect("texts and numbers are always written into memory");
    }

    pub(super) fn read(record: &[u8]) -> Option<Self> {
        postcard::from_bytes(record).ok()
    }
}

impl Restrictions {
    fn is_empty(&self) -> bool {
        self.policy.is_none() && self.policy_arns.is_empty() && self.tags.is_empty()
    }

    /// `PackedPolicySize`: how much of the room they take, in percent. Above 100 the session is refused.
    pub fn packed_percent(&self) -> usize {
        let unpacked = self.record().len();
        // What packs well is bounded all the same: whoever opens the token unpacks it.
        let bytes = if unpacked as u64 > UNPACKED_BYTES_MAX { unpacked } else { self.packed().len() };
        (bytes * 100).div_ceil(PACKED_BYTES_MAX)
    }

    fn packed(&self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let record = self.record();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&record).and_then(|()| encoder.finish()).expect("memory takes every write")
    }

    fn record(&self) -> Vec<u8> {
        let parts = (&self.policy, &self.policy_arns, &self.tags, &self.transitive_tag_keys);
        postcard::to_stdvec(&parts).expect("texts are always written into memory")
    }

    fn unpacked(packed: &[u8]) -> Option<Self> {
        if packed.is_empty() {
            return Some(Self::default());
        }
        let mut record = Vec::new();
        DeflateDecoder::new(packed).take(UNPACKED_BYTES_MAX).read_to_end(&mut record).ok()?;
        let (policy, policy_arns, tags, transitive_tag_keys) = postcard::from_bytes(&record).ok()?;
        Some(Self { policy, policy_arns, tags, transitive_tag_keys })
    }
}

impl Serialize for Restrictions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.packed())
    }
}

impl<'de> Deserialize<'de> for Restrictions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = <&[u8]>::deserialize(deserializer)?;
        Self::unpacked(packed).ok_or_else(|| serde::de::Error::custom("packed policies"))
    }
}
