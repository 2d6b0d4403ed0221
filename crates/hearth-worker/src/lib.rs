//! Execution environments: a sandbox each, one function version each, one invocation at a time.
//!
//! The worker is told what to run and knows nothing of the store; it fetches code by digest, so it can live on
//! another machine.
//!
//! Never: reads a transaction; calls another service; runs two invocations in one environment at once.

mod channel;
mod code;
mod environment;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod local;
mod room;
mod runtime_api;
mod runtimes;
pub mod sandbox;
pub mod worker;

pub use environment::{RUNTIME_API_PORT, sandbox_sockets};
pub use local::{ENVIRONMENTS_MAX, HOST_PORTS_MAX, LocalWorker, WorkerDeps, WorkerOptions};
pub use room::MEMORY_RESERVE;
pub use runtimes::{Places, RuntimeStatus, Runtimes, SdkOutcome, SdkSetup, SdkStatus, SetupError, set_up};
pub use sandbox::{LinuxSandbox, Sandbox};
pub use worker::{
    BoxFuture, Call, CodeDigest, CodeError, CodeSource, Credentials, Endpoint, EnvironmentId,
    EnvironmentStatus, Failure, FunctionError, Identity, LogBatch, LogEvent, LogFormat, LogLevel,
    PrepareError, Reason, Report, Response, Revision, Secret, StartError, Worker,
};
