//! Whatever makes the server itself dial out for a caller goes through here: one client, one policy.
//!
//! ```text
//! request ─▶ URL (scheme, port, no user) ─▶ resolve ─▶ Policy on every address ─▶ connect to a checked address
//!              ▲                                                                   ─▶ TLS by name ─▶ HTTP/1.1
//!              └────────────────────── redirect: all of it again ◀──────────────────────────────────┘
//! ```
//!
//! Never: connects to an address that was not checked; resolves a name twice for one connection; reads a proxy
//! from the environment; reads a body without a limit.

mod address;
mod client;
mod connect;
mod error;
mod idle;
mod policy;
mod resolve;
mod roots;
mod streamed;
mod url;

pub use address::{Network, NetworkError, is_public};
pub use client::{Limits, Outbound, OutboundDeps, Requester};
pub use error::OutboundError;
pub use policy::{Policy, Refused};
pub use resolve::{BoxFuture, Resolve, SystemResolver};
pub use roots::{Roots, RootsError};
pub use streamed::Streamed;
