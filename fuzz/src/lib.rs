//! Every reader of foreign bytes under mutated input, with what must hold of it whatever comes.
//!
//! ```text
//! seeds + regressions ─▶ mutate (from a seed) ─▶ target(bytes) ── panics ─▶ shrunk, kept as a file, told with the seed
//! ```
//!
//! The targets are functions of the crates that read (`hearth_aws::fuzzing` and its like). `cargo test` runs each of
//! them a bounded number of times; `make fuzz` for as long as it is told.
//!
//! Never: part of the product; dependent on a clock for what it finds.

mod drive;
mod mutate;
mod seeds;
mod targets;

pub use drive::{Found, replay, run};
pub use targets::{Target, find, targets};
