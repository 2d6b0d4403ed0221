//! One function: `$LATEST`, as the service works with it.

use std::collections::{BTreeMap, BTreeSet};

use hearth_aws::Call;
use hearth_aws::names::{FunctionName, RoleArn};
use hearth_store::BlobDigest;
use hearth_worker::LogFormat;
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
    pub(crate) log_format: LogFormat,
    /// The package as it was uploaded.
    pub(crate) code: BlobDigest,
    pub(crate) code_bytes: u64,
    pub(crate) last_modified: Timestamp,
    pub(crate) revision_id: Uuid,
    pub(crate) state: State,
    /// In the order in which they are laid over each other.
    pub(crate) layers: Vec<LayerUse>,
    pub(crate) update: Update,
}

impl Function {
    /// What invocations run: while an update is made ready, the function as it was before.
    pub(crate) fn serving(self) -> Self {
        match self.update {
            Update::InProgress { before } => *before,
            Update::Settled | Update::Failed { .. } => self,
        }
    }

    /// Every blob that the function needs: its package, its layers, and those of what an update would replace.
    pub(crate) fn blobs(&self) -> BTreeSet<BlobDigest> {
        let mut blobs = match &self.update {
            Update::InProgress { before } => before.blobs(),
            Update::Settled | Update::Failed { .. } => BTreeSet::new(),
        };
        blobs.insert(self.code);
        blobs.extend(self.layers.iter().map(|layer| layer.digest));
        blobs
    }
}

/// A layer version that a function uses. It stays as it is when the layer version is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerUse {
    /// With the version.
    pub(crate) arn: String,
    pub(crate) digest: BlobDigest,
    /// Of the zip.
    pub(crate) bytes: u64,
    pub(crate) unzipped_bytes: u64,
}

/// `LastUpdateStatus`: how the latest update of an Active function went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// There was none, or it succeeded.
    Settled,
    /// The function is shown as it will be, and runs as it was: `before` is settled itself.
    InProgress { before: Box<Function> },
    /// The function is again what it was before.
    Failed { code: StateReasonCode, reason: String },
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
    Internal,
}

impl StateReasonCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "InvalidConfiguration",
            Self::Runtime => "InvalidRuntime",
            Self::ZipFile => "InvalidZipFileException",
            Self::Internal => "InternalError",
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
            log_format: LogFormat::Text,
            code: BlobDigest::of(b"a package"),
            code_bytes: 9,
            last_modified: Timestamp::from_micros(1_764_037_614_123_456),
            revision_id: Uuid::from_u128(7),
            state: State::Active,
            layers: Vec::new(),
            update: Update::Settled,
        }
    }
}
