//! Role, as answers show it.

use hearth_aws::{Document, FromDocument, IntoDocument, ShapeError, shape};
use hearth_world::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::roles::Role;

/// RFC 3986: all but the unreserved characters, as AWS encodes policy documents.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

shape! {
    pub(super) struct Shown {
        path: String,
        role_name: String,
        role_id: String,
        arn: String,
        create_date: Date,
        assume_role_policy_document: String,
        description: Option<String>,
        max_session_duration: u32,
        tags: Option<Vec<Tag>>,
        role_last_used: Option<RoleLastUsed>,
    }
    /// When and where a role was used lately: never, as far as is known here.
    pub(super) struct RoleLastUsed {}
    pub(super) struct Tag {
        key: String,
        value: String,
    }
}

/// Tags as they are stored.
pub(super) fn pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// A policy document, as answers carry it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// A time of a whole second, as IAM gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Date(Timestamp);

impl FromDocument for Date {
    fn from_document(document: Document) -> Result<Self, ShapeError> {
        match document {
            Document::Timestamp(micros) => Ok(Self(Timestamp::from_micros(micros))),
            _ => Err(ShapeError::expected("timestamp")),
        }
    }
}

impl IntoDocument for Date {
    fn into_document(self) -> Document {
        Document::Timestamp(self.0.as_micros().div_euclid(1_000_000) * 1_000_000)
    }
}

impl Shown {
    /// All of a role. Tags that are not there are not shown.
    pub(super) fn whole(account: &str, role: Role) -> Self {
        let tags =
            role.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
        Self { tags: Some(tags).filter(|tags: &Vec<Tag>| !tags.is_empty()), ..Self::listed(account, role) }
    }

    /// As GetRole shows it.
    pub(super) fn read(account: &str, role: Role) -> Self {
        Self { role_last_used: Some(RoleLastUsed {}), ..Self::whole(account, role) }
    }

    /// As in listings: without tags.
    pub(super) fn listed(account: &str, role: Role) -> Self {
        Self {
            arn: role.arn(account),
            path: role.path,
            role_name: role.name,
            role_id: role.id,
            create_date: Date(role.created),
            assume_role_policy_document: encoded(&role.trust_policy),
            description: role.description,
            max_session_duration: role.session_seconds_max,
            tags: None,
            role_last_used: None,
        }
    }
}
