//! Order, ranges, limits.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::{get, key, put, read, write};
use crate::key::{Key, KeyRange};
use crate::seam::{Order, Store, Tx, TxResult};

const ALL: u32 = u32::MAX;

fn names(tx: &mut dyn Tx, range: KeyRange, order: Order, limit: u32) -> TxResult<Vec<String>> {
    let mut names = Vec::new();
    tx.scan(range, order, limit, &mut |_, value| {
        names.push(String::from_utf8_lossy(value).into_owned());
        ControlFlow::Continue(())
    })?;
    Ok(names)
}

async fn scanned(store: &dyn Store, range: KeyRange, order: Order, limit: u32) -> Vec<String> {
    read(store, move |tx| names(tx, range.clone(), order, limit)).await
}

async fn fill(store: &dyn Store) {
    for name in ["c", "a", "e", "b", "d"] {
        put(store, &key(name), name).await;
    }
}

/// Absent ones are `None` at their place; a key may be asked for twice.
pub async fn values_come_in_the_order_of_their_keys_asked_for(store: &dyn Store) {
    fill(store).await;
    let values = read(store, |tx| tx.get_many(&[key("d"), key("absent"), key("a"), key("d")])).await;
    assert_eq!(values, [Some("d".into()), None, Some("a".into()), Some("d".into())]);
}

/// Smallest or largest first, never more than the limit.
pub async fn a_scan_runs_both_ways_and_ends_at_its_limit(store: &dyn Store) {
    fill(store).await;
    let children = || Key::of("contract").children();
    assert_eq!(scanned(store, children(), Order::Ascending, ALL).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(scanned(store, children(), Order::Descending, ALL).await, ["e", "d", "c", "b", "a"]);
    assert_eq!(scanned(store, children(), Order::Ascending, 2).await, ["a", "b"]);
    assert_eq!(scanned(store, children(), Order::Descending, 2).await, ["e", "d"]);
    assert!(scanned(store, children(), Order::Ascending, 0).await.is_empty());
}

/// `each` sees nothing after it broke, and the transaction goes on.
pub async fn a_scan_ends_where_it_is_told_to(store: &dyn Store) {
    fill(store).await;
    let seen = write(store, |tx| {
        let mut seen = Vec::new();
        tx.scan(Key::of("contract").children(), Order::Ascending, ALL, &mut |_, value| {
            seen.push(value.to_vec());
            if value == b"b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        tx.delete(&key("a"))?;
        Ok(seen)
    });
    assert_eq!(seen.await, [b"a", b"b"]);
    assert_eq!(get(store, &key("a")).await, None);
}

/// An empty end is the end of all; an end before the beginning is an empty range.
pub async fn a_scan_begins_with_the_first_key_and_ends_before_the_last(store: &dyn Store) {
    fill(store).await;
    let bytes = |name: &str| key(name).as_bytes().to_vec();
    let range = |from: &str, to: &str| KeyRange { from: bytes(from), to: bytes(to) };
    for (order, expected) in [(Order::Ascending, ["b", "c"]), (Order::Descending, ["c", "b"])] {
        assert_eq!(scanned(store, range("b", "d"), order, ALL).await, expected);
    }
    for (order, expected) in [(Order::Ascending, ["d", "e"]), (Order::Descending, ["e", "d"])] {
        let to_end = KeyRange { from: bytes("d"), to: Vec::new() };
        assert_eq!(scanned(store, to_end, order, ALL).await, expected);
        assert!(scanned(store, range("d", "b"), order, ALL).await.is_empty());
        assert!(scanned(store, range("c", "c"), order, ALL).await.is_empty());
    }
}

/// What the transaction deleted counts for nothing: a scan looks further, and shows each key once, both ways, the
/// empty one too.
pub async fn a_scan_looks_past_what_its_transaction_deleted(store: &dyn Store) {
    const KEYS: [&[u8]; 3] = [b"", b"\0", b"a"];
    for (case, order) in (0..16_usize).map(|case| (case, [Order::Ascending, Order::Descending][case % 2])) {
        let (gone, mut left): (Vec<_>, Vec<_>) =
            KEYS.into_iter().enumerate().partition(|(place, _)| case >> (place + 1) & 1 == 1);
        if order == Order::Descending {
            left.reverse();
        }
        write(store, |tx| {
            KEYS.iter().try_for_each(|key| tx.put(&Key::from_bytes(key), Bytes::copy_from_slice(key)))
        })
        .await;
        let seen = write(store, move |tx| {
            gone.iter().try_for_each(|(_, key)| tx.delete(&Key::from_bytes(key)))?;
            let everything = || KeyRange { from: Vec::new(), to: Vec::new() };
            (1..=3).map(|limit| names(tx, everything(), order, limit)).collect::<TxResult<Vec<_>>>()
        });
        let left: Vec<_> =
            left.into_iter().map(|(_, key)| String::from_utf8_lossy(key).into_owned()).collect();
        for (seen, limit) in seen.await.into_iter().zip(1..) {
            let expected: Vec<_> = left.iter().take(limit).cloned().collect();
            assert_eq!(seen, expected, "case {case}, limit {limit}");
        }
    }
}

/// Only what has more parts than the key.
pub async fn the_children_of_a_key_are_neither_itself_nor_its_neighbours(store: &dyn Store) {
    put(store, &key("a"), "itself").await;
    put(store, &key("a").text(""), "first").await;
    put(store, &key("a").number(u64::MAX), "last").await;
    put(store, &key("a\0"), "neighbour").await;
    put(store, &key("ab"), "neighbour").await;
    let children = scanned(store, key("a").children(), Order::Ascending, ALL).await;
    assert_eq!(children, ["first", "last"]);
}

/// Pages without a gap and without a repetition.
pub async fn a_listing_goes_on_after_the_last_key_of_its_page(store: &dyn Store) {
    fill(store).await;
    let rest = Key::of("contract").children_after(&key("b"));
    assert_eq!(scanned(store, rest, Order::Ascending, 2).await, ["c", "d"]);
    let rest = Key::of("contract").children_after(&key("d"));
    assert_eq!(scanned(store, rest, Order::Ascending, 2).await, ["e"]);
}

/// And leaves the others.
pub async fn a_take_removes_the_first_entries_in_order(store: &dyn Store) {
    fill(store).await;
    let taken = write(store, |tx| tx.take(Key::of("contract").children(), 2)).await;
    assert_eq!(taken, [(key("a"), "a".into()), (key("b"), "b".into())]);
    let left = scanned(store, Key::of("contract").children(), Order::Ascending, ALL).await;
    assert_eq!(left, ["c", "d", "e"]);
}
