//! Processes and threads: too many, deaf, left over, or aimed at others.

use std::time::Duration;

use serde_json::json;

use super::{Street, answer, wait_until};

/// Leaves a child behind in a session of its own that ignores what it can and writes on.
const LEAVES_A_DAEMON: &str = r"
import os, signal, time
def handler(event, context):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        if os.fork() == 0:
            while True:
                time.sleep(0.01)
                try:
                    os.write(1, b'still here\n')
                except OSError:
                    pass
        os._exit(0)
    if event == 'hang':
        time.sleep(60)
    return 'left'
";

#[test]
fn what_a_function_left_running_ends_with_its_environment() {
    let street = Street::new();
    let function = street.hostile("daemon", LEAVES_A_DAEMON).create();
    let before = street.tasks().len();
    assert_eq!(answer(&function.invoke("{}")), json!("left"));
    assert!(street.tasks().len() > before);
    assert_eq!(function.delete().status, 204);
    wait_until("the end of what was left", || street.tasks().len() <= before);
    street.ends();
}

#[test]
fn what_a_function_left_running_ends_with_a_timeout() {
    let street = Street::new();
    let before = street.tasks().len();
    let function = street.hostile("daemon", LEAVES_A_DAEMON).with("Timeout", json!(1)).create();
    assert_eq!(function.invoke("\"hang\"").json()["errorType"], "Sandbox.Timedout");
    wait_until("the end of what was left", || street.tasks().len() <= before);
    street.ends();
}

#[test]
fn what_a_function_left_running_ends_with_the_server() {
    let street = Street::new();
    assert_eq!(answer(&street.attack(LEAVES_A_DAEMON, &json!({}))), json!("left"));
    street.ends();
}

#[test]
fn what_a_function_left_running_when_the_server_was_killed_ends_with_the_next_start() {
    let mut street = Street::new();
    street.hearth.may_warn();
    assert_eq!(answer(&street.attack(LEAVES_A_DAEMON, &json!({}))), json!("left"));
    street.hearth.kill();
    street.hearth.restart();
    assert_eq!(hearth_tests::leftovers(&street.hearth), Vec::<String>::new());
    street.spawner = street.hearth.spawner();
    street.ends();
}

#[test]
fn a_process_that_ignores_every_signal_or_stops_itself_ends_at_its_timeout() {
    let street = Street::new();
    let code = r"
import os, signal, time
def handler(event, context):
    if event == 'stop':
        os.kill(os.getpid(), signal.SIGSTOP)
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
";
    let function = street.hostile("deaf", code).with("Timeout", json!(1)).create();
    for event in ["\"stop\"", "\"spin\""] {
        assert_eq!(function.invoke(event).json()["errorType"], "Sandbox.Timedout", "{event}");
        street.is_well();
    }
    street.ends();
}

#[test]
fn signals_reach_the_functions_own_processes_alone() {
    let street = Street::new();
    let code = r"
import os
def attempt(pid, number):
    try:
        os.kill(pid, number)
        return 0
    except OSError as error:
        return error.errno
def handler(event, context):
    to_init = {attempt(1, number) for number in range(1, 65)}
    to_all = attempt(-1, 9)
    others = {attempt(pid, 0) for pid in range(2, 5000) if pid != os.getpid()}
    return list(to_init), to_all, list(others)
";
    // Not permitted, nobody there, nobody there.
    assert_eq!(answer(&street.attack(code, &json!({}))), json!([[1], 3, [3]]));
    street.ends();
}

#[test]
fn threads_without_end_are_bounded() {
    let street = Street::new();
    let code = r"
import threading
def handler(event, context):
    threading.stack_size(65536)
    done, made = threading.Event(), 0
    try:
        while made < 5000:
            threading.Thread(target=done.wait, daemon=True).start()
            made += 1
    except (RuntimeError, MemoryError):
        pass
    done.set()
    return made
";
    // A thousand threads take seconds of a fourteenth of a CPU.
    let attack = street.hostile("hostile", code).with("Timeout", json!(60)).create().invoke("{}");
    street.is_well();
    let made = answer(&attack).as_u64().expect("a number");
    assert!((100..=1024).contains(&made), "{made}");
}

#[test]
fn descriptors_without_end_are_bounded() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    held = []
    try:
        while len(held) < 100000:
            held.append(os.dup(1))
    except OSError as error:
        return error.errno, len(held) < 1024
";
    let function = street.hostile("hoarder", code).create();
    assert_eq!(answer(&function.invoke("{}")), json!([24, true]));
    street.is_well();
}

#[test]
fn between_invocations_nothing_of_a_function_runs() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    for _ in range(30):
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
";
    // Thirty that spin share the little CPU with who makes them.
    let function = street.hostile("spinner", code).with("Timeout", json!(60)).create();
    answer(&function.invoke("{}"));
    let ticks = || -> u64 {
        let of = |pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields: Vec<String> =
                stat.rsplit(')').next().unwrap_or_default().split(' ').map(str::to_owned).collect();
            fields
                .get(12..14)
                .map_or(0, |times| times.iter().filter_map(|time| time.parse::<u64>().ok()).sum())
        };
        street.tasks().into_iter().map(of).sum()
    };
    wait_until("a moment in which nothing runs", || {
        let before = ticks();
        std::thread::sleep(Duration::from_millis(200));
        ticks() <= before
    });
    street.ends();
}

#[test]
fn a_neighbour_that_spins_in_many_processes_takes_no_more_than_its_share() {
    let street = Street::new();
    // They are there after init, which has more of a CPU, and spin when the call begins.
    let code = r"
import os, time
begin, gate = os.pipe()
for _ in range(150):
    if os.fork() == 0:
        os.setsid()
        os.close(gate)
        os.read(begin, 1)
        while True:
            pass
def handler(event, context):
    open('/tmp/spins', 'w').close()
    os.close(gate)
    time.sleep(60)
";
    let spins = |task: &u32| std::path::Path::new(&format!("/proc/{task}/root/tmp/spins")).exists();
    let spinner = street.hostile("spinner", code).with("Timeout", json!(12)).create();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| spinner.invoke("{}"));
        wait_until("the crowd", || street.tasks().iter().any(spins));
        assert!(street.tasks().len() > 150);
        // A cold start beside it: its Timeout counts from when it is ready.
        let began = std::time::Instant::now();
        let cold =
            street.hostile("cold", "def handler(event, context):\n    return 1\n").with("Timeout", json!(2));
        assert_eq!(answer(&cold.create().invoke("{}")), json!(1));
        let took = began.elapsed();
        // Beside as many that had a fair share each it would take a minute.
        assert!(took < Duration::from_secs(8), "a cold start took {took:?}");
        street.is_well();
        assert_eq!(call.join().expect("no panic").json()["errorType"], "Sandbox.Timedout");
    });
    street.ends();
}
