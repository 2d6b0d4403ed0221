//! What goes on beside the calls: the worker's reports are taken, idle environments are ended.

use std::sync::Arc;
use std::time::Duration;

use hearth_worker::Report;
use hearth_world::{TaskGroup, TaskKind};
use tracing::{info_span, warn};

use super::scheduler::Scheduler;
use crate::logs::LogSink;

/// How often idle environments are looked at: what is idle for long enough ends at most so much later.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(5);

/// Starts both, until the group stops.
pub(crate) fn keep_up(tasks: &TaskGroup, scheduler: Arc<Scheduler>, logs: Arc<dyn LogSink>) {
    match scheduler.worker.reports() {
        Some(mut reports) => {
            let scheduler = scheduler.clone();
            tasks.spawn(TaskKind::Service, info_span!("reports"), |stop| async move {
                let take = |report| match report {
                    Report::Closed(id) => scheduler.closed(id),
                    Report::Log(batch) => logs.write(batch),
                };
                while let Some(Some(report)) = stop.or(reports.recv()).await {
                    take(report);
                }
                // The worker has ended: what it said last is still taken.
                while let Ok(report) = reports.try_recv() {
                    take(report);
                }
            });
        }
        None => warn!("somebody else takes the worker's reports: there will be no logs"),
    }
    tasks.spawn(TaskKind::Service, info_span!("expiry"), |stop| async move {
        let clock = scheduler.world.physical().clone();
        while stop.or(clock.sleep(EXPIRY_INTERVAL)).await.is_some() {
            scheduler.expire();
        }
    });
}
