//! The server, the network or one connection goes away, or the server is not what it must be.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use futures_util::future::{join, join_all};
use hearth_world::Timestamp;

use super::*;

/// Tries of one write while its server starts. While it is away each try fails at once, after a first long one.
const TRIES_MAX: u32 = 100_000;

/// How long a server has to read its settings again.
const RELOADS_WITHIN: Duration = Duration::from_secs(60);

/// How long a transaction may go unanswered, and how long a test waits between two looks.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Counts up and tells how often it was told of success.
async fn count_up(store: &dyn Store, times: u64) -> u64 {
    let mut counted = 0;
    for _ in 0..times {
        let count = transact::<_, StoreError, _>(store, |tx| {
            let count = tx
                .get(&Key::of("count"))?
                .map_or(0, |count| u64::from_be_bytes(count.as_ref().try_into().expect("eight bytes")));
            tx.put(&Key::of("count"), (count + 1).to_be_bytes().to_vec().into())
        });
        counted += u64::from(count.await.is_ok());
    }
    counted
}

async fn count(store: &dyn Store) -> u64 {
    let count = transact_read::<_, StoreError, _>(store, |tx| tx.get(&Key::of("count"))).await;
    count.unwrap().map_or(0, |count| u64::from_be_bytes(count.as_ref().try_into().expect("eight bytes")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_by_the_server_cost_no_transaction_and_double_none() {
    const TIMES: u64 = 60;
    const BLOWS: u32 = 3;
    let address = shared().database();
    let store = open(&address).await;
    let answered = AtomicU64::new(0);
    let ending = async {
        let (mut ended, mut answers) = (0, 0);
        while answers < TIMES {
            // Transaction, connection and question about a commit are met; then one attempt is let through, for on
            // a busy machine whoever never pauses ends connections faster than they are made.
            for _ in 0..BLOWS {
                let address = address.clone();
                let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
                let count = tokio::task::spawn_blocking(move || ask(&address, end)).await.unwrap();
                ended += count.unwrap().parse::<u32>().unwrap();
            }
            let moved = async {
                while answered.load(Ordering::SeqCst) == answers {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            };
            tokio::time::timeout(ANSWERED_WITHIN, moved).await.expect("a transaction is answered");
            answers = answered.load(Ordering::SeqCst);
        }
        ended
    };
    let counting = async {
        let mut counted = 0;
        for _ in 0..TIMES {
            counted += count_up(&store, 1).await;
            answered.fetch_add(1, Ordering::SeqCst);
        }
        counted
    };
    let (counted, ended) = join(counting, ending).await;
    assert_eq!((counted, count(&store).await), (TIMES, TIMES), "{ended} connections were ended");
    assert!(ended > 5, "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_of_the_server_everything_acknowledged_is_there_and_the_store_goes_on() {
    let mut cluster = Cluster::start();
    let address = cluster.database();
    let store = open(&address).await;
    let writing = join_all((0..8_u64).map(|writer| {
        let store = &store;
        async move {
            let mut acknowledged = Vec::new();
            for number in (writer * 1_000..).take(100) {
                // On a busy machine a server may take longer to come back than a transaction is tried.
                let mut tries = 0;
                while let Err(error) = put(store, number).await {
                    assert!(matches!(error, StoreError::Engine(_) | StoreError::Uncertain(_)), "{error}");
                    tries += 1;
                    assert!(tries < TRIES_MAX, "{error}");
                }
                acknowledged.push(number);
            }
            acknowledged
        }
    }));
    let crashing = tokio::task::spawn_blocking(move || {
        for order in ["kill", "start", "kill", "start"] {
            cluster.order(order);
        }
        cluster
    });
    let (acknowledged, cluster) = join(writing, crashing).await;
    assert_eq!(numbers(&store).await, acknowledged.concat());
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_a_transaction_fails_in_bounded_time_and_says_what_is_away() {
    let mut cluster = Cluster::start();
    let store = open(&cluster.database()).await;
    put(&store, 1).await.unwrap();
    cluster.order("kill");
    let refused = put(&store, 2).await;
    assert!(
        matches!(&refused, Err(StoreError::Engine(why)) if why.contains("cannot be reached")),
        "{refused:?}"
    );
    cluster.order("start");
    put(&store, 3).await.unwrap();
    assert_eq!(numbers(&store).await, [1, 3]);
}

#[derive(Clone, Copy, PartialEq)]
enum Cut {
    BeforeTheServerHasIt,
    BeforeTheAnswer,
}

/// Stands between store and server and cuts the first connection that commits a write once it is told to.
fn cutting(address: &PostgresAddress, cut: Cut) -> (tempfile::TempDir, PostgresAddress, Arc<AtomicBool>) {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let armed = Arc::new(AtomicBool::new(false));
    let (server, arm) = (address.config().clone(), armed.clone());
    let [tokio_postgres::config::Host::Unix(socket)] = server.get_hosts() else { panic!("a unix socket") };
    let socket = socket.join(".s.PGSQL.5432");
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
            let mute = Arc::new(AtomicBool::new(false));
            let (from, to, muted) = (server.try_clone().unwrap(), client.try_clone().unwrap(), mute.clone());
            thread::spawn(move || copy(from, to, |_| muted.load(Ordering::SeqCst)));
            let arm = arm.clone();
            thread::spawn(move || {
                let end = client.try_clone().unwrap();
                copy(client, server, |bytes| {
                    let commits = bytes.windows(7).any(|word| word == b"COMMIT\0");
                    if commits && arm.swap(false, Ordering::SeqCst) {
                        mute.store(true, Ordering::SeqCst);
                        end.shutdown(std::net::Shutdown::Both).unwrap();
                        return cut == Cut::BeforeTheServerHasIt;
                    }
                    false
                });
            });
        }
    });
    let folder_path = folder.path().display();
    let through =
        format!("postgres:///{}?host={folder_path}&user=hearth", address.config().get_dbname().unwrap());
    (folder, through.parse().unwrap(), armed)
}

/// Copies until an end is reached or the bytes are not to go on.
fn copy(mut from: UnixStream, mut to: UnixStream, mut ends: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 65_536];
    while let Ok(count) = from.read(&mut buffer)
        && count > 0
        && !ends(&buffer[..count])
        && to.write_all(&buffer[..count]).is_ok()
    {}
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_happens_once() {
    for cut in [Cut::BeforeTheServerHasIt, Cut::BeforeTheAnswer] {
        let address = shared().database();
        let (_folder, through, armed) = cutting(&address, cut);
        let store = open(&through).await;
        for round in 1..=10 {
            armed.store(true, Ordering::SeqCst);
            assert_eq!(count_up(&store, 1).await, 1);
            assert!(!armed.load(Ordering::SeqCst), "the connection was cut");
            assert_eq!(count(&store).await, round);
        }
        let rows = ask(&address, "SELECT count(*) FROM hearth.commits WHERE closed").unwrap();
        assert_eq!(rows, "10", "each doubt closes its row");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_whose_row_is_gone_makes_a_new_one() {
    let address = shared().database();
    let store = open(&address).await;
    put(&store, 1).await.unwrap();
    ask(&address, "DELETE FROM hearth.commits");
    put(&store, 2).await.unwrap();
    assert_eq!(numbers(&store).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_release_are_refused_and_left_alone() {
    let address = shared().database();
    open(&address).await.close().await;
    ask(&address, "INSERT INTO hearth.formats VALUES (2, 0)");
    let refused = PostgresStore::open(&address, &World::real()).await.err().expect("it is refused");
    assert!(matches!(refused, PostgresError::Newer { found: 2, known: 1, .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_refused() {
    let cluster = Cluster::start();
    let address = cluster.database();
    ask(&address, "ALTER SYSTEM SET fsync = off");
    ask(&address, "SELECT pg_reload_conf()");
    let begun = std::time::Instant::now();
    while ask(&address, "SHOW fsync").as_deref() != Some("off") {
        assert!(begun.elapsed() < RELOADS_WITHIN, "the server does not take its new settings");
    }
    let refused = PostgresStore::open(&address, &World::real()).await.err().expect("it is refused");
    assert!(refused.to_string().contains("fsync = off"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_is_synced_even_where_the_database_says_otherwise() {
    let address = shared().database();
    let name = address.config().get_dbname().unwrap();
    ask(&address, &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let mut session = Session::new(address.clone()).unwrap();
    let shown = thread::spawn(move || {
        session.connect().unwrap();
        let row =
            session.step(async |client| client.query_one("SHOW synchronous_commit", &[]).await).unwrap();
        row.get::<_, String>(0)
    });
    assert_eq!(shown.join().unwrap(), "on");
}

#[tokio::test]
async fn an_unreachable_server_is_named_without_its_password() {
    let address: PostgresAddress = "postgres://ann:geheim@127.0.0.1:1/hearth".parse().unwrap();
    let refused = PostgresStore::open(&address, &World::real()).await.err().expect("nobody listens there");
    let text = refused.to_string();
    assert!(text.starts_with("PostgreSQL at ann@127.0.0.1:1/hearth cannot be reached"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_commits_what_waits_and_refuses_what_comes() {
    let store = open(&shared().database()).await;
    let waiting = join_all((0..64).map(|number| put(&store, number)));
    let (written, ()) = join(waiting, store.close()).await;
    written.into_iter().for_each(|written| written.unwrap());
    assert!(matches!(put(&store, 64).await, Err(StoreError::Closed)));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_has_the_time_of_the_domain_clock_and_not_the_servers() {
    let world = World::simulated(7);
    let store = PostgresStore::open(&shared().database(), &world).await.unwrap();
    let before = world.domain().now();
    let now: Timestamp = transact::<_, StoreError, _>(&store, |tx| Ok(tx.now())).await.unwrap();
    assert_eq!(now, before);
}
