//! Access control lists: canned ones, grants in headers, documents.
//!
//! Texts as recorded from S3. No display names are shown: S3 left them off in November 2025.

use s3s::dto::{AccessControlPolicy, Grant, Grantee, Owner, Permission, Type};

use super::error::ConfigError;

/// Everybody.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

/// Everybody with an account.
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

/// Who writes access logs.
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// Grants of one list, by S3's reference.
const GRANTS_MAX: usize = 100;

/// Digits of a canonical user id.
const USER_ID_DIGITS: usize = 64;

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Bucket,
    Object,
}

/// What a request says about access: a canned name, or grants by permission.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers<'a> {
    pub(crate) canned: Option<&'a str>,
    pub(crate) full_control: Option<&'a str>,
    pub(crate) read: Option<&'a str>,
    pub(crate) read_acp: Option<&'a str>,
    pub(crate) write: Option<&'a str>,
    pub(crate) write_acp: Option<&'a str>,
}

/// The same, kept for a transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) canned: Option<String>,
    pub(crate) full_control: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) read_acp: Option<String>,
    pub(crate) write: Option<String>,
    pub(crate) write_acp: Option<String>,
}

impl Grants {
    pub(crate) fn headers(&self) -> Headers<'_> {
        Headers {
            canned: self.canned.as_deref(),
            full_control: self.full_control.as_deref(),
            read: self.read.as_deref(),
            read_acp: self.read_acp.as_deref(),
            write: self.write.as_deref(),
            write_acp: self.write_acp.as_deref(),
        }
    }
}

/// The canonical ids of those whom a list names by what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners<'a> {
    pub(crate) bucket: &'a str,
    /// Of the object, or of the bucket again.
    pub(crate) resource: &'a str,
}

impl Headers<'_> {
    /// Whether the request says anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.canned.is_none() && self.grants().iter().all(|(_, _, sent)| sent.is_none())
    }

    fn grants(&self) -> [(&'static str, &'static str, Option<&str>); 5] {
        [
            ("x-amz-grant-full-control", Permission::FULL_CONTROL, self.full_control),
            ("x-amz-grant-read", Permission::READ, self.read),
            ("x-amz-grant-read-acp", Permission::READ_ACP, self.read_acp),
            ("x-amz-grant-write", Permission::WRITE, self.write),
            ("x-amz-grant-write-acp", Permission::WRITE_ACP, self.write_acp),
        ]
    }

    /// What the headers grant; `None` when they say nothing.
    pub(crate) fn read_all(&self, of: Of, owners: Owners<'_>) -> Result<Option<Vec<Grant>>, ConfigError> {
        let sent = self.grants().iter().any(|(_, _, sent)| sent.is_some());
        match self.canned {
            Some(_) if sent => {
                Err(ConfigError::request("Specifying both Canned ACLs and Header Grants is not allowed"))
            }
            Some(name) => canned(name, of, owners).map(Some),
            None if !sent => Ok(None),
            None => {
                let mut grants = Vec::new();
                for (header, permission, value) in self.grants() {
                    for part in value.into_iter().flat_map(split) {
                        grants.push(Grant {
                            grantee: Some(grantee(part, header)?),
                            permission: named(permission),
                        });
                    }
                }
                bounded(grants).map(Some)
            }
        }
    }
}

/// What the owner alone has: every list that nobody chose.
pub(crate) fn private(owner: &str) -> Vec<Grant> {
    vec![user_grant(owner, Permission::FULL_CONTROL)]
}

/// The grants of a document, whose owner must be the resource's.
pub(crate) fn read_document(
    policy: &AccessControlPolicy,
    owners: Owners<'_>,
) -> Result<Vec<Grant>, ConfigError> {
    let owner =
        policy.owner.as_ref().and_then(|owner| owner.id.as_deref()).ok_or(ConfigError::MalformedAcl)?;
    if owner != owners.resource {
        return Err(ConfigError::argument("Invalid id", "CanonicalUser/ID", owner.to_owned()));
    }
    let mut grants = policy.grants.clone().unwrap_or_default();
    for grant in &mut grants {
        let known = [
            Permission::FULL_CONTROL,
            Permission::READ,
            Permission::READ_ACP,
            Permission::WRITE,
            Permission::WRITE_ACP,
        ];
        if !grant.permission.as_ref().is_some_and(|permission| known.contains(&permission.as_str())) {
            return Err(ConfigError::MalformedAcl);
        }
        check_grantee(grant.grantee.as_mut().ok_or(ConfigError::MalformedAcl)?)?;
    }
    bounded(grants)
}

/// The document of grants.
pub(crate) fn document(owner: &str, grants: Vec<Grant>) -> AccessControlPolicy {
    AccessControlPolicy { grants: Some(grants), owner: Some(shown_owner(owner)) }
}

/// An owner as S3 shows it.
pub(crate) fn shown_owner(id: &str) -> Owner {
    Owner { display_name: None, id: Some(id.to_owned()) }
}

/// Whether it grants something to everybody, or to everybody with an account.
pub(crate) fn is_public(grants: &[Grant]) -> bool {
    let uris = grants.iter().filter_map(|grant| grant.grantee.as_ref()?.uri.as_deref());
    uris.into_iter().any(|uri| uri == ALL_USERS || uri == AUTHENTICATED_USERS)
}

/// Whether everybody may read by it.
pub(crate) fn everybody_reads(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| {
        let everybody =
            grant.grantee.as_ref().is_some_and(|grantee| grantee.uri.as_deref() == Some(ALL_USERS));
        let permission = grant.permission.as_ref().map(Permission::as_str);
        everybody && matches!(permission, Some(Permission::READ | Permission::FULL_CONTROL))
    })
}

/// Whether it is no more than what the owner of the bucket has anyway: the one list that is taken with ACLs off.
pub(crate) fn is_owners_alone(grants: &[Grant], bucket_owner: &str) -> bool {
    matches!(grants, [grant]
        if grant.permission.as_ref().map(Permission::as_str) == Some(Permission::FULL_CONTROL)
            && grant.grantee.as_ref().is_some_and(|grantee| grantee.id.as_deref() == Some(bucket_owner)))
}

fn canned(name: &str, of: Of, owners: Owners<'_>) -> Result<Vec<Grant>, ConfigError> {
    let mut grants = private(owners.resource);
    match (name, of) {
        ("private", _) => {}
        ("public-read", _) => grants.push(group_grant(ALL_USERS, Permission::READ)),
        ("public-read-write", _) => {
            grants.push(group_grant(ALL_USERS, Permission::READ));
            grants.push(group_grant(ALL_USERS, Permission::WRITE));
        }
        ("authenticated-read", _) => grants.push(group_grant(AUTHENTICATED_USERS, Permission::READ)),
        ("log-delivery-write", Of::Bucket) => {
            grants.push(group_grant(LOG_DELIVERY, Permission::WRITE));
            grants.push(group_grant(LOG_DELIVERY, Permission::READ_ACP));
        }
        // GAP(s3-acl): S3 grants READ to EC2 for its images; there is no EC2 here.
        ("aws-exec-read", _) => {}
        ("bucket-owner-read", Of::Object) if owners.bucket != owners.resource => {
            grants.push(user_grant(owners.bucket, Permission::READ));
        }
        ("bucket-owner-full-control", Of::Object) if owners.bucket != owners.resource => {
            grants.push(user_grant(owners.bucket, Permission::FULL_CONTROL));
        }
        ("bucket-owner-read" | "bucket-owner-full-control", _) => {}
        (other, _) => return Err(ConfigError::argument("", "x-amz-acl", other.to_owned())),
    }
    Ok(grants)
}

/// `id="..", uri="..", emailAddress=".."`, split at commas outside of quotes.
fn split(header: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = header.split(move |character: char| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn grantee(part: &str, header: &'static str) -> Result<Grantee, ConfigError> {
    let unknown = || ConfigError::argument("Argument format not recognized", header, part.to_owned());
    let (kind, value) = part.split_once('=').ok_or_else(unknown)?;
    let value = value.trim().trim_matches('"').to_owned();
    let kind = kind.trim();
    let mut grantee = if kind.eq_ignore_ascii_case("id") {
        Grantee { id: Some(value), ..nobody(Type::CANONICAL_USER) }
    } else if kind.eq_ignore_ascii_case("uri") {
        Grantee { uri: Some(value), ..nobody(Type::GROUP) }
    } else if kind.eq_ignore_ascii_case("emailAddress") {
        Grantee { email_address: Some(value), ..nobody(Type::AMAZON_CUSTOMER_BY_EMAIL) }
    } else {
        return Err(unknown());
    };
    check_grantee(&mut grantee)?;
    Ok(grantee)
}

fn check_grantee(grantee: &mut Grantee) -> Result<(), ConfigError> {
    grantee.display_name = None;
    match (grantee.type_.as_str(), &grantee.id, &grantee.uri) {
        (Type::CANONICAL_USER, Some(id), None) => {
            let good = id.len() == USER_ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if good { Ok(()) } else { Err(ConfigError::argument("Invalid id", "id", id.clone())) }
        }
        (Type::GROUP, None, Some(uri)) => {
            let known = [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY].contains(&uri.as_str());
            if known { Ok(()) } else { Err(ConfigError::argument("Invalid group uri", "uri", uri.clone())) }
        }
        (Type::AMAZON_CUSTOMER_BY_EMAIL, None, None) if grantee.email_address.is_some() => {
            Err(ConfigError::NotBuilt(
                "Grants to e-mail addresses are not built in Hearth: name the canonical user id.".to_owned(),
            ))
        }
        _ => Err(ConfigError::MalformedAcl),
    }
}

fn bounded(grants: Vec<Grant>) -> Result<Vec<Grant>, ConfigError> {
    if grants.len() > GRANTS_MAX { Err(ConfigError::MalformedAcl) } else { Ok(grants) }
}

fn nobody(kind: &'static str) -> Grantee {
    Grantee { display_name: None, email_address: None, id: None, type_: Type::from_static(kind), uri: None }
}

fn user_grant(id: &str, permission: &'static str) -> Grant {
    let grantee = Grantee { id: Some(id.to_owned()), ..nobody(Type::CANONICAL_USER) };
    Grant { grantee: Some(grantee), permission: named(permission) }
}

fn group_grant(uri: &str, permission: &'static str) -> Grant {
    let grantee = Grantee { uri: Some(uri.to_owned()), ..nobody(Type::GROUP) };
    Grant { grantee: Some(grantee), permission: named(permission) }
}

fn named(permission: &'static str) -> Option<Permission> {
    Some(Permission::from_static(permission))
}

#[cfg(test)]
mod tests;
