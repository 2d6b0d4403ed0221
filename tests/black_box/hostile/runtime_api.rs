//! The Runtime API at 169.254.100.1:9001, used as no runtime uses it.

use serde_json::json;

use super::{Street, answer, wait_until};

/// One request from inside: its status and the type of its error.
const CLIENT: &str = r"
import http.client, json, socket
def ask(method, path, body=None, headers={}):
    client = http.client.HTTPConnection('169.254.100.1:9001', timeout=4)
    try:
        client.request(method, path, body, headers)
        answer = client.getresponse()
        text = answer.read()
        try:
            return [answer.status, json.loads(text)['errorType']]
        except (ValueError, KeyError, TypeError):
            return [answer.status, '']
    except (OSError, http.client.HTTPException):
        return [0, '']
    finally:
        client.close()
";

fn with_client(code: &str) -> String {
    format!("{CLIENT}{code}")
}

#[test]
fn answers_for_other_requests_and_at_the_wrong_time_are_refused() {
    let street = Street::new();
    let code = with_client(
        r"
def handler(event, context):
    base = '/2018-06-01/runtime/invocation/'
    own = base + context.aws_request_id
    before = [ask('POST', base + other + '/response', '1') for other in event] + [
        ask('POST', '/2018-06-01/runtime/init/error', '{}'), ask('GET', own + '/response'),
        ask('GET', '/2018-06-01/../../etc/passwd'), ask('POST', '/2018-06-01/runtime/invocation/next', '')]
    after = [ask('POST', own + '/response', '\x22mine\x22'), ask('POST', own + '/response', '2'),
             ask('POST', own + '/error', '{}'), ask('POST', base + 'x/response', '3')]
    print(json.dumps([before, after]))
    return 'late'
",
    );
    let ids = ["00000000-0000-0000-0000-000000000000".to_owned(), "x".repeat(5000), "..%2f..".to_owned()];
    let attacked = street.attack(&code, &json!(ids));
    assert_eq!(answer(&attacked), json!("mine"));
    let printed = attacked.log.lines().find(|line| line.starts_with("[[")).expect("what was answered");
    let printed: serde_json::Value = serde_json::from_str(printed).expect("JSON");
    let (unknown, state) = ([400, 0], "InvalidStateTransition");
    assert_eq!(
        printed[0],
        json!([
            [unknown[0], "InvalidRequestID"],
            [unknown[0], "InvalidRequestID"],
            [unknown[0], "InvalidRequestID"],
            [403, state],
            [405, ""],
            [404, ""],
            [405, ""],
        ])
    );
    assert_eq!(printed[1], json!([[202, ""], [403, state], [403, state], [403, state]]));
    street.ends();
}

#[test]
fn asking_again_and_again_gets_the_same_invocation() {
    let street = Street::new();
    let code = r"
import http.client
def handler(event, context):
    client = http.client.HTTPConnection('169.254.100.1:9001', timeout=4)
    seen = set()
    for _ in range(200):
        client.request('GET', '/2018-06-01/runtime/invocation/next')
        answer = client.getresponse()
        seen.add((answer.status, answer.headers['lambda-runtime-aws-request-id'] == context.aws_request_id, answer.read() == b'{}'))
    return [list(each) for each in seen]
";
    let function = street.hostile("asker", code).with("Timeout", json!(30)).create();
    for _ in 0..2 {
        assert_eq!(answer(&function.invoke("{}")), json!([[200, true, true]]));
        street.is_well();
    }
}

#[test]
fn garbage_half_closed_and_endless_connections_are_the_functions_own_loss() {
    let street = Street::new();
    let code = with_client(
        r"
kept = []
def raw(data, half):
    one = socket.create_connection(('169.254.100.1', 9001), 2)
    one.settimeout(4)
    try:
        one.sendall(data)
        if half:
            one.shutdown(socket.SHUT_WR)
        return one.recv(64).split(b' ')[1:2] != [b'200']
    except OSError:
        return True
def handler(event, context):
    refused = [raw(b'\x16\x03\x01' * 100 + b'\r\n\r\n', True), raw(b'GET /2018-06-01/ping HTTP/9.9\r\n\r\n', True),
               raw(b'GET\r\n\r\n', True), raw(b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', True)]
    refused.append(ask('GET', '/2018-06-01/ping', None, {'X': 'y' * 3000000})[0] != 200)
    refused.append(ask('GET', '/2018-06-01/ping', None, {'X%d' % n: 'y' for n in range(2000)})[0] != 200)
    for _ in range(900):
        one = socket.socket()
        kept.append(one)
        one.setblocking(False)
        one.connect_ex(('169.254.100.1', 9001))
        try:
            one.send(b'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n')
        except OSError:
            pass
    return refused
",
    );
    let function = street.hostile("crowd", &code).create();
    for _ in 0..2 {
        let invocation = function.invoke("{}");
        street.is_well();
        if invocation.error.is_empty() {
            assert!(
                invocation.json().as_array().is_none_or(|all| all.iter().all(|one| one == true)),
                "{}",
                invocation.json()
            );
        }
    }
    let descriptors =
        || std::fs::read_dir(format!("/proc/{}/fd", street.hearth.process())).expect("a process").count();
    wait_until("an end of descriptors for one function", || descriptors() < 200);
    street.ends();
}

#[test]
fn large_answers_that_are_never_finished_cost_the_server_little() {
    let street = Street::new();
    let code = r"
import socket, threading, time
def handler(event, context):
    sent = []
    def post(address):
        one = socket.create_connection((address, 9001))
        one.settimeout(2)
        one.sendall(b'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 6200000\r\n\r\n'
                    % context.aws_request_id.encode())
        try:
            for _ in range(5):
                one.sendall(bytes(1 << 20))
                sent.append(one)
        except OSError:
            pass
        time.sleep(60)
    for address in ('127.0.0.1', '169.254.100.1'):
        for _ in range(16):
            threading.Thread(target=post, args=(address,), daemon=True).start()
    time.sleep(60)
";
    let function =
        street.hostile("halves", code).with("MemorySize", json!(1024)).with("Timeout", json!(3)).create();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| function.invoke("{}"));
        while !call.is_finished() {
            street.is_well();
        }
        assert_eq!(call.join().expect("no panic").error, "Unhandled");
    });
}
