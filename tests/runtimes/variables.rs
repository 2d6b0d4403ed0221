//! What stands in the environment of a function: all of it, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cases::{Bench, Case, answer, is_log_stream};
use super::languages::Language;

pub(crate) const CASES: &[Case] = &[
    ("the environment is AWS's", environment),
    ("a function's own variable replaces what is not reserved", own_variables),
];

/// Variables whose values differ from run to run.
const TOLD_ELSEWHERE: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_METADATA_TOKEN",
    "_X_AMZN_TRACE_ID",
];

fn environment(bench: &Bench<'_>) {
    let seen = bench.ask(json!({ "do": "environment" }));
    let managed = bench.language.is_managed();
    let (bin, lib) =
        if bench.runtime == "provided.al2" { ("", "") } else { ("/var/lang/bin:", "/var/lang/lib:") };
    let wanted = [
        ("_HANDLER", bench.language.handler()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "main"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/main"),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("AWS_LAMBDA_METADATA_API", "169.254.100.1:9001"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
        ("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
        ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ("TZ", ":UTC"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", &format!("{bin}/usr/local/bin:/usr/bin/:/bin:/opt/bin")),
        (
            "LD_LIBRARY_PATH",
            &format!("{lib}/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
        ),
        ("MINE", "ünïcödé ✓"),
    ];
    for (name, value) in wanted {
        assert_eq!(seen[name], value, "{name}");
    }
    let mut known: BTreeSet<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let starts = |name: &str, with: &str| {
        assert!(seen[name].as_str().is_some_and(|value| value.starts_with(with)), "{name}: {}", seen[name]);
    };
    starts("AWS_ACCESS_KEY_ID", "ASIA");
    assert_eq!(seen["AWS_SECRET_ACCESS_KEY"].as_str().map(str::len), Some(40));
    assert_eq!(seen["AWS_LAMBDA_METADATA_TOKEN"].as_str().map(str::len), Some(36));
    assert!(seen["AWS_SESSION_TOKEN"].as_str().is_some_and(|token| token.len() > 100));
    starts("AWS_ENDPOINT_URL", "http://127.0.0.1:");
    starts("_X_AMZN_TRACE_ID", "Root=1-");
    is_log_stream(seen["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap_or_default());
    let execution = managed.then(|| format!("AWS_Lambda_{}", bench.runtime));
    assert_eq!(seen.get("AWS_EXECUTION_ENV").and_then(Value::as_str), execution.as_deref());
    if managed {
        assert_eq!((&seen["PWD"], &seen["SHLVL"]), (&json!("/var/task"), &json!("0")));
    }
    known.extend(of_language(bench, &seen));
    known.extend(TOLD_ELSEWHERE);
    if managed {
        known.extend(["AWS_EXECUTION_ENV", "PWD", "SHLVL"]);
    }
    let others: Vec<&String> =
        seen.as_object().expect("variables").keys().filter(|name| !known.contains(name.as_str())).collect();
    assert!(others.is_empty(), "AWS has no such variable: {others:?}");
}

/// The variables of one language's runtime, checked.
fn of_language(bench: &Bench<'_>, seen: &Value) -> &'static [&'static str] {
    match bench.language {
        Language::Python => {
            assert_eq!(seen["PYTHONPATH"], "/var/runtime");
            if ["python3.9", "python3.10", "python3.11"].contains(&bench.runtime) {
                return &["PYTHONPATH"];
            }
            assert_eq!(seen["LC_CTYPE"], "C.UTF-8");
            &["PYTHONPATH", "LC_CTYPE"]
        }
        Language::Node => {
            let modules = "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:\
                 /var/runtime:/var/task";
            assert_eq!(seen["NODE_PATH"], modules);
            &["NODE_PATH"]
        }
        Language::Rust | Language::Go => &[],
        // Their start is a shell script, as it is on AWS for managed runtimes, and their interpreters set a locale.
        Language::PythonClient | Language::NodeClient => &["PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"],
    }
}

fn own_variables(bench: &Bench<'_>) {
    let mut variables = json!({ "Variables": { "TZ": "Europe/Berlin", "LANG": "C.UTF-8" } });
    // Where the host lacks this locale the interpreter puts another one's name there; from 3.12 on, on AWS as well.
    let locale = ["python3.9", "python3.10", "python3.11"].contains(&bench.runtime).then_some("en_US.UTF-8");
    if let Some(locale) = locale {
        variables["Variables"]["LC_CTYPE"] = json!(locale);
    }
    let function = bench.another("variables").with("Environment", variables).create();
    let seen = answer(&function.invoke(&json!({ "do": "environment" }).to_string()));
    assert_eq!((&seen["TZ"], &seen["LANG"]), (&json!("Europe/Berlin"), &json!("C.UTF-8")));
    if let Some(locale) = locale {
        assert_eq!(seen["LC_CTYPE"], locale);
    }
}
