//! One set of cases over every runtime: managed ones, and functions that bring AWS's own clients.
//!
//! A runtime that is missing on this machine fails its test where `HEARTH_TEST_RUNTIMES=all` (the gate sets it), and is
//! named as skipped elsewhere.

mod cases;
mod failures;
mod languages;
mod output;
mod signature;
mod variables;

use languages::Language;

/// One test for each pair of a runtime and the language of its function.
macro_rules! runtimes {
    ($($name:ident: $runtime:literal with $language:ident;)*) => {
        $(
            #[test]
            fn $name() {
                cases::all($runtime, Language::$language);
            }
        )*
    };
}

runtimes! {
    python3_9: "python3.9" with Python;
    python3_10: "python3.10" with Python;
    python3_11: "python3.11" with Python;
    python3_12: "python3.12" with Python;
    python3_13: "python3.13" with Python;
    nodejs20: "nodejs20.x" with Node;
    provided_al2_in_rust: "provided.al2" with Rust;
    provided_al2_in_go: "provided.al2" with Go;
    provided_al2023_in_rust: "provided.al2023" with Rust;
    provided_al2023_in_go: "provided.al2023" with Go;
    provided_al2023_on_the_python_client: "provided.al2023" with PythonClient;
    provided_al2023_on_the_node_client: "provided.al2023" with NodeClient;
}
