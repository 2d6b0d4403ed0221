//! The seam between what a customer calls Lambda and what runs code: [`Worker`], with what it needs from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth_world::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(pub T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// SHA-256 of a deployment package, lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeDigest(pub String);

/// One immutable state of a function: what an environment runs. Two equal revisions may share environments.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Changes with every change of code or configuration: environments of another id are never reused.
    pub id: Uuid,
    /// Owner.
    pub account: String,
    /// Where it lives.
    pub region: String,
    /// `FunctionName` without qualifier.
    pub function_name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// The identifier as AWS spells it: `python3.12`.
    pub runtime: String,
    /// `Handler`.
    pub handler: String,
    /// `MemorySize` in MB.
    pub memory_mb: u32,
    /// `Timeout`.
    pub timeout: Duration,
    /// `EphemeralStorage.Size` in MB.
    pub ephemeral_mb: u32,
    /// `Environment.Variables`.
    pub environment: Secret<BTreeMap<String, String>>,
    /// The deployment package.
    pub code: CodeDigest,
    /// Layers in the order in which they are laid over each other: of two files at one path the later one is seen.
    pub layers: Vec<CodeDigest>,
    /// `LoggingConfig.LogGroup`.
    pub log_group: String,
    /// `LoggingConfig.LogFormat` and its levels.
    pub log_format: LogFormat,
    /// The execution role's ARN and its temporary credentials.
    pub identity: Identity,
}

/// How a function's log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As the function writes it, with the platform's lines.
    #[default]
    Text,
    /// Events in JSON.
    Json {
        /// `ApplicationLogLevel`: what of the function's is below it is left out.
        application: LogLevel,
        /// `SystemLogLevel`: what of the platform's is below it is left out.
        system: LogLevel,
    },
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // They are AWS's words.
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogLevel {
    /// By its name as AWS spells it, or as Python's loggers do, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "TRACE" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARN" | "WARNING" => Self::Warn,
            "ERROR" => Self::Error,
            "FATAL" | "CRITICAL" => Self::Fatal,
            _ => return None,
        })
    }

    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// Whom a function acts as.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `arn:aws:sts::A:assumed-role/ROLE/FUNCTION`.
    pub arn: String,
    /// `AROA…:FUNCTION`.
    pub user_id: String,
    /// What its SDK signs with.
    pub credentials: Credentials,
}

/// Temporary credentials.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// Never printed.
    pub secret_access_key: Secret<String>,
    /// Never printed.
    pub session_token: Secret<String>,
}

/// Names an environment of one worker. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId(pub u64);

/// One invocation.
#[derive(Clone, Debug)]
pub struct Call {
    /// Equals `x-amzn-RequestId` of the caller's answer.
    pub request_id: Uuid,
    /// The ARN as invoked: unqualified, with version, or with alias.
    pub invoked_arn: String,
    /// The event, known to be JSON.
    pub payload: Bytes,
    /// Decoded client context: a JSON text.
    pub client_context: Option<String>,
    /// `Root=…;Parent=…;Sampled=…`.
    pub trace_id: String,
    /// Whether the last 4 KB of the invocation's log are wanted.
    pub wants_log: bool,
}

/// What came of an invocation that reached the function, well or not.
#[derive(Clone, Debug)]
pub struct Response {
    /// The bytes that the function, or the platform for it, answered.
    pub payload: Bytes,
    /// Set when the function failed: becomes `X-Amz-Function-Error: Unhandled`.
    pub error: Option<FunctionError>,
    /// The last 4,096 bytes of the invocation's log, when wanted.
    pub log: Option<Bytes>,
}

/// Why a function's answer is an error (`spec/invoke.md` section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionError {
    /// The runtime posted it: an exception, or a failed init.
    Reported,
    /// `Sandbox.Timedout`.
    TimedOut,
    /// `Runtime.ExitError`, `Runtime.OutOfMemory`.
    Exited,
    /// `Function.ResponseSizeTooLarge`.
    ResponseTooLarge,
}

/// The invocation did not reach the function: the caller may try another environment, or answer an error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The environment ended before the event was delivered. Safe to try another one.
    #[error("the environment was gone before the event was delivered")]
    Gone,
    /// The sandbox could not be made.
    #[error("the environment could not be started: {0}")]
    NotStarted(String),
    /// The worker is shutting down.
    #[error("the worker is shutting down")]
    ShuttingDown,
}

/// Why an environment could not be made at all.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// No interpreter for this runtime on this host.
    #[error("{0}")]
    RuntimeMissing(String),
    /// Code that cannot be fetched.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// No more room.
    #[error("this host runs as many environments as it can")]
    HostFull,
    /// The worker is shutting down.
    #[error("the worker is shutting down")]
    ShuttingDown,
}

/// Why a package could not be made ready.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PrepareError {
    /// Not a readable zip, or one that reaches outside itself.
    #[error("the package is not usable: {0}")]
    Bad(String),
    /// More than the limit once unpacked.
    #[error("the package unpacks to more than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The host's fault.
    #[error("the package could not be unpacked: {0}")]
    Host(String),
}

/// Why an environment is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Idle for too long, or room is needed.
    Spindown,
    /// A newer revision took its place, or the function is gone.
    Superseded,
    /// The server stops.
    Shutdown,
}

/// What the worker tells unasked. Bounded: logs are dropped (and counted) before the worker stops for them.
#[derive(Debug)]
pub enum Report {
    /// The environment is gone; never invoke it again.
    Closed(EnvironmentId),
    /// Lines of one environment's log, in order.
    Log(LogBatch),
}

/// Log events of one environment.
#[derive(Clone, Debug)]
pub struct LogBatch {
    /// Owner.
    pub account: String,
    /// Where.
    pub region: String,
    /// `LoggingConfig.LogGroup`.
    pub group: String,
    /// `YYYY/MM/DD/[VERSION]32 hex`.
    pub stream: String,
    /// In order.
    pub events: Vec<LogEvent>,
}

/// One log event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// When the line was seen.
    pub time: Timestamp,
    /// Without the final newline.
    pub message: String,
}

/// One environment as it is now, for people.
#[derive(Clone, Debug)]
pub struct EnvironmentStatus {
    /// Its name on this worker.
    pub id: EnvironmentId,
    /// What runs in it.
    pub revision: Arc<Revision>,
    /// `starting`, `idle`, `frozen`, `busy`, `settling`, `broken` (its next call starts the runtime again),
    /// `resetting`, `closing`.
    pub state: &'static str,
    /// When it was begun.
    pub started: Timestamp,
    /// Calls that it was given.
    pub invocations: u64,
    /// Anonymous and shared memory of its processes now, in bytes; `None` while nothing runs in it.
    pub memory_bytes: Option<u64>,
    /// The most that was measured so far, in bytes.
    pub memory_peak_bytes: u64,
    /// A process of it on this host: the youngest of those that the sandbox began with.
    pub process: Option<u32>,
    /// The user of the host as whom that process runs.
    pub user: Option<u32>,
}

/// Runs functions: local, remote, or simulated.
pub trait Worker: Send + Sync {
    /// Makes a package ready to run: fetched, checked, unpacked. Answers the size of its files in bytes.
    fn prepare(&self, code: CodeDigest) -> BoxFuture<'_, Result<u64, PrepareError>>;

    /// Removes what [`Worker::prepare`] made of a package. `false` when something that runs uses it: ask again later.
    /// A worker that keeps nothing has nothing to remove.
    fn forget(&self, _code: CodeDigest) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    /// The packages that are ready.
    fn kept(&self) -> BoxFuture<'_, Result<Vec<CodeDigest>, String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Whether this worker can run the runtime; if not, a sentence that says how to get it.
    fn supports(&self, runtime: &str) -> Result<(), String>;

    /// What identifies the runtime's build: 64 hexadecimal digits, the end of `RuntimeVersionArn`. `None` when this
    /// worker cannot run it.
    fn runtime_version(&self, runtime: &str) -> Option<String>;

    /// Makes a runtime ready ahead of its first environment, which otherwise does. Failing is that one's business.
    fn warm_up(&self, runtime: &str) -> BoxFuture<'_, ()>;

    /// Begins a new environment and answers at once; its init runs while the first [`Worker::invoke`] waits.
    fn start(&self, revision: Arc<Revision>) -> BoxFuture<'_, Result<EnvironmentId, StartError>>;

    /// Runs one invocation. The answer comes as soon as the function gave it; the environment takes the next one
    /// when it is ready again, and a call that comes earlier waits. Dropping the future does not stop the function.
    fn invoke(&self, id: EnvironmentId, call: Call) -> BoxFuture<'_, Result<Response, Failure>>;

    /// Ends an environment once its invocation, if any, is over.
    fn stop(&self, id: EnvironmentId, why: Reason);

    /// The environments that are there now, oldest first. Blocks while it reads the host's files.
    fn environments(&self) -> Vec<EnvironmentStatus> {
        Vec::new()
    }

    /// The worker's reports; can be taken once.
    fn reports(&self) -> Option<mpsc::Receiver<Report>>;

    /// Ends all environments and waits, at most `limit`, until nothing of them is left.
    fn shutdown(&self, limit: Duration) -> BoxFuture<'_, ()>;
}

/// Where packages come from.
pub trait CodeSource: Send + Sync {
    /// The package as an open file, at its beginning. It may have no name.
    fn package(&self, code: CodeDigest) -> BoxFuture<'_, Result<File, CodeError>>;
}

/// A package could not be fetched.
#[derive(Clone, Debug, thiserror::Error)]
#[error("fetch package {}: {reason}", code.0)]
pub struct CodeError {
    /// Which.
    pub code: CodeDigest,
    /// Why.
    pub reason: String,
}

/// The AWS endpoint inside every sandbox: serves one accepted connection as the function's identity.
pub trait Endpoint: Send + Sync {
    /// Serves the connection until it closes. The socket tells who calls.
    fn serve(&self, connection: tokio::net::TcpStream, revision: Arc<Revision>) -> BoxFuture<'static, ()>;
}
