//! Access keys of users, and of the root when the root calls.

use hearth_aws::shape;

use super::caller::subject;
use super::family::{operation, read, write};
use super::page::Page;
use super::shown::Date;
use crate::access_keys::{self, AccessKey, Owner};
use crate::error::IamError;

shape! {
    pub(super) struct Made {
        user_name: Option<String>,
        access_key_id: String,
        status: String,
        secret_access_key: String,
        create_date: Date,
    }
    pub(super) struct Listed {
        user_name: Option<String>,
        access_key_id: String,
        status: String,
        create_date: Date,
    }
    pub(super) struct LastUsedShown {
        last_used_date: Option<Date>,
        service_name: String,
        region: String,
    }
}

operation! {
    /// The only answer that ever shows the secret.
    CreateAccessKey { user_name: Option<String> } => { access_key: Made } |cx, input| {
        let subject = subject(cx, input.user_name)?;
        let (owner, user_name) = read(cx, move |tx, account| subject.owner(tx, account)).await?;
        let key = cx.make_key(&cx.call.account, &owner).await?;
        let status = status(&key);
        let access_key = Made {
            user_name,
            access_key_id: key.id,
            status,
            secret_access_key: key.secret,
            create_date: Date(key.created),
        };
        Ok(Output { access_key })
    }
}

operation! {
    /// An inactive key is refused, and can be made active again.
    UpdateAccessKey { user_name: Option<String>, access_key_id: String, status: String } => {} |cx, input| {
        let subject = subject(cx, input.user_name)?;
        write(cx, move |tx, account| {
            let (owner, _) = subject.owner(tx, account)?;
            let mut key = access_keys::get(tx, account, &owner, &input.access_key_id)?;
            key.active = match input.status.as_str() {
                "Active" => true,
                "Inactive" => false,
                // The model knows a third one, which only AWS sets.
                other => return Err(IamError::Invalid(format!("The status {other} cannot be set."))),
            };
            access_keys::put(tx, &key)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// A deleted key is a stranger's from then on.
    DeleteAccessKey { user_name: Option<String>, access_key_id: String } => {} |cx, input| {
        let subject = subject(cx, input.user_name)?;
        write(cx, move |tx, account| {
            let (owner, _) = subject.owner(tx, account)?;
            let key = access_keys::get(tx, account, &owner, &input.access_key_id)?;
            access_keys::delete(tx, &key)
        })
        .await?;
        Ok(Output {})
    }
}

operation! {
    /// Two at most.
    ListAccessKeys { user_name: Option<String>, marker: Option<String>, max_items: Option<u32> }
    => { access_key_metadata: Vec<Listed>, is_truncated: bool, marker: Option<String> } |cx, input| {
        let subject = subject(cx, input.user_name)?;
        let found = read(cx, move |tx, account| {
            let (owner, user_name) = subject.owner(tx, account)?;
            Ok((access_keys::of(tx, account, &owner)?, user_name))
        });
        let (keys, user_name) = found.await?;
        let listed = keys.into_iter().map(|key| Listed {
            user_name: user_name.clone(),
            status: status(&key),
            access_key_id: key.id,
            create_date: Date(key.created),
        });
        let Page { items, is_truncated, marker } = Page::of(listed, input.marker, input.max_items)?;
        Ok(Output { access_key_metadata: items, is_truncated, marker })
    }
}

operation! {
    /// When a key was used last, up to a minute behind, and for a key that never was, that it never was.
    GetAccessKeyLastUsed { access_key_id: String }
    => { user_name: Option<String>, access_key_last_used: LastUsedShown } |cx, input| {
        let id = input.access_key_id.clone();
        let found = read(cx, move |tx, account| {
            let key = access_keys::find(tx, &id)?.filter(|key| key.account == account);
            let key = key.ok_or_else(|| IamError::NoAccessKey(id.clone()))?;
            Ok((access_keys::owner(tx, &key)?, access_keys::last_used(tx, &id)?))
        });
        let (owner, written) = found.await?;
        let user_name = owner.and_then(|owner| match owner {
            Owner::Root => None,
            Owner::User(user) => Some(user.name),
        });
        let unknown = || "N/A".to_owned();
        let access_key_last_used = match cx.last_uses.get(&input.access_key_id).or(written) {
            Some(used) => LastUsedShown {
                last_used_date: Some(Date(used.at)),
                service_name: used.service,
                region: used.region,
            },
            None => LastUsedShown { last_used_date: None, service_name: unknown(), region: unknown() },
        };
        Ok(Output { user_name, access_key_last_used })
    }
}

fn status(key: &AccessKey) -> String {
    if key.active { "Active" } else { "Inactive" }.to_owned()
}
