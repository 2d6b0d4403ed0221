//! The environment a function finds (`spec/invoke.md` section 7, `spec/clients.md` section 2).
//!
//! Never: lets a function's own variables replace reserved ones.

use std::collections::BTreeMap;

use super::Runtime;
use crate::worker::{LogFormat, Revision};

const XRAY_HOST: &str = "169.254.100.1";
const XRAY_PORT: &str = "2000";

/// All variables. Defaults first, then the function's own, then the reserved ones: the last one wins.
pub(crate) fn environment(
    revision: &Revision,
    runtime: &Runtime,
    log_stream: &str,
    metadata_token: &str,
    endpoint_port: Option<&u16>,
) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let (bin, lib) = match runtime.identifier {
        "provided.al2" => ("", ""),
        _ => ("/var/lang/bin:", "/var/lang/lib:"),
    };
    let defaults = [
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("PATH", &format!("{bin}/usr/local/bin:/usr/bin/:/bin:/opt/bin")),
        (
            "LD_LIBRARY_PATH",
            &format!("{lib}/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
        ),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
        ("_AWS_XRAY_DAEMON_ADDRESS", XRAY_HOST),
        ("_AWS_XRAY_DAEMON_PORT", XRAY_PORT),
    ];
    let mut set = |name: &str, value: &str| drop(all.insert(name.to_owned(), value.to_owned()));
    defaults.iter().for_each(|(name, value)| set(name, value));
    if runtime.managed {
        // Their start is a shell script on AWS.
        set("PWD", "/var/task");
        set("SHLVL", "0");
    }
    runtime.variables.iter().for_each(|(name, value)| set(name, value));
    if let Some(port) = endpoint_port {
        set("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{port}"));
    }
    revision.environment.0.iter().for_each(|(name, value)| set(name, value));

    let credentials = &revision.identity.credentials;
    let reserved = [
        ("_HANDLER", revision.handler.as_str()),
        ("AWS_REGION", &revision.region),
        ("AWS_DEFAULT_REGION", &revision.region),
        ("AWS_LAMBDA_FUNCTION_NAME", &revision.function_name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &revision.version),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &revision.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &revision.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key.0),
        ("AWS_SESSION_TOKEN", &credentials.session_token.0),
        ("AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"),
        ("AWS_LAMBDA_METADATA_API", "169.254.100.1:9001"),
        ("AWS_LAMBDA_METADATA_TOKEN", metadata_token),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ];
    reserved.iter().for_each(|(name, value)| set(name, value));
    if let LogFormat::Json { application, .. } = revision.log_format {
        set("AWS_LAMBDA_LOG_FORMAT", "JSON");
        set("AWS_LAMBDA_LOG_LEVEL", application.name());
    }
    match runtime.managed {
        true => set("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", runtime.identifier)),
        // Reserved, and not there.
        false => drop(all.remove("AWS_EXECUTION_ENV")),
    }
    // A NUL ends a variable for the kernel; such a pair cannot be passed on.
    all.into_iter().filter(|(name, value)| !name.contains(['\0', '=']) && !value.contains('\0')).collect()
}
