//! All of a transaction or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Failure, get, key, put, read, write};
use crate::seam::{Store, StoreError, TxResult, VALUE_BYTES_MAX, transact};

/// What the closure returns is the caller's, on success and on failure.
pub async fn a_transaction_returns_what_its_closure_decided(store: &dyn Store) {
    assert_eq!(write(store, |_| Ok("decided")).await, "decided");
    let refused = transact::<(), Failure, _>(store, |_| Err(Failure::Decided)).await;
    assert!(matches!(refused, Err(Failure::Decided)));
}

/// Nothing of it is there, for readers or for writers.
pub async fn a_failed_closure_leaves_nothing(store: &dyn Store) {
    let failed = transact::<(), Failure, _>(store, |tx| {
        tx.put(&key("a"), "1".into())?;
        tx.put(&key("b"), "2".into())?;
        Err(Failure::Decided)
    });
    assert!(matches!(failed.await, Err(Failure::Decided)));
    let seen = |tx: &mut dyn crate::Tx| tx.get_many(&[key("a"), key("b")]);
    assert_eq!(read(store, seen).await, [None, None]);
    assert_eq!(write(store, seen).await, [None, None]);
}

/// Overwritten, deleted and taken entries come back.
pub async fn a_failed_closure_leaves_what_was_there_before(store: &dyn Store) {
    for name in ["a", "b", "c"] {
        put(store, &key(name), "before").await;
    }
    let failed = transact::<(), Failure, _>(store, |tx| {
        tx.put(&key("a"), "after".into())?;
        tx.delete(&key("b"))?;
        tx.take(crate::Key::of("contract").children(), 9)?;
        Err(Failure::Decided)
    });
    assert!(matches!(failed.await, Err(Failure::Decided)));
    for name in ["a", "b", "c"] {
        assert_eq!(get(store, &key(name)).await.as_deref(), Some(&b"before"[..]));
    }
}

/// Puts, deletes and takes are seen by later steps.
pub async fn a_transaction_reads_its_own_writes(store: &dyn Store) {
    put(store, &key("old"), "1").await;
    let seen = write(store, |tx| {
        tx.put(&key("new"), "2".into())?;
        tx.delete(&key("old"))?;
        let after_writes = tx.get_many(&[key("old"), key("new")])?;
        let taken = tx.take(crate::Key::of("contract").children(), 9)?;
        Ok((after_writes, taken, tx.get(&key("new"))?))
    });
    let (after_writes, taken, after_take) = seen.await;
    assert_eq!(after_writes, [None, Some("2".into())]);
    assert_eq!(taken, [(key("new"), "2".into())]);
    assert_eq!(after_take, None);
}

/// The engine remembers the failure: no later step works, and there is no commit.
pub async fn a_step_that_failed_is_final_even_if_the_closure_ignores_it(store: &dyn Store) {
    let ignored = transact::<_, StoreError, _>(store, |tx| {
        tx.put(&key("a"), "1".into())?;
        let _ = tx.put(&key("b"), vec![0; VALUE_BYTES_MAX + 1].into());
        assert!(matches!(tx.get(&key("a")), Err(StoreError::ValueTooLarge { .. })));
        Ok(())
    });
    assert!(matches!(ignored.await, Err(StoreError::ValueTooLarge { .. })));
    assert_eq!(get(store, &key("a")).await, None);
}

/// The caller hears of it, and the next transaction works.
pub async fn a_panicking_closure_leaves_nothing_and_the_store_goes_on(store: &dyn Store) {
    let panicked = transact::<(), StoreError, _>(store, |tx| {
        tx.put(&key("a"), "1".into())?;
        panic!("announced: a closure of the contract panics")
    });
    assert!(matches!(panicked.await, Err(StoreError::Engine(_))));
    assert_eq!(get(store, &key("a")).await, None);
    put(store, &key("a"), "2").await;
    assert_eq!(get(store, &key("a")).await.as_deref(), Some(&b"2"[..]));
}

/// An acknowledged write is there, whoever reads next.
pub async fn a_committed_write_is_seen_by_the_next_read(store: &dyn Store) {
    for number in 0..50_u64 {
        write(store, move |tx| tx.put(&key("n"), number.to_string().into())).await;
        assert_eq!(get(store, &key("n")).await, Some(number.to_string().into()));
    }
}

/// However often the closure runs, its effect is that of one run, and its result is the last one's.
pub async fn a_closure_that_runs_again_happens_once(store: &dyn Store) {
    let runs = Arc::new(AtomicU32::new(0));
    for expected in 0..50_u32 {
        let runs = runs.clone();
        let result = write(store, move |tx| -> TxResult<(u32, u32)> {
            let run = runs.fetch_add(1, Ordering::SeqCst);
            let count = tx.get(&key("count"))?.map_or(0, |count| u32::from(count[0]));
            tx.put(&key("count"), vec![u8::try_from(count + 1).expect("fifty fit")].into())?;
            Ok((count, run))
        });
        let (count, run) = result.await;
        assert_eq!(count, expected);
        assert!(run >= expected);
    }
    assert_eq!(get(store, &key("count")).await.as_deref(), Some(&[50][..]));
}
