//! How long a sandbox takes to start, step by step, beside a plain start of the same program.
//!
//! `cargo run --release -p hearth-sandbox --example cold [--egress] [--no-pool] [PROGRAM ARGUMENT...]`, as root. Samples are spaced, for in
//! a tight loop the kernel's waits for grace periods do not show; both kinds alternate.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::process::{Command as Plain, Stdio};
use std::time::{Duration, Instant};

use hearth_sandbox::api::{Command, Event, Exit, Listen, Mount, SandboxId, SandboxSpec};
use hearth_sandbox::{Connection, Egress, Options, Spawner};
use rustix::event::{PollFd, PollFlags, poll};

/// Starts of each kind.
const SAMPLES: u64 = 60;
/// Quiet before each start.
const SPACING: Duration = Duration::from_millis(60);

fn main() {
    let (options_given, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| ["--egress", "--no-pool"].contains(&word.as_str()));
    let given = |option: &str| options_given.iter().any(|given| given == option);
    let words = if words.is_empty() { vec!["/bin/true".to_owned()] } else { words };
    let directory = tempfile::tempdir().expect("a directory");
    let mut options = Options::new(format!("cold-{}", std::process::id()), directory.path().join("run"));
    options.program = std::env::current_exe().ok().map(|this| this.with_file_name("spawner"));
    options.listen = listen();
    options.egress = given("--egress").then(Egress::default);
    options.pool = if given("--no-pool") { 0 } else { options.pool };
    let begun = Instant::now();
    let connection = Spawner::launch(&options).expect("a spawner: run as root, after building the examples");

    println!("the spawner was ready after {:.1} ms", microseconds(begun) / 1e3);
    let (mut plain, mut started, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    let mut steps: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut order = Vec::new();
    for id in 0..SAMPLES {
        std::thread::sleep(SPACING);
        plain.push(plain_start(&words));
        std::thread::sleep(SPACING);
        let sample = sandbox_start(&connection, id, &words);
        started.push(sample.started);
        ended.push(sample.ended);
        for (step, taken) in sample.steps {
            if !order.contains(&step) {
                order.push(step.clone());
            }
            steps.entry(step).or_default().push(taken as f64);
        }
    }
    connection.shutdown().expect("the spawner ends");

    println!(
        "{:<12} {:>8} {:>8}   microseconds, {SAMPLES} starts of {}",
        "step",
        "p50",
        "p90",
        words.join(" ")
    );
    let mut sum = 0.0;
    for step in order {
        let taken = steps.get_mut(&step).expect("every step was counted");
        sum += print(&step, taken);
    }
    println!("{:<12} {sum:>8.0}", "sum of p50");
    print("to Started", &mut started);
    let (plain, ended) = (print("plain, ended", &mut plain), print("to Exited", &mut ended));
    println!("ratio of ends: {:.2}", ended / plain);
}

fn print(name: &str, samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize];
    println!("{name:<12} {:>8.0} {:>8.0}", at(0.5), at(0.9));
    at(0.5)
}

fn plain_start(words: &[String]) -> f64 {
    let begun = Instant::now();
    let mut plain = Plain::new(&words[0]);
    plain.args(&words[1..]).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(plain.status().expect("it starts").success());
    microseconds(begun)
}

struct Sample {
    started: f64,
    ended: f64,
    steps: Vec<(String, u64)>,
}

fn sandbox_start(connection: &Connection, id: u64, words: &[String]) -> Sample {
    let begun = Instant::now();
    connection.send(&Command::Start(SandboxId(id), Box::new(spec(words))), &[]).expect("sent");
    let (event, descriptors) = next(connection);
    let Event::Started { timings, .. } = event else { panic!("it did not start: {event:?}") };
    let started = microseconds(begun);
    let (event, _) = next(connection);
    let Event::Exited { exit: Exit::Status(0), .. } = event else { panic!("it did not end well: {event:?}") };
    drop(descriptors);
    Sample { started, ended: microseconds(begun), steps: timings }
}

fn next(connection: &Connection) -> (Event, Vec<std::os::fd::OwnedFd>) {
    poll(&mut [PollFd::new(&connection.as_fd(), PollFlags::IN)], None).expect("poll");
    connection.receive().expect("an event").expect("the spawner lives")
}

fn listen() -> Vec<Listen> {
    ["127.0.0.1:9001", "169.254.100.1:9001", "127.0.0.1:4566"]
        .map(|address| Listen::Tcp(address.parse().expect("an address")))
        .to_vec()
}

fn spec(words: &[String]) -> SandboxSpec {
    SandboxSpec {
        memory_bytes: 1769 << 20,
        processes_max: 1024,
        cpu_shares: 1024,
        tmp_bytes: 512 << 20,
        keeps_tmp: false,
        tmp_of: None,
        mounts: vec![Mount { source: "/usr".into(), target: "/usr".into() }],
        program: words[0].clone().into(),
        arguments: words.to_vec(),
        environment: Vec::new(),
        directory: "/var/task".into(),
        listen: listen(),
        channel: true,
    }
}

fn microseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6
}
