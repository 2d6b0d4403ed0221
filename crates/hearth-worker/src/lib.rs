//! Execution environments: a sandbox each, one function version each, one invocation at a time.
//!
//! The worker is told what to run and knows nothing of the store; it fetches code by digest, so it can live on
//! another machine.
//!
//! Never: reads a transaction; calls another service; runs two invocations in one environment at once.

pub mod worker;

pub use worker::{
    BoxFuture, Call, CodeDigest, CodeError, CodeSource, Credentials, Endpoint, EnvironmentId, Failure, FunctionError,
    Identity, LogBatch, LogEvent, PrepareError, Reason, Report, Response, Revision, Secret, StartError, Worker,
};
