//! Two thousand connections to the Runtime API from one function, in every state that a connection can be left in.

use std::thread;

use serde_json::json;

use super::{Street, answer};

/// Connections that the function tries to hold.
const CONNECTIONS: u64 = 2000;

/// One process may have 1,024 descriptors, as on AWS: several hold a share each, and every share has half-closed
/// connections, heads that drip, bodies that drip, heads that are huge, blocked `next`s, and silent ones.
const CROWD: &str = r"
import os, socket, time
SHARES, EACH = 4, 500
API = ('169.254.100.1', 9001)
def one(kind, request):
    link = socket.socket()
    link.settimeout(2)
    link.connect(API)
    link.setblocking(False)
    head = b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n'
    post = b'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n' % request
    try:
        link.send([b'', head, head + b'\r\n', post + b'x', head + b'X: ' + b'y' * 100000, post.replace(request, b'other')][kind])
        if kind in (0, 2):
            link.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return link
def share(request, told):
    held, refused = [], 0
    for number in range(EACH):
        try:
            held.append((number % 6, one(number % 6, request)))
        except OSError:
            refused += 1
    os.write(told, b'%d\n' % len(held))
    while True:
        for kind, link in held:
            if kind in (1, 3):
                try:
                    link.send(b'x')
                except OSError:
                    pass
        time.sleep(1)
def handler(event, context):
    listen, told = os.pipe()
    children = []
    for _ in range(SHARES):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            share(context.aws_request_id.encode(), told)
        children.append(pid)
    os.close(told)
    held = sum(int(line) for line, _ in zip(os.fdopen(listen), range(SHARES)))
    print('held', held, flush=True)
    time.sleep(3)
    for pid in children:
        os.kill(pid, 9), os.waitpid(pid, 0)
    return held
";

#[test]
fn two_thousand_connections_of_one_function_are_its_own_affair() {
    let street = Street::new();
    let function = street.hostile("crowd", CROWD).with("Timeout", json!(50)).with("MemorySize", json!(512));
    let function = function.create();
    for _ in 0..2 {
        thread::scope(|scope| {
            let call = scope.spawn(|| function.invoke("{}"));
            while !call.is_finished() {
                street.is_well();
            }
            let ended = call.join().expect("no panic");
            // An answer of its own that dripped and broke off is the function's answer.
            assert!(ended.error.is_empty() || ended.json()["errorType"] == "Runtime.TruncatedResponse", "{ended:?}");
            let held = ended.log.lines().find_map(|line| line.strip_prefix("held ")?.parse::<u64>().ok());
            assert!(held > Some(CONNECTIONS / 2), "it held {held:?}: {}", ended.log);
            eprintln!("{held:?} connections");
        });
    }
    // What is left of them is no more than a server keeps for one function.
    let descriptors = || {
        std::fs::read_dir(format!("/proc/{}/fd", street.hearth.process())).expect("a process").count()
    };
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
