//! One function: `$LATEST`, as the service works with it.

use std::collections::BTreeMap;

use hearth_aws::Call;
use hearth_aws::names::{FunctionName, RoleArn};
use hearth_store::BlobDigest;
use hearth_world::Timestamp;
use uuid::Uuid;

/// Whom a function belongs to and where: the front of every key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Owner {
    pub(crate) fn of(call: &Call) -> Self {
        Self { account: call.account.clone(), region: call.region.clone() }
    }

    /// Who holds a function's package, in the words of the store's list of holders.
    pub(crate) fn holder(&self, name: &FunctionName) -> String {
        format!("lambda/{}/{}/{name}", self.account, self.region)
    }

    /// `arn:aws:lambda:R:A:function:F`, followed by the qualifier if there is one.
    pub(crate) fn function_arn(&self, name: &FunctionName, qualifier: Option<&str>) -> String {
        name.arn(&self.region, &self.account, qualifier).to_string()
    }
}

/// A function's configuration, code and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: FunctionName,
    pub(crate) role: RoleArn,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) description: String,
    pub(crate) timeout_seconds: u32,
    pub(crate) memory_mb: u32,
    pub(crate) ephemeral_mb: u32,
    pub(crate) architecture: String,
    /// `None` when the caller sent no `Environment`; an empty map is shown as one.
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) log_group: String,
    /// The package as it was uploaded.
    pub(crate) code: BlobDigest,
    pub(crate) code_bytes: u64,
    pub(crate) last_modified: Timestamp,
    pub(crate) revision_id: Uuid,
    pub(crate) state: State,
}

/// Where a function is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Active,
    Failed { code: StateReasonCode, reason: String },
}

impl State {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Failed { .. } => "Failed",
        }
    }
}

/// Why a function failed, in AWS's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateReasonCode {
    Configuration,
    Runtime,
    ZipFile,
}

impl StateReasonCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "InvalidConfiguration",
            Self::Runtime => "InvalidRuntime",
            Self::ZipFile => "InvalidZipFileException",
        }
    }
}

#[cfg(test)]
impl Function {
    /// An Active function like any other.
    pub(crate) fn example(name: &str) -> Self {
        Self {
            name: FunctionName::parse(name).expect("a good name"),
            role: RoleArn::new("000000000000", "/", "exec"),
            runtime: "python3.12".into(),
            handler: "app.handler".into(),
            description: String::new(),
            timeout_seconds: 3,
            memory_mb: 128,
            ephemeral_mb: 512,
            architecture: "x86_64".into(),
            environment: None,
            log_group: format!("/aws/lambda/{name}"),
            code: BlobDigest::of(b"a package"),
            code_bytes: 9,
            last_modified: Timestamp::from_micros(1_764_037_614_123_456),
            revision_id: Uuid::from_u128(7),
            state: State::Active,
        }
    }
}
