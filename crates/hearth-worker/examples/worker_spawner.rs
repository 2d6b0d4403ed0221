//! The spawner alone, for this crate's tests: what `hearth __spawner` is in the program.

fn main() -> std::process::ExitCode {
    hearth_sandbox::spawner::main()
}
