//! Memory, processes, files, disk.

use hearth_sandbox::api::{Command, Exit, SandboxId};

use crate::bench::{Bench, listener, program, readable, shell, tcp};

const MEGABYTE: u64 = 1 << 20;

#[test]
fn a_program_that_takes_too_much_memory_is_killed_and_that_is_told() {
    let (_, exit, out_of_memory) = Bench::new().run_spec(shell("exec tail /dev/zero"));
    assert_eq!((exit, out_of_memory), (Exit::Signal(9), true));
}

#[test]
fn a_child_that_takes_too_much_memory_dies_before_the_init() {
    let (said, exit, out_of_memory) = Bench::new().run_spec(shell("tail /dev/zero; echo survived"));
    assert!(said.contains("survived"), "{said}");
    assert_eq!((exit, out_of_memory), (Exit::Status(0), true));
}

#[test]
fn the_number_of_processes_is_limited() {
    let mut spec = shell("for i in {1..40}; do sleep 1000 & done; wait -n");
    spec.processes_max = 20;
    let bench = Bench::new();
    let running = bench.start(1, spec);
    assert!(running.read_line().contains("fork"), "the shell says that it cannot fork");
    assert!(crate::bench::processes_of(running.user()).len() <= 20);
}

#[test]
fn tmp_has_room_for_what_was_asked_and_hardly_more() {
    let mut spec =
        shell("head -c 16M /dev/zero > /tmp/fits && echo fits; head -c 2M /dev/zero > /tmp/too-much");
    spec.tmp_bytes = 16 * MEGABYTE;
    let (said, _, _) = Bench::new().run_spec(spec);
    assert!(said.starts_with("fits\n") && said.contains("No space left on device"), "{said}");
}

#[test]
fn what_is_written_to_tmp_is_not_memory() {
    let mut spec = shell("head -c 100M /dev/zero > /tmp/large && stat -c %s /tmp/large");
    (spec.tmp_bytes, spec.memory_bytes) = (128 * MEGABYTE, 32 * MEGABYTE);
    let (said, exit, out_of_memory) = Bench::new().run_spec(spec);
    assert_eq!((said.as_str(), exit, out_of_memory), ("104857600\n", Exit::Status(0), false));
}

#[test]
fn limits_of_resources_are_those_of_lambda() {
    let (said, _) =
        Bench::new().run("ulimit -n; ulimit -Hn; ulimit -u; ulimit -c; ulimit -s; ulimit -l; umask");
    assert_eq!(said, "1024\n1024\n1024\n0\n8192\n64\n0022\n");
}

#[test]
fn memory_figures_are_where_the_event_says() {
    let bench = Bench::new();
    let running = bench.start(1, shell("echo ready; sleep 1000"));
    running.read_line();
    let figures = std::fs::read_to_string(&running.memory_stat).expect("figures");
    let anonymous = figures
        .lines()
        .find_map(|line| line.strip_prefix("rss ").or_else(|| line.strip_prefix("anon ")))
        .expect("rss in version 1, anon in version 2");
    assert!(anonymous.parse::<u64>().expect("a number") > 0);
    assert_eq!(running.id, 1);
}

/// Waits for a caller of its socket, spins on as many threads, and says after a second of the wall's clock which share
/// of one CPU it had.
fn spinner(processes: u32) -> hearth_sandbox::api::SandboxSpec {
    let python = format!(
        "import os, socket, time\n\
         socket.create_connection(('127.0.0.1', 9001)).recv(1)\n\
         begun = time.monotonic()\n\
         children = [os.fork() for child in range({processes})]\n\
         if 0 in children:\n \
          while time.monotonic() - begun < 1: pass\n \
          os._exit(0)\n\
         for child in children: os.wait()\n\
         used = os.times()\n\
         print((used.children_user + used.children_system) / (time.monotonic() - begun))"
    );
    let mut spec = program(&["/usr/bin/python3", "-I", "-S", "-c", &python]);
    spec.listen = vec![tcp("127.0.0.1:9001")];
    spec
}

fn share_of_a_cpu(microseconds_per_second: u32, processes: u32) -> f64 {
    let bench = Bench::new();
    let running = bench.start(1, spinner(processes));
    assert!(readable(&running.listeners[0]), "it does not begin");
    let (caller, _) = listener(&running.listeners[0]).accept().expect("it has begun");
    bench.send(&Command::LimitCpu(SandboxId(1), microseconds_per_second));
    // Commands are done in their order: when another one has started, the limit is there.
    bench.start(2, shell("true"));
    drop(caller);
    let said = running.read_all();
    let share = said.trim().parse().unwrap_or_else(|_| panic!("a number: {said}"));
    eprintln!("{microseconds_per_second} us/s, {processes} processes: {share}");
    share
}

#[test]
fn a_program_gets_the_cpu_time_it_was_given_and_no_more() {
    // 128 MB: 0.072 of a CPU. The kernel counts in ticks, so a short look is not exact.
    let little = share_of_a_cpu(72_357, 2);
    assert!(little > 0.0 && little < 0.11, "{little}");
}

#[test]
fn two_threads_share_the_one_cpu_of_1769_mb() {
    // Others on this machine may leave less to it, never more.
    let one = share_of_a_cpu(1_000_000, 2);
    assert!(one < 1.15, "{one}");
}
