//! Temporary credentials that nobody stores: whoever has the master secret can issue and open them, so they outlive
//! a restart and hold on every node of a cluster.
//!
//! ```text
//! issue  session ─▶ token = base64(version │ session │ HMAC(master, key id, session))
//!                   secret = base64(HMAC(master, key id, token))
//! open   key id, token ─▶ session, when the HMAC is true
//! ```
//!
//! A token is authentic, not confidential: its holder can read what it says. There is no way to revoke one.
//!
//! Never: keeps state; opens a token under another key id than its own.

mod access_key_id;
mod roles;
mod session;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_world::{Random, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub use access_key_id::{access_key_id, account_of_access_key};
pub use roles::{NoRoles, RoleFacts, Roles, unique_id};
pub use session::{PACKED_BYTES_MAX, Restrictions, Session};

use crate::front_door::Key;
use crate::operation::Caller;

/// What a token begins with.
const VERSION_1: u8 = 1;

/// HMAC-SHA256.
const TAG_BYTES: usize = 32;

/// Tokens of AWS stay below 4 KB. Ours do too, but for roles with names that only `up` accepts.
const TOKEN_BYTES_MAX: usize = 16_384;

/// Forty characters of base64.
const SECRET_BYTES: usize = 30;

/// Issues temporary credentials and opens them again.
#[derive(Clone)]
pub struct Sessions {
    token_key: Hmac<Sha256>,
    secret_key: Hmac<Sha256>,
    id_key: Hmac<Sha256>,
}

/// Temporary credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryCredentials {
    /// `ASIA` and 16 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
    /// What every request with them must carry.
    pub session_token: String,
    /// When they end.
    pub expiration: Timestamp,
}

impl fmt::Debug for TemporaryCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TemporaryCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// From the secret that all nodes share.
    pub fn new(master: [u8; 32]) -> Self {
        let key = |purpose: &str| {
            let key = mac(&keyed(&master), &[b"hearth/sessions/1/", purpose.as_bytes()]);
            keyed(&key.finalize().into_bytes())
        };
        Self { token_key: key("token"), secret_key: key("secret"), id_key: key("access-key-id") }
    }

    /// Credentials of a session. The same session twice has different ones.
    pub fn issue(&self, random: &Random, session: &Session) -> TemporaryCredentials {
        let access_key_id = self.new_id(random, &session.account);
        let mut token = vec![VERSION_1];
        session.write(&mut token);
        let tag = mac(&self.token_key, &[access_key_id.as_bytes(), &token]).finalize();
        token.extend_from_slice(&tag.into_bytes());
        let session_token = BASE64_STANDARD.encode(&token);
        TemporaryCredentials {
            secret_access_key: self.secret(&access_key_id, &session_token),
            access_key_id,
            session_token,
            expiration: session.expires,
        }
    }

    /// The session that these credentials were issued for, also when it is over. `None` when the token is not ours,
    /// was changed, or belongs to another key.
    pub fn open(&self, access_key_id: &str, session_token: &str) -> Option<Session> {
        if session_token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let token = BASE64_STANDARD.decode(session_token).ok()?;
        let (sealed, tag) = token.split_at_checked(token.len().checked_sub(TAG_BYTES)?)?;
        // The comparison takes the same time wherever the two differ.
        mac(&self.token_key, &[access_key_id.as_bytes(), sealed]).verify_slice(tag).ok()?;
        match sealed.split_first()? {
            (&VERSION_1, session) => Session::read(session),
            _ => None,
        }
    }

    /// Whether this access key's id was made here. One in a million of AWS's own temporary keys looks so too.
    pub fn made(&self, access_key_id: &str) -> bool {
        access_key_id::random_part(access_key_id).is_some_and(|(account, random, mark)| {
            access_key_id.starts_with("ASIA") && self.mark(account, random) == mark
        })
    }

    /// What the front door verifies a request with.
    pub(crate) fn key(&self, access_key_id: &str, session_token: &str) -> Option<Key> {
        let session = self.open(access_key_id, session_token)?;
        Some(Key {
            secret: self.secret(access_key_id, session_token),
            session_token: Some(session_token.to_owned()),
            expires: Some(session.expires),
            account: session.account.clone(),
            caller: Caller {
                access_key_id: access_key_id.to_owned(),
                arn: session.arn.clone(),
                user_id: session.user_id.clone(),
                session: Some(session.into()),
            },
        })
    }

    fn secret(&self, access_key_id: &str, session_token: &str) -> String {
        let secret = mac(&self.secret_key, &[access_key_id.as_bytes(), session_token.as_bytes()]);
        BASE64_STANDARD.encode(&secret.finalize().into_bytes()[..SECRET_BYTES])
    }

    /// Two sessions of an account may have the same id; their tokens tell them apart.
    fn new_id(&self, random: &Random, account: &str) -> String {
        let account: u64 = account.parse().unwrap_or(0);
        let part = access_key_id::random_bits(random);
        access_key_id::written("ASIA", account, part, self.mark(account, part))
    }

    /// By which an id is known to be made here.
    fn mark(&self, account: u64, random: u32) -> u32 {
        let mark =
            mac(&self.id_key, &[&account.to_be_bytes(), &random.to_be_bytes()]).finalize().into_bytes();
        u32::from_be_bytes([mark[0], mark[1], mark[2], mark[3]]) & access_key_id::MARK_MASK
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sessions").finish_non_exhaustive()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// Over the parts, each told apart from the next by its digest.
fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in parts {
        mac.update(&Sha256::digest(part));
    }
    mac
}

#[cfg(test)]
mod tests;
