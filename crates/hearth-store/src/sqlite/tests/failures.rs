//! SQLite or the disk under it says no.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A store on a connection that the test has prepared.
fn store_on(connection: Connection) -> SqliteStore {
    SqliteStore::start(connection, &World::simulated(7), writer::LOG_PAGES).unwrap()
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_promised_any_more() {
    let mut connection = file::in_memory(&World::simulated(7)).unwrap();
    let failing = Arc::new(AtomicBool::new(false));
    let fails = failing.clone();
    connection.commit_hook(Some(move || fails.load(Ordering::SeqCst))).unwrap();
    let store = store_on(connection);
    put(&store, 1).await.unwrap();
    failing.store(true, Ordering::SeqCst);
    let all = join_all((2..10).map(|number| put(&store, number))).await;
    assert!(all.iter().all(|written| matches!(written, Err(StoreError::Poisoned(_)))), "{all:?}");

    // The disk works again, but what it forgot is not known.
    failing.store(false, Ordering::SeqCst);
    assert!(matches!(put(&store, 10).await, Err(StoreError::Poisoned(_))));
    let read = transact_read::<_, StoreError, _>(&store, |tx| tx.get(&numbered(1))).await;
    assert!(matches!(read, Err(StoreError::Poisoned(_))));
}

#[tokio::test]
async fn a_full_disk_fails_the_transactions_that_need_room_and_no_other() {
    let connection = file::in_memory(&World::simulated(7)).unwrap();
    connection.pragma_update_and_check(None, "max_page_count", 40, |_| Ok(())).unwrap();
    let store = store_on(connection);
    put(&store, 1).await.unwrap();
    let large = || {
        transact::<_, StoreError, _>(&store, |tx| {
            (100..110).try_for_each(|number| tx.put(&numbered(number), vec![7; 60_000].into()))
        })
    };
    let (before, too_much, after) = tokio::join!(put(&store, 2), large(), put(&store, 3));
    before.unwrap();
    after.unwrap();
    assert!(matches!(&too_much, Err(StoreError::Engine(reason)) if reason.contains("full")), "{too_much:?}");
    assert_eq!(numbers(&store).await, [1, 2, 3]);
    put(&store, 4).await.unwrap();
}
