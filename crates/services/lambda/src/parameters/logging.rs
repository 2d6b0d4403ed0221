//! `LoggingConfig`: the group, the format, and from which level on.

use hearth_worker::{LogFormat, LogLevel};

use super::{Checked, LoggingConfig, parameter};

/// Both levels, where they are not given.
const LEVEL: LogLevel = LogLevel::Info;

/// What a `LoggingConfig` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logging {
    /// `None` is the function's own.
    pub(crate) group: Option<String>,
    pub(crate) format: LogFormat,
}

impl LoggingConfig {
    /// What is not given has its default: the whole structure takes the place of a former one.
    pub(crate) fn check(self) -> Checked<Logging> {
        let Self { log_format, application_log_level, system_log_level, log_group } = self;
        if log_group.as_ref().is_some_and(|group| group.to_ascii_lowercase().starts_with("aws/")) {
            return Err(parameter(
                "LogGroup must not begin with aws/: such log groups are reserved for AWS.",
            ));
        }
        let level = |name: Option<&String>| name.and_then(|name| LogLevel::named(name));
        let (application, system) = (level(application_log_level.as_ref()), level(system_log_level.as_ref()));
        let format = match log_format.as_deref() {
            Some("JSON") => {
                LogFormat::Json { application: application.unwrap_or(LEVEL), system: system.unwrap_or(LEVEL) }
            }
            // The text is unverified.
            _ if application.is_some() || system.is_some() => {
                let text = "ApplicationLogLevel and SystemLogLevel can only be set when LogFormat is JSON.";
                return Err(parameter(text));
            }
            _ => LogFormat::Text,
        };
        Ok(Logging { group: log_group, format })
    }
}
