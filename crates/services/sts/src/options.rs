//! What the service can be told.

/// Settings of STS. The defaults are those of `up`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether only a role that was created can be assumed, and not by the account's root, as on AWS. `up` accepts
    /// both.
    pub roles_must_exist: bool,
}
