//! A worker that runs nothing: it answers what it was told to, or what came in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hearth_worker::{
    BoxFuture, Call, CodeDigest, EnvironmentId, Failure, PrepareError, Reason, Report, Response, Revision,
    StartError, Worker,
};
use hearth_world::within;
use tokio::sync::{mpsc, watch};

pub(super) struct FakeWorker {
    seen: watch::Sender<Seen>,
    /// Answers to the next calls; an echo when there is none.
    script: Mutex<VecDeque<Result<Response, Failure>>>,
    prepared: Result<u64, PrepareError>,
    missing_runtime: Option<&'static str>,
    held: watch::Sender<bool>,
    settling: watch::Sender<bool>,
    reports: mpsc::Sender<Report>,
    receiver: Mutex<Option<mpsc::Receiver<Report>>>,
}

/// What the worker was told.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) prepared: Vec<CodeDigest>,
    pub(super) started: Vec<Arc<Revision>>,
    pub(super) calls: Vec<(EnvironmentId, Call)>,
    pub(super) stopped: Vec<(EnvironmentId, Reason)>,
}

impl FakeWorker {
    pub(super) fn new() -> Self {
        let (reports, receiver) = mpsc::channel(16);
        Self {
            seen: watch::Sender::default(),
            script: Mutex::default(),
            prepared: Ok(1_000),
            missing_runtime: None,
            held: watch::Sender::new(false),
            settling: watch::Sender::new(true),
            reports,
            receiver: Mutex::new(Some(receiver)),
        }
    }

    pub(super) fn prepares(self, prepared: Result<u64, PrepareError>) -> Self {
        Self { prepared, ..self }
    }

    pub(super) fn without_runtime(self, how_to_get_it: &'static str) -> Self {
        Self { missing_runtime: Some(how_to_get_it), ..self }
    }

    /// The next call ends so.
    pub(super) fn answers(&self, answer: Result<Response, Failure>) {
        lock(&self.script).push_back(answer);
    }

    /// Calls wait in their function until they are released.
    pub(super) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(super) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Functions and their updates are not made ready until they are let.
    pub(super) fn hold_settling(&self) {
        self.settling.send_replace(false);
    }

    pub(super) fn let_settle(&self) {
        self.settling.send_replace(true);
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until what was seen is so.
    pub(super) async fn until(&self, so: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.subscribe();
        let found = within("the worker has seen it", seen.wait_for(so)).await;
        found.expect("the sender is here").clone()
    }

    /// Reports that an environment is gone.
    pub(super) async fn close(&self, id: EnvironmentId) {
        self.report(Report::Closed(id)).await;
    }

    pub(super) async fn report(&self, report: Report) {
        self.reports.send(report).await.expect("the service takes reports");
    }
}

pub(super) fn response(payload: &'static str) -> Response {
    Response { payload: Bytes::from_static(payload.as_bytes()), error: None, log: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker for FakeWorker {
    fn prepare(&self, code: CodeDigest) -> BoxFuture<'_, Result<u64, PrepareError>> {
        self.seen.send_modify(|seen| seen.prepared.push(code));
        let prepared = self.prepared.clone();
        Box::pin(async move { prepared })
    }

    fn supports(&self, _: &str) -> Result<(), String> {
        self.missing_runtime.map_or(Ok(()), |how_to_get_it| Err(how_to_get_it.to_owned()))
    }

    fn runtime_version(&self, _: &str) -> Option<String> {
        self.missing_runtime.is_none().then(|| "0".repeat(64))
    }

    fn warm_up(&self, _: &str) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let may = self.settling.subscribe().wait_for(|may| *may).await.is_ok();
            assert!(may, "the sender is here");
        })
    }

    fn start(&self, revision: Arc<Revision>) -> BoxFuture<'_, Result<EnvironmentId, StartError>> {
        self.seen.send_modify(|seen| seen.started.push(revision));
        let id = EnvironmentId(self.seen.borrow().started.len() as u64);
        Box::pin(async move { Ok(id) })
    }

    fn invoke(&self, id: EnvironmentId, call: Call) -> BoxFuture<'_, Result<Response, Failure>> {
        Box::pin(async move {
            self.seen.send_modify(|seen| seen.calls.push((id, call.clone())));
            let released = self.held.subscribe().wait_for(|held| !held).await.is_ok();
            assert!(released, "the sender is here");
            let scripted = lock(&self.script).pop_front();
            scripted.unwrap_or(Ok(Response { payload: call.payload, error: None, log: None }))
        })
    }

    fn stop(&self, id: EnvironmentId, why: Reason) {
        self.seen.send_modify(|seen| seen.stopped.push((id, why)));
    }

    fn reports(&self) -> Option<mpsc::Receiver<Report>> {
        lock(&self.receiver).take()
    }

    fn shutdown(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
