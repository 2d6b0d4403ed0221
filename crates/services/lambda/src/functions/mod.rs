//! Functions as they are stored, read and shown.
//!
//! ```text
//! CreateFunction ─▶ Pending ──▶ Active
//!                      └──────▶ Failed   (delete it and create it again)
//!
//! Update… ─▶ Active, InProgress: shown as it will be, runs as it was ──▶ Successful: runs as it is shown
//!                                                          └──────────▶ Failed: shown as it was, runs as it was
//! ```
//!
//! Never: a key that does not begin with account and region, except the list of functions still to be settled.

mod activation;
mod configuration;
mod function;
mod migrations;
mod stored;
mod table;
mod update;

pub(crate) use activation::{activate, resume, take_over};
pub(crate) use configuration::{Configuration, Detail};
pub(crate) use function::{Function, LayerUse, Owner, State, Update};
pub(crate) use migrations::MIGRATIONS;
pub(crate) use stored::RecordError;
pub(crate) use table::{
    Tags, allow_recursion, allows_recursion, charge, check_room, code_usage, delete, delete_tag,
    function_key, get, insert, page, set_tags, tags,
};
pub(crate) use update::{begin, changeable, unpack};
