//! Random transactions against an ordered map.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::Failure;
use crate::key::{Key, KeyRange};
use crate::seam::{Order, Store, StoreError, Tx, TxResult, transact};

/// Random histories tried; each runs on the store as the one before left it.
const HISTORIES: u32 = 24;

type Map = BTreeMap<Vec<u8>, Bytes>;

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Get(Vec<u8>),
    Scan(KeyRange, Order, u32),
    Take(KeyRange, u32),
}

#[derive(Clone, Debug)]
struct Planned {
    steps: Vec<Step>,
    commit: bool,
}

/// What a step showed.
type Shown = Vec<(Vec<u8>, Bytes)>;

/// Any history of transactions leaves what the same history leaves in a map, and every step shows the same.
pub async fn random_transactions_do_what_an_ordered_map_does(store: &dyn Store) {
    let mut runner =
        TestRunner::new(Config { cases: HISTORIES, failure_persistence: None, ..Config::default() });
    let runtime = Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&vec(planned(), 1..12), |history| runtime.block_on(check(store, history)))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

async fn check(store: &dyn Store, history: Vec<Planned>) -> Result<(), TestCaseError> {
    let everything = KeyRange { from: Vec::new(), to: Vec::new() };
    let clear = everything.clone();
    let cleared = transact::<_, StoreError, _>(store, move |tx| tx.take(clear.clone(), u32::MAX)).await;
    cleared.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut model = Map::new();
    for planned in history {
        let mut changed = model.clone();
        let expected: Vec<Shown> = planned.steps.iter().map(|step| on_map(&mut changed, step)).collect();
        if planned.commit {
            model = changed;
        }
        let last = Step::Scan(everything.clone(), Order::Ascending, u32::MAX);
        prop_assert_eq!(on_store(store, planned).await, expected);
        let check = Planned { steps: vec![last.clone()], commit: true };
        prop_assert_eq!(on_store(store, check).await, [on_map(&mut model, &last)]);
    }
    Ok(())
}

async fn on_store(store: &dyn Store, planned: Planned) -> Vec<Shown> {
    let (sender, shown) = std::sync::mpsc::channel();
    let ended = transact::<(), Failure, _>(store, move |tx| {
        let all = planned.steps.iter().map(|step| on_tx(tx, step)).collect::<TxResult<Vec<Shown>>>()?;
        sender.send(all).expect("the test waits for it");
        if planned.commit { Ok(()) } else { Err(Failure::Decided) }
    });
    if let Err(Failure::Store(error)) = ended.await {
        panic!("no step is against the rules: {error}");
    }
    shown.try_iter().last().expect("the closure has run")
}

fn on_tx(tx: &mut dyn Tx, step: &Step) -> TxResult<Shown> {
    let mut shown = Shown::new();
    match step {
        Step::Put(key, value) => tx.put(&Key::from_bytes(key), Bytes::copy_from_slice(value))?,
        Step::Delete(key) => tx.delete(&Key::from_bytes(key))?,
        Step::Get(key) => shown.extend(tx.get(&Key::from_bytes(key))?.map(|value| (key.clone(), value))),
        Step::Scan(range, order, limit) => tx.scan(range.clone(), *order, *limit, &mut |key, value| {
            shown.push((key.to_vec(), Bytes::copy_from_slice(value)));
            ControlFlow::Continue(())
        })?,
        Step::Take(range, n) => {
            shown.extend(
                tx.take(range.clone(), *n)?.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)),
            );
        }
    }
    Ok(shown)
}

fn on_map(map: &mut Map, step: &Step) -> Shown {
    match step {
        Step::Put(key, value) => drop(map.insert(key.clone(), Bytes::copy_from_slice(value))),
        Step::Delete(key) => drop(map.remove(key)),
        Step::Get(key) => {
            return map.get_key_value(key).map(|(k, v)| (k.clone(), v.clone())).into_iter().collect();
        }
        Step::Scan(range, order, limit) => return in_range(map, range, *order, *limit),
        Step::Take(range, n) => {
            let taken = in_range(map, range, Order::Ascending, *n);
            taken.iter().for_each(|(key, _)| drop(map.remove(key)));
            return taken;
        }
    }
    Shown::new()
}

fn in_range(map: &Map, range: &KeyRange, order: Order, limit: u32) -> Shown {
    let from = map.range((Bound::Included(range.from.clone()), Bound::Unbounded));
    let inside = from.filter(|(key, _)| range.to.is_empty() || **key < range.to);
    let mut all: Shown = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
    if order == Order::Descending {
        all.reverse();
    }
    all.truncate(limit as usize);
    all
}

/// Few short keys, so that they meet; with the bytes that ordering and escaping turn on.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xff)], 0..3)
}

fn range() -> impl Strategy<Value = KeyRange> {
    (key(), key()).prop_map(|(from, to)| KeyRange { from, to })
}

fn step() -> impl Strategy<Value = Step> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let limit = prop_oneof![0..6_u32, Just(u32::MAX)];
    prop_oneof![
        4 => (key(), vec(any::<u8>(), 0..4)).prop_map(|(key, value)| Step::Put(key, value)),
        1 => key().prop_map(Step::Delete),
        1 => key().prop_map(Step::Get),
        2 => (range(), order, limit).prop_map(|(range, order, limit)| Step::Scan(range, order, limit)),
        1 => (range(), 0..3_u32).prop_map(|(range, n)| Step::Take(range, n)),
    ]
}

fn planned() -> impl Strategy<Value = Planned> {
    (vec(step(), 1..12), any::<bool>()).prop_map(|(steps, commit)| Planned { steps, commit })
}
