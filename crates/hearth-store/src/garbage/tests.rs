use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hearth_world::{TaskGroup, Timestamp, World, within};
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::*;
use crate::blobs::{BlobDigest, Blobs};
use crate::seam::{StoreError, Tx, TxResult, transact};
use crate::timers::{self, Fate, Fired, Timers};
use crate::{Faults, SimulatedStore};

mod late;

/// Sweeps of which one works, when a commit in a few is refused.
const SWEEPS_MAX: u32 = 1_000;

const GRACE: Duration = Duration::from_secs(600);

/// How long a collector has for a deletion.
const CLAIM: Duration = Duration::from_secs(10);

struct Server {
    world: World,
    store: Arc<SimulatedStore>,
    blobs: Blobs,
    keeper: BlobKeeper,
    collector: Collector,
}

impl Server {
    fn new(seed: u64, faults: Faults) -> Self {
        Self::over(seed, faults, Blobs::over(Arc::new(InMemory::new())))
    }

    fn over(seed: u64, faults: Faults, blobs: Blobs) -> Self {
        let world = World::simulated(seed);
        let store = Arc::new(SimulatedStore::new(&world, faults));
        let keeper = BlobKeeper::new(store.clone(), blobs.clone(), world.clone(), GRACE);
        let nothing: Unpacked = Arc::new(|_| Box::pin(async { Ok(Evicted::Gone) }));
        let collector = Collector::new(keeper.clone(), nothing);
        Self { world, store, blobs, keeper, collector }
    }

    async fn write<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut dyn Tx) -> TxResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        transact::<T, StoreError, _>(&*self.store, move |tx| body(tx)).await
    }

    async fn put(&self, bytes: &'static str) -> Ticket {
        self.keeper.put("package", bytes.into()).await.unwrap().ticket
    }

    async fn held(&self, bytes: &'static str, holder: &'static str) -> BlobDigest {
        let ticket = self.put(bytes).await;
        assert!(self.write(move |tx| hold(tx, &ticket, holder)).await.unwrap());
        ticket.digest
    }

    /// Collects all that is due.
    async fn collect(&self) {
        let (tasks, timers) = (TaskGroup::new(), Timers::new(self.store.clone(), self.world.clone()));
        self.collector.serve(timers).spawn(&tasks);
        let now = self.world.domain().now();
        let due = move |tx: &mut dyn Tx| {
            let waiting = timers::waiting(tx, COLLECT, None, 100)?;
            Ok(waiting.iter().any(|timer| timer.claimed || timer.due <= now))
        };
        within("all that is due is collected", async {
            while tasks.running() > 1 || self.write(due).await.unwrap_or(true) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        tasks.stop();
    }
}

#[tokio::test]
async fn a_blob_goes_a_grace_after_its_last_holder_and_not_before() {
    let server = Server::new(7, Faults::default());
    let digest = server.held("code", "one").await;
    assert_eq!(server.held("code", "other").await, digest);
    server.write(move |tx| release(tx, &digest, "one", GRACE)).await.unwrap();
    server.world.domain().advance(GRACE * 2);
    server.collect().await;
    assert!(server.blobs.exists(&digest).await.unwrap(), "the other still holds it");
    server.write(move |tx| release(tx, &digest, "other", GRACE)).await.unwrap();
    server.collect().await;
    assert!(server.blobs.exists(&digest).await.unwrap(), "the grace is not over");
    server.world.domain().advance(GRACE);
    server.collect().await;
    assert!(!server.blobs.exists(&digest).await.unwrap());
    assert!(server.write(|tx| known(tx, None, 10)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_blob_that_nobody_came_to_hold_goes_too() {
    let server = Server::new(7, Faults::default());
    let ticket = server.put("code").await;
    server.world.domain().advance(GRACE);
    server.collect().await;
    assert!(!server.blobs.exists(&ticket.digest).await.unwrap());
    assert!(!server.write(move |tx| hold(tx, &ticket, "late")).await.unwrap(), "it must be put again");
    let again = server.put("code").await;
    assert!(
        !server.write(move |tx| hold(tx, &ticket, "late")).await.unwrap(),
        "the old ticket is of another life"
    );
    assert!(server.write(move |tx| hold(tx, &again, "late")).await.unwrap());
}

#[tokio::test]
async fn garbage_can_be_told_to_go_now() {
    let server = Server::new(7, Faults::default());
    let (held, free) = (server.held("held", "one").await, server.put("free").await);
    assert_eq!(server.write(|tx| hasten(tx, None, 100)).await.unwrap(), None);
    server.collect().await;
    assert!(server.blobs.exists(&held).await.unwrap());
    assert!(!server.blobs.exists(&free.digest).await.unwrap());
}

#[tokio::test]
async fn a_put_waits_for_the_end_of_a_collection() {
    let server = Server::new(7, Faults::default());
    let ticket = server.put("code").await;
    server.world.domain().advance(GRACE);
    let fired = claim(&server).await.remove(0);
    let (marked, digest) = (fired.clone(), ticket.digest);
    server.write(move |tx| references::mark(tx, &marked, &digest, CLAIM)).await.unwrap();
    let (again, ()) = tokio::join!(server.put("code"), async {
        tokio::task::yield_now().await;
        server.blobs.delete(&digest).await.unwrap();
        server.write(move |tx| references::collected(tx, &fired, &digest)).await.unwrap();
    });
    assert!(server.write(move |tx| hold(tx, &again, "one")).await.unwrap());
    assert!(server.blobs.exists(&digest).await.unwrap());
}

#[tokio::test]
async fn files_that_no_record_knows_are_found_and_go_after_the_grace() {
    let server = Server::new(7, Faults::default());
    let held = server.held("held", "one").await;
    let lost = server.blobs.put("from before there were records".into()).await.unwrap();
    let swept = server.collector.sweep(&server.world, Timestamp::from_millis(0)).await.unwrap();
    assert_eq!((swept.blobs, swept.unknown), (2, 1));
    let again = server.collector.sweep(&server.world, Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(again.unknown, 0);
    server.world.domain().advance(GRACE);
    server.collect().await;
    assert!(server.blobs.exists(&held).await.unwrap());
    assert!(!server.blobs.exists(&lost).await.unwrap());
}

async fn claim(server: &Server) -> Vec<Fired> {
    let owner = u128::from_le_bytes(server.world.random().bytes());
    let claimed = server.write(move |tx| timers::claim_for_tests(tx, COLLECT, owner)).await;
    claimed.unwrap_or_default()
}

/// The two bodies that all uploads share, so that they meet.
const BODIES: [&str; 2] = ["one body", "another body"];

/// One who creates or deletes a function, or collects, at the step where it is now.
enum Actor {
    Announced(Ticket, usize),
    Put(Ticket),
    Collecting(Fired, BlobDigest),
    Marked(Fired, BlobDigest),
    Deleted(Fired, BlobDigest),
}

/// What a life has been through: one that never meets its dangers proves nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    /// A blob was held.
    holds: u32,
    /// The blob was collected between its announcement and its holder.
    late_holds: u32,
    /// Somebody came while the blob was being collected.
    announced_while_collecting: u32,
    /// A collection that another had begun was taken over.
    taken_over: u32,
    /// A collector found its claim gone between its mark and its deletion.
    claims_lost: u32,
    /// A collector found a holder, or that the blob is gone.
    left: u32,
    /// A file was deleted.
    deletions: u32,
    /// All died while somebody was at work.
    crashes: u32,
}

impl Met {
    fn check(&self) {
        let Self { holds, late_holds, announced_while_collecting, taken_over, .. } = *self;
        let Self { claims_lost, left, deletions, crashes, .. } = *self;
        let all = [
            holds,
            late_holds,
            announced_while_collecting,
            taken_over,
            claims_lost,
            left,
            deletions,
            crashes,
        ];
        assert!(all.into_iter().all(|times| times > 0), "a danger was never met: {self:?}");
    }
}

/// Uploads, deletions and collections of the same bytes, each interrupted between any two of its steps, by others, by
/// the end of its claim, and by crashes: what a function holds is there, always.
async fn held_blobs_are_there(seed: u64, steps: Vec<(u8, u8)>) -> Met {
    let mut met = Met::default();
    let faults = Faults { reruns_per_mille: 200, refused_commits_per_mille: 150, ..Faults::default() };
    let server = Server::new(seed, faults);
    let mut actors: Vec<Actor> = Vec::new();
    let mut functions: Vec<(String, BlobDigest)> = Vec::new();
    for (number, (choice, which)) in steps.into_iter().enumerate() {
        let which = usize::from(which);
        match choice {
            0..=1 => {
                let (body, life) = (which % BODIES.len(), seed.wrapping_add(number as u64));
                let digest = BlobDigest::of(BODIES[body].as_bytes());
                let announced =
                    server.write(move |tx| announce(tx, &digest, "package", 1, life, GRACE)).await;
                match announced {
                    Ok(Announced::Ready(ticket)) => actors.push(Actor::Announced(ticket, body)),
                    Ok(Announced::Collecting) => met.announced_while_collecting += 1,
                    Err(_) => {}
                }
            }
            // More deletions than uploads: a blob often has no holder, and its next life comes soon.
            2..=4 if !functions.is_empty() => {
                let (name, digest) = functions[which % functions.len()].clone();
                let holder = name.clone();
                if server.write(move |tx| release(tx, &digest, &holder, GRACE)).await.is_ok() {
                    functions.retain(|(known, _)| *known != name);
                }
            }
            5 => server.world.domain().advance(GRACE),
            6 => server.world.domain().advance(Duration::from_secs(11)),
            7 => actors.extend(claim(&server).await.into_iter().map(|fired| {
                let digest = fired.id.parse().unwrap();
                Actor::Collecting(fired, digest)
            })),
            8 if which < 32 => {
                // Claims and uploads of the dead are never taken up; deletions on their way to the disk are done.
                met.crashes += u32::from(!actors.is_empty());
                actors.clear();
                server.store.crash();
            }
            _ if !actors.is_empty() => {
                let actor = actors.swap_remove(which % actors.len());
                actors.extend(step(&server, actor, number, &mut functions, &mut met).await);
            }
            _ => {}
        }
        for (name, digest) in &functions {
            assert!(server.blobs.exists(digest).await.unwrap(), "seed {seed}: {name} has lost its code");
        }
    }
    // Everybody dies. The next server sweeps; what is left over goes, and only that.
    server.store.crash();
    let quiet = server;
    let mut sweeps = 1;
    while quiet.collector.sweep(&quiet.world, Timestamp::from_millis(0)).await.is_err() {
        sweeps += 1;
        assert!(sweeps < SWEEPS_MAX, "seed {seed}: no sweep works");
    }
    quiet.world.domain().advance(GRACE * 2);
    for _ in 0..50 {
        for fired in claim(&quiet).await {
            // A refused commit is tried again when the timer fires again.
            let _ = quiet.collector.collect(fired).await;
        }
        quiet.world.domain().advance(GRACE);
    }
    for body in BODIES {
        let digest = BlobDigest::of(body.as_bytes());
        let wanted = functions.iter().any(|(_, held)| *held == digest);
        assert_eq!(quiet.blobs.exists(&digest).await.unwrap(), wanted, "seed {seed}: {body}");
    }
    met
}

async fn step(
    server: &Server,
    actor: Actor,
    number: usize,
    functions: &mut Vec<(String, BlobDigest)>,
    met: &mut Met,
) -> Option<Actor> {
    match actor {
        Actor::Announced(ticket, body) => {
            server.blobs.put(Bytes::from_static(BODIES[body].as_bytes())).await.unwrap();
            Some(Actor::Put(ticket))
        }
        Actor::Put(ticket) => {
            let name = format!("function {number}");
            let holder = name.clone();
            match server.write(move |tx| hold(tx, &ticket, &holder)).await {
                Ok(true) => {
                    met.holds += 1;
                    functions.push((name, ticket.digest));
                }
                Ok(false) => met.late_holds += 1,
                Err(_) => {}
            }
            None
        }
        Actor::Collecting(fired, digest) => {
            let claim = fired.clone();
            let marked = server.write(move |tx| {
                let begun = references::is_collecting(tx, &digest)?;
                references::mark(tx, &claim, &digest, CLAIM).map(|verdict| (verdict, begun))
            });
            match marked.await {
                Ok((references::Verdict::Collect, begun)) => {
                    met.taken_over += u32::from(begun);
                    Some(Actor::Marked(fired, digest))
                }
                Ok((references::Verdict::Leave, _)) => {
                    met.left += 1;
                    None
                }
                Err(_) => None,
            }
        }
        Actor::Marked(fired, digest) => {
            // A collector whose claim has ended may be slow, but it deletes before its server is taken for dead.
            let claim = fired.clone();
            if !server.write(move |tx| claim.is_mine(tx)).await.is_ok_and(|mine| mine) {
                met.claims_lost += 1;
                return None;
            }
            met.deletions += 1;
            server.blobs.delete(&digest).await.unwrap();
            Some(Actor::Deleted(fired, digest))
        }
        Actor::Deleted(fired, digest) => {
            let _ = server.write(move |tx| references::collected(tx, &fired, &digest)).await;
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_order_of_events_takes_a_blob_from_its_holder_or_keeps_one_without(
        seed: u64,
        steps in proptest::collection::vec((0..16_u8, any::<u8>()), 1..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(held_blobs_are_there(seed, steps));
    }
}

#[tokio::test]
async fn a_package_in_use_is_left_until_nothing_runs_of_it() {
    let server = Server::new(7, Faults::default());
    let ticket = server.put("code").await;
    server.world.domain().advance(GRACE);
    let in_use: Unpacked = Arc::new(|_| Box::pin(async { Ok(Evicted::InUse) }));
    let busy = Collector::new(server.keeper.clone(), in_use);
    let fired = claim(&server).await.remove(0);
    assert!(matches!(busy.collect(fired).await, Ok(Fate::Again(_))));
    assert!(server.blobs.exists(&ticket.digest).await.unwrap());
}

#[tokio::test]
async fn a_blob_between_its_put_and_its_holder_is_left_alone_however_short_the_grace_is() {
    let server = Server::new(7, Faults::default());
    let kept = server.keeper.put("package", "code".into()).await.unwrap();
    server.world.domain().advance(GRACE);
    let fired = claim(&server).await.remove(0);
    assert!(matches!(server.collector.collect(fired).await, Ok(Fate::Again(_))));
    let ticket = kept.ticket;
    assert!(server.write(move |tx| hold(tx, &ticket, "one")).await.unwrap());
}

/// The same as the property, longer, and with a seed of its own each time.
#[tokio::test]
async fn a_long_random_life_takes_no_blob_from_its_holder() {
    let seed = crate::contract::Seed::pick();
    let random = seed.world().random().clone();
    // So many that the rarest danger is met some twenty times.
    let steps = (0..60_000).map(|_| (random.below(16) as u8, random.below(256) as u8)).collect();
    held_blobs_are_there(seed.number(), steps).await.check();
}
