//! The least that a static program can do: a floor for benchmarks.

fn main() {}
