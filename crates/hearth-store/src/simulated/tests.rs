use super::*;

mod without_faults {
    use super::*;

    crate::store_contract!({
        let seed = crate::contract::Seed::pick();
        let store = SimulatedStore::new(&seed.world(), Faults::default());
        (seed, store)
    });
}

mod with_every_closure_run_twice {
    use super::*;

    const RERUN: Faults =
        Faults { reruns_per_mille: 1_000, refused_commits_per_mille: 0, failed_syncs_per_mille: 0 };

    crate::store_contract!({
        let seed = crate::contract::Seed::pick();
        let store = SimulatedStore::new(&seed.world(), RERUN);
        (seed, store)
    });
}

use futures_util::future::join_all;
use proptest::prelude::*;

use crate::seam::{transact, transact_read};

fn numbered(number: u64) -> Key {
    Key::of("test").number(number)
}

async fn put(store: &SimulatedStore, number: u64) -> Result<(), StoreError> {
    let pair = [numbered(number), numbered(number + 1_000)];
    transact(store, move |tx| pair.iter().try_for_each(|key| tx.put(key, "".into()))).await
}

async fn is_there(store: &SimulatedStore, number: u64) -> bool {
    let pair = [numbered(number), numbered(number + 1_000)];
    let found = transact_read::<_, StoreError, _>(store, move |tx| tx.get_many(&pair)).await.unwrap();
    assert_eq!(found[0], found[1], "half a transaction is there");
    found[0].is_some()
}

#[tokio::test]
async fn the_same_seed_brings_the_same_faults() {
    let run = |seed| async move {
        let faults = Faults { refused_commits_per_mille: 300, ..Faults::default() };
        let store = SimulatedStore::new(&World::simulated(seed), faults);
        let results = join_all((0..100).map(|number| put(&store, number))).await;
        results.iter().map(Result::is_ok).collect::<Vec<_>>()
    };
    assert_eq!(run(1).await, run(1).await);
    assert_ne!(run(1).await, run(2).await);
}

#[tokio::test]
async fn after_a_failed_sync_only_a_crash_brings_the_store_back() {
    let faults = Faults { failed_syncs_per_mille: 1_000, ..Faults::default() };
    let store = SimulatedStore::new(&World::simulated(7), faults);
    assert!(matches!(put(&store, 1).await, Err(StoreError::Poisoned(_))));
    let read = transact_read::<_, StoreError, _>(&store, |tx| tx.get(&numbered(1))).await;
    assert!(matches!(read, Err(StoreError::Poisoned(_))));
    store.crash();
    transact_read::<_, StoreError, _>(&store, |tx| tx.get(&numbered(1))).await.unwrap();
}

/// What is there after a crash is a history that ends somewhere between what was acknowledged last and what was
/// committed last: nothing in the middle is missing, and no part of a transaction.
#[tokio::test]
async fn a_crash_leaves_the_beginning_of_the_history() {
    const WRITERS: u64 = 40;
    const SLOTS: u64 = 5;
    let seed = crate::contract::Seed::pick();
    let world = seed.world();
    let faults = Faults { reruns_per_mille: 200, refused_commits_per_mille: 100, failed_syncs_per_mille: 20 };
    let store = SimulatedStore::new(&world, faults);
    let slots: Vec<Key> = (0..SLOTS).map(|slot| Key::of("slot").number(slot)).collect();
    let mut highest = 0;
    for _ in 0..50 {
        // Each transaction counts up and leaves its number in some of the slots.
        let mut writes = Vec::new();
        for _ in 0..world.random().below(WRITERS) {
            let (slots, chosen) = (slots.clone(), world.random().below(1 << SLOTS));
            writes.push(transact::<_, StoreError, _>(&store, move |tx| {
                let count = tx.get(&Key::of("count"))?;
                let next =
                    count.map_or(0, |count| u64::from_be_bytes(count.as_ref().try_into().unwrap())) + 1;
                let bytes = bytes::Bytes::copy_from_slice(&next.to_be_bytes());
                tx.put(&Key::of("count"), bytes.clone())?;
                tx.put(&Key::of("history").number(next), vec![chosen as u8].into())?;
                let mine = slots.iter().enumerate().filter(|(slot, _)| chosen >> slot & 1 == 1);
                mine.map(|(_, key)| key).try_for_each(|key| tx.put(key, bytes.clone()))?;
                Ok(next)
            }));
        }
        let crash = async {
            for _ in 0..world.random().below(4) {
                tokio::task::yield_now().await;
            }
            store.crash();
        };
        let (results, ()) = futures_util::future::join(join_all(writes), crash).await;
        let acknowledged = results.into_iter().flatten().max().unwrap_or(0).max(highest);
        store.crash();
        highest = history_is_whole(&store, &slots).await;
        assert!(highest >= acknowledged, "{acknowledged} was acknowledged, and {highest} is there");
    }
}

/// Checks that counter, history and slots are of one moment, and returns its number.
async fn history_is_whole(store: &SimulatedStore, slots: &[Key]) -> u64 {
    let (keys, slot_count) = (slots.to_vec(), slots.len());
    let (count, found, history) = transact_read::<_, StoreError, _>(store, move |tx| {
        let number = |bytes: bytes::Bytes| u64::from_be_bytes(bytes.as_ref().try_into().unwrap());
        let count = tx.get(&Key::of("count"))?.map_or(0, number);
        let found: Vec<u64> = tx.get_many(&keys)?.into_iter().map(|slot| slot.map_or(0, number)).collect();
        let history: Vec<Key> = (1..=count).map(|number| Key::of("history").number(number)).collect();
        let after = tx.get(&Key::of("history").number(count + 1))?;
        assert_eq!(after, None, "a transaction after the last one");
        Ok((count, found, tx.get_many(&history)?))
    })
    .await
    .unwrap();
    let mut expected = vec![0; slot_count];
    for (number, chosen) in (1..).zip(history) {
        let chosen = chosen.expect("no transaction of the history is missing")[0];
        (0..slot_count).filter(|slot| chosen >> slot & 1 == 1).for_each(|slot| expected[slot] = number);
    }
    assert_eq!(found, expected);
    count
}

proptest! {
    /// Whatever fails, whenever the power goes: what was acknowledged is there, and the rest is whole or absent.
    #[test]
    fn no_crash_loses_what_was_acknowledged(
        seed in any::<u64>(),
        refused_commits_per_mille in 0..200_u32,
        failed_syncs_per_mille in 0..100_u32,
        crash_after in proptest::collection::vec(0..8_u64, 1..6),
    ) {
        let faults = Faults { reruns_per_mille: 200, refused_commits_per_mille, failed_syncs_per_mille };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SimulatedStore::new(&World::simulated(seed), faults);
            let mut acknowledged = Vec::new();
            for (round, writers) in (0..).zip(crash_after) {
                let numbers: Vec<u64> = (0..writers).map(|writer| round * 10 + writer).collect();
                let all = join_all(numbers.iter().map(|number| put(&store, *number)));
                // Some are committed and not yet synced when the power goes.
                let (results, ()) = futures_util::future::join(all, async { store.crash() }).await;
                let ok = numbers.into_iter().zip(results).filter(|(_, result)| result.is_ok());
                acknowledged.extend(ok.map(|(number, _)| number));
                let late = put(&store, round * 10 + 9).await;
                acknowledged.extend(late.is_ok().then_some(round * 10 + 9));
                store.crash();
                for number in &acknowledged {
                    assert!(is_there(&store, *number).await);
                }
            }
            for number in 0..60 {
                is_there(&store, number).await;
            }
        });
    }
}
