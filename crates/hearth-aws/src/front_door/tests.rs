//! Whole requests to whole responses, with toy operations on the real models.

mod bodies;
mod calls;
mod defences;
mod hostile;
mod not_built;
mod refusals;
mod rooms;
mod rpc;
mod signatures;
mod streams;
pub(crate) mod toys;
