//! Users. What belongs to one lies under its id, so that another name moves nothing. In a transaction.

use hearth_store::{Stored, Tx};
use hearth_world::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{IamError, What};
use crate::names::Named;
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

impl Named for User {
    fn id(&self) -> &str {
        &self.id
    }

    fn names(&mut self) -> (&mut String, &mut String) {
        (&mut self.name, &mut self.path)
    }
}

impl User {
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:user{}{}", self.path, self.name)
    }
}

pub(crate) fn insert(tx: &mut dyn Tx, account: &str, user: &User) -> Result<(), IamError> {
    names::insert(tx, account, user)?;
    Principal::of_user(user).boundary_changed(tx, account, None, user.boundary.as_deref())
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
    inline_policies::none_left(tx, account, &principal)?;
    principal.boundary_changed(tx, account, user.boundary.as_deref(), None)?;
    names::delete(tx, account, &user.id)?;
    records::remove::<User>(tx, account, name)
}
