//! Starting, ending, being killed, being frozen; what is handed over.

use std::io::{BufRead, BufReader, Read, Write};

use hearth_sandbox::api::{Command, Event, Exit, SandboxId, SandboxSpec};

use crate::bench::{Bench, listener, program, readable, shell, tcp};

#[test]
fn a_program_starts_and_its_end_is_told_once() {
    let bench = Bench::new();
    let (said, exit, out_of_memory) = bench.run_spec(program(&["/bin/true"]));
    assert_eq!((said.as_str(), exit, out_of_memory), ("", Exit::Status(0), false));

    // Killing what has ended is silent: the next thing heard is the next sandbox.
    bench.send(&Command::Kill(SandboxId(1)));
    bench.start(2, program(&["/bin/true"]));
    assert_eq!(bench.exited(2), (Exit::Status(0), false));
}

#[test]
fn the_status_of_a_program_is_told() {
    assert_eq!(Bench::new().run("exit 41"), (String::new(), Exit::Status(41)));
}

#[test]
fn the_signal_that_ended_a_program_is_told() {
    assert_eq!(Bench::new().run("kill -TERM $$").1, Exit::Signal(15));
}

#[test]
fn a_status_above_128_is_not_taken_for_a_signal() {
    assert_eq!(Bench::new().run("exit 137").1, Exit::Status(137));
}

#[test]
fn stdout_and_stderr_come_through_one_pipe_in_order() {
    let (said, _) = Bench::new().run("echo one; echo two >&2; echo three");
    assert_eq!(said, "one\ntwo\nthree\n");
}

#[test]
fn stdin_is_empty() {
    assert_eq!(Bench::new().run("cat; echo done").0, "done\n");
}

#[test]
fn the_environment_is_exactly_what_was_asked_for() {
    let bench = Bench::new();
    let mut spec = program(&["/usr/bin/env"]);
    spec.environment = vec![("B".to_owned(), "2 = two".to_owned()), ("A".to_owned(), String::new())];
    assert_eq!(bench.run_spec(spec).0, "B=2 = two\nA=\n");
}

#[test]
fn arguments_and_working_directory_are_as_asked_for() {
    let bench = Bench::new();
    let mut spec = program(&["called so", "-c", "echo \"$0|$1|$2\"; pwd", "zero", "a b", ""]);
    spec.program = "/bin/bash".into();
    spec.directory = "/var/some/where".into();
    assert_eq!(bench.run_spec(spec).0, "zero|a b|\n/var/some/where\n");
}

#[test]
fn the_channel_is_descriptors_three_and_four_and_speaks_both_ways() {
    let bench = Bench::new();
    let mut spec = shell("read line <&3; echo \"heard $line\" >&4");
    spec.channel = true;
    let mut running = bench.start(1, spec);
    let (mut sending, mut receiving) = running.channel();
    sending.write_all(b"hello\n").expect("write");
    let mut answer = String::new();
    receiving.read_to_string(&mut answer).expect("read to the end");
    assert_eq!(answer, "heard hello\n");
    assert_eq!(bench.exited(1).0, Exit::Status(0));
}

#[test]
fn nothing_else_is_open_in_the_program() {
    let (said, _) = Bench::new().run("echo /proc/self/fd/*");
    assert_eq!(
        said, "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n",
        "3 is the glob itself"
    );
}

#[test]
fn a_program_that_the_kernel_does_not_execute_is_told_with_the_error_number() {
    for (path, error) in [("/bin/missing", 2), ("/etc/passwd", 13)] {
        assert_eq!(Bench::new().start_fails(1, program(&[path])), format!("execute {error}"));
    }
}

#[test]
fn a_mount_whose_source_is_missing_is_told_with_its_path() {
    let mut spec = program(&["/bin/true"]);
    spec.mounts[0].source = "/nowhere".into();
    let reason = Bench::new().start_fails(1, spec);
    assert!(reason.contains("/nowhere"), "{reason}");
}

#[test]
fn a_failed_start_leaves_the_id_free() {
    let bench = Bench::new();
    bench.start_fails(1, program(&["/bin/missing"]));
    assert_eq!(bench.run("echo fine").0, "fine\n");
}

#[test]
fn an_id_that_lives_is_not_given_twice() {
    let bench = Bench::new();
    bench.start(1, shell("read forever < <(sleep 1000)"));
    assert!(bench.start_fails(1, shell("true")).contains("not free"));
    bench.send(&Command::Kill(SandboxId(1)));
    assert_eq!(bench.exited(1).0, Exit::Signal(9));
}

#[test]
fn killing_takes_every_process_along() {
    let bench = Bench::new();
    let running = bench.start(1, shell("sleep 1000 & setsid sleep 1000 & echo ready; wait"));
    assert_eq!(running.read_line(), "ready\n");
    bench.send(&Command::Kill(SandboxId(1)));
    assert_eq!(bench.exited(1), (Exit::Signal(9), false));
    assert_eq!(crate::bench::processes_of(running.user()), Vec::<String>::new());
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let bench = Bench::new();
    let running = bench.start(1, shell("setsid sleep 1000 >/dev/null 2>&1 & exit 3"));
    assert_eq!(bench.exited(1).0, Exit::Status(3));
    assert_eq!(crate::bench::processes_of(running.user()), Vec::<String>::new());
}

#[test]
fn a_frozen_sandbox_stands_still_until_it_is_thawed() {
    let bench = Bench::new();
    let mut spec = shell("while read line <&3; do echo \"$line\" >&4; done");
    spec.channel = true;
    let mut running = bench.start(1, spec);
    let (mut sending, receiving) = running.channel();
    let mut answers = BufReader::new(receiving.try_clone().expect("a copy"));
    let mut answer = String::new();

    bench.send(&Command::Freeze(SandboxId(1)));
    let state = std::path::Path::new("/sys/fs/cgroup/freezer").join(format!(
        "hearth-{}/{}/freezer.state",
        bench.options.instance,
        running.user()
    ));
    crate::bench::eventually("frozen", || std::fs::read_to_string(&state).expect("state") == "FROZEN\n");
    sending.write_all(b"hello\n").expect("write");
    assert!(crate::bench::processes_of(running.user()).iter().all(|status| !status.contains("State:\tR")));
    rustix::io::ioctl_fionbio(&receiving, true).expect("a channel that does not wait");
    assert_eq!(answers.read_line(&mut answer).expect_err("silence").kind(), std::io::ErrorKind::WouldBlock);

    bench.send(&Command::Thaw(SandboxId(1)));
    assert!(readable(&receiving));
    answers.read_line(&mut answer).expect("an answer");
    assert_eq!(answer, "hello\n");
}

#[test]
fn a_frozen_sandbox_can_be_killed() {
    let bench = Bench::new();
    bench.start(1, shell("sleep 1000"));
    bench.send(&Command::Freeze(SandboxId(1)));
    bench.send(&Command::Kill(SandboxId(1)));
    assert_eq!(bench.exited(1).0, Exit::Signal(9));
}

#[test]
fn sockets_made_inside_are_served_outside() {
    let bench = Bench::new();
    let mut spec = shell(
        "for address in 127.0.0.1 169.254.100.1 sandbox.localdomain; do \
         exec 4<>/dev/tcp/$address/9001; echo \"from $address\" >&4; exec 4>&-; done",
    );
    spec.listen = vec![tcp("127.0.0.1:9001"), tcp("169.254.100.1:9001")];
    let running = bench.start(1, spec);
    let line = |index: usize| {
        let (mut stream, _) = listener(&running.listeners[index]).accept().expect("a caller");
        let mut line = String::new();
        stream.read_to_string(&mut line).expect("its line");
        line
    };
    assert_eq!([line(0), line(1)], ["from 127.0.0.1\n", "from 169.254.100.1\n"]);
    assert_eq!(line(0), "from sandbox.localdomain\n");
    assert_eq!(bench.exited(1).0, Exit::Status(0));
}

#[test]
fn two_sandboxes_have_the_same_port_each() {
    let bench = Bench::new();
    let spec = || {
        let mut spec = shell("exec 4<>/dev/tcp/127.0.0.1/9001; echo \"$WHO\" >&4");
        spec.listen = vec![tcp("127.0.0.1:9001")];
        spec
    };
    let started = [1, 2].map(|id| {
        let mut spec = spec();
        spec.environment.push(("WHO".to_owned(), format!("sandbox {id}")));
        bench.send(&Command::Start(SandboxId(id), Box::new(spec)));
    });
    assert_eq!(started.len(), 2);
    let (mut listeners, mut ended) = (Vec::new(), 0);
    while ended < 2 {
        match bench.event() {
            (Event::Started { id, .. }, mut descriptors) => listeners.push((id, descriptors.remove(0))),
            (Event::Exited { exit, .. }, _) => {
                assert_eq!(exit, Exit::Status(0));
                ended += 1;
            }
            (other, _) => panic!("unexpected: {other:?}"),
        }
    }
    for (id, socket) in &listeners {
        let mut line = String::new();
        listener(socket).accept().expect("a caller").0.read_to_string(&mut line).expect("its line");
        assert_eq!(line, format!("sandbox {}\n", id.0), "the accepting socket tells who calls");
    }
}

#[test]
fn what_is_in_tmp_stays_for_the_next_sandbox_until_it_is_forgotten() {
    let bench = Bench::new();
    let run = |id: u64, tmp_of: u64, script: &str| {
        let tmp_of = Some(SandboxId(tmp_of));
        let running = bench.start(id, SandboxSpec { keeps_tmp: true, tmp_of, ..shell(script) });
        let said = running.read_all();
        assert_eq!(bench.exited(id), (Exit::Status(0), false));
        said
    };
    // Nothing is left by one that never was.
    assert_eq!(run(1, 99, "ls /tmp; echo first >/tmp/kept; chmod 600 /tmp/kept"), "");
    assert_eq!(run(2, 1, "cat /tmp/kept; echo second >/tmp/kept"), "first\n");
    assert_eq!(run(3, 2, "cat /tmp/kept; stat -c %u /tmp/kept"), "second\n993\n");
    assert_eq!(run(4, 2, "ls /tmp"), "", "it was taken over already");
    bench.send(&Command::Forget(SandboxId(3)));
    assert_eq!(run(5, 3, "ls /tmp"), "");
    bench.shutdown();
}

#[test]
fn a_sandbox_that_is_forgotten_while_it_runs_leaves_nothing() {
    let bench = Bench::new();
    let keeping = |tmp_of, script| SandboxSpec { keeps_tmp: true, tmp_of, ..shell(script) };
    let running = bench.start(1, keeping(None, "echo x >/tmp/x; echo ready; sleep 60"));
    assert_eq!(running.read_line(), "ready\n");
    bench.send(&Command::Forget(SandboxId(1)));
    bench.send(&Command::Kill(SandboxId(1)));
    assert_eq!(bench.exited(1).0, Exit::Signal(9));
    let next = bench.start(2, keeping(Some(SandboxId(1)), "ls /tmp"));
    assert_eq!(next.read_all(), "");
    assert_eq!(bench.exited(2).0, Exit::Status(0));
}
