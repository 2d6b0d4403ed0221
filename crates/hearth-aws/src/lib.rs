//! AWS on the wire: bytes of a request become a [`Document`] by the service's model, an operation answers
//! with another, and the answer becomes bytes again.
//!
//! ```text
//! HTTP ─▶ front_door (who may talk at all) ─▶ routing ─▶ protocol ─▶ validation ─▶ authorisation ─▶ Operation
//! HTTP ◀──────────────────────────────────────────────── protocol ◀────────── Output or ApiError ◀────┘
//! ```
//!
//! Never: keeps state; knows one service from another except by its model.

pub mod client;
mod coverage;
pub mod credentials;
pub mod dispatch;
pub mod document;
pub mod error;
pub mod event_stream;
pub mod foreign;
pub mod front_door;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod model;
pub mod names;
pub mod operation;
mod protocols;
mod root_only;
mod shape;
pub mod sigv4;
mod validation;

pub use client::{Client, Endpoint, InProcess, Remote};
pub use coverage::coverage;
pub use credentials::Sessions;
pub use dispatch::{AllowAll, Authorise, Services};
pub use document::{Document, FromDocument, IntoDocument, ShapeError, Stream};
pub use error::{ApiError, Code};
pub use event_stream::EventStream;
pub use foreign::{Foreign, Payload, Routed};
pub use front_door::{FrontDoor, Key, Keys, NoKeys, Options, Origin, ResponseBody, SandboxCaller};
pub use model::Model;
pub use operation::{Call, Caller, Cx, Operation, Service};
pub use root_only::RootOnly;
