//! Durable timers: something is done at a time of the domain clock, whoever is running then.
//!
//! ```text
//!   set ─▶ waiting ── due: claim ──▶ claimed until the lease ends ── settle ──▶ gone, or waiting for another time
//!    ▲        │                            │ the server died: due again at the end of the lease
//!    └─ replace, cancel: in any state      └─────────────────────────────────────────────▶ waiting
//! ```
//!
//! A timer is set, replaced and cancelled in the transaction of whatever it belongs to. It fires at least once: its
//! handler may have worked before it was killed, and settles it in the transaction of its own last write.
//! Never: fires in two servers while the claim of one lasts; is lost with a server; settles what was set anew.

mod runner;
mod table;
#[cfg(test)]
mod tests;

pub use runner::{Fate, Handler, Timers};
pub use table::{Fired, Timer, Waiting, cancel, get, set, soonest, waiting};

/// Claims what is due, for tests of those who use timers.
#[cfg(test)]
pub(crate) fn claim_for_tests(
    tx: &mut dyn crate::Tx,
    kind: &'static str,
    owner: u128,
) -> crate::TxResult<Vec<Fired>> {
    table::claim(tx, kind, owner, std::time::Duration::from_secs(10), 10, (&|_| false, 0))
}
