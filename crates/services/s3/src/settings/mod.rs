//! What clients read and write of a bucket's configurations, inside of transactions.
//!
//! ```text
//! plain    one document each      access   who may: policies, ownership, ACLs
//! object_acl  ACLs of objects      lifecycle   rules and their timer      sweep    what the rules do once a day
//! ```

pub(crate) mod access;
pub(crate) mod lifecycle;
pub(crate) mod object_acl;
pub(crate) mod plain;
pub(crate) mod sweep;
