//! Temporary credentials, as answers show them.

use std::time::Duration;

use hearth_aws::credentials::TemporaryCredentials;
use hearth_aws::{Cx, Document, shape};

use crate::Sts;
use crate::error::StsError;

shape! {
    pub(super) struct Shown {
        access_key_id: String,
        secret_access_key: String,
        session_token: String,
        expiration: Document,
    }
    pub(super) struct Tag {
        key: String,
        value: String,
    }
    pub(super) struct PolicyDescriptor {
        arn as "arn": Option<String>,
    }
}

impl From<TemporaryCredentials> for Shown {
    fn from(issued: TemporaryCredentials) -> Self {
        Self {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret_access_key,
            session_token: issued.session_token,
            expiration: Document::Timestamp(issued.expiration.as_micros().div_euclid(1_000_000) * 1_000_000),
        }
    }
}

/// What every operation that issues credentials can be told and what is not there yet.
pub(super) fn refuse_unsupported(
    serial_number: Option<&str>,
    token_code: Option<&str>,
    token_size: Option<u32>,
) -> Result<(), StsError> {
    // No device can be registered, so no code is ever right.
    if serial_number.is_some() || token_code.is_some() {
        return Err(StsError::Mfa);
    }
    match token_size {
        Some(size) if size > 0 => Err(StsError::NotSupported("MinimumSessionTokenSize")),
        _ => Ok(()),
    }
}

/// The kind of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallerKind {
    Root,
    User,
    /// A role's session, or a federated user's.
    Session,
}

pub(super) fn caller_kind(cx: &Cx<Sts>) -> CallerKind {
    // arn:aws:iam::ACCOUNT:user/NAME, arn:aws:iam::ACCOUNT:root, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
    let resource = cx.call.caller.arn.splitn(6, ':').nth(5).unwrap_or_default();
    match resource {
        "root" => CallerKind::Root,
        user if user.starts_with("user/") => CallerKind::User,
        _ => CallerKind::Session,
    }
}

/// How long a session of the account's root lasts at most, in seconds.
const ROOT_SECONDS_MAX: u32 = 3_600;

/// How long a session of a user or the root lasts: the root's are cut to an hour, as on AWS.
pub(super) fn life_of_user(kind: CallerKind, seconds: Option<u32>) -> Duration {
    /// When nothing is asked for.
    const SECONDS: u32 = 43_200;
    let seconds = seconds.unwrap_or(SECONDS);
    let seconds = if kind == CallerKind::Root { seconds.min(ROOT_SECONDS_MAX) } else { seconds };
    Duration::from_secs(seconds.into())
}
