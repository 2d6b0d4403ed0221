//! Whom an operation is about that names no user: the caller.

use hearth_aws::Cx;
use hearth_store::Tx;

use crate::access_keys::ROOT;
use crate::error::IamError;
use crate::users::User;
use crate::{Iam, records};

/// A user, or the account's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    User(String),
    Root,
}

/// The named user, or the caller when none is named.
pub(super) fn subject(cx: &Cx<Iam>, name: Option<String>) -> Result<Subject, IamError> {
    if let Some(name) = name {
        return Ok(Subject::User(name));
    }
    // arn:aws:iam::ACCOUNT:user/PATH/NAME
    let resource = cx.call.caller.arn.splitn(6, ':').nth(5).unwrap_or_default();
    match resource.strip_prefix("user/").and_then(|path| path.rsplit('/').next()) {
        Some(name) => Ok(Subject::User(name.to_owned())),
        None if resource == "root" => Ok(Subject::Root),
        None => Err(IamError::NoUser),
    }
}

impl Subject {
    /// Under which owner its access keys lie, and the name that they show.
    pub(super) fn owner(&self, tx: &mut dyn Tx, account: &str) -> Result<(String, Option<String>), IamError> {
        match self {
            Self::Root => Ok((ROOT.to_owned(), None)),
            Self::User(name) => {
                let user: User = records::get(tx, account, name)?;
                Ok((user.id, Some(user.name)))
            }
        }
    }
}
