//! What can be set about running functions.

use std::time::Duration;

use crate::limits::CONCURRENT_EXECUTIONS;
use crate::runtimes::Deprecated;

/// How long an environment waits for its next call before it is ended. AWS does not document its own; third
/// parties saw 5 to 15 minutes.
pub const IDLE: Duration = Duration::from_secs(600);

/// How long the credentials of a function hold. AWS does not tell; its functions see theirs for some hours.
pub const CREDENTIALS: Duration = Duration::from_secs(12 * 3_600);

/// How long a call waits for room on a full host (a limit of this server, not of AWS).
pub const ROOM_WAIT: Duration = Duration::from_secs(1);

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
    /// Calls of one account in one region that run at the same time.
    pub concurrent_executions: u32,
    /// The architecture of functions that this host can run: `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// What becomes of new functions whose runtime is past AWS's date.
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
            deprecated_runtimes: Deprecated::Allow,
            roles_must_exist: false,
            links_over_tls: false,
            architecture: if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" },
        }
    }
}
