use super::*;

#[tokio::test]
async fn a_group_waits_for_its_tasks_and_says_how_many_did_not_end() {
    let group = TaskGroup::new();
    group.spawn(TaskKind::Service, Span::none(), |stop| async move { stop.stopped().await });
    group.spawn(TaskKind::Service, Span::none(), |_| std::future::pending());
    assert_eq!(group.running(), 2);
    group.stop();
    assert_eq!(group.join(Duration::from_millis(50)).await, Err(Unfinished(1)));
}

#[tokio::test]
async fn a_panic_ends_one_task_and_is_no_longer_counted() {
    let group = TaskGroup::new();
    group.spawn(TaskKind::Service, Span::none(), |stop| async move { stop.stopped().await });
    group.spawn(TaskKind::Request, Span::none(), |_| async { panic!("announced: a test of panics") });
    group.inner.running.subscribe().wait_for(|count| *count == 1).await.unwrap();
    group.stop();
    assert_eq!(group.join(Duration::from_secs(5)).await, Ok(()));
}

#[tokio::test]
async fn what_waits_with_a_stop_signal_ends_with_the_group() {
    let group = TaskGroup::new();
    let stop = group.stop_signal();
    assert_eq!(stop.or(async { 7 }).await, Some(7));
    assert!(!stop.is_stopped());
    group.stop();
    assert!(stop.is_stopped());
    assert_eq!(stop.or(std::future::pending::<()>()).await, None);
    assert_eq!(stop.or(async { 7 }).await, None, "the stop comes first");
}

#[tokio::test]
async fn a_group_that_is_gone_is_a_stop() {
    let stop = TaskGroup::new().stop_signal();
    stop.stopped().await;
}
