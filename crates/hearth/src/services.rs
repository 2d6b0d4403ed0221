//! The services that this program serves: the one list.

use std::sync::Arc;

use hearth_aws::{Service, Sessions};
use hearth_service_iam::Iam;
use hearth_service_lambda::{Lambda, LogSink};
use hearth_service_logs::{Batch, Ingest, Logs};
use hearth_service_s3::S3;
use hearth_service_sts::{Sts, StsDeps};
use hearth_worker::LogBatch;
use hearth_world::World;

/// All services over their states. `roles_must_exist` is what tells `serve` from `up`.
pub fn all(
    lambda: &Arc<Lambda>,
    iam: &Arc<Iam>,
    logs: &Arc<Logs>,
    s3: &Arc<S3>,
    sessions: &Arc<Sessions>,
    world: &World,
    roles_must_exist: bool,
) -> Vec<Service> {
    let sts = Sts::open(StsDeps {
        sessions: sessions.clone(),
        roles: iam.clone(),
        world: world.clone(),
        options: hearth_service_sts::Options { roles_must_exist },
    });
    vec![
        hearth_service_lambda::service(lambda.clone()),
        hearth_service_iam::service(iam.clone()),
        hearth_service_logs::service(logs.clone()),
        hearth_service_s3::service(s3.clone()),
        hearth_service_sts::service(sts),
    ]
}

/// What functions write, handed to CloudWatch Logs. Not by way of PutLogEvents: a call and a document for each line
/// would cost more than the line.
///
/// GAP(logs): the execution role's permission to write logs is not asked for.
#[derive(Debug)]
pub struct FunctionLogs(pub Ingest);

impl LogSink for FunctionLogs {
    fn write(&self, batch: LogBatch) {
        let LogBatch { account, region, group, stream, events } = batch;
        let events = events.into_iter().map(|event| (event.time, event.message)).collect();
        self.0.offer(Batch { account, region, group, stream, events });
    }
}
