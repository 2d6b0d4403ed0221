//! The program `hearth`: the spawner when it is asked to be one, otherwise the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The spawner forks and enters namespaces, so it must be alone in its process: no runtime, no thread before it.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == hearth::SPAWNER_ARGUMENT) {
        return hearth::spawner();
    }
    hearth::run()
}
