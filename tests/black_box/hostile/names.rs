//! Names, handlers and variables that mean something to a shell, a file system or a loader.

use hearth_tests::{Package, Request};
use serde_json::json;

use super::{Street, answer};

#[test]
fn names_that_are_paths_or_commands_are_refused() {
    let street = Street::new();
    for name in [
        "../../etc/passwd",
        "a/b",
        "a b",
        "$(id)",
        "a;b",
        "a\0b",
        "..",
        "é",
        "a\nb",
        &"a".repeat(200),
        "",
        "%2e%2e",
    ] {
        let answer = street.hostile(name, "").try_create();
        assert_eq!(answer.status, 400, "{name:?}: {}", answer.text());
    }
    for path in
        ["%2e%2e%2f%2e%2e%2fetc%00", "a%0d%0aX-Injected:%20yes", "..%5c..", "%ff%fe", &"a".repeat(30_000)]
    {
        let request = Request::new("GET", &format!("/2015-03-31/functions/{path}")).signed("lambda");
        let answer = street.hearth.send(&request);
        assert!(answer.status == 400 || answer.status == 404, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-injected"), "");
    }
    street.ends();
}

#[test]
fn a_handler_leads_nowhere_outside_the_package() {
    let street = Street::new();
    let code = "def handler(event, context):\n    return 'ran'\n";
    let handlers = [
        "../../tmp/x.handler",
        "/tmp/x.handler",
        "app",
        ".",
        "..handler",
        "...",
        "a/../../x.h",
        "$(id).h",
        "app.handler.x",
        "os.getcwd",
        "posix._exit",
        "app.__doc__",
        "é.handler",
        "hearth_runtime.report_fault",
        "bootstrap.main",
    ];
    for (index, handler) in handlers.iter().enumerate() {
        let name = format!("handler-{index}");
        let function = street.hostile(&name, code).with("Handler", json!(handler)).create();
        let failed = function.invoke("{}");
        assert_eq!(failed.error, "Unhandled", "{handler}: {}", failed.answer.text());
        assert!(!failed.answer.text().contains("ran"), "{handler}");
        function.delete();
    }
    street.is_well();
    let answer = street.hostile("blank", code).with("Handler", json!("app handler")).try_create();
    assert_eq!(answer.status, 400);
}

#[test]
fn variables_that_bend_the_loader_or_the_interpreter_hurt_their_function_alone() {
    let street = Street::new();
    let code = "def handler(event, context):\n    return 'ran'\n";
    let variables = [
        ("LD_PRELOAD", "/tmp/evil.so"),
        ("LD_LIBRARY_PATH", "/tmp"),
        ("PYTHONHOME", "/tmp"),
        ("PYTHONPATH", "/tmp"),
        ("PYTHONSTARTUP", "/var/task/app.py"),
        ("PYTHONINSPECT", "1"),
        ("PYTHONHASHSEED", "x"),
        ("PATH", "/tmp"),
        ("GLIBC_TUNABLES", "glibc.malloc.check=3"),
        ("BASH_ENV", "/tmp/x"),
        ("LONG", &"x".repeat(3900)),
    ];
    for (index, (name, value)) in variables.iter().enumerate() {
        let function = format!("variable-{index}");
        let function = street
            .hostile(&function, code)
            .with("Environment", json!({ "Variables": { *name: value } }))
            .create();
        let ended = function.invoke("{}");
        assert!(
            ended.error == "Unhandled" || ended.json() == json!("ran"),
            "{name}: {}",
            ended.answer.text()
        );
        function.delete();
    }
    street.is_well();
    for name in ["AWS_LAMBDA_RUNTIME_API", "_HANDLER", "LAMBDA_TASK_ROOT", "A\nB", "A=B", "", "A\0B", "1A"] {
        let answer = street
            .hostile("refused", code)
            .with("Environment", json!({ "Variables": { name: "x" } }))
            .try_create();
        assert_eq!(answer.status, 400, "{name:?}: {}", answer.text());
    }
    street.ends();
}

#[test]
fn a_package_that_carries_the_runtimes_own_names_gains_nothing() {
    let street = Street::new();
    let code = "import os\ndef handler(event, context):\n    return os.getuid(), os.path.exists('/var/runtime/bootstrap.pyc')\n";
    let mut package = Package::of("app.py", code);
    for name in [
        "bootstrap",
        "bootstrap.pyc",
        "sitecustomize.py",
        "usercustomize.py",
        "encodings/__init__.py",
        "hearth_runtime.py",
    ] {
        package = package.entry(name, 0o104_755, b"raise SystemExit('taken over')\n");
    }
    let ended = street.hearth.function("double").package(&package.bytes()).create().invoke("{}");
    assert_eq!(answer(&ended), json!([993, true]));
    street.is_well();
}
