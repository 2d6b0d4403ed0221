//! How operations are declared that come in families: many that differ only in what they are about.

use std::future::Future;

use hearth_aws::credentials::unique_id;
use hearth_aws::{ApiError, Cx};
use hearth_store::{Tx, transact, transact_read};

use crate::Iam;
use crate::error::IamError;

/// Declares an operation: the members of its input and its output, and what it does.
macro_rules! operation {
    ($($declared:tt)*) => { hearth_aws::operation! { $crate::Iam, [], $($declared)* } };
}

pub(super) use operation;

/// Reads in one transaction. The closure may run again; the second argument is the account.
pub(super) fn read<'c, T: Send + 'static>(
    cx: &'c Cx<Iam>,
    mut body: impl FnMut(&mut dyn Tx, &str) -> Result<T, IamError> + Send + 'static,
) -> impl Future<Output = Result<T, ApiError>> + Send + 'c {
    let account = cx.call.account.clone();
    let read = move |tx: &mut dyn Tx| body(tx, &account);
    async move { Ok(transact_read(&*cx.store, read).await?) }
}

/// Writes in one transaction. The closure may run again; the second argument is the account.
pub(super) fn write<'c, T: Send + 'static>(
    cx: &'c Cx<Iam>,
    mut body: impl FnMut(&mut dyn Tx, &str) -> Result<T, IamError> + Send + 'static,
) -> impl Future<Output = Result<T, ApiError>> + Send + 'c {
    let account = cx.call.account.clone();
    let written = move |tx: &mut dyn Tx| body(tx, &account);
    async move { Ok(transact(&*cx.store, written).await?) }
}

/// A new id of IAM with this prefix.
pub(super) fn new_id(cx: &Cx<Iam>, prefix: &str) -> String {
    unique_id(prefix, cx.world.random().bytes())
}

/// The path that was given, or the root of all.
pub(super) fn path(given: Option<String>) -> String {
    given.unwrap_or_else(|| "/".to_owned())
}
