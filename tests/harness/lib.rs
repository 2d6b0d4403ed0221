//! What black-box tests stand on: a running `hearth`, a plain HTTP client, deployment packages, and eyes for
//! what a server leaves on its host.
//!
//! Never: links the product. It is a program here, started and killed.

mod disk;
mod function;
mod http;
mod leftovers;
mod package;
mod patience;
mod postgres;
mod random;
mod server;
mod waits;

pub use disk::{Access, Disk, Faults, Survival};
pub use function::{Function, FunctionBuilder, Invocation};
pub use http::{Answer, Request, authorization};
pub use leftovers::{is_one_frozen, leftovers, programs, tasks, wait_until_unused};
pub use package::{Package, bomb};
pub use patience::patience;
pub use postgres::Postgres;
pub use random::Chance;
pub use server::{Hearth, binary, example, newest_node, newest_python, pythons, wants_sdks};
pub use waits::{WAIT, let_go, until_stopping, until_waiting};
