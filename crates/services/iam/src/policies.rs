//! Managed policies: the customer's own, with up to five versions, and AWS's, which are read only. In a transaction.

use hearth_store::{Key, Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::inline_policies::characters;
use crate::managed_policies;
use crate::principals::{self, Use};
use crate::records::{self, Record};

/// Versions of one policy.
pub(crate) const VERSIONS_MAX: usize = 5;

/// A document, in characters without white space (quota of IAM).
const CHARACTERS_MAX: u32 = 6_144;

/// White space does not count for the quota, but must fit into a record.
const BYTES_MAX: usize = 60_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    /// `ANPA…`.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The version in force.
    pub(crate) default_version: u32,
    /// Numbers that were given; none is given twice.
    pub(crate) versions_made: u32,
    /// Those that exist, in the order of their numbers.
    pub(crate) versions: Vec<(u32, Timestamp)>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Stored for Policy {}

impl Record for Policy {
    const WHAT: What = What::Policy;
    const SPACE: &'static str = "iam/policy";
    const QUOTA: (&'static str, u32) = ("PoliciesPerAccount", 1_500);

    fn name(&self) -> &str {
        &self.name
    }
}

/// The document of one version.
#[derive(Serialize, Deserialize)]
struct Document(String);

impl Stored for Document {}

/// A managed policy: whose it is decides who may change it.
pub(crate) enum Managed {
    Ours(Policy),
    Aws(&'static managed_policies::AwsPolicy),
}

impl Policy {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:policy{}{}", self.path, self.name)
    }
}

/// A document is of a bounded size.
pub(crate) fn check_size(document: &str) -> Result<(), IamError> {
    if characters(document) > CHARACTERS_MAX as usize || document.len() > BYTES_MAX {
        return Err(IamError::Quota { quota: "PolicySize", limit: CHARACTERS_MAX });
    }
    Ok(())
}

/// The policy with this ARN, the account's own or one of AWS.
pub(crate) fn get(tx: &mut dyn Tx, account: &str, arn: &str) -> Result<Managed, IamError> {
    if let Some(aws) = managed_policies::find(arn) {
        return Ok(Managed::Aws(aws));
    }
    own(tx, account, arn).map(Managed::Ours)
}

/// The account's own policy with this ARN.
pub(crate) fn own(tx: &mut dyn Tx, account: &str, arn: &str) -> Result<Policy, IamError> {
    let resource = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":policy/"));
    let (_, path) = resource.ok_or_else(|| IamError::Invalid(format!("ARN {arn} is not valid.")))?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let found = records::find::<Policy>(tx, account, name)?;
    let found = found.filter(|policy| policy.arn(account) == arn);
    found.ok_or_else(|| IamError::NotFound(What::Policy, arn.to_owned()))
}

/// Whether a policy can be attached.
pub(crate) fn exists(tx: &mut dyn Tx, account: &str, arn: &str) -> Result<bool, IamError> {
    match get(tx, account, arn) {
        Ok(_) => Ok(true),
        Err(IamError::NotFound(..)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A new policy, whose only version this document is.
pub(crate) fn insert(
    tx: &mut dyn Tx,
    account: &str,
    policy: &Policy,
    document: &str,
) -> Result<(), IamError> {
    records::insert(tx, account, policy)?;
    put_document(tx, account, policy, policy.default_version, document)
}

/// A further version of a policy: its number.
pub(crate) fn add_version(
    tx: &mut dyn Tx,
    account: &str,
    arn: &str,
    document: &str,
    set_as_default: bool,
    now: Timestamp,
) -> Result<u32, IamError> {
    let mut policy = own(tx, account, arn)?;
    if policy.versions.len() >= VERSIONS_MAX {
        return Err(IamError::TooManyVersions);
    }
    policy.versions_made += 1;
    let number = policy.versions_made;
    policy.versions.push((number, now));
    policy.updated = now;
    if set_as_default {
        policy.default_version = number;
    }
    put_document(tx, account, &policy, number, document)?;
    records::put(tx, account, &policy)?;
    Ok(number)
}

pub(crate) fn document(
    tx: &mut dyn Tx,
    account: &str,
    policy: &Policy,
    number: u32,
) -> Result<String, IamError> {
    let missing = || IamError::NoVersion { policy: policy.arn(account), version: format!("v{number}") };
    let record = tx.get(&document_key(account, policy, number))?.ok_or_else(missing)?;
    Ok(Document::decode(&record)?.0)
}

/// Another version comes into force.
pub(crate) fn set_default(
    tx: &mut dyn Tx,
    account: &str,
    arn: &str,
    version: &str,
    now: Timestamp,
) -> Result<(), IamError> {
    let mut policy = own(tx, account, arn)?;
    policy.default_version = number(account, &policy, version)?;
    policy.updated = now;
    records::put(tx, account, &policy)
}

pub(crate) fn delete_version(
    tx: &mut dyn Tx,
    account: &str,
    arn: &str,
    version: &str,
) -> Result<(), IamError> {
    let mut policy = own(tx, account, arn)?;
    let number = number(account, &policy, version)?;
    if number == policy.default_version {
        return Err(IamError::Conflict("Cannot delete the default version of a policy."));
    }
    policy.versions.retain(|(other, _)| *other != number);
    tx.delete(&document_key(account, &policy, number))?;
    records::put(tx, account, &policy)
}

/// Deletes a policy that nobody uses and that has no version but the default one.
pub(crate) fn delete(tx: &mut dyn Tx, account: &str, arn: &str) -> Result<(), IamError> {
    let policy = own(tx, account, arn)?;
    for used in [Use::Attached, Use::Boundary] {
        if principals::use_count(tx, account, arn, used)? > 0 {
            return Err(IamError::Conflict("Cannot delete a policy attached to entities."));
        }
    }
    if policy.versions.len() > 1 {
        return Err(IamError::Conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    tx.delete(&document_key(account, &policy, policy.default_version))?;
    records::remove::<Policy>(tx, account, &policy.name)
}

/// The number of an existing version, from `v2`.
pub(crate) fn number(account: &str, policy: &Policy, version: &str) -> Result<u32, IamError> {
    let number = version.strip_prefix('v').and_then(|number| number.parse().ok());
    let number = number.filter(|number| policy.versions.iter().any(|(known, _)| known == number));
    number.ok_or_else(|| IamError::NoVersion { policy: policy.arn(account), version: version.to_owned() })
}

fn put_document(
    tx: &mut dyn Tx,
    account: &str,
    policy: &Policy,
    number: u32,
    document: &str,
) -> Result<(), IamError> {
    Ok(tx.put(&document_key(account, policy, number), Document(document.to_owned()).encode()?)?)
}

fn document_key(account: &str, policy: &Policy, number: u32) -> Key {
    let name = policy.name.to_ascii_lowercase();
    Key::of("iam/policy-version").text(account).text(&name).number(number.into())
}
