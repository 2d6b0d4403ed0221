//! Hearth from outside: a program that is started, spoken to over its port, and looked at.

mod archives;
mod backup;
mod command_line;
mod failures;
mod garbage;
mod functions;
mod hostile;
mod limits;
mod web_pages;
