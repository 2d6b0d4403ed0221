//! What all operations share: how they are declared, whose state they see, how groups are named.

use std::future::Future;

use hearth_aws::{ApiError, Cx};
use hearth_store::{Tx, transact, transact_read};

use crate::Logs;
use crate::error::LogsError;
use crate::keys::Owner;
use crate::patterns::Pattern;

/// Declares an operation: the members of its input and its output, and what it does.
macro_rules! operation {
    ($($declared:tt)*) => { hearth_aws::operation! { $crate::Logs, [camelCase;], $($declared)* } };
}

pub(super) use operation;

/// Whose groups a call is about.
pub(super) fn owner(cx: &Cx<Logs>) -> Owner {
    Owner { account: cx.call.account.clone(), region: cx.call.region.clone() }
}

/// Reads in one transaction. The closure may run again.
pub(super) fn read<'c, T: Send + 'static>(
    cx: &'c Cx<Logs>,
    mut body: impl FnMut(&mut dyn Tx, &Owner) -> Result<T, LogsError> + Send + 'static,
) -> impl Future<Output = Result<T, ApiError>> + Send + 'c {
    let owner = owner(cx);
    async move { Ok(transact_read(&*cx.store, move |tx: &mut dyn Tx| body(tx, &owner)).await?) }
}

/// Writes in one transaction. The closure may run again.
pub(super) fn write<'c, T: Send + 'static>(
    cx: &'c Cx<Logs>,
    mut body: impl FnMut(&mut dyn Tx, &Owner) -> Result<T, LogsError> + Send + 'static,
) -> impl Future<Output = Result<T, ApiError>> + Send + 'c {
    let owner = owner(cx);
    async move { Ok(transact(&*cx.store, move |tx: &mut dyn Tx| body(tx, &owner)).await?) }
}

/// A group's name out of its name or ARN. Groups of other accounts and regions are not there.
pub(super) fn named(owner: &Owner, identifier: &str) -> Result<String, LogsError> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier.to_owned());
    }
    let parts: Vec<&str> = identifier.splitn(7, ':').collect();
    let [_, _, "logs", region, account, "log-group", name] = parts.as_slice() else {
        return Err(LogsError::invalid(format!("{identifier} is not the ARN of a log group.")));
    };
    if *region != owner.region || *account != owner.account {
        return Err(LogsError::NoGroup);
    }
    Ok(name.strip_suffix(":*").unwrap_or(name).to_owned())
}

/// A group by exactly one of the two members that may name it.
pub(super) fn one_group(
    owner: &Owner,
    name: Option<String>,
    identifier: Option<String>,
) -> Result<String, LogsError> {
    match (name, identifier) {
        (Some(_), Some(_)) => {
            Err(LogsError::Validation("LogGroup name and LogGroup ARN are mutually exclusive parameters."))
        }
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => named(owner, &identifier),
        (None, None) => Err(LogsError::invalid("Either logGroupName or logGroupIdentifier is required.")),
    }
}

/// A filter pattern as it was given.
pub(super) fn pattern(text: Option<&str>) -> Result<Pattern, LogsError> {
    Pattern::parse(text.unwrap_or_default()).map_err(|error| LogsError::Invalid(error.to_string()))
}

/// A time that was given; the model allows none below zero.
pub(super) fn millis(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

/// A time or number as the wire has it.
pub(super) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
