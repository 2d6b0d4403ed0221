//! Users. What belongs to one lies under its id, so that another name moves nothing. In a transaction.

use hearth_store::{Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::principals::Principal;
use crate::records::{self, Record};
use crate::{access_keys, groups, inline_policies, names};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    /// `AIDA…`.
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) created: Timestamp,
    pub(crate) boundary: Option<String>,
    /// In the order of the requests.
    pub(crate) tags: Vec<(String, String)>,
}

impl Stored for User {}

impl Record for User {
    const WHAT: What = What::User;
    const SPACE: &'static str = "iam/user";
    const QUOTA: (&'static str, u32) = ("UsersPerAccount", 5_000);

    fn name(&self) -> &str {
        &self.name
    }
}

impl User {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

pub(crate) fn insert(tx: &mut dyn Tx, account: &str, user: &User) -> Result<(), IamError> {
    records::insert(tx, account, user)?;
    names::put(tx, account, &user.id, &user.name)?;
    Principal::of_user(user).boundary_changed(tx, account, None, user.boundary.as_deref())
}

/// Gives a user another name or path. What belongs to it stays where it is.
pub(crate) fn rename(
    tx: &mut dyn Tx,
    account: &str,
    name: &str,
    new_name: Option<&str>,
    new_path: Option<&str>,
) -> Result<(), IamError> {
    let mut user: User = records::get(tx, account, name)?;
    if let Some(path) = new_path {
        path.clone_into(&mut user.path);
    }
    if let Some(new_name) = new_name {
        if !new_name.eq_ignore_ascii_case(&user.name) {
            if records::find::<User>(tx, account, new_name)?.is_some() {
                return Err(IamError::AlreadyExists(What::User, new_name.to_owned()));
            }
            records::remove::<User>(tx, account, name)?;
        }
        new_name.clone_into(&mut user.name);
    }
    records::put(tx, account, &user)?;
    names::put(tx, account, &user.id, &user.name)
}

/// Deletes a user that has nothing any more.
pub(crate) fn delete(tx: &mut dyn Tx, account: &str, name: &str) -> Result<(), IamError> {
    let user: User = records::get(tx, account, name)?;
    let principal = Principal::of_user(&user);
    if !access_keys::of(tx, account, &user.id)?.is_empty() {
        return Err(IamError::Holds("delete access keys"));
    }
    if !groups::of_user(tx, account, &user)?.is_empty() {
        return Err(IamError::Holds("remove users from group"));
    }
    if !inline_policies::names(tx, account, &principal)?.is_empty() {
        return Err(IamError::Holds("delete policies"));
    }
    if !principal.attached(tx, account)?.is_empty() {
        return Err(IamError::Holds("detach all policies"));
    }
    principal.boundary_changed(tx, account, user.boundary.as_deref(), None)?;
    names::delete(tx, account, &user.id)?;
    records::remove::<User>(tx, account, name)
}
