//! SIGKILL of the server or of its spawner, at any moment, under load.
//!
//! Never: waits for a quiet moment. What was acknowledged is there afterwards, and nothing else of before is.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hearth_tests::{Function, Hearth, Request, leftovers};
use serde_json::{Value, json};

/// Kills when `HEARTH_KILLS` does not say otherwise; `make crash` asks for 50.
const KILLS: u32 = 6;

/// A kill comes at any time within so long after the load has begun.
const MOMENT_MAX: Duration = Duration::from_millis(700);

const CODE: &str = "import time\ndef handler(event, context):\n    open('/tmp/x', 'w').write('x' * 100000)\n    \
    time.sleep(event)\n    return 'ran'\n";

/// Calls without pause until it is told to stop, from several threads.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
}

impl Load {
    fn start(hearth: &Hearth, round: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
        let mut load = Self { stop, threads: Vec::new(), acknowledged };
        load.threads.push(load.creator(hearth, round));
        for seconds in ["0", "0.2"] {
            load.threads
                .push(load.caller(Function::existing(hearth, "worker").request(seconds), hearth.address()));
        }
        load
    }

    /// Creates one function after another and notes those that were acknowledged.
    fn creator(&self, hearth: &Hearth, round: u32) -> JoinHandle<()> {
        let template = hearth.function("NAME").code(CODE).request();
        let (address, stop, noted) =
            (hearth.address().to_owned(), self.stop.clone(), self.acknowledged.clone());
        std::thread::spawn(move || {
            for number in 0.. {
                let name = format!("made-{round}-{number}");
                let body = template.clone().replaced("NAME", &name);
                match body.send(&address) {
                    Ok(answer) if answer.status == 201 => noted.lock().expect("no panic").insert(name),
                    _ => break,
                };
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        })
    }

    fn caller(&self, request: Request, address: &str) -> JoinHandle<()> {
        let (address, stop) = (address.to_owned(), self.stop.clone());
        std::thread::spawn(move || while request.send(&address).is_ok() && !stop.load(Ordering::Relaxed) {})
    }

    fn end(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("a caller does not panic");
        }
        let noted = self.acknowledged.lock().expect("no panic");
        noted.clone()
    }
}

fn random_moment() -> Duration {
    let mut bytes = [0_u8; 4];
    let mut source = std::fs::File::open("/dev/urandom").expect("a source of chance");
    std::io::Read::read_exact(&mut source, &mut bytes).expect("chance");
    MOMENT_MAX.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[test]
fn whoever_is_killed_under_load_nothing_is_left_and_nothing_acknowledged_is_lost() {
    let kills = std::env::var("HEARTH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut hearth = Hearth::start();
    hearth.may_warn();
    hearth.function("worker").code(CODE).with("Timeout", json!(10)).create();
    let mut expected = BTreeSet::from(["worker".to_owned()]);
    for round in 0..kills {
        let load = Load::start(&hearth, round);
        let moment = random_moment();
        std::thread::sleep(moment);
        let victim = if round % 2 == 0 { "server" } else { "spawner" };
        if victim == "server" {
            hearth.kill();
            expected.extend(load.end());
        } else {
            hearth.kill_spawner();
            expected.extend(load.end());
            // The server goes on with another spawner.
            assert_eq!(Function::existing(&hearth, "worker").invoke("0").json(), json!("ran"));
            assert_eq!(hearth.stop(), Some(0));
            assert_eq!(leftovers(&hearth), Vec::<String>::new(), "after kill {} of the {victim}", round + 1);
        }
        hearth.restart();
        eprintln!(
            "kill {}: the {victim} after {} ms; {} functions",
            round + 1,
            moment.as_millis(),
            expected.len()
        );
        assert_eq!(leftovers(&hearth), Vec::<String>::new(), "after kill {} of the {victim}", round + 1);
        let missing: Vec<String> = expected.difference(&listed(&hearth)).cloned().collect();
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "acknowledged and lost, kill {} of the {victim}",
            round + 1
        );
        let worker = Function::existing(&hearth, "worker");
        assert_eq!(worker.invoke("0").json(), json!("ran"));
    }
    for name in &expected {
        Function::existing(&hearth, name).wait_until_active();
    }
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

/// Names of all functions, page by page.
fn listed(hearth: &Hearth) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut marker = String::new();
    loop {
        let page =
            hearth.send(&Request::new("GET", &format!("/2015-03-31/functions/{marker}")).signed("lambda"));
        assert_eq!(page.status, 200, "{}", page.text());
        let json = page.json();
        let functions = json["Functions"].as_array().expect("a list");
        names.extend(functions.iter().filter_map(|entry| entry["FunctionName"].as_str()).map(str::to_owned));
        match &json["NextMarker"] {
            Value::String(next) => marker = format!("?Marker={}", percent(next)),
            _ => return names,
        }
    }
}

fn percent(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}
