//! Two thousand connections to the Runtime API from one function, in every state that a connection can be left in.

use std::thread;

use serde_json::json;

use super::{Street, answer};

/// One process may have 1,024 descriptors, as on AWS: four hold 500 connections each. A listening socket takes some
/// hundred, the rest knock for ever. Those that are let in are half-closed, silent, or blocked in `next`; their heads
/// drip, or are huge; their bodies drip.
const CROWD: &str = r"
import os, socket, time
SHARES, EACH = 4, 500
HEAD = b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n'
POST = b'POST /2018-06-01/runtime/invocation/other/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'
STARTS = [b'', HEAD, HEAD + b'\r\n', POST + b'x', HEAD + b'X: ' + b'y' * 100000, POST]
def share(told):
    held = []
    for number in range(EACH):
        link = socket.socket()
        link.setblocking(False)
        link.connect_ex(('169.254.100.1', 9001))
        held.append([link, number % 6, STARTS[number % 6]])
    os.write(told, b'%d\n' % len(held))
    while True:
        for each in held:
            link, kind, rest = each
            try:
                each[2] = rest[link.send(rest):] if rest else rest
                if not each[2] and kind in (0, 2):
                    link.shutdown(socket.SHUT_WR)
                elif not each[2] and kind in (1, 3):
                    link.send(b'x')
            except OSError:
                pass
        time.sleep(0.2)
def handler(event, context):
    listen, told = os.pipe()
    children = []
    for _ in range(SHARES):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            share(told)
        children.append(pid)
    os.close(told)
    held = sum(int(line) for _, line in zip(range(SHARES), os.fdopen(listen)))
    time.sleep(5)
    with open('/proc/net/tcp') as table:
        established = sum(line.split()[3] == '01' for line in table)
    for pid in children:
        os.kill(pid, 9), os.waitpid(pid, 0)
    return [held, established > 16]
";

#[test]
fn two_thousand_connections_of_one_function_are_its_own_affair() {
    let street = Street::new();
    let function = street.hostile("crowd", CROWD).with("Timeout", json!(50)).with("MemorySize", json!(1024));
    let function = function.create();
    for _ in 0..2 {
        thread::scope(|scope| {
            let call = scope.spawn(|| function.invoke("{}"));
            while !call.is_finished() {
                street.is_well();
            }
            assert_eq!(answer(&call.join().expect("no panic")), json!([2000, true]));
        });
    }
    // What is left of them is no more than a server keeps for one function.
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", street.hearth.process())).expect("a process").count();
    super::wait_until("the end of the crowd", || descriptors() < 200);
    street.ends();
}

#[test]
fn datagrams_for_the_daemon_of_x_ray_are_taken_and_hold_nobody_up() {
    let street = Street::new();
    let code = r#"
import os, socket
def handler(event, context):
    host, port = os.environ['AWS_XRAY_DAEMON_ADDRESS'].split(':')
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.connect((host, int(port)))
    segment = b'{"format":"json","version":1}\n{"name":"x","id":"70de5b6f19ff9a0a"}'
    # A port that nobody has would refuse the second one.
    return [link.send(segment), link.send(segment), sum(link.send(bytes(60000)) for _ in range(2000)) // 60000]
"#;
    let sent = answer(&street.attack(code, &json!({})));
    assert_eq!(sent, json!([66, 66, 2000]));
    street.ends();
}
