//! Changing a function that exists: who may, and how it begins.

use hearth_store::{BlobDigest, Tx};
use hearth_worker::{CodeDigest, PrepareError};

use super::function::{Function, Owner, State, Update};
use super::table;
use crate::Lambda;
use crate::error::FunctionError;
use crate::limits::CODE_UNZIPPED_BYTES_MAX;
use crate::reference::Asked;

/// The function that is asked for, when it may be changed now: it is `$LATEST`, is what the caller believes it to be,
/// and neither being made nor being changed.
pub(crate) fn changeable(
    tx: &mut dyn Tx,
    asked: &Asked,
    revision: Option<&str>,
) -> Result<Function, FunctionError> {
    let function = table::get(tx, &asked.owner, &asked.name)?.ok_or_else(|| asked.not_found())?;
    if !asked.is_latest() {
        return Err(FunctionError::Qualified);
    }
    // An empty one guards nothing: clients send it for one that is not given.
    let guard = revision.filter(|revision| !revision.is_empty());
    if guard.is_some_and(|revision| revision != function.revision_id.to_string()) {
        return Err(FunctionError::RevisionMismatch);
    }
    check_settled(&asked.owner, &function)?;
    Ok(function)
}

/// Whether a function is neither being made nor being changed.
fn check_settled(owner: &Owner, function: &Function) -> Result<(), FunctionError> {
    match (&function.state, &function.update) {
        (State::Pending | State::Failed { .. }, _) => Err(FunctionError::NotInState(function.state.name())),
        (State::Active, Update::InProgress { .. }) => {
            Err(FunctionError::UpdateInProgress(owner.function_arn(&function.name, None)))
        }
        (State::Active, Update::Settled | Update::Failed { .. }) => Ok(()),
    }
}

/// Writes a function as it will be, from now on InProgress. Its new blobs are held, and
/// the account has room for them.
pub(crate) fn begin(
    tx: &mut dyn Tx,
    owner: &Owner,
    old: Function,
    new: Function,
) -> Result<Function, FunctionError> {
    let before = Box::new(Function { update: Update::Settled, ..old.clone() });
    let new = Function { update: Update::InProgress { before }, ..new };
    table::replace(tx, owner, &old, &new)?;
    Ok(new)
}

/// Unpacks a package: the size of its files in bytes, or why it cannot be one. `name` is whose it is, for the log.
pub(crate) async fn unpack(lambda: &Lambda, name: &str, code: &BlobDigest) -> Result<u64, FunctionError> {
    match lambda.worker.prepare(CodeDigest(code.to_string())).await {
        Ok(bytes) if bytes > CODE_UNZIPPED_BYTES_MAX => Err(FunctionError::UnzippedTooLarge),
        Ok(bytes) => Ok(bytes),
        Err(PrepareError::TooLarge { .. }) => Err(FunctionError::UnzippedTooLarge),
        Err(PrepareError::Bad(_)) => Err(FunctionError::ZipUnreadable),
        Err(PrepareError::Host(reason)) => Err(FunctionError::Prepare { name: name.to_owned(), reason }),
    }
}
