//! Several servers on one database.

use std::time::Duration;

use futures_util::future::{join, join_all};

use super::*;

/// A hint comes within milliseconds, a poll within seconds; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

async fn two() -> (PostgresAddress, PostgresStore, PostgresStore) {
    let address = shared().database();
    let (one, other) = join(open(&address), open(&address)).await;
    (address, one, other)
}

async fn count_up(store: &dyn Store) -> Result<u64, StoreError> {
    transact(store, |tx| {
        let count = tx.get(&Key::of("count"))?.map_or(0, |count| {
            String::from_utf8_lossy(&count).parse::<u64>().expect("the counter is a number")
        });
        tx.put(&Key::of("count"), (count + 1).to_string().into())?;
        Ok(count)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_at_once_on_an_empty_database_make_its_tables_once() {
    let address = shared().database();
    let stores = join_all((0..4).map(|_| open(&address))).await;
    put(&stores[0], 1).await.unwrap();
    for store in &stores {
        assert_eq!(numbers(store).await, [1]);
    }
    assert_eq!(ask(&address, "SELECT count(*) FROM hearth.formats").as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_of_one_server_is_seen_by_the_next_read_and_write_of_another() {
    let (_, one, other) = two().await;
    for number in 0..50 {
        put(&one, number).await.unwrap();
        assert_eq!(numbers(&other).await.last(), Some(&number));
        let seen = transact::<_, StoreError, _>(&other, move |tx| tx.get(&numbered(number)));
        assert!(seen.await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_count_on_one_key_miss_nothing_and_count_nothing_twice() {
    const EACH: u64 = 100;
    let (_, one, other) = two().await;
    let counting = |store| async move { join_all((0..EACH).map(|_| count_up(store))).await };
    let (mut all, more) = join(counting(&one as &dyn Store), counting(&other)).await;
    all.extend(more);
    let mut counts: Vec<u64> = all.into_iter().map(|count| count.unwrap()).collect();
    counts.sort_unstable();
    assert!(counts.into_iter().eq(0..2 * EACH));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takers_of_two_servers_share_a_queue_without_a_loss_and_without_a_repetition() {
    const ENTRIES: u64 = 400;
    let (_, one, other) = two().await;
    transact::<_, StoreError, _>(&one, |tx| {
        (0..ENTRIES).try_for_each(|number| tx.put(&numbered(number), "".into()))
    })
    .await
    .unwrap();
    let take_all = |store| async move {
        let mut all = Vec::new();
        // Rows that the other holds are passed over, so an empty hand ends only this server's part.
        loop {
            let takes = (0..8).map(|_| {
                transact_take::<_, StoreError, _>(store, |tx| tx.take(Key::of("test").children(), 3))
            });
            let taken: Vec<_> = join_all(takes).await.into_iter().flat_map(|taken| taken.unwrap()).collect();
            if taken.is_empty() {
                return all;
            }
            all.extend(taken.into_iter().map(|(key, _)| key));
        }
    };
    let (mut keys, more) = join(take_all(&one as &dyn Store), take_all(&other)).await;
    keys.extend(more);
    keys.sort_unstable();
    assert!(keys.into_iter().eq((0..ENTRIES).map(numbered)));
    assert!(numbers(&one).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taker_that_decides_against_it_gives_back_what_it_took() {
    let (_, one, other) = two().await;
    for number in 0..4 {
        put(&one, number).await.unwrap();
    }
    let takes = (0..8).map(|taker| {
        transact_take::<_, StoreError, _>(&one, move |tx| {
            let taken = tx.take(Key::of("test").children(), 1)?;
            if taker % 2 == 0 { Err(StoreError::Engine("decided".into())) } else { Ok(taken.len()) }
        })
    });
    let taken: usize = join_all(takes).await.into_iter().flatten().sum();
    assert_eq!(taken, 4);
    assert!(numbers(&other).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taker_that_reads_beside_sees_what_is_still_so_at_its_commit() {
    let (_, one, other) = two().await;
    for number in 0..40 {
        put(&one, number).await.unwrap();
    }
    let take = |store| async move {
        transact_take::<_, StoreError, _>(store, |tx| {
            let count = tx.get(&Key::of("taken"))?.map_or(0, |count| count[0]);
            let taken = u8::try_from(tx.take(Key::of("test").children(), 1)?.len()).expect("one");
            tx.put(&Key::of("taken"), vec![count + taken].into())
        })
        .await
    };
    let taking = |store| async move { join_all((0..20).map(|_| take(store))).await };
    let (some, rest) = join(taking(&one as &dyn Store), taking(&other)).await;
    some.into_iter().chain(rest).for_each(|taken| taken.unwrap());
    let count = transact_read::<_, StoreError, _>(&one, |tx| tx.get(&Key::of("taken"))).await.unwrap();
    assert_eq!(count.as_deref(), Some(&[40][..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_is_told_of_another_servers_commit_by_a_notification_and_by_polling() {
    let (address, one, listening) = two().await;
    let polling = PostgresStore::open_with(&address, &World::real(), false).await.unwrap();
    let mut watches = [&listening, &polling].map(|store| store.watch(Key::of("test")));
    for number in 0..3 {
        put(&one, number).await.unwrap();
        for watch in &mut watches {
            // It may fire for nothing before: what counts is that it fires after the commit.
            tokio::time::timeout(PATIENCE, watch.changed()).await.expect("a hint comes");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_is_few_commits() {
    let (address, one, _) = two().await;
    join_all((0..200).map(|number| put(&one, number))).await.into_iter().for_each(|put| put.unwrap());
    let commits = ask(&address, "SELECT sum(number)::bigint FROM hearth.commits").unwrap();
    assert!(commits.parse::<u32>().unwrap() < 100, "{commits} commits of 200 writes");
}
