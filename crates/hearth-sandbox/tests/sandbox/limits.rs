//! Memory, processes, files, disk.

use hearth_sandbox::api::Exit;

use crate::bench::{Bench, shell};

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
    let anonymous = figures.lines().find_map(|line| line.strip_prefix("rss ")).expect("rss");
    assert!(anonymous.parse::<u64>().expect("a number") > 0);
    assert_eq!(running.id, 1);
}
