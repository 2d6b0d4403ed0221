use hearth_worker::{Failure, Reason, StartError, Worker as _};

use super::support::{Host, Settings, within};

const ECHO: &str = "def handler(event, context): return event";

#[tokio::test]
async fn an_environment_that_is_stopped_ends_and_is_told_as_closed() {
    let Some(mut host) = Host::start().await else { return };
    let id = host.begin(host.function(ECHO, Settings::default())).await;
    host.outcome(id, "1").await.answers("1");
    host.worker.stop(id, Reason::Spindown);
    host.closed(id).await;
    let late = host.invoke(id, host.call("1")).await;
    assert!(matches!(late, Err(Failure::Gone)), "{late:?}");
    host.end().await;
}

#[tokio::test]
async fn when_the_spawner_dies_environments_close_and_the_next_call_works() {
    let Some(mut host) = Host::start().await else { return };
    let revision = host.function(ECHO, Settings::default());
    let id = host.begin(revision.clone()).await;
    host.outcome(id, "1").await.answers("1");
    host.kill_spawner();
    host.closed(id).await;
    let next = host.begin(revision).await;
    host.outcome(next, "2").await.answers("2");
    host.end().await;
}

#[tokio::test]
async fn a_shutdown_lets_the_invocation_end_and_starts_nothing_more() {
    let Some(host) = Host::start().await else { return };
    let code = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return 'done'\n";
    let revision = host.function(code, Settings::default());
    let id = host.begin(revision.clone()).await;
    host.outcome(id, "{}").await;
    let call = host.worker.invoke(id, host.call("{}"));
    let shutdown = host.worker.shutdown(super::support::PATIENCE);
    let (response, ()) = within(async { tokio::join!(call, shutdown) }).await;
    // The call may come after the stop: then it was told so.
    match response {
        Ok(response) => assert_eq!(response.payload, "\"done\""),
        Err(failure) => assert!(matches!(failure, Failure::ShuttingDown), "{failure:?}"),
    }
    assert!(matches!(host.worker.start(revision).await, Err(StartError::ShuttingDown)));
    host.end().await;
}

#[tokio::test]
async fn a_host_without_memory_begins_no_environment() {
    let Some(host) = Host::start_with_reserve(u64::MAX).await else { return };
    let started = within(host.worker.start(host.function("", Settings::default()))).await;
    assert!(matches!(started, Err(StartError::HostFull)), "{started:?}");
    host.end().await;
}
