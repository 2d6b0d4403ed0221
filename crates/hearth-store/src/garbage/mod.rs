//! Blobs come with whoever needs them and go when nobody does: safe against crashes at any moment, uploads of the same
//! bytes, and several servers on one store.
//!
//! ```text
//!              announce                 hold (in the transaction of the record that names it)
//!   absent ───────────────▶ waiting ───────────────▶ held ◀──┐ hold
//!     ▲                      │   ▲                    │      │
//!     │          grace over  │   └── release of the ──┴──────┘
//!     │                      ▼       last holder
//!     └─ file deleted ── collecting ── announce waits until it is absent
//! ```
//!
//! A blob is announced before its file is written, so every file has a record, and held in the same transaction that
//! writes what names it. Each life of a digest has a number: who announced an earlier life cannot hold a later one,
//! and brings the file again. What has no holder has a timer; when it fires, the same transaction that looks for
//! holders marks the blob, and from then on nobody can hold it.
//! Never: a held blob without its file. A file without a record there may be: a power cut brought it back, or its put
//! was slower than its grace and then killed. [`Collector::sweep`] finds it.

mod collector;
mod keeper;
mod references;
mod sweep;
#[cfg(test)]
mod tests;

pub use collector::{Collector, Evicted, Unpacked};
pub use keeper::{BlobDraft, BlobKeeper, KeepError, Kept};
pub use references::{
    Announced, BlobInfo, COLLECT, Ticket, adopt, announce, hasten, hold, info, is_held, is_known, known,
    release,
};
pub use sweep::{SweepError, Swept};
