//! Figures for `make bench` and for whoever changes the paths: `cargo test -p hearth-worker --test worker -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::support::{Host, Settings};

const ROUNDS: usize = 2000;
const STARTS: usize = 40;

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures and checks nothing"]
async fn figures_of_warm_and_cold_calls() {
    let Some(mut host) = Host::start().await else { return };
    let settings = Settings { memory_mb: 1769, ..Settings::default() };
    let revision = host.function("def handler(event, context): return event", settings);
    let mut cold = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let id = host.begin(revision.clone()).await;
        host.outcome(id, "{}").await;
        cold.push(began.elapsed());
        hearth_worker::Worker::stop(&host.worker, id, hearth_worker::Reason::Spindown);
        host.closed(id).await;
    }
    let id = host.begin(revision).await;
    let mut warm = Vec::new();
    for _ in 0..ROUNDS {
        let mut call = host.call("{\"key\":\"value\"}");
        call.wants_log = false;
        let began = Instant::now();
        host.invoke(id, call).await.expect("an answer");
        warm.push(began.elapsed());
        while host.reports.try_recv().is_ok() {}
    }
    println!("cold {:?} ({STARTS} starts, no pool), warm {:?} ({ROUNDS} calls)", median(cold), median(warm));
    host.end().await;
}
