//! Instance profiles: what deploy tools make for machines. Nothing here runs in one.

use hearth_store::Tx;

use super::family::{new_id, operation, path, read, write};
use super::page::{Page, limit};
use super::shown::{InstanceProfileShown, Tag, pairs};
use crate::error::IamError;
use crate::instance_profiles::{self, InstanceProfile};
use crate::roles::Role;
use crate::{records, tags};

operation! {
    /// A profile without a role.
    CreateInstanceProfile { instance_profile_name: String, path: Option<String>, tags: Option<Vec<Tag>> }
    => { instance_profile: InstanceProfileShown } |cx, input| {
        let mut tags = Vec::new();
        tags::add(&mut tags, pairs(input.tags))?;
        let profile = InstanceProfile {
            name: input.instance_profile_name,
            id: new_id(cx, "AIPA"),
            path: path(input.path),
            created: cx.world.domain().now(),
            role: None,
            tags,
        };
        let made = profile.clone();
        write(cx, move |tx, account| records::insert(tx, account, &made)).await?;
        Ok(Output { instance_profile: InstanceProfileShown::whole(&cx.call.account, profile, None) })
    }
}

operation! {
    /// A profile with its role.
    GetInstanceProfile { instance_profile_name: String } => { instance_profile: InstanceProfileShown } |cx, input| {
        let found = read(cx, move |tx, account| {
            let profile = records::get(tx, account, &input.instance_profile_name)?;
            with_role(tx, account, profile)
        });
        let (profile, role) = found.await?;
        Ok(Output { instance_profile: InstanceProfileShown::whole(&cx.call.account, profile, role) })
    }
}

operation! {
    /// In the order of their names.
    ListInstanceProfiles { path_prefix: Option<String>, marker: Option<String>, max_items: Option<u32> }
    => { instance_profiles: Vec<InstanceProfileShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let limit = limit(input.max_items);
        let found = read(cx, move |tx, account| {
            let (profiles, more) =
                records::page::<InstanceProfile>(tx, account, input.marker.as_deref(), limit)?;
            let profiles = profiles.into_iter().map(|profile| with_role(tx, account, profile));
            Ok((profiles.collect::<Result<Vec<_>, _>>()?, more))
        });
        let page = Page::read(found.await?, |(profile, _)| profile.name.clone());
        let prefix = path(input.path_prefix);
        let Page { items, is_truncated, marker } = page.shown(|(profile, role)| {
            let shown = profile.path.starts_with(&prefix);
            shown.then(|| InstanceProfileShown::listed(&cx.call.account, profile, role))
        });
        Ok(Output { instance_profiles: items, is_truncated, marker })
    }
}

operation! {
    /// The profiles that hold a role. Deploy tools ask before they delete it.
    ListInstanceProfilesForRole { role_name: String, marker: Option<String>, max_items: Option<u32> }
    => { instance_profiles: Vec<InstanceProfileShown>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let found = read(cx, move |tx, account| {
            let role: Role = records::get(tx, account, &input.role_name)?;
            let profiles = instance_profiles::of_role(tx, account, &role.name)?;
            Ok(profiles.into_iter().map(|profile| (profile, Some(role.clone()))).collect::<Vec<_>>())
        });
        let account = &cx.call.account;
        let shown = found.await?.into_iter();
        let shown = shown.map(|(profile, role)| InstanceProfileShown::listed(account, profile, role));
        let Page { items, is_truncated, marker } = Page::of(shown, input.marker, input.max_items)?;
        Ok(Output { instance_profiles: items, is_truncated, marker })
    }
}

operation! {
    /// One role at most.
    AddRoleToInstanceProfile { instance_profile_name: String, role_name: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            instance_profiles::add_role(tx, account, &input.instance_profile_name, &input.role_name)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// The role it holds, no other.
    RemoveRoleFromInstanceProfile { instance_profile_name: String, role_name: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            instance_profiles::remove_role(tx, account, &input.instance_profile_name, &input.role_name)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A profile that holds no role.
    DeleteInstanceProfile { instance_profile_name: String } => {} |cx, input| {
        write(cx, move |tx, account| {
            instance_profiles::delete(tx, account, &input.instance_profile_name)
        })
        .await?;
        Ok(Output {})
    }
}

fn with_role(
    tx: &mut dyn Tx,
    account: &str,
    profile: InstanceProfile,
) -> Result<(InstanceProfile, Option<Role>), IamError> {
    let role = match &profile.role {
        Some(role) => records::find(tx, account, role)?,
        None => None,
    };
    Ok((profile, role))
}
