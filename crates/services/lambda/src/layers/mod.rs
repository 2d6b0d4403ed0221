//! Layers: numbered, immutable packages that functions see under `/opt`.
//!
//! ```text
//! PublishLayerVersion ─▶ version n + 1 ──── DeleteLayerVersion ──▶ gone; its number never comes again
//!                             └ a function that uses it holds the package itself, and goes on
//! ```
//!
//! Never: a number is given twice; a function is left without the package of a layer that it uses.

mod layer;
mod names;
mod shown;
mod stored;
mod table;
mod uses;

pub(crate) use layer::LayerVersion;
pub(crate) use names::{LayerName, LayerVersionRef};
pub(crate) use shown::{Listed, Published};
pub(crate) use table::{Filter, delete, get, insert, latest, names, next_version, versions};
pub(crate) use uses::{check_layers, check_size, used};
