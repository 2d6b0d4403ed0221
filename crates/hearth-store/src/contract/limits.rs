//! What a transaction may not do.

use super::{get, key, put};
use crate::key::Key;
use crate::seam::{KEY_BYTES_MAX, Store, StoreError, Tx, TxResult, VALUE_BYTES_MAX, transact, transact_read};

/// 65,536 bytes.
pub async fn the_largest_value_is_kept_and_one_byte_more_is_refused(store: &dyn Store) {
    let put = |bytes: usize| {
        transact::<_, StoreError, _>(store, move |tx| tx.put(&key("a"), vec![7; bytes].into()))
    };
    put(VALUE_BYTES_MAX).await.expect("the largest value fits");
    let refused = put(VALUE_BYTES_MAX + 1).await;
    assert!(
        matches!(refused, Err(StoreError::ValueTooLarge { bytes: 65_537, limit: 65_536 })),
        "{refused:?}"
    );
    assert_eq!(get(store, &key("a")).await.map(|value| value.len()), Some(VALUE_BYTES_MAX));
}

/// 2,048 bytes as stored.
pub async fn the_longest_key_is_kept_and_one_byte_more_is_refused(store: &dyn Store) {
    let longest = Key::from_bytes(&[b'k'; KEY_BYTES_MAX]);
    let too_long = Key::from_bytes(&[b'k'; KEY_BYTES_MAX + 1]);
    put(store, &longest, "kept").await;
    assert_eq!(get(store, &longest).await.as_deref(), Some(&b"kept"[..]));
    let refused = transact::<_, StoreError, _>(store, move |tx| tx.put(&too_long, "refused".into())).await;
    assert!(matches!(refused, Err(StoreError::KeyTooLong { bytes: 2_049, limit: 2_048 })), "{refused:?}");
}

/// Neither put nor delete nor take.
pub async fn a_read_cannot_write(store: &dyn Store) {
    put(store, &key("a"), "1").await;
    let writes: [fn(&mut dyn Tx) -> TxResult<()>; 3] = [
        |tx| tx.put(&key("a"), "2".into()),
        |tx| tx.delete(&key("a")),
        |tx| tx.take(Key::of("contract").children(), 1).map(drop),
    ];
    for write in writes {
        let refused = transact_read::<(), StoreError, _>(store, write).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    }
    assert_eq!(get(store, &key("a")).await.as_deref(), Some(&b"1"[..]));
}

/// One time a submission.
pub async fn the_time_stands_still_in_a_transaction(store: &dyn Store) {
    let times = super::write(store, |tx| {
        let before = tx.now();
        tx.put(&key("a"), "1".into())?;
        Ok((before, tx.now()))
    });
    let (before, after) = times.await;
    assert_eq!(before, after);
}
