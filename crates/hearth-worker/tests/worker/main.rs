//! Real functions in real sandboxes: the worker as the Lambda service drives it. Needs root, and Python 3.9 or newer.

mod failures;
mod invocations;
mod lifetime;
mod node;
mod provided;
mod runtime_api;
mod support;
