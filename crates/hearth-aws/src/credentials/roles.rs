//! Roles that were created, as those who issue their sessions need them: STS, and Lambda for its functions.

use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::names::RoleArn;
use crate::operation::BoxFuture;

/// Finds roles. IAM's are the implementation of a whole server, [`NoRoles`] that of a part that is tested alone.
pub trait Roles: Send + Sync {
    /// A role that was created, by its ARN. The path must be the role's own.
    fn find<'a>(&'a self, role: &'a RoleArn) -> BoxFuture<'a, Result<Option<RoleFacts>, ApiError>>;
}

/// What a session takes from its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFacts {
    /// `RoleId`: `AROA…`.
    pub id: String,
    /// The role's name as it was created: names are found whatever their case.
    pub name: String,
    /// Who may assume it: a JSON document.
    pub trust_policy: String,
    /// `MaxSessionDuration` in seconds: 3,600 to 43,200.
    pub session_seconds_max: u32,
}

/// No role was created.
#[derive(Clone, Copy, Debug)]
pub struct NoRoles;

impl Roles for NoRoles {
    fn find<'a>(&'a self, _: &'a RoleArn) -> BoxFuture<'a, Result<Option<RoleFacts>, ApiError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// The digits of AWS's ids: base32 without 0, 1, 8 and 9.
const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An id of IAM: a prefix of four letters (`AROA`) and 17 characters made of these bytes.
pub fn unique_id(prefix: &str, bytes: [u8; 17]) -> String {
    prefix.chars().chain(bytes.map(|byte| char::from(DIGITS[usize::from(byte % 32)]))).collect()
}

impl RoleFacts {
    /// The id of a role that nobody created, which `up` accepts: always the same for one ARN.
    pub fn derived_id(role: &RoleArn) -> String {
        let digest: [u8; 32] = Sha256::digest(role.to_string()).into();
        let (bytes, _) = digest.split_first_chunk::<17>().expect("a digest has 32 bytes");
        unique_id("AROA", *bytes)
    }
}
