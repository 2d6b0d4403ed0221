//! From a function to an environment that runs it.
//!
//! ```text
//! Invoke ─▶ target (what runs, cached) ─▶ scheduler ─▶ worker
//!                                           │ placement: which environment, or a new one, or none
//!                                           └ upkeep: reports of the worker, idle environments
//! ```
//!
//! Never: touches the store for a function that is known; holds a lock across an await; lets two calls share an
//! environment at the same time.

mod identity;
mod placement;
mod scheduler;
mod target;
mod trace;
mod upkeep;

pub(crate) use scheduler::Scheduler;
pub(crate) use target::{Found, Revisions, find_settled};
pub(crate) use trace::trace_id;
pub(crate) use upkeep::keep_up;
