//! Functions as they are stored, read and shown.
//!
//! ```text
//! CreateFunction ─▶ Pending ──▶ Active
//!                      └──────▶ Failed   (delete it and create it again)
//! ```
//!
//! Never: a key that does not begin with account and region, except the list of functions still to be activated.

mod activation;
mod configuration;
mod function;
mod migrations;
mod stored;
mod table;

pub(crate) use activation::{activate, resume, take_over};
pub(crate) use configuration::{Configuration, Detail};
pub(crate) use function::{Function, Owner, State};
pub(crate) use migrations::MIGRATIONS;
pub(crate) use stored::RecordError;
pub(crate) use table::{Tags, code_usage, delete, function_key, get, insert, page, tags};
