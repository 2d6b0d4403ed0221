//! Names of things in AWS: ARNs, functions and what may stand for one, roles.
//!
//! Parsed once at the edge; what has a type here is of the right form.

mod arn;
mod function;
mod role;

pub use arn::{Arn, partition};
pub use function::{FunctionName, FunctionRef, LATEST};
pub use role::RoleArn;

/// Whether the text is an account: 12 digits.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters, digits, `-` and `_`: what names of functions, aliases and layers are made of.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
