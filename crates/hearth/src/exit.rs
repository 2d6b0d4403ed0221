//! Exit codes: the same for every command, and told in its help.

use std::fmt;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Hearth itself could not do it: the server did not start, or a check of `doctor` failed.
    Failed,
    /// Wrong usage, or a wrong line of a file of settings.
    Usage,
    /// The function ran and failed.
    FunctionFailed,
    /// The server refused the call: no such function, a bad payload.
    Refused,
    /// No server answers at the endpoint.
    Unreachable,
}

impl Exit {
    /// As the shell sees it. 2 is also the command line parser's.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed | Self::FunctionFailed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table that every help text ends with.
pub const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the function failed (invoke), or Hearth could not do it
  2  wrong usage
  3  the server refused the call
  4  no server at the endpoint";

/// An error that knows its exit code.
#[derive(Debug)]
pub struct Refusal {
    /// What the process ends with.
    pub exit: Exit,
    /// One line for a person.
    pub message: String,
}

impl Refusal {
    /// An error with its exit code.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
