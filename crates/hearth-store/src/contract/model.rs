//! Random transactions against an ordered map.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Handle;

use super::Seed;
use crate::key::{Key, KeyRange};
use crate::seam::{Abort, Job, Kind, Order, Store, Tx, TxResult};

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
    run(&vec(planned(step()), 1..12), |history| check(store, history));
}

/// The same of histories that are submitted at once, to an engine that runs them in their order.
pub async fn random_transactions_that_wait_together_do_what_they_do_alone(store: &dyn Store) {
    run(&vec(planned(step()), 2..16), |history| check_together(store, Kind::Write, history));
}

/// The same of takers that only take and write.
pub async fn random_takers_that_wait_together_do_what_they_do_alone(store: &dyn Store) {
    run(&vec(planned(step_of_a_taker()), 2..16), |history| check_together(store, Kind::Take, history));
}

fn run<C: Future<Output = Result<(), TestCaseError>>>(
    histories: &impl Strategy<Value = Vec<Planned>>,
    check: impl Fn(Vec<Planned>) -> C,
) {
    let seed = Seed::pick();
    let runtime = Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        seed.runner(HISTORIES).run(histories, |history| runtime.block_on(check(history)))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

async fn check(store: &dyn Store, history: Vec<Planned>) -> Result<(), TestCaseError> {
    clear(store).await;
    let mut model = Map::new();
    for planned in history {
        let expected = on_model(&mut model, &planned);
        prop_assert_eq!(on_store(store, Kind::Write, planned).await, expected);
        prop_assert_eq!(entries(store).await, in_map(&model));
    }
    Ok(())
}

async fn check_together(store: &dyn Store, kind: Kind, history: Vec<Planned>) -> Result<(), TestCaseError> {
    clear(store).await;
    let mut model = Map::new();
    let expected: Vec<_> = history.iter().map(|planned| on_model(&mut model, planned)).collect();
    let shown = join_all(history.into_iter().map(|planned| on_store(store, kind, planned)));
    prop_assert_eq!(shown.await, expected);
    prop_assert_eq!(entries(store).await, in_map(&model));
    Ok(())
}

fn everything() -> KeyRange {
    KeyRange { from: Vec::new(), to: Vec::new() }
}

async fn clear(store: &dyn Store) {
    let steps = vec![Step::Take(everything(), u32::MAX)];
    on_store(store, Kind::Write, Planned { steps, commit: true }).await;
}

async fn entries(store: &dyn Store) -> Vec<Shown> {
    let steps = vec![Step::Scan(everything(), Order::Ascending, u32::MAX)];
    on_store(store, Kind::Write, Planned { steps, commit: true }).await
}

fn in_map(model: &Map) -> Vec<Shown> {
    vec![model.iter().map(|(key, value)| (key.clone(), value.clone())).collect()]
}

/// What each step shows; the map has what a commit leaves.
fn on_model(model: &mut Map, planned: &Planned) -> Vec<Shown> {
    let mut changed = model.clone();
    let shown = planned.steps.iter().map(|step| on_map(&mut changed, step)).collect();
    if planned.commit {
        *model = changed;
    }
    shown
}

async fn on_store(store: &dyn Store, kind: Kind, planned: Planned) -> Vec<Shown> {
    let (sender, shown) = std::sync::mpsc::channel();
    let job: Job = Box::new(move |tx| {
        let all = planned.steps.iter().map(|step| on_tx(tx, step)).collect::<TxResult<Vec<Shown>>>()?;
        sender.send(all).expect("the test waits for it");
        if planned.commit { Ok(()) } else { Err(Abort::Decided) }
    });
    store.submit(kind, job).await.expect("no step is against the rules");
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

/// Without what a taker reads under the rules of a writer.
fn step_of_a_taker() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (key(), vec(any::<u8>(), 0..4)).prop_map(|(key, value)| Step::Put(key, value)),
        1 => key().prop_map(Step::Delete),
        3 => (range(), 0..4_u32).prop_map(|(range, n)| Step::Take(range, n)),
    ]
}

fn planned(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Planned> {
    (vec(step, 1..12), any::<bool>()).prop_map(|(steps, commit)| Planned { steps, commit })
}
