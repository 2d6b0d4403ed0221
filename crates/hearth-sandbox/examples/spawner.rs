//! The spawner alone, for this crate's tests and measurements: what `hearth __spawner` is in the program.

fn main() -> std::process::ExitCode {
    hearth_sandbox::spawner::main()
}
