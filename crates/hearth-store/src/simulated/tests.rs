use super::*;

mod without_faults {
    use super::*;

    crate::store_contract!(((), SimulatedStore::new(&World::simulated(7), Faults::default())));
}

mod with_every_closure_run_twice {
    use super::*;

    const RERUN: Faults =
        Faults { reruns_per_mille: 1_000, refused_commits_per_mille: 0, failed_syncs_per_mille: 0 };

    crate::store_contract!(((), SimulatedStore::new(&World::simulated(7), RERUN)));
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
