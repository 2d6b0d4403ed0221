//! SIGKILL of the server or of its spawner, at any moment, under load.
//!
//! Never: waits for a quiet moment. What was acknowledged is there afterwards, and nothing else of before is.

use std::time::{Duration, Instant};

use hearth_tests::{Chance, Function, Hearth, leftovers};
use rustix::process::Signal;
use serde_json::json;

use crate::expected::{START_SHOWN_FROM, Thing, WORKER, package, run, run_all};
use crate::how_often;
use crate::load::{Known, Load, lock};

/// Kills in the short form.
const KILLS: u64 = 10;

/// A kill comes at any time within so many milliseconds after the load has begun.
const MOMENT_MAX_MS: u64 = 700;

/// And within so many after a start that is not to come to its end.
const START_MOMENT_MAX_MS: u64 = 150;

const CODE: &str = "import time\ndef handler(event, context):\n    open('/tmp/x', 'w').write('x' * 100000)\n    \
    time.sleep(event)\n    return 'ran'\n";

/// Who is hit.
#[derive(Clone, Copy, Debug)]
enum Hit {
    Server,
    Spawner,
    /// Both at once: neither can tidy up after the other, so the next start does.
    Both,
    /// The server under load, and then its successor while it starts.
    ServerAndStart,
    /// Nobody: a stop under load.
    Stop,
}

const HITS: [Hit; 6] = [Hit::Server, Hit::Server, Hit::Both, Hit::Spawner, Hit::ServerAndStart, Hit::Stop];

/// Ends the load and the server this way; gives how many kills that were.
fn hit(hit: Hit, hearth: &mut Hearth, load: Load, chance: &mut Chance) -> u64 {
    match hit {
        Hit::Server => {
            hearth.kill();
            load.end();
            1
        }
        Hit::ServerAndStart => {
            hearth.kill();
            load.end();
            let starts = 1 + chance.below(3);
            for _ in 0..starts {
                hearth.start_and_kill(Duration::from_millis(chance.below(START_MOMENT_MAX_MS)));
            }
            1 + starts
        }
        Hit::Spawner => {
            hearth.kill_spawner();
            load.end();
            // The server goes on with another spawner.
            run(hearth, "worker", WORKER);
            assert_eq!(hearth.stop(), Some(0));
            1
        }
        Hit::Both => {
            hearth.kill_spawner();
            hearth.kill();
            load.end();
            2
        }
        Hit::Stop => {
            hearth.signal(Signal::TERM);
            load.end();
            assert_eq!(hearth.wait_for_end(), Some(0));
            0
        }
    }
}

#[test]
fn whoever_is_killed_under_load_nothing_is_left_and_nothing_acknowledged_is_lost() {
    let mut chance = Chance::new();
    let kills = how_often("HEARTH_KILLS", KILLS);
    let mut hearth = Hearth::start();
    hearth.may_warn();
    hearth.function("worker").package(&package(WORKER)).with("Timeout", json!(10)).create();
    let known = Known::default();
    lock(&known).begin("worker", Some(Thing::Function(WORKER)));
    lock(&known).acknowledge("worker");
    let (mut killed, mut slowest) = (0, Duration::ZERO);
    while killed < kills {
        let load = Load::start(&hearth, &known, &mut chance, Some("worker"));
        let moment = Duration::from_millis(chance.below(MOMENT_MAX_MS));
        std::thread::sleep(moment);
        let who = *chance.one_of(&HITS);
        killed += hit(who, &mut hearth, load, &mut chance);
        let story = format!("after kill {killed} of {kills}: {who:?} after {} ms", moment.as_millis());
        if !matches!(who, Hit::Both) {
            assert_eq!(leftovers(&hearth), Vec::<String>::new(), "{story}");
        }
        let begun = Instant::now();
        hearth.restart();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(leftovers(&hearth), Vec::<String>::new(), "{story}, restarted");
        if begun.elapsed() > START_SHOWN_FROM {
            eprintln!("a start took {} ms {story}", begun.elapsed().as_millis());
        }
        assert_eq!(lock(&known).check(&hearth), Vec::<String>::new(), "{story}");
        let functions = lock(&known).functions();
        let (name, number) = chance.one_of(&functions);
        run(&hearth, name, *number);
        let expected = lock(&known);
        eprintln!("{story}: {} things, {} acknowledged, none lost", expected.count(), expected.acknowledged);
    }
    run_all(&hearth, &lock(&known));
    eprintln!(
        "{killed} kills, {} acknowledged, none lost, slowest start {} ms",
        lock(&known).acknowledged,
        slowest.as_millis()
    );
    assert_eq!(hearth.stop(), Some(0));
    assert_eq!(leftovers(&hearth), Vec::<String>::new());
}

#[test]
fn two_servers_run_side_by_side_and_each_cleans_up_only_its_own() {
    let mut left = Hearth::start();
    left.may_warn();
    let right = Hearth::start();
    for hearth in [&left, &right] {
        hearth.function("worker").code(CODE).with("Timeout", json!(30)).create().invoke("0");
    }
    let (request, address) = (Function::existing(&right, "worker").request("2"), right.address().to_owned());
    let running = std::thread::spawn(move || request.send(&address));
    left.kill();
    left.restart();
    assert_eq!(leftovers(&left), Vec::<String>::new());
    let answer = running.join().expect("no panic").expect("the neighbour answered");
    assert_eq!((answer.status, answer.json()), (200, json!("ran")));
    assert_eq!(Function::existing(&left, "worker").invoke("0").json(), json!("ran"));
}
