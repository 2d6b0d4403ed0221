//! AWS on the wire: bytes of a request become a [`Document`] by the service's model, an operation answers
//! with another, and the answer becomes bytes again.
//!
//! ```text
//! HTTP ─▶ front_door (who may talk at all) ─▶ routing ─▶ protocol ─▶ validation ─▶ authorisation ─▶ Operation
//! HTTP ◀──────────────────────────────────────────────── protocol ◀────────── Output or ApiError ◀────┘
//! ```
//!
//! Never: keeps state; knows one service from another except by its model.

pub mod document;
pub mod error;
pub mod operation;
mod shape;

pub use document::{Document, FromDocument, IntoDocument, ShapeError};
pub use error::{ApiError, Code};
pub use operation::{Call, Caller, Cx, Operation, Service};
