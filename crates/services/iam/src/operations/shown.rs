//! What answers show, and how.

use hearth_aws::{Document, FromDocument, IntoDocument, ShapeError, shape};
use hearth_world::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::groups::Group;
use crate::instance_profiles::InstanceProfile;
use crate::managed_policies::AwsPolicy;
use crate::policies::Policy;
use crate::roles::Role;
use crate::users::User;

/// RFC 3986: all but the unreserved characters, as AWS encodes policy documents.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Tags as they are stored.
pub(super) type Pairs = Vec<(String, String)>;

shape! {
    pub(super) struct Tag {
        key: String,
        value: String,
    }
    pub(super) struct Boundary {
        permissions_boundary_type: String,
        permissions_boundary_arn: String,
    }
    pub(super) struct RoleShown {
        path: String,
        role_name: String,
        role_id: String,
        arn: String,
        create_date: Date,
        assume_role_policy_document: String,
        description: Option<String>,
        max_session_duration: u32,
        permissions_boundary: Option<Boundary>,
        tags: Option<Vec<Tag>>,
        role_last_used: Option<RoleLastUsed>,
    }
    /// When and where a role was used lately: never, as far as is known here.
    pub(super) struct RoleLastUsed {}
    pub(super) struct UserShown {
        path: Option<String>,
        user_name: Option<String>,
        user_id: String,
        arn: String,
        create_date: Date,
        permissions_boundary: Option<Boundary>,
        tags: Option<Vec<Tag>>,
    }
    pub(super) struct GroupShown {
        path: String,
        group_name: String,
        group_id: String,
        arn: String,
        create_date: Date,
    }
    pub(super) struct InstanceProfileShown {
        path: String,
        instance_profile_name: String,
        instance_profile_id: String,
        arn: String,
        create_date: Date,
        roles: Vec<RoleShown>,
        tags: Option<Vec<Tag>>,
    }
    pub(super) struct PolicyShown {
        policy_name: String,
        policy_id: String,
        arn: String,
        path: String,
        default_version_id: String,
        attachment_count: u32,
        permissions_boundary_usage_count: u32,
        is_attachable: bool,
        description: Option<String>,
        create_date: Date,
        update_date: Date,
        tags: Option<Vec<Tag>>,
    }
}

/// A time of a whole second, as IAM gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Date(pub(super) Timestamp);

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

/// Tags as they are stored.
pub(super) fn pairs(tags: Option<Vec<Tag>>) -> Pairs {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Tags as a thing's own answer shows them: absent when there are none.
pub(super) fn tags(pairs: &Pairs) -> Option<Vec<Tag>> {
    Some(tag_list(pairs)).filter(|tags| !tags.is_empty())
}

/// Tags as they are listed.
pub(super) fn tag_list(pairs: &Pairs) -> Vec<Tag> {
    pairs.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// A policy document, as answers carry it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

fn boundary(arn: Option<String>) -> Option<Boundary> {
    let shown =
        |arn| Boundary { permissions_boundary_type: "Policy".to_owned(), permissions_boundary_arn: arn };
    arn.map(shown)
}

impl RoleShown {
    /// As listings show it: without tags and boundary.
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
            permissions_boundary: None,
            tags: None,
            role_last_used: None,
        }
    }

    /// All of it.
    pub(super) fn whole(account: &str, role: Role) -> Self {
        let (tags, boundary) = (tags(&role.tags), boundary(role.boundary.clone()));
        Self { tags, permissions_boundary: boundary, ..Self::listed(account, role) }
    }

    /// As GetRole shows it.
    pub(super) fn read(account: &str, role: Role) -> Self {
        Self { role_last_used: Some(RoleLastUsed {}), ..Self::whole(account, role) }
    }
}

impl UserShown {
    pub(super) fn listed(account: &str, user: User) -> Self {
        Self {
            arn: user.arn(account),
            path: Some(user.path),
            user_name: Some(user.name),
            user_id: user.id,
            create_date: Date(user.created),
            permissions_boundary: None,
            tags: None,
        }
    }

    pub(super) fn whole(account: &str, user: User) -> Self {
        let (tags, boundary) = (tags(&user.tags), boundary(user.boundary.clone()));
        Self { tags, permissions_boundary: boundary, ..Self::listed(account, user) }
    }

    /// The account's root, which is no user.
    pub(super) fn root(account: &str) -> Self {
        Self {
            path: None,
            user_name: None,
            user_id: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:root"),
            create_date: Date(Timestamp::from_millis(0)),
            permissions_boundary: None,
            tags: None,
        }
    }
}

impl GroupShown {
    pub(super) fn of(account: &str, group: Group) -> Self {
        Self {
            arn: group.arn(account),
            path: group.path,
            group_name: group.name,
            group_id: group.id,
            create_date: Date(group.created),
        }
    }
}

impl InstanceProfileShown {
    pub(super) fn listed(account: &str, profile: InstanceProfile, role: Option<Role>) -> Self {
        Self {
            arn: profile.arn(account),
            path: profile.path,
            instance_profile_name: profile.name,
            instance_profile_id: profile.id,
            create_date: Date(profile.created),
            roles: role.into_iter().map(|role| RoleShown::listed(account, role)).collect(),
            tags: None,
        }
    }

    pub(super) fn whole(account: &str, profile: InstanceProfile, role: Option<Role>) -> Self {
        Self { tags: tags(&profile.tags), ..Self::listed(account, profile, role) }
    }
}

impl PolicyShown {
    /// One of the account's own, as listings show it: `uses` as attachment and as boundary.
    pub(super) fn listed(account: &str, policy: Policy, uses: (u32, u32)) -> Self {
        Self {
            arn: policy.arn(account),
            policy_name: policy.name,
            policy_id: policy.id,
            path: policy.path,
            default_version_id: format!("v{}", policy.default_version),
            attachment_count: uses.0,
            permissions_boundary_usage_count: uses.1,
            is_attachable: true,
            description: None,
            create_date: Date(policy.created),
            update_date: Date(policy.updated),
            tags: None,
        }
    }

    pub(super) fn whole(account: &str, policy: Policy, uses: (u32, u32)) -> Self {
        let (tags, description) = (tags(&policy.tags), policy.description.clone());
        Self { tags, description, ..Self::listed(account, policy, uses) }
    }

    /// One of AWS's.
    pub(super) fn of_aws(policy: &AwsPolicy, uses: (u32, u32)) -> Self {
        Self {
            policy_name: policy.name.to_owned(),
            policy_id: policy.id(),
            arn: policy.arn(),
            path: policy.path.to_owned(),
            default_version_id: policy.version.to_owned(),
            attachment_count: uses.0,
            permissions_boundary_usage_count: uses.1,
            is_attachable: true,
            description: None,
            create_date: Date(policy.created()),
            update_date: Date(policy.updated()),
            tags: None,
        }
    }
}
