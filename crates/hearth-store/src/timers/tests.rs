use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hearth_world::{TaskGroup, World, within};
use proptest::prelude::*;

use super::*;
use crate::seam::{StoreError, Tx, TxResult, transact, transact_read};
use crate::{Faults, SimulatedStore};

const KIND: &str = "test/alarm";
const LEASE: Duration = Duration::from_secs(10);

async fn write<T: Send + 'static>(
    store: &SimulatedStore,
    mut body: impl FnMut(&mut dyn Tx) -> TxResult<T> + Send + 'static,
) -> Result<T, StoreError> {
    transact::<T, StoreError, _>(store, move |tx| body(tx)).await
}

fn timer(world: &World, id: &str, after_seconds: u64) -> Timer {
    let due = world.domain().now().after(Duration::from_secs(after_seconds));
    Timer { kind: KIND, id: id.to_owned(), due, payload: Bytes::from_static(b"what for") }
}

async fn claimed(store: &SimulatedStore, owner: u128, n: u32) -> Vec<Fired> {
    write(store, move |tx| table::claim(tx, KIND, owner, LEASE, n, (&|_| false, 0))).await.unwrap()
}

fn ids(fired: &[Fired]) -> Vec<&str> {
    fired.iter().map(|fired| fired.id.as_str()).collect()
}

#[tokio::test]
async fn timers_fire_in_the_order_of_their_times_and_not_before() {
    let world = World::simulated(7);
    let store = SimulatedStore::new(&world, Faults::default());
    for (id, after) in [("late", 30), ("soon", 10), ("later", 60)] {
        let timer = timer(&world, id, after);
        write(&store, move |tx| set(tx, &timer)).await.unwrap();
    }
    world.domain().advance(Duration::from_secs(9));
    assert!(claimed(&store, 1, 10).await.is_empty());
    world.domain().advance(Duration::from_secs(21));
    assert_eq!(ids(&claimed(&store, 1, 10).await), ["soon", "late"]);
    let waiting = write(&store, |tx| waiting(tx, KIND, None, 10)).await.unwrap();
    let claims: Vec<_> = waiting.iter().map(|timer| (timer.id.as_str(), timer.claimed)).collect();
    assert_eq!(claims, [("late", true), ("later", false), ("soon", true)]);
}

#[tokio::test]
async fn a_claimed_timer_fires_again_when_its_server_died_and_the_first_claim_settles_nothing() {
    let world = World::simulated(7);
    let store = SimulatedStore::new(&world, Faults::default());
    let alarm = timer(&world, "alarm", 0);
    write(&store, move |tx| set(tx, &alarm)).await.unwrap();
    let first = claimed(&store, 1, 10).await.remove(0);
    world.domain().advance(Duration::from_secs(9));
    assert!(claimed(&store, 2, 10).await.is_empty(), "the claim lasts");
    world.domain().advance(Duration::from_secs(1));
    let second = claimed(&store, 2, 10).await.remove(0);
    assert_eq!((second.attempts, second.epoch()), (2, 2));
    assert!(!write(&store, move |tx| first.settle(tx)).await.unwrap());
    assert!(write(&store, move |tx| second.settle(tx)).await.unwrap());
    assert_eq!(write(&store, |tx| get(tx, KIND, "alarm")).await.unwrap(), None);
}

#[tokio::test]
async fn a_timer_that_is_set_anew_or_cancelled_cannot_be_settled_by_who_has_it() {
    let world = World::simulated(7);
    let store = SimulatedStore::new(&world, Faults::default());
    let alarm = timer(&world, "alarm", 0);
    let (again, now) = (Timer { due: alarm.due.after(Duration::from_secs(99)), ..alarm.clone() }, alarm.due);
    write(&store, move |tx| set(tx, &alarm)).await.unwrap();
    let fired = claimed(&store, 1, 10).await.remove(0);
    let due = again.due;
    write(&store, move |tx| set(tx, &again)).await.unwrap();
    let late = fired.clone();
    assert!(!write(&store, move |tx| late.again(tx, now)).await.unwrap());
    let found = write(&store, |tx| get(tx, KIND, "alarm")).await.unwrap().unwrap();
    assert_eq!((found.due, found.attempts, found.claimed), (due, 0, false));
    assert!(write(&store, |tx| cancel(tx, KIND, "alarm")).await.unwrap());
    assert!(!write(&store, |tx| cancel(tx, KIND, "alarm")).await.unwrap());
    assert_eq!(write(&store, |tx| soonest(tx, KIND)).await.unwrap(), None, "nothing stays in the index");
    assert!(!write(&store, move |tx| fired.settle(tx)).await.unwrap());
}

/// What may happen to timers.
#[derive(Clone, Debug)]
enum Act {
    Set(u8, u64),
    Cancel(u8),
    Claim(u32),
    /// The oldest claim is settled, or fires again.
    Settle(bool),
    Pass(u64),
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..5_u8, 0..40_u64).prop_map(|(id, after)| Act::Set(id, after)),
        1 => (0..5_u8).prop_map(Act::Cancel),
        4 => (1..4_u32).prop_map(Act::Claim),
        3 => any::<bool>().prop_map(Act::Settle),
        3 => (0..15_u64).prop_map(Act::Pass),
        1 => Just(Act::Crash),
    ]
}

/// The timers as they must be: when each is due, and which claim counts.
#[derive(Default)]
struct Model {
    timers: BTreeMap<String, (hearth_world::Timestamp, Option<u128>)>,
}

async fn follows_the_model(seed: u64, acts: Vec<Act>) {
    let world = World::simulated(seed);
    let faults = Faults { reruns_per_mille: 300, refused_commits_per_mille: 200, ..Faults::default() };
    let store = SimulatedStore::new(&world, faults);
    let (mut model, mut claims, mut owner) = (Model::default(), Vec::<(u128, Fired)>::new(), 0);
    for act in acts {
        let now = world.domain().now();
        match act {
            Act::Set(id, after) => {
                let timer = timer(&world, &id.to_string(), after);
                let (id, due) = (timer.id.clone(), timer.due);
                if write(&store, move |tx| set(tx, &timer)).await.is_ok() {
                    model.timers.insert(id, (due, None));
                }
            }
            Act::Cancel(id) => {
                let id = id.to_string();
                let named = id.clone();
                if let Ok(was_there) = write(&store, move |tx| cancel(tx, KIND, &named)).await {
                    assert_eq!(was_there, model.timers.remove(&id).is_some());
                }
            }
            Act::Claim(n) => {
                owner += 1;
                let me = owner;
                let mut due: Vec<_> = model.timers.iter().filter(|(_, (due, _))| *due <= now).collect();
                due.sort_by_key(|(id, (due, _))| (*due, (*id).clone()));
                let expected: Vec<String> =
                    due.into_iter().take(n as usize).map(|(id, _)| id.clone()).collect();
                if let Ok(fired) =
                    write(&store, move |tx| table::claim(tx, KIND, me, LEASE, n, (&|_| false, 0))).await
                {
                    assert_eq!(ids(&fired), expected);
                    for fired in fired {
                        model.timers.insert(fired.id.clone(), (now.after(LEASE), Some(me)));
                        claims.push((me, fired));
                    }
                }
            }
            Act::Settle(done) if !claims.is_empty() => {
                let (me, fired) = claims.remove(0);
                let counts = model.timers.get(&fired.id).is_some_and(|(_, claim)| *claim == Some(me));
                let id = fired.id.clone();
                let settled = write(&store, move |tx| {
                    let now = tx.now();
                    if done { fired.settle(tx) } else { fired.again(tx, now) }
                });
                if let Ok(settled) = settled.await {
                    assert_eq!(settled, counts);
                    match (counts, done) {
                        (true, true) => drop(model.timers.remove(&id)),
                        (true, false) => drop(model.timers.insert(id, (now, None))),
                        (false, _) => {}
                    }
                }
            }
            Act::Settle(_) => {}
            Act::Pass(seconds) => world.domain().advance(Duration::from_secs(seconds)),
            Act::Crash => store.crash(),
        }
        let found =
            transact_read::<_, StoreError, _>(&store, |tx| waiting(tx, KIND, None, 100)).await.unwrap();
        let found: BTreeMap<_, _> = found.into_iter().map(|it| (it.id, (it.due, it.claimed))).collect();
        let wanted: BTreeMap<_, _> =
            model.timers.iter().map(|(id, (due, claim))| (id.clone(), (*due, claim.is_some()))).collect();
        assert_eq!(found, wanted);
        let soonest = transact_read::<_, StoreError, _>(&store, |tx| soonest(tx, KIND)).await.unwrap();
        assert_eq!(soonest, model.timers.values().map(|(due, _)| *due).min());
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_timer_has_one_claim_and_one_place_in_the_order(
        seed: u64,
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(follows_the_model(seed, acts));
    }
}

/// Two servers over one store, which work off what is set and count it.
#[tokio::test]
async fn two_servers_fire_each_timer_once() {
    let world = World::simulated(7);
    let store = Arc::new(SimulatedStore::new(&world, Faults { reruns_per_mille: 300, ..Faults::default() }));
    let tasks = TaskGroup::new();
    let seen: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    for _ in 0..2 {
        let seen = seen.clone();
        let timers = Timers::new(store.clone(), world.clone()).on(KIND, move |fired| {
            *seen.lock().unwrap().entry(fired.id).or_default() += 1;
            async { Fate::Done }
        });
        timers.spawn(&tasks);
    }
    for number in 0..100 {
        let timer = timer(&world, &number.to_string(), number % 7);
        write(&store, move |tx| set(tx, &timer)).await.unwrap();
    }
    within("all timers have fired", async {
        while transact_read::<_, StoreError, _>(&*store, |tx| soonest(tx, KIND)).await.unwrap().is_some() {
            // Virtual time: to the next timer, and only while no handler works.
            world.domain().jump();
            tokio::task::yield_now().await;
        }
    })
    .await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.len(), seen.values().max()), (100, Some(&1)));
    tasks.stop();
}

#[tokio::test]
async fn a_timer_whose_handler_fails_or_panics_fires_again() {
    let world = World::simulated(7);
    let store = Arc::new(SimulatedStore::new(&world, Faults::default()));
    let (tasks, attempts) = (TaskGroup::new(), Arc::new(AtomicU32::new(0)));
    let (done, mut waits) = tokio::sync::watch::channel(0);
    let counted = attempts.clone();
    let timers = Timers::new(store.clone(), world.clone()).on(KIND, move |fired| {
        let (attempt, done) = (counted.fetch_add(1, Ordering::SeqCst), done.clone());
        async move {
            done.send_replace(fired.attempts);
            match attempt {
                0 => Fate::Failed("not yet".into()),
                1 => panic!("not this time"),
                _ => Fate::Done,
            }
        }
    });
    timers.spawn(&tasks);
    let alarm = timer(&world, "alarm", 0);
    write(&store, move |tx| set(tx, &alarm)).await.unwrap();
    for attempt in 1..=3 {
        within("the next attempt", waits.wait_for(|seen| *seen == attempt)).await.unwrap();
        within("the handler is over", async {
            while tasks.running() > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        world.domain().advance(LEASE);
    }
    within("the timer is gone", async {
        while write(&store, |tx| get(tx, KIND, "alarm")).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    tasks.stop();
}

/// A store that stalls, or a clock that is set forward, must not make a server rob itself.
#[tokio::test]
async fn a_handler_that_works_longer_than_its_claim_keeps_it_from_its_own_server() {
    let world = World::simulated(7);
    let store = Arc::new(SimulatedStore::new(&world, Faults::default()));
    let tasks = TaskGroup::new();
    let (told, mut seen) = tokio::sync::watch::channel((String::new(), false));
    let release = Arc::new(tokio::sync::Notify::new());
    let (kept, released) = (store.clone(), release.clone());
    let timers = Timers::new(store.clone(), world.clone()).on(KIND, move |fired| {
        let (told, store, release) = (told.clone(), kept.clone(), released.clone());
        async move {
            if fired.id == "slow" {
                told.send_replace((fired.id.clone(), true));
                release.notified().await;
            }
            let claim = fired.clone();
            let mine = write(&store, move |tx| claim.is_mine(tx)).await.unwrap();
            told.send_replace((fired.id, mine));
            Fate::Done
        }
    });
    timers.spawn(&tasks);
    let slow = timer(&world, "slow", 0);
    write(&store, move |tx| set(tx, &slow)).await.unwrap();
    within("the slow one works", seen.wait_for(|(id, _)| id == "slow")).await.unwrap();
    world.domain().advance(Duration::from_secs(3_600));
    // When this one has fired, the runner has seen the other claim's end as well.
    let quick = timer(&world, "quick", 0);
    write(&store, move |tx| set(tx, &quick)).await.unwrap();
    within("the quick one fires", seen.wait_for(|(id, _)| id == "quick")).await.unwrap();
    release.notify_one();
    let is_mine = within("the slow one ends", seen.wait_for(|(id, _)| id == "slow")).await.unwrap().1;
    assert!(is_mine, "the claim is still the handler's");
    tasks.stop();
}

#[tokio::test]
async fn a_timer_that_its_handler_sets_anew_fires_when_that_handler_has_ended_and_keeps_no_other_from_firing()
{
    let world = World::simulated(7);
    let store = Arc::new(SimulatedStore::new(&world, Faults::default()));
    let tasks = TaskGroup::new();
    let (told, mut seen) = tokio::sync::watch::channel(Vec::new());
    let release = Arc::new(tokio::sync::Notify::new());
    let (kept, released, clock) = (store.clone(), release.clone(), world.clone());
    let timers = Timers::new(store.clone(), world.clone()).on(KIND, move |fired| {
        let (told, store, release, again) =
            (told.clone(), kept.clone(), released.clone(), timer(&clock, "slow", 0));
        async move {
            let is_first = fired.id == "slow" && !told.borrow().contains(&fired.id);
            if is_first {
                write(&store, move |tx| set(tx, &again)).await.unwrap();
            }
            told.send_modify(|all| all.push(fired.id));
            if is_first {
                release.notified().await;
            }
            Fate::Done
        }
    });
    timers.spawn(&tasks);
    let slow = timer(&world, "slow", 0);
    write(&store, move |tx| set(tx, &slow)).await.unwrap();
    within("it fires", seen.wait_for(|all| all.len() == 1)).await.unwrap();
    // The clock stands still from here on: whatever waits for it waits for ever.
    let quick = timer(&world, "quick", 0);
    write(&store, move |tx| set(tx, &quick)).await.unwrap();
    within("the other one fires", seen.wait_for(|all| all.len() == 2)).await.unwrap();
    release.notify_one();
    let all = within("it fires again", seen.wait_for(|all| all.len() == 3)).await.unwrap().clone();
    assert_eq!(all, ["slow", "quick", "slow"]);
    tasks.stop();
}

#[tokio::test]
async fn timers_of_one_kind_that_are_always_due_keep_no_other_kind_from_firing() {
    const OTHER: &str = "test/other";
    let world = World::simulated(7);
    let store = Arc::new(SimulatedStore::new(&world, Faults::default()));
    let (tasks, fired) = (TaskGroup::new(), Arc::new(AtomicU32::new(0)));
    // More than there are places for.
    for number in 0..100 {
        let timer = timer(&world, &number.to_string(), 0);
        write(&store, move |tx| set(tx, &timer)).await.unwrap();
    }
    let other = Timer { kind: OTHER, ..timer(&world, "other", 0) };
    write(&store, move |tx| set(tx, &other)).await.unwrap();
    let counted = fired.clone();
    let timers = Timers::new(store.clone(), world.clone())
        .on(KIND, |_| async { Fate::Again(Duration::ZERO) })
        .on(OTHER, move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Fate::Done }
        });
    timers.spawn(&tasks);
    within("the other kind fires", async {
        while fired.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    tasks.stop();
}
