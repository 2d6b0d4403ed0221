//! `hearth __coverage`: prints docs/coverage.md, from the models and the services that are built.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::mpsc::Receiver;

use hearth_aws::Sessions;
use hearth_service_iam::Iam;
use hearth_service_lambda::{Lambda, LambdaDeps, Options};
use hearth_service_logs::Logs;
use hearth_service_s3::{S3, S3Deps};
use hearth_store::{BlobKeeper, Blobs, SqliteStore};
use hearth_worker::{
    BoxFuture, Call, CodeDigest, EnvironmentId, Failure, PrepareError, Reason, Report, Response, Revision,
    StartError, Worker,
};
use hearth_world::{TaskGroup, World};

use crate::commands::block_on;
use crate::data_folder::DataFolder;
use crate::exit::Exit;
use crate::objects::Buckets;
use crate::services::{self, FunctionLogs};

/// Runs the command.
pub fn run() -> Result<Exit> {
    let world = World::real();
    let folder = DataFolder::ephemeral(&world)?;
    let page = block_on(async {
        // The services are asked for their operations' names alone: no call ever reaches them.
        let store = Arc::new(SqliteStore::in_memory(&world)?);
        let (iam, sessions) = (Iam::open(store.clone(), world.clone()), Arc::new(Sessions::new([0; 32])));
        let blobs = Blobs::local(&folder.join("blobs"))?;
        let tasks = TaskGroup::new();
        let nobody = Arc::new(hearth_aws::InProcess::default());
        let logs = Logs::open(store.clone(), world.clone(), tasks.stop_signal(), nobody);
        let keeper = BlobKeeper::new(store.clone(), blobs, world.clone(), Duration::ZERO);
        let deps = S3Deps { store: store.clone(), blobs: keeper.clone(), world: world.clone() };
        let s3 = S3::open(deps);
        let lambda = Lambda::open(LambdaDeps {
            store: store.clone(),
            blobs: keeper,
            worker: Arc::new(Absent),
            world: world.clone(),
            tasks: tasks.clone(),
            roles: iam.clone(),
            sessions: sessions.clone(),
            logs: Arc::new(FunctionLogs(logs.ingest(&tasks))),
            objects: Arc::new(Buckets::of(&s3)),
            options: Options::default(),
        });
        Ok(hearth_aws::coverage(&services::all(&lambda, &iam, &logs, &s3, &sessions, &world, false)))
    });
    folder.close()?;
    print!("{}", page?);
    Ok(Exit::Done)
}

/// A worker that is not there.
struct Absent;

const WHY: &str = "this command runs nothing";

impl Worker for Absent {
    fn prepare(&self, _: CodeDigest) -> BoxFuture<'_, Result<u64, PrepareError>> {
        Box::pin(std::future::ready(Err(PrepareError::Host(WHY.to_owned()))))
    }

    fn supports(&self, _: &str) -> Result<(), String> {
        Err(WHY.to_owned())
    }

    fn runtime_version(&self, _: &str) -> Option<String> {
        None
    }

    fn warm_up(&self, _: &str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn start(&self, _: Arc<Revision>) -> BoxFuture<'_, Result<EnvironmentId, StartError>> {
        Box::pin(std::future::ready(Err(StartError::RuntimeMissing(WHY.to_owned()))))
    }

    fn invoke(&self, _: EnvironmentId, _: Call) -> BoxFuture<'_, Result<Response, Failure>> {
        Box::pin(std::future::ready(Err(Failure::Gone)))
    }

    fn stop(&self, _: EnvironmentId, _: Reason) {}

    fn reports(&self) -> Option<Receiver<Report>> {
        Some(tokio::sync::mpsc::channel(1).1)
    }

    fn shutdown(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
