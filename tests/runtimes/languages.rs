//! The languages that the common cases speak: how a function of each is packed, and how each one fails.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hearth_tests::{Invocation, Package, binary};
use serde_json::{Value, json};

/// A language, with the client that its function uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// A managed runtime: our own bootstrap.
    Python,
    /// A managed runtime: our own bootstrap.
    Node,
    /// `lambda_runtime`.
    Rust,
    /// `aws-lambda-go`.
    Go,
    /// `awslambdaric`, in a function that brings its own runtime.
    PythonClient,
    /// `aws-lambda-ric`, likewise.
    NodeClient,
}

const APP: &str = include_str!("python/app.py");
const INDEX: &str = include_str!("nodejs/index.mjs");
const EXECUTABLE: u32 = 0o100_755;

impl Language {
    pub(crate) fn is_managed(self) -> bool {
        matches!(self, Self::Python | Self::Node)
    }

    /// Whether its package holds the program itself.
    pub(crate) fn brings_a_program(self) -> bool {
        !self.is_managed()
    }

    pub(crate) fn handler(self) -> &'static str {
        match self {
            Self::Python | Self::PythonClient => "app.handler",
            Self::Node | Self::NodeClient => "index.handler",
            Self::Rust | Self::Go => "bootstrap",
        }
    }

    /// The deployment package.
    pub(crate) fn package(self) -> Package {
        match self {
            Self::Python => Package::of("app.py", APP),
            Self::Node => Package::of("index.mjs", INDEX),
            Self::Rust => with_program("rust/bootstrap"),
            Self::Go => with_program("go/bootstrap"),
            Self::PythonClient => {
                let start = "#!/bin/sh\nexec /usr/bin/python3 -m awslambdaric \"$_HANDLER\"\n";
                let package = Package::of("app.py", APP).entry("bootstrap", EXECUTABLE, start.as_bytes());
                with_tree(package, &built().join("python"), "")
            }
            Self::NodeClient => {
                let client = "node_modules/aws-lambda-ric/";
                let start = format!("#!/bin/sh\nexec node /var/task/{client}bin/index.mjs \"$_HANDLER\"\n");
                let package =
                    Package::of("index.mjs", INDEX).entry("bootstrap", EXECUTABLE, start.as_bytes());
                with_tree(package, &built().join("nodejs").join(client), client)
            }
        }
    }

    /// The handler's error, as AWS's clients word it.
    #[track_caller]
    pub(crate) fn failed(self, invocation: &Invocation, message: &str) {
        assert_eq!(invocation.error, "Unhandled", "{}", invocation.answer.text());
        let payload = invocation.json();
        match self {
            Self::Python | Self::PythonClient => {
                assert_eq!(payload["errorType"], "Mistake");
                assert_eq!(payload["requestId"], json!(invocation.request_id));
                let trace = payload["stackTrace"].as_array().expect("a trace").iter().map(Value::to_string);
                let trace: Vec<String> = trace.collect();
                assert!(trace[0].contains("/var/task/app.py"), "{payload}");
                assert!(trace.last().is_some_and(|line| line.contains("in fail")), "{payload}");
            }
            Self::Node | Self::NodeClient => {
                assert_eq!(payload["errorType"], "Mistake");
                // A stack, split at its line breaks.
                let lines = message.lines().count();
                let first = format!("Mistake: {}", message.lines().next().unwrap_or_default());
                assert_eq!(payload["trace"][0], first);
                assert!(payload["trace"][lines].to_string().contains("/var/task/index.mjs"), "{payload}");
            }
            Self::Rust => assert_eq!(payload, json!({ "errorType": "Mistake", "errorMessage": message })),
            Self::Go => assert_eq!(payload, json!({ "errorType": "mistake", "errorMessage": message })),
        }
        assert_eq!(payload["errorMessage"], message, "{payload}");
    }

    /// What the program says when its start fails: the message of its error, or how it exits.
    pub(crate) fn init_error(self) -> &'static str {
        match self {
            Self::Python | Self::PythonClient | Self::Node | Self::NodeClient => "no init",
            Self::Rust => "RequestId: ID Error: Runtime exited with error: exit status 1",
            Self::Go => "RequestId: ID Error: Runtime exited with error: exit status 2",
        }
    }

    /// How a memory fault ends it.
    pub(crate) fn crash(self) -> &'static str {
        match self {
            // Go's own runtime catches it and exits.
            Self::Go => "exit status 2",
            _ => "signal: segmentation fault",
        }
    }
}

/// Whether this machine has a runtime.
pub(crate) fn is_available(runtime: &str) -> bool {
    let listed = Command::new(binary()).args(["runtimes", "--json"]).output().expect("run hearth runtimes");
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("hearth runtimes --json prints JSON");
    let mut listed = listed.as_array().expect("a list").iter();
    listed.any(|entry| entry["Runtime"] == runtime && entry["Available"] == true)
}

/// Where `scripts/runtimes.sh` puts what it builds; it is run once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the repository");
        let ran = Command::new(repository.join("scripts/runtimes.sh")).status().expect("run a script");
        assert!(ran.success(), "scripts/runtimes.sh failed");
        repository.join(".hearth/runtimes")
    })
}

fn with_program(path: &str) -> Package {
    let program = std::fs::read(built().join(path)).expect("scripts/runtimes.sh has built it");
    Package::default().entry("bootstrap", EXECUTABLE, &program)
}

/// With every file below a directory.
fn with_tree(mut package: Package, directory: &Path, prefix: &str) -> Package {
    let mut entries: Vec<_> = std::fs::read_dir(directory).expect("a directory").flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        package = match entry.path() {
            path if path.is_dir() => with_tree(package, &path, &format!("{name}/")),
            path => package.entry(&name, EXECUTABLE, &std::fs::read(path).expect("a file")),
        };
    }
    package
}
