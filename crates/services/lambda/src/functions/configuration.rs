//! FunctionConfiguration: what Create, Get and List answer for a plain Zip function, exactly these members.

use std::collections::BTreeMap;

use hearth_aws::names::{LATEST, partition};
use hearth_aws::shape;
use hearth_worker::{LogFormat, Worker};

use super::function::{Function, LayerUse, Owner, State, StateReasonCode, Update};

shape! {
    pub(crate) struct Configuration {
        function_name: String,
        function_arn: String,
        runtime: String,
        role: String,
        handler: String,
        code_size: i64,
        description: String,
        timeout: u32,
        memory_size: u32,
        last_modified: String,
        code_sha256: String,
        version: String,
        environment: Option<EnvironmentResponse>,
        tracing_config: TracingConfigResponse,
        revision_id: String,
        layers: Option<Vec<Layer>>,
        state: Option<String>,
        state_reason: Option<String>,
        state_reason_code: Option<String>,
        last_update_status: Option<String>,
        last_update_status_reason: Option<String>,
        last_update_status_reason_code: Option<String>,
        package_type: String,
        architectures: Vec<String>,
        ephemeral_storage: EphemeralStorage,
        snap_start: SnapStartResponse,
        runtime_version_config: Option<RuntimeVersionConfig>,
        logging_config: LoggingConfig,
    }
    pub(crate) struct Layer {
        arn: String,
        code_size: i64,
    }
    pub(crate) struct EnvironmentResponse {
        variables: BTreeMap<String, String>,
    }
    pub(crate) struct TracingConfigResponse {
        mode: String,
    }
    pub(crate) struct EphemeralStorage {
        size: u32,
    }
    pub(crate) struct SnapStartResponse {
        apply_on: String,
        optimization_status: String,
    }
    pub(crate) struct RuntimeVersionConfig {
        runtime_version_arn: String,
    }
    pub(crate) struct LoggingConfig {
        log_format: String,
        application_log_level: Option<String>,
        system_log_level: Option<String>,
        log_group: String,
    }
}

impl LoggingConfig {
    fn of(format: LogFormat, log_group: String) -> Self {
        let (log_format, levels) = match format {
            LogFormat::Text => ("Text", None),
            LogFormat::Json { application, system } => ("JSON", Some((application, system))),
        };
        Self {
            log_format: log_format.to_owned(),
            application_log_level: levels.map(|(application, _)| application.name().to_owned()),
            system_log_level: levels.map(|(_, system)| system.name().to_owned()),
            log_group,
        }
    }
}

/// How much of a function is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything.
    Whole,
    /// As in listings: without states and without the runtime's version.
    Listed,
}

impl Configuration {
    /// `qualifier` is the one asked for: it ends the ARN. The worker knows the runtime's build.
    pub(crate) fn of(
        worker: &dyn Worker,
        owner: &Owner,
        function: Function,
        qualifier: Option<&str>,
        detail: Detail,
    ) -> Self {
        let shown = match detail {
            Detail::Whole => States::of(&function.state, &function.update),
            Detail::Listed => States::default(),
        };
        let build = worker.runtime_version(&function.runtime).filter(|_| detail == Detail::Whole);
        Self {
            function_arn: owner.function_arn(&function.name, qualifier),
            code_size: size(function.code_bytes),
            last_modified: function.last_modified.lambda_text(),
            code_sha256: function.code.base64(),
            version: LATEST.to_owned(),
            environment: function.environment.map(|variables| EnvironmentResponse { variables }),
            tracing_config: TracingConfigResponse { mode: "PassThrough".to_owned() },
            revision_id: function.revision_id.to_string(),
            layers: (!function.layers.is_empty()).then(|| function.layers.iter().map(Layer::of).collect()),
            state: shown.state.map(str::to_owned),
            state_reason: shown.reason,
            state_reason_code: shown.reason_code.map(str::to_owned),
            last_update_status: shown.update.map(str::to_owned),
            last_update_status_reason: shown.update_reason,
            last_update_status_reason_code: shown.update_reason_code.map(str::to_owned),
            package_type: "Zip".to_owned(),
            architectures: vec![function.architecture],
            ephemeral_storage: EphemeralStorage { size: function.ephemeral_mb },
            snap_start: SnapStartResponse {
                apply_on: "None".to_owned(),
                optimization_status: "Off".to_owned(),
            },
            runtime_version_config: build.map(|build| RuntimeVersionConfig {
                runtime_version_arn: format!(
                    "arn:{}:lambda:{}::runtime:{build}",
                    partition(&owner.region),
                    owner.region
                ),
            }),
            logging_config: LoggingConfig::of(function.log_format, function.log_group),
            function_name: function.name.to_string(),
            runtime: function.runtime,
            role: function.role.to_string(),
            handler: function.handler,
            description: function.description,
            timeout: function.timeout_seconds,
            memory_size: function.memory_mb,
        }
    }
}

impl Layer {
    fn of(layer: &LayerUse) -> Self {
        Self { arn: layer.arn.clone(), code_size: size(layer.bytes) }
    }
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The members that tell a function's state.
#[derive(Default)]
struct States {
    state: Option<&'static str>,
    reason: Option<String>,
    reason_code: Option<&'static str>,
    update: Option<&'static str>,
    update_reason: Option<String>,
    update_reason_code: Option<&'static str>,
}

/// AWS uses the same words for an update as for a creation.
const BEING_MADE: (&str, &str) = ("The function is being created.", "Creating");

impl States {
    fn of(state: &State, update: &Update) -> Self {
        let of_state = Self { state: Some(state.name()), ..Self::default() };
        let (reason, code) = BEING_MADE;
        match (state, update) {
            (State::Pending, _) => {
                Self { reason: Some(reason.to_owned()), reason_code: Some(code), ..of_state }
            }
            (State::Failed { code, reason }, _) => Self {
                reason: Some(reason.clone()),
                reason_code: Some(code.as_str()),
                update: Some("Failed"),
                ..of_state
            },
            (State::Active, Update::Settled) => Self { update: Some("Successful"), ..of_state },
            (State::Active, Update::InProgress { .. }) => Self {
                update: Some("InProgress"),
                update_reason: Some(reason.to_owned()),
                update_reason_code: Some(code),
                ..of_state
            },
            (State::Active, Update::Failed { code, reason }) => of_state.failed_update(*code, reason),
        }
    }

    fn failed_update(self, code: StateReasonCode, reason: &str) -> Self {
        Self {
            update: Some("Failed"),
            update_reason: Some(reason.to_owned()),
            update_reason_code: Some(code.as_str()),
            ..self
        }
    }
}
