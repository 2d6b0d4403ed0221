//! Hearth from outside: a program that is started, spoken to over its port, and looked at.

mod archives;
mod command_line;
mod failures;
mod functions;
mod hostile;
mod limits;
mod runtimes;
mod web_pages;
