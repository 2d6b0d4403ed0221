//! What can be set about running functions.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::{CODE_STORAGE_BYTES_MAX, CONCURRENT_EXECUTIONS};
use crate::runtimes::Deprecated;

/// How long an environment waits for its next call before it is ended. AWS does not document its own; third
/// parties saw 5 to 15 minutes.
pub const IDLE: Duration = Duration::from_secs(600);

/// How long the credentials of a function hold. AWS does not tell; its functions see theirs for some hours.
pub const CREDENTIALS: Duration = Duration::from_secs(12 * 3_600);

/// What is left of a function's credentials when no invocation begins with them any more: the longest one takes 15
/// minutes, and what it has begun may go on for a while.
pub const CREDENTIALS_LEFT: Duration = Duration::from_secs(3_600);

/// How long a call waits for room on a full host (a limit of this server, not of AWS).
pub const ROOM_WAIT: Duration = Duration::from_secs(1);

/// What an account may use in one region. What it leaves open is as for every account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// See [`Options::concurrent_executions`].
    pub concurrent_executions: Option<u32>,
    /// See [`Options::code_storage_bytes`].
    pub code_storage_bytes: Option<u64>,
}

/// Settings of the Lambda service.
#[derive(Clone, Debug)]
pub struct Options {
    /// Environments that this host runs at the same time, of all functions together. A call that would need one
    /// more waits for [`Options::room_wait`] and is then throttled.
    pub environments_max: u32,
    /// An environment that was idle for so long is ended.
    pub idle: Duration,
    /// How long the credentials of an environment hold. It gets no call in their last hour: another one takes its place.
    pub credentials: Duration,
    /// How long a call waits for room on a full host.
    pub room_wait: Duration,
    /// Calls of one account in one region that run at the same time, where the account has no quota of its own.
    pub concurrent_executions: u32,
    /// Bytes of all packages and layers of one account in one region, where the account has no quota of its own.
    pub code_storage_bytes: u64,
    /// Accounts with quotas of their own.
    pub account_quotas: BTreeMap<String, Quotas>,
    /// The architecture of functions that this host can run: `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// What becomes of functions whose runtime is past AWS's dates, when they are made and when they are changed.
    pub deprecated_runtimes: Deprecated,
    /// Whether a function's role must have been created, as on AWS. `up` accepts any.
    pub roles_must_exist: bool,
    /// Whether the listener speaks TLS, so that links to it begin with `https`.
    // GAP(links): a link asked for inside a sandbox, where the endpoint speaks plain HTTP, begins so too.
    pub links_over_tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environments_max: CONCURRENT_EXECUTIONS,
            idle: IDLE,
            credentials: CREDENTIALS,
            room_wait: ROOM_WAIT,
            concurrent_executions: CONCURRENT_EXECUTIONS,
            code_storage_bytes: CODE_STORAGE_BYTES_MAX,
            account_quotas: BTreeMap::new(),
            deprecated_runtimes: Deprecated::Allow,
            roles_must_exist: false,
            links_over_tls: false,
            architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" },
        }
    }
}

impl Options {
    /// Calls of this account in one region that may run at the same time.
    pub fn concurrent_executions_of(&self, account: &str) -> u32 {
        self.quotas_of(account).concurrent_executions.unwrap_or(self.concurrent_executions)
    }

    /// Bytes of packages and layers that this account may have in one region.
    pub fn code_storage_bytes_of(&self, account: &str) -> u64 {
        self.quotas_of(account).code_storage_bytes.unwrap_or(self.code_storage_bytes)
    }

    fn quotas_of(&self, account: &str) -> Quotas {
        self.account_quotas.get(account).copied().unwrap_or_default()
    }
}
