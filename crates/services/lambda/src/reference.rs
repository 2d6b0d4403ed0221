//! Which function a call is about: the name in any of its forms, the qualifier, and whether it is reachable here.

use hearth_aws::Call;
use hearth_aws::names::{FunctionName, FunctionRef, LATEST};

use crate::error::FunctionError;
use crate::functions::Owner;

/// The function that a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) owner: Owner,
    pub(crate) name: FunctionName,
    pub(crate) qualifier: Option<String>,
}

impl Asked {
    /// From the `FunctionName` and `Qualifier` of a call.
    pub(crate) fn of(
        call: &Call,
        name: &FunctionRef,
        qualifier: Option<String>,
    ) -> Result<Self, FunctionError> {
        let qualifier = match (name.qualifier().map(str::to_owned), qualifier) {
            (Some(derived), Some(given)) if derived != given => return Err(FunctionError::QualifierMismatch),
            (derived, given) => derived.or(given),
        };
        if let Some(region) = name.region().filter(|region| *region != call.region) {
            return Err(FunctionError::OtherRegion { asked: region.to_owned(), here: call.region.clone() });
        }
        let asked = Self { owner: Owner::of(call), name: name.name().clone(), qualifier };
        match name.account() {
            // GAP(permissions): another account's function is reachable once policies of functions exist.
            Some(account) if account != call.account => {
                let owner = Owner { account: account.to_owned(), ..asked.owner.clone() };
                let resource = Self { owner, ..asked }.arn();
                let caller = call.caller.arn.clone();
                Err(FunctionError::OtherAccount { caller, action: action(call.operation), resource })
            }
            _ => Ok(asked),
        }
    }

    /// With the qualifier, if one was given.
    pub(crate) fn arn(&self) -> String {
        self.owner.function_arn(&self.name, self.qualifier.as_deref())
    }

    /// Without a qualifier, or with `$LATEST`.
    pub(crate) fn is_latest(&self) -> bool {
        self.qualifier.as_ref().is_none_or(|qualifier| qualifier == LATEST)
    }

    pub(crate) fn not_found(&self) -> FunctionError {
        FunctionError::NotFound(self.arn())
    }
}

/// The IAM action of an operation, where it is not the operation's name.
fn action(operation: &'static str) -> &'static str {
    if operation == "Invoke" { "InvokeFunction" } else { operation }
}
