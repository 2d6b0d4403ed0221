//! The rules of a function's parameters that AWS checks behind its model, with AWS's texts.
//!
//! What Hearth does not do yet is refused by name: nothing is accepted and ignored.

mod logging;
mod update;

use std::collections::BTreeMap;

use bytes::Bytes;
use hearth_aws::names::{FunctionRef, RoleArn};
use hearth_aws::{Call, Document, shape};

use crate::error::FunctionError;
use crate::functions::Tags;
use crate::limits::*;
use crate::objects::{Given, Source};
use crate::runtimes;
pub(crate) use logging::Logging;
pub(crate) use update::{Changes, UpdateInput};

shape! {
    pub(crate) struct CreateInput {
        function_name: FunctionRef,
        runtime: Option<String>,
        role: String,
        handler: Option<String>,
        code: Code,
        description: Option<String>,
        timeout: Option<i64>,
        memory_size: Option<i64>,
        publish: Option<bool>,
        publish_to: Document,
        vpc_config: Document,
        package_type: Option<String>,
        dead_letter_config: Option<DeadLetterConfig>,
        environment: Option<Environment>,
        kms_key_arn as "KMSKeyArn": Option<String>,
        tracing_config: Option<TracingConfig>,
        tags: Option<BTreeMap<String, String>>,
        layers: Option<Vec<String>>,
        file_system_configs: Document,
        image_config: Document,
        code_signing_config_arn: Document,
        architectures: Option<Vec<String>>,
        ephemeral_storage: Option<EphemeralStorage>,
        snap_start: Option<SnapStart>,
        logging_config: Option<LoggingConfig>,
        tenancy_config: Document,
        capacity_provider_config: Document,
        durable_config: Document,
        runtime_config: Document,
        accelerator_config: Document,
    }
    pub(crate) struct Code {
        zip_file: Option<Bytes>,
        s3_bucket: Option<String>,
        s3_key: Option<String>,
        s3_object_version: Option<String>,
        s3_object_storage_mode: Option<String>,
        image_uri: Document,
        source_kms_key_arn as "SourceKMSKeyArn": Document,
    }
    pub(crate) struct DeadLetterConfig {
        target_arn: Option<String>,
    }
    pub(crate) struct Environment {
        variables: Option<BTreeMap<String, String>>,
    }
    pub(crate) struct TracingConfig {
        mode: Option<String>,
    }
    pub(crate) struct EphemeralStorage {
        size: i64,
    }
    pub(crate) struct SnapStart {
        apply_on: Option<String>,
    }
    pub(crate) struct LoggingConfig {
        log_format: Option<String>,
        application_log_level: Option<String>,
        system_log_level: Option<String>,
        log_group: Option<String>,
    }
}

/// What CreateFunction asks for, checked; still without code, place and time.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) source: Source,
    pub(crate) tags: Tags,
    pub(crate) role: RoleArn,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) description: String,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_mb: u32,
    pub(crate) ephemeral_mb: u32,
    pub(crate) architecture: String,
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) logging: Logging,
    /// ARNs of layer versions, as they were given.
    pub(crate) layers: Vec<String>,
}

/// A role whose ARN the model's wide pattern lets pass, and that cannot exist.
const NOT_ASSUMABLE: &str = "The role defined for the function cannot be assumed by Lambda.";

/// Tags that begin so are AWS's own.
const RESERVED_TAGS: &str = "aws:";

type Checked<T> = Result<T, FunctionError>;

/// Variables that only the service sets (`spec` of AWS: reserved environment variables).
const RESERVED_VARIABLES: [&str; 21] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
];

impl CreateInput {
    /// The first rule that the input breaks, or what it asks for.
    pub(crate) fn check(self, call: &Call) -> Checked<Wanted> {
        check_name(self.function_name.name().as_str())?;
        self.refuse_unbuilt()?;
        let source = self.code.given().source(call)?;
        let runtime = self.runtime.ok_or_else(|| {
            parameter("Runtime is mandatory for functions created with deployment packages.")
        })?;
        let handler = self.handler.ok_or_else(|| {
            parameter("Handler is mandatory for functions created with deployment packages.")
        })?;
        runtimes::check(&runtime).map_err(parameter)?;
        let memory = self.memory_size.unwrap_or(128);
        let ephemeral = self.ephemeral_storage.map_or(512, |storage| storage.size);
        let environment = self.environment.map(|environment| environment.variables.unwrap_or_default());
        check_environment(environment.as_ref())?;
        let tags = self.tags.unwrap_or_default();
        check_tags(&tags)?;
        Ok(Wanted {
            source,
            tags,
            role: role(&self.role)?,
            runtime,
            handler,
            description: self.description.unwrap_or_default(),
            timeout_seconds: at_most("Timeout", self.timeout.unwrap_or(3), TIMEOUT_SECONDS_MAX)?,
            memory_mb: at_most("MemorySize", memory, MEMORY_MB_MAX)?,
            ephemeral_mb: at_most("EphemeralStorage.Size", ephemeral, EPHEMERAL_MB_MAX)?,
            architecture: self
                .architectures
                .and_then(|list| list.into_iter().next())
                .unwrap_or("x86_64".into()),
            environment,
            logging: self.logging_config.map(LoggingConfig::check).transpose()?.unwrap_or_default(),
            layers: self.layers.unwrap_or_default(),
        })
    }

    /// A member is refused when it asks for more than AWS's default.
    fn refuse_unbuilt(&self) -> Checked<()> {
        refuse([
            ("PackageType Image", asks(self.package_type.as_ref(), "Zip")),
            ("Code.ImageUri", is_set(&self.code.image_uri)),
            ("Code.S3ObjectStorageMode", asks(self.code.s3_object_storage_mode.as_ref(), "COPY")),
            ("Code.SourceKMSKeyArn", is_set(&self.code.source_kms_key_arn)),
            ("Publish", self.publish == Some(true)),
            ("PublishTo", is_set(&self.publish_to)),
            ("VpcConfig", is_set(&self.vpc_config)),
            ("DeadLetterConfig", asks_dead_letter(self.dead_letter_config.as_ref())),
            ("KMSKeyArn", asks(self.kms_key_arn.as_ref(), "")),
            ("TracingConfig.Mode Active", asks_tracing(self.tracing_config.as_ref())),
            ("FileSystemConfigs", is_set(&self.file_system_configs)),
            ("ImageConfig", is_set(&self.image_config)),
            ("CodeSigningConfigArn", is_set(&self.code_signing_config_arn)),
            ("SnapStart.ApplyOn PublishedVersions", asks_snap_start(self.snap_start.as_ref())),
            ("TenancyConfig", is_set(&self.tenancy_config)),
            ("CapacityProviderConfig", is_set(&self.capacity_provider_config)),
            ("DurableConfig", self.durable_config != Document::Null),
            ("RuntimeConfig", is_set(&self.runtime_config)),
            ("AcceleratorConfig", is_set(&self.accelerator_config)),
        ])
    }
}

impl Code {
    fn given(self) -> Given {
        Given {
            zip_file: self.zip_file,
            bucket: self.s3_bucket,
            key: self.s3_key,
            version: self.s3_object_version,
        }
    }
}

/// The first member that asks for what is not there.
fn refuse<const N: usize>(members: [(&str, bool); N]) -> Checked<()> {
    match members.iter().find(|(_, asked)| *asked) {
        Some((member, _)) => Err(not_supported(member)),
        None => Ok(()),
    }
}

fn asks(value: Option<&String>, default: &str) -> bool {
    value.is_some_and(|value| value != default)
}

fn asks_dead_letter(config: Option<&DeadLetterConfig>) -> bool {
    asks(config.and_then(|config| config.target_arn.as_ref()), "")
}

fn asks_tracing(config: Option<&TracingConfig>) -> bool {
    asks(config.and_then(|config| config.mode.as_ref()), "PassThrough")
}

fn asks_snap_start(config: Option<&SnapStart>) -> bool {
    asks(config.and_then(|config| config.apply_on.as_ref()), "None")
}

fn role(given: &str) -> Checked<RoleArn> {
    RoleArn::parse(given).ok_or_else(|| parameter(NOT_ASSUMABLE))
}

/// What tags of a resource may be, all of them together.
pub(crate) fn check_tags(tags: &Tags) -> Checked<()> {
    if tags.len() > TAGS_MAX {
        return Err(parameter("Number of tags exceeds resource tag limit."));
    }
    check_tag_keys(tags.keys())
}

/// AWS keeps a prefix for itself, in any case. Its wording for Lambda is not known.
pub(crate) fn check_tag_keys<'t>(mut keys: impl Iterator<Item = &'t String>) -> Checked<()> {
    let is_reserved = |key: &&String| {
        key.get(..RESERVED_TAGS.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_TAGS))
    };
    match keys.find(is_reserved) {
        Some(key) => {
            Err(parameter(format!("The tag key {key} begins with {RESERVED_TAGS}, which is reserved.")))
        }
        None => Ok(()),
    }
}

/// The answer to a member that Hearth does not act on yet.
pub(crate) fn not_supported(member: &str) -> FunctionError {
    parameter(format!("{member} is not supported by Hearth yet."))
}

fn parameter(text: impl ToString) -> FunctionError {
    FunctionError::Parameter(text.to_string())
}

/// Whether a value asks for anything: empty texts, lists and structures are AWS's way to ask for nothing.
fn is_set(value: &Document) -> bool {
    match value {
        Document::Null | Document::Bool(false) => false,
        Document::String(text) => !text.is_empty(),
        Document::List(items) => !items.is_empty(),
        Document::Map(entries) => !entries.is_empty(),
        Document::Structure(members) => members.iter().any(|(_, value)| is_set(value)),
        Document::Bool(true)
        | Document::Integer(_)
        | Document::Float(_)
        | Document::Blob(_)
        | Document::Timestamp(_)
        | Document::Stream(_) => true,
    }
}

/// Of CreateFunction alone: its answer to a long name is not a ValidationException, though it reads like one.
fn check_name(name: &str) -> Checked<()> {
    if name.len() <= FUNCTION_NAME_LENGTH_MAX {
        return Ok(());
    }
    Err(parameter(format!(
        "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must \
         have length less than or equal to {FUNCTION_NAME_LENGTH_MAX}"
    )))
}

/// The model has checked the lower end.
fn at_most(member: &str, value: i64, limit: i64) -> Checked<u32> {
    match u32::try_from(value) {
        Ok(value) if i64::from(value) <= limit => Ok(value),
        _ => Err(parameter(format!(
            "'{member}' value failed to satisfy constraint: Member must have value less than or equal to {limit}"
        ))),
    }
}

fn check_environment(variables: Option<&BTreeMap<String, String>>) -> Checked<()> {
    let Some(variables) = variables else { return Ok(()) };
    let refused = "Lambda was unable to configure your environment variables because the environment variables \
                   you have provided";
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|key| RESERVED_VARIABLES.contains(key)).collect();
    if !reserved.is_empty() {
        return Err(parameter(format!(
            "{refused} contains reserved keys that are currently not supported for modification. Reserved keys \
             used in this request: {}",
            reserved.join(", ")
        )));
    }
    let measured = serde_json::to_string(variables).expect("a map of texts always has a JSON form");
    if measured.len() > ENVIRONMENT_BYTES_MAX {
        return Err(parameter(format!("{refused} exceeded the 4KB limit. String measured: {measured}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
