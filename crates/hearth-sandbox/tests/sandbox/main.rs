//! What a sandbox is, told by programs that run in one. Needs root; each test has a spawner of its own.

mod bench;
mod clean_up;
mod egress;
mod isolation;
mod life;
mod limits;
mod unpack;
mod zips;
