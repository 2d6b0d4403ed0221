//! The lifecycle of objects: rules that expire objects, their former versions and uploads that nobody completes.
//!
//! ```text
//! check    what S3 refuses; an id for every rule
//! rules    what a rule means for one object, version or upload       transitions    other storage classes
//! ```

pub(crate) mod check;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
pub(crate) mod transitions;
