//! Many callers at once.

use std::ops::ControlFlow;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{Failure, get, key, put, read, write};
use crate::key::Key;
use crate::seam::{Order, Store, StoreError, Tx, TxResult, transact, transact_read, transact_take};

const WRITERS: u64 = 64;

fn number(value: Option<Bytes>) -> u64 {
    value.map_or(0, |value| String::from_utf8_lossy(&value).parse().expect("the counter is a number"))
}

fn count_up(tx: &mut dyn Tx) -> TxResult<u64> {
    let count = number(tx.get(&key("count"))?);
    tx.put(&key("count"), (count + 1).to_string().into())?;
    tx.put(&Key::of("seen").number(count), "seen".into())?;
    Ok(count)
}

/// Each sees the effect of all before it, as if they had come one by one.
pub async fn many_writers_see_one_serial_order(store: &dyn Store) {
    let mut counts = join_all((0..WRITERS).map(|_| write(store, count_up))).await;
    counts.sort_unstable();
    assert!(counts.into_iter().eq(0..WRITERS));
    assert_eq!(number(get(store, &key("count")).await), WRITERS);
}

/// Takers at the same time share a queue without a loss and without a repetition.
pub async fn two_takers_never_get_the_same_entry(store: &dyn Store) {
    const ENTRIES: u64 = 200;
    write(store, |tx| (0..ENTRIES).try_for_each(|n| tx.put(&Key::of("queue").number(n), "".into()))).await;
    let take = |_| transact_take::<_, Failure, _>(store, |tx| Ok(tx.take(Key::of("queue").children(), 7)?));
    let taken = join_all((0..WRITERS).map(take)).await;
    let mut keys: Vec<Key> =
        taken.into_iter().flat_map(|taken| taken.expect("a take commits")).map(|(key, _)| key).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq((0..ENTRIES).map(|n| Key::of("queue").number(n))));
}

/// A group that shares a commit does not share a failure.
pub async fn one_failing_writer_among_many_fails_alone(store: &dyn Store) {
    let one = |writer: u64| {
        transact::<_, Failure, _>(store, move |tx| {
            tx.put(&Key::of("writer").number(writer), "".into())?;
            match writer % 4 {
                1 => Err(Failure::Decided),
                2 => panic!("announced: one writer of many panics"),
                _ => Ok(()),
            }
        })
    };
    let results = join_all((0..WRITERS).map(one)).await;
    for (writer, result) in (0..WRITERS).zip(results) {
        let kept = get(store, &Key::of("writer").number(writer)).await.is_some();
        match writer % 4 {
            1 => assert!(matches!(result, Err(Failure::Decided)) && !kept),
            2 => assert!(matches!(result, Err(Failure::Store(StoreError::Engine(_)))) && !kept),
            _ => assert!(result.is_ok() && kept),
        }
    }
}

/// Its transaction is whole or not there at all.
pub async fn a_caller_that_left_does_no_harm(store: &dyn Store) {
    for number in 0..20 {
        let leaving = transact::<_, Failure, _>(store, move |tx| {
            tx.put(&Key::of("left").number(number), "".into())?;
            Ok(tx.put(&Key::of("also").number(number), "".into())?)
        });
        // Polled once, so that it is on its way, and dropped.
        let _ = leaving.now_or_never();
    }
    put(store, &key("a"), "1").await;
    let pairs = transact_read::<_, Failure, _>(store, |tx| {
        let mut counts = [0, 0];
        for (count, space) in counts.iter_mut().zip(["left", "also"]) {
            tx.scan(Key::of(space).children(), Order::Ascending, 100, &mut |_, _| {
                *count += 1;
                ControlFlow::Continue(())
            })?;
        }
        Ok(counts)
    });
    let [left, also] = pairs.await.expect("the read ends well");
    assert_eq!(left, also);
    assert_eq!(read(store, |tx| tx.get(&key("a"))).await.as_deref(), Some(&b"1"[..]));
}
