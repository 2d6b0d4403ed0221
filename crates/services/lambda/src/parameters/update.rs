//! UpdateFunctionConfiguration's parameters: only the members that are sent change, each by the rules of CreateFunction.

use std::collections::BTreeMap;

use hearth_aws::names::{FunctionRef, RoleArn};
use hearth_aws::{Document, shape};

use super::{
    Checked, DeadLetterConfig, Environment, EphemeralStorage, Logging, LoggingConfig, SnapStart,
    TracingConfig, asks, asks_dead_letter, asks_snap_start, asks_tracing, at_most, check_environment, is_set,
    parameter, refuse, role,
};
use crate::functions::Function;
use crate::limits::{EPHEMERAL_MB_MAX, MEMORY_MB_MAX, TIMEOUT_SECONDS_MAX};
use crate::runtimes;

shape! {
    pub(crate) struct UpdateInput {
        function_name: FunctionRef,
        role: Option<String>,
        handler: Option<String>,
        description: Option<String>,
        timeout: Option<i64>,
        memory_size: Option<i64>,
        vpc_config: Document,
        environment: Option<Environment>,
        runtime: Option<String>,
        dead_letter_config: Option<DeadLetterConfig>,
        kms_key_arn as "KMSKeyArn": Option<String>,
        tracing_config: Option<TracingConfig>,
        revision_id: Option<String>,
        layers: Option<Vec<String>>,
        file_system_configs: Document,
        image_config: Document,
        ephemeral_storage: Option<EphemeralStorage>,
        snap_start: Option<SnapStart>,
        logging_config: Option<LoggingConfig>,
        capacity_provider_config: Document,
        durable_config: Document,
        runtime_config: Document,
        accelerator_config: Document,
    }
}

/// What changes, checked. `None` keeps its value.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) role: Option<RoleArn>,
    runtime: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout_seconds: Option<u32>,
    memory_mb: Option<u32>,
    ephemeral_mb: Option<u32>,
    environment: Option<BTreeMap<String, String>>,
    /// A new `LoggingConfig`, which takes the place of the whole one.
    logging: Option<Logging>,
    /// ARNs of layer versions.
    pub(crate) layers: Option<Vec<String>>,
}

impl UpdateInput {
    /// The first rule that the input breaks, or what changes.
    pub(crate) fn check(self) -> Checked<Changes> {
        self.refuse_unbuilt()?;
        if let Some(runtime) = &self.runtime {
            runtimes::check(runtime).map_err(parameter)?;
        }
        let environment = self.environment.map(|environment| environment.variables.unwrap_or_default());
        check_environment(environment.as_ref())?;
        let number =
            |member, value: Option<i64>, limit| value.map(|value| at_most(member, value, limit)).transpose();
        let ephemeral = self.ephemeral_storage.map(|storage| storage.size);
        Ok(Changes {
            role: self.role.map(|given| role(&given)).transpose()?,
            runtime: self.runtime,
            handler: self.handler,
            description: self.description,
            timeout_seconds: number("Timeout", self.timeout, TIMEOUT_SECONDS_MAX)?,
            memory_mb: number("MemorySize", self.memory_size, MEMORY_MB_MAX)?,
            ephemeral_mb: number("EphemeralStorage.Size", ephemeral, EPHEMERAL_MB_MAX)?,
            environment,
            logging: self.logging_config.map(LoggingConfig::check).transpose()?,
            layers: self.layers,
        })
    }

    /// A member is refused when it asks for more than AWS's default.
    fn refuse_unbuilt(&self) -> Checked<()> {
        refuse([
            ("VpcConfig", is_set(&self.vpc_config)),
            ("DeadLetterConfig", asks_dead_letter(self.dead_letter_config.as_ref())),
            ("KMSKeyArn", asks(self.kms_key_arn.as_ref(), "")),
            ("TracingConfig.Mode Active", asks_tracing(self.tracing_config.as_ref())),
            ("FileSystemConfigs", is_set(&self.file_system_configs)),
            ("ImageConfig", is_set(&self.image_config)),
            ("SnapStart.ApplyOn PublishedVersions", asks_snap_start(self.snap_start.as_ref())),
            ("CapacityProviderConfig", is_set(&self.capacity_provider_config)),
            ("DurableConfig", self.durable_config != Document::Null),
            ("RuntimeConfig", is_set(&self.runtime_config)),
            ("AcceleratorConfig", is_set(&self.accelerator_config)),
        ])
    }
}

impl Changes {
    /// The function as it will be; its layers are the caller's to find.
    pub(crate) fn applied_to(self, function: Function) -> Function {
        let (log_group, log_format) = match self.logging {
            Some(Logging { group, format }) => {
                (group.unwrap_or_else(|| format!("/aws/lambda/{}", function.name)), format)
            }
            None => (function.log_group, function.log_format),
        };
        let environment = match self.environment {
            // Without a variable there is no `Environment` any more: a client that removed it reads none back.
            Some(variables) => Some(variables).filter(|variables| !variables.is_empty()),
            None => function.environment,
        };
        Function {
            role: self.role.unwrap_or(function.role),
            runtime: self.runtime.unwrap_or(function.runtime),
            handler: self.handler.unwrap_or(function.handler),
            description: self.description.unwrap_or(function.description),
            timeout_seconds: self.timeout_seconds.unwrap_or(function.timeout_seconds),
            memory_mb: self.memory_mb.unwrap_or(function.memory_mb),
            ephemeral_mb: self.ephemeral_mb.unwrap_or(function.ephemeral_mb),
            environment,
            log_group,
            log_format,
            ..function
        }
    }
}
