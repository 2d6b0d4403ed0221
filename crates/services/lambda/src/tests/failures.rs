use std::collections::BTreeSet;

use hearth_store::{Faults, SimulatedStore};
use proptest::prelude::*;

use super::*;

/// What a caller was told, over a store that reruns, refuses and loses what nobody was promised.
async fn told(seed: u64) {
    let world = World::simulated(seed);
    let faults = Faults { reruns_per_mille: 300, refused_commits_per_mille: 200, ..Faults::default() };
    let disk = Arc::new(SimulatedStore::new(&world, faults));
    let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    let blobs = Blobs::local(&folder.path().join("blobs")).expect("blobs");
    let start = |store: Arc<SimulatedStore>| {
        let (blobs, world, folder) = (blobs.clone(), world.clone(), folder.clone());
        Server::over(store, blobs, world, folder, Options::default(), FakeWorker::new())
    };
    let server = start(disk.clone());
    let mut acknowledged = BTreeSet::new();
    for number in 0..12 {
        let name = format!("f{number:02}");
        if server.call("CreateFunction", create_request(&name)).await.is_ok() {
            acknowledged.insert(name.clone());
        }
        if number % 3 == 0 && server.call("DeleteFunction", named(&name)).await.is_ok() {
            acknowledged.remove(&name);
        }
    }
    server.tasks.stop();
    disk.crash();

    let page = start(disk).call("ListFunctions", []).await.expect("a page");
    let Document::List(functions) = member(&page, "Functions") else { panic!("a list") };
    let found: BTreeSet<_> = functions.iter().map(|function| string(function, "FunctionName")).collect();
    assert_eq!(found, acknowledged, "seed {seed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_was_acknowledged_is_there_after_a_crash_and_nothing_else(seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(told(seed));
    }
}
