//! Hearth from outside: a program that is started, spoken to over its port, and looked at.

mod archives;
mod backup;
mod command_line;
mod command_line_settings;
mod command_line_start;
mod command_line_state;
mod credentials;
mod failures;
mod functions;
mod garbage;
mod hostile;
mod kills;
mod limits;
mod load;
mod recycling;
mod resources;
mod runtimes;
mod two_servers;
mod updates;
mod web_pages;
mod wire;
