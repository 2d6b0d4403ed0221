use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::mpsc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::seam::{transact, transact_read};

mod damage;
mod failures;

mod on_disk {
    use super::*;

    crate::store_contract!({
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(&database(&folder), &World::simulated(7)).expect("a new store");
        (folder, store)
    });
}

mod in_memory {
    use super::*;

    crate::store_contract!(((), SqliteStore::in_memory(&World::simulated(7)).expect("a store in memory")));
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("data").join("store.db")
}

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(path, &World::simulated(7))
}

fn numbered(number: u64) -> Key {
    Key::of("test").number(number)
}

async fn put(store: &SqliteStore, number: u64) -> Result<(), StoreError> {
    transact(store, move |tx| tx.put(&numbered(number), number.to_string().into())).await
}

/// The numbers that are there, in order.
async fn numbers(store: &SqliteStore) -> Vec<u64> {
    let read = transact_read::<_, StoreError, _>(store, |tx| {
        let mut numbers = Vec::new();
        tx.scan(Key::of("test").children(), crate::Order::Ascending, u32::MAX, &mut |key, _| {
            let mut parts = crate::key::KeyParts::of(key);
            parts.text().expect("the name of the space");
            numbers.push(parts.number().expect("a number"));
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(numbers)
    });
    read.await.expect("the store can be read")
}

/// Commits in the write-ahead log: frames that say how large the database is after them.
fn commits_in_log(path: &Path) -> usize {
    const LOG_HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = fs::read(path.with_extension("db-wal")).expect("the log");
    let page = u32::from_be_bytes(log[8..12].try_into().expect("four bytes")) as usize;
    let salts = &log[16..24];
    let frames = log[LOG_HEADER..].chunks_exact(FRAME_HEADER + page);
    frames.filter(|frame| frame[8..16] == *salts && frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn all_that_waited_is_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = open(&path).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let blocker = transact::<_, StoreError, _>(&store, move |tx| {
        // The sender is dropped to let go.
        let _ = released.recv();
        tx.put(&numbered(0), "".into())
    });
    let mut all = pin!(async { tokio::join!(blocker, join_all((1..=64).map(|number| put(&store, number)))) });
    assert!(all.as_mut().now_or_never().is_none(), "all wait behind the first");
    drop(release);
    let (first, rest) = all.await;
    first.unwrap();
    rest.into_iter().for_each(|written| written.unwrap());
    assert_eq!(commits_in_log(&path), 1);
    put(&store, 65).await.unwrap();
    assert_eq!(commits_in_log(&path), 2);
}

#[tokio::test]
async fn every_acknowledged_write_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    for round in 0..3 {
        let store = open(&path).unwrap();
        assert_eq!(numbers(&store).await, (0..round * 64).collect::<Vec<_>>());
        let writes = (round * 64..(round + 1) * 64).map(|number| put(&store, number));
        join_all(writes).await.into_iter().for_each(|written| written.unwrap());
    }
}

#[tokio::test]
async fn the_database_and_its_log_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = open(&path).unwrap();
    put(&store, 1).await.unwrap();
    for file in [path.clone(), path.with_extension("db-wal")] {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn closing_commits_what_waits_and_refuses_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = open(&path).unwrap();
    let mut waiting = Box::pin(join_all((0..64).map(|number| put(&store, number))));
    assert!(waiting.as_mut().now_or_never().is_none());
    let (written, ()) = tokio::join!(waiting, store.close());
    written.into_iter().for_each(|written| written.unwrap());
    assert!(matches!(put(&store, 64).await, Err(StoreError::Closed)));
    let read = transact_read::<_, StoreError, _>(&store, |tx| tx.get(&numbered(0))).await;
    assert!(matches!(read, Err(StoreError::Closed)));
    store.close().await;
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "the log is folded into the file");
    assert_eq!(numbers(&open(&path).unwrap()).await, (0..64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_read_sees_one_state_whatever_is_committed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&database(&folder)).unwrap();
    put(&store, 0).await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (commit, committed) = mpsc::channel::<()>();
    let mut begun = Some(begun);
    let read = transact_read::<_, StoreError, _>(&store, move |tx| {
        let before = tx.get_many(&[numbered(0), numbered(1)])?;
        begun.take().map(|begun| begun.send(()));
        // The sender is dropped once the other transaction is committed.
        let _ = committed.recv();
        Ok((before, tx.get_many(&[numbered(0), numbered(1)])?))
    });
    let write = async {
        has_begun.await.unwrap();
        put(&store, 1).await.unwrap();
        assert_eq!(numbers(&store).await, [0, 1]);
        drop(commit);
    };
    let (read, ()) = tokio::join!(read, write);
    let (before, after) = read.unwrap();
    assert_eq!(before, after);
    assert_eq!(before, [Some("0".into()), None]);
}

#[tokio::test]
async fn a_transaction_has_the_time_of_the_domain_clock_at_its_submission() {
    let world = World::simulated(7);
    let store = SqliteStore::in_memory(&world).unwrap();
    let before = world.domain().now();
    let submitted = transact::<_, StoreError, _>(&store, |tx| Ok(tx.now()));
    assert_eq!(submitted.await.unwrap(), before);
    world.domain().advance(std::time::Duration::from_secs(60));
    let later = transact_read::<_, StoreError, _>(&store, |tx| Ok(tx.now())).await.unwrap();
    assert_eq!(later.since(before).as_secs(), 60);
}

#[tokio::test]
async fn the_log_does_not_grow_with_the_number_of_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = open(&path).unwrap();
    for round in 0..100 {
        let value = bytes::Bytes::from(vec![round; 60_000]);
        let write = transact::<_, StoreError, _>(&store, move |tx| {
            (0..12).try_for_each(|number| tx.put(&numbered(number), value.clone()))
        });
        write.await.unwrap();
    }
    // 100 rounds of 180 pages are 74 MB; the log begins anew after 32 MB and what one commit adds.
    let log_bytes = fs::metadata(path.with_extension("db-wal")).unwrap().len();
    assert!(log_bytes < 36_000_000, "{log_bytes}");
}

#[tokio::test]
async fn of_a_transaction_that_decides_against_itself_nothing_stays_however_much_it_wrote_and_looked() {
    let store = SqliteStore::in_memory(&World::simulated(7)).unwrap();
    put(&store, 1).await.unwrap();
    for written in [1_u64, 1_000] {
        for looks in [false, true] {
            let against = transact::<(), Against, _>(&store, move |tx| {
                (10..10 + written).try_for_each(|number| tx.put(&numbered(number), "new".into()))?;
                tx.delete(&numbered(1))?;
                let seen = if looks { count(tx)? } else { written };
                assert_eq!(seen, written, "its own changes are there");
                assert_eq!(tx.get(&numbered(10))?, Some("new".into()));
                assert_eq!(tx.get(&numbered(1))?, None);
                Err(Against)
            });
            assert!(against.await.is_err());
            assert_eq!(numbers(&store).await, [1], "{written} keys, looks: {looks}");
        }
    }
}

/// Why a transaction ends.
#[derive(Debug)]
struct Against;

impl From<StoreError> for Against {
    fn from(_: StoreError) -> Self {
        Self
    }
}

fn count(tx: &mut dyn crate::Tx) -> Result<u64, StoreError> {
    let mut seen = 0;
    let all = crate::KeyRange { from: Vec::new(), to: Vec::new() };
    tx.scan(all, crate::Order::Ascending, 10_000, &mut |_, _| {
        seen += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(seen)
}
