//! Whole requests to whole responses, with toy operations on the real models.

mod bodies;
mod calls;
mod defences;
mod hostile;
mod refusals;
mod rooms;
mod rpc;
mod streams;
pub(crate) mod toys;
