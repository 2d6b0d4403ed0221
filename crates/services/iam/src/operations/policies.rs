//! Managed policies and their versions.

use hearth_aws::shape;
use hearth_store::Tx;

use super::family::{new_id, operation, path, read, write};
use super::page::{Page, limit};
use super::shown::{Date, PolicyShown, Tag, encoded, pairs};
use crate::error::IamError;
use crate::managed_policies::{self, AwsPolicy};
use crate::policies::{self, Managed, Policy};
use crate::principals::{Use, use_count};
use crate::{documents, records, tags};

shape! {
    pub(super) struct VersionShown {
        document: Option<String>,
        version_id: String,
        is_default_version: bool,
        create_date: Date,
    }
}

operation! {
    /// A policy, whose first version is in force.
    CreatePolicy {
        policy_name: String,
        path: Option<String>,
        policy_document: String,
        description: Option<String>,
        tags: Option<Vec<Tag>>,
    } => { policy: PolicyShown } |cx, input| {
        check(&input.policy_document)?;
        let mut tags = Vec::new();
        tags::add(&mut tags, pairs(input.tags))?;
        let now = cx.world.domain().now();
        let policy = Policy {
            name: input.policy_name,
            id: new_id(cx, "ANPA"),
            path: path(input.path),
            description: input.description.filter(|description| !description.is_empty()),
            created: now,
            updated: now,
            default_version: 1,
            versions_made: 1,
            versions: vec![(1, now)],
            tags,
        };
        let (made, document) = (policy.clone(), input.policy_document);
        write(cx, move |tx, account| policies::insert(tx, account, &made, &document)).await?;
        // AWS does not repeat the description here.
        let shown = PolicyShown { description: None, ..PolicyShown::whole(&cx.call.account, policy, (0, 0)) };
        Ok(Output { policy: shown })
    }
}

operation! {
    /// A policy with its tags, the customer's or AWS's.
    GetPolicy { policy_arn: String } => { policy: PolicyShown } |cx, input| {
        let found = read(cx, move |tx, account| {
            let policy = policies::get(tx, account, &input.policy_arn)?;
            Ok((policy, uses(tx, account, &input.policy_arn)?))
        });
        let policy = match found.await? {
            (Managed::Ours(policy), uses) => PolicyShown::whole(&cx.call.account, policy, uses),
            (Managed::Aws(policy), uses) => PolicyShown::of_aws(policy, uses),
        };
        Ok(Output { policy })
    }
}

/// A marker of the list of AWS's own policies, which comes after the account's. No name begins so.
const AWS_MARKER: &str = "/aws/";

operation! {
    /// The account's policies in the order of their names, then AWS's.
    ListPolicies {
        scope: Option<String>,
        only_attached: Option<bool>,
        path_prefix: Option<String>,
        policy_usage_filter: Option<String>,
        marker: Option<String>,
        max_items: Option<u32>,
    } => { policies: Vec<PolicyShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let (local, aws) = match input.scope.as_deref() {
            Some("Local") => (true, false),
            Some("AWS") => (false, true),
            _ => (true, true),
        };
        let marker = input.marker;
        let listed = read(cx, move |tx, account| {
            let aws_from = marker.as_deref().and_then(|marker| marker.strip_prefix(AWS_MARKER));
            match (aws_from, local) {
                (Some(from), _) => aws_page(tx, account, from.parse().map_err(|_| IamError::Marker)?, limit),
                (None, true) => own_page(tx, account, marker.as_deref(), limit, aws),
                (None, false) => aws_page(tx, account, 0, limit),
            }
        });
        let (found, marker) = listed.await?;
        let prefix = path(input.path_prefix);
        let boundary = input.policy_usage_filter.as_deref() == Some("PermissionsBoundary");
        let attached = input.only_attached.unwrap_or(false);
        let wanted = |policy: &PolicyShown| {
            policy.path.starts_with(&prefix)
                && (!attached || policy.attachment_count > 0)
                && (!boundary || policy.permissions_boundary_usage_count > 0)
        };
        let policies = found.into_iter().filter(wanted).collect();
        Ok(Output { policies, is_truncated: marker.is_some(), marker })
    }
}

/// Some of the account's policies, and where to go on.
type Found = (Vec<PolicyShown>, Option<String>);

fn own_page(
    tx: &mut dyn Tx,
    account: &str,
    after: Option<&str>,
    limit: u32,
    then_aws: bool,
) -> Result<Found, IamError> {
    let (policies, more) = records::page::<Policy>(tx, account, after, limit)?;
    let last = policies.last().map(|policy| policy.name.clone());
    let shown = policies.into_iter().map(|policy| {
        let uses = uses(tx, account, &policy.arn(account))?;
        Ok(PolicyShown::listed(account, policy, uses))
    });
    let mut shown = shown.collect::<Result<Vec<_>, IamError>>()?;
    if more || !then_aws {
        return Ok((shown, last.filter(|_| more)));
    }
    let room = limit.saturating_sub(u32::try_from(shown.len()).unwrap_or(u32::MAX));
    let (of_aws, marker) = aws_page(tx, account, 0, room)?;
    shown.extend(of_aws);
    Ok((shown, marker))
}

fn aws_page(tx: &mut dyn Tx, account: &str, from: usize, limit: u32) -> Result<Found, IamError> {
    let all = managed_policies::all();
    let end = from.saturating_add(limit as usize).min(all.len());
    let page: &[AwsPolicy] = all.get(from..end).unwrap_or_default();
    let shown = page.iter().map(|policy| Ok(PolicyShown::of_aws(policy, uses(tx, account, &policy.arn())?)));
    let shown = shown.collect::<Result<_, IamError>>()?;
    Ok((shown, (end < all.len()).then(|| format!("{AWS_MARKER}{end}"))))
}

operation! {
    /// A policy that nobody has, and that has no version but the one in force.
    DeletePolicy { policy_arn: String } => {} |cx, input| {
        ours("DeletePolicy", cx, &input.policy_arn)?;
        write(cx, move |tx, account| policies::delete(tx, account, &input.policy_arn)).await?;
        Ok(Output {})
    }
}

operation! {
    /// A further document of a policy: five at most.
    CreatePolicyVersion { policy_arn: String, policy_document: String, set_as_default: Option<bool> }
    => { policy_version: VersionShown } |cx, input| {
        ours("CreatePolicyVersion", cx, &input.policy_arn)?;
        check(&input.policy_document)?;
        let (now, is_default_version) = (cx.world.domain().now(), input.set_as_default.unwrap_or(false));
        let number = write(cx, move |tx, account| {
            let (arn, document) = (&input.policy_arn, &input.policy_document);
            policies::add_version(tx, account, arn, document, is_default_version, now)
        });
        let version_id = format!("v{}", number.await?);
        let shown = VersionShown { document: None, version_id, is_default_version, create_date: Date(now) };
        Ok(Output { policy_version: shown })
    }
}

operation! {
    /// The document as it was written, URL-encoded.
    GetPolicyVersion { policy_arn: String, version_id: String } => { policy_version: VersionShown } |cx, input| {
        let found = read(cx, move |tx, account| match policies::get(tx, account, &input.policy_arn)? {
            Managed::Ours(policy) => {
                let number = policies::number(account, &policy, &input.version_id)?;
                let document = policies::document(tx, account, &policy, number)?;
                Ok(VersionShown { document: Some(encoded(&document)), ..version(&policy, number) })
            }
            Managed::Aws(policy) if policy.version == input.version_id => {
                Ok(VersionShown { document: Some(encoded(policy.document())), ..aws_version(policy) })
            }
            Managed::Aws(policy) => {
                Err(IamError::NoVersion { policy: policy.arn(), version: input.version_id.clone() })
            }
        });
        Ok(Output { policy_version: found.await? })
    }
}

operation! {
    /// The newest first, without their documents.
    ListPolicyVersions { policy_arn: String, marker: Option<String>, max_items: Option<u32> }
    => { versions: Vec<VersionShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let found = read(cx, move |tx, account| {
            Ok(match policies::get(tx, account, &input.policy_arn)? {
                Managed::Ours(policy) => {
                    policy.versions.iter().rev().map(|(number, _)| version(&policy, *number)).collect()
                }
                Managed::Aws(policy) => vec![aws_version(policy)],
            })
        });
        let Page { items, is_truncated, marker } = Page::of(found.await?, input.marker, input.max_items)?;
        Ok(Output { versions: items, is_truncated, marker })
    }
}

operation! {
    /// Another version comes into force.
    SetDefaultPolicyVersion { policy_arn: String, version_id: String } => {} |cx, input| {
        ours("SetDefaultPolicyVersion", cx, &input.policy_arn)?;
        let now = cx.world.domain().now();
        write(cx, move |tx, account| {
            policies::set_default(tx, account, &input.policy_arn, &input.version_id, now)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A version that is not in force.
    DeletePolicyVersion { policy_arn: String, version_id: String } => {} |cx, input| {
        ours("DeletePolicyVersion", cx, &input.policy_arn)?;
        write(cx, move |tx, account| {
            policies::delete_version(tx, account, &input.policy_arn, &input.version_id)
        })
        .await?;
        Ok(Output {})
    }
}

fn check(document: &str) -> Result<(), IamError> {
    documents::check_managed(document)?;
    policies::check_size(document)
}

/// AWS's policies are AWS's to change.
fn ours(action: &'static str, cx: &hearth_aws::Cx<crate::Iam>, arn: &str) -> Result<(), IamError> {
    match arn.starts_with("arn:aws:iam::aws:policy/") {
        true => {
            let caller = cx.call.caller.arn.clone();
            Err(IamError::AwsManaged { caller, action, resource: format!("policy {arn}") })
        }
        false => Ok(()),
    }
}

/// As attachment and as boundary.
fn uses(tx: &mut dyn Tx, account: &str, arn: &str) -> Result<(u32, u32), IamError> {
    Ok((use_count(tx, account, arn, Use::Attached)?, use_count(tx, account, arn, Use::Boundary)?))
}

fn version(policy: &Policy, number: u32) -> VersionShown {
    let created = policy.versions.iter().find(|(known, _)| *known == number);
    VersionShown {
        document: None,
        version_id: format!("v{number}"),
        is_default_version: number == policy.default_version,
        create_date: Date(created.map_or(policy.created, |(_, created)| *created)),
    }
}

fn aws_version(policy: &AwsPolicy) -> VersionShown {
    VersionShown {
        document: None,
        version_id: policy.version.to_owned(),
        is_default_version: true,
        create_date: Date(policy.updated()),
    }
}
