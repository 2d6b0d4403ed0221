//! Groups and their members, by ids on both sides. In a transaction.

use bytes::Bytes;
use hearth_store::{Key, Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::names::Named;
use crate::principals::Principal;
use crate::records::{self, Record};
use crate::users::User;
use crate::{inline_policies, names};

/// Groups that one user is in (quota of IAM).
const GROUPS_PER_USER: u32 = 10;

/// All users of an account may be in one group.
const MEMBERS_MAX: u32 = User::QUOTA.1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// `AGPA…`.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created: Timestamp,
}

impl Stored for Group {}

impl Record for Group {
    const WHAT: What = What::Group;
    const SPACE: &'static str = "iam/group";
    const QUOTA: (&'static str, u32) = ("GroupsPerAccount", 300);

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Group {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&mut self) -> (&mut String, &mut String) {
        (&mut self.name, &mut self.path)
    }
}

impl Group {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:group{}{}", self.path, self.name)
    }
}

/// Deletes a group that has nothing any more.
pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), IamError> {
    let group: Group = records::get(tx, account, name)?;
    let principal = Principal::of_group(&group);
    if records::count(tx, members_of(account, &group.id).children(), 1)? > 0 {
        return Err(IamError::Holds("remove users from group"));
    }
    inline_policies::none_left(tx, account, &principal)?;
    names::delete(tx, account, &group.id)?;
    records::remove::<Group>(tx, account, name)
}

/// Puts a user into a group; one that is in it already stays so.
pub(crate) fn add(tx: &mut dyn Tx, account: &str, group: &str, user: &str) -> Result<(), IamError> {
    let group: Group = records::get(tx, account, group)?;
    let user: User = records::get(tx, account, user)?;
    let known = ids(tx, &groups_of(account, &user.id), GROUPS_PER_USER)?;
    if known.len() >= GROUPS_PER_USER as usize && !known.contains(&group.id) {
        return Err(IamError::Quota { quota: "GroupsPerUser", limit: GROUPS_PER_USER });
    }
    tx.put(&groups_of(account, &user.id).text(&group.id), Bytes::new())?;
    Ok(tx.put(&members_of(account, &group.id).text(&user.id), Bytes::new())?)
}

/// Takes a user out of a group; one that is not in it is no error.
pub(crate) fn remove(tx: &mut dyn Tx, account: &str, group: &str, user: &str) -> Result<(), IamError> {
    let group: Group = records::get(tx, account, group)?;
    let user: User = records::get(tx, account, user)?;
    tx.delete(&groups_of(account, &user.id).text(&group.id))?;
    Ok(tx.delete(&members_of(account, &group.id).text(&user.id))?)
}

pub(crate) fn of_user(tx: &mut dyn Tx, account: &str, user: &User) -> Result<Vec<Group>, IamError> {
    let ids = ids(tx, &groups_of(account, &user.id), GROUPS_PER_USER)?;
    names::find(tx, account, &ids)
}

/// At most `limit` members whose ids come after `after`, and whether there are more.
pub(crate) fn members(
    tx: &mut dyn Tx,
    account: &str,
    group: &Group,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<User>, bool), IamError> {
    let all = members_of(account, &group.id);
    let range = after.map_or(all.children(), |id| all.children_after(&all.clone().text(id)));
    let keys = records::keys(tx, range, limit.min(MEMBERS_MAX).saturating_add(1))?;
    let mut ids: Vec<String> = keys.iter().filter_map(last_part).collect();
    let more = ids.len() > limit as usize;
    ids.truncate(limit as usize);
    Ok((names::find(tx, account, &ids)?, more))
}

fn ids(tx: &mut dyn Tx, under: &Key, limit: u32) -> Result<Vec<String>, IamError> {
    Ok(records::keys(tx, under.children(), limit)?.iter().filter_map(last_part).collect())
}

/// Space, account, one id, and the other one.
fn last_part(key: &Key) -> Option<String> {
    let mut parts = key.parts();
    (0..3).try_for_each(|_| parts.text().map(drop))?;
    parts.text()
}

fn members_of(account: &str, group: &str) -> Key {
    Key::of("iam/group-member").text(account).text(group)
}

fn groups_of(account: &str, user: &str) -> Key {
    Key::of("iam/user-group").text(account).text(user)
}
