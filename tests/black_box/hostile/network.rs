//! The network as a function sees it: itself, the Runtime API, the endpoint, and nothing else.

use hearth_tests::Hearth;
use serde_json::json;

use super::{Street, answer};

#[test]
fn nothing_of_the_host_or_the_world_answers() {
    let street = Street::new();
    let open = std::net::TcpListener::bind("0.0.0.0:0").expect("a port of the host");
    let port = open.local_addr().expect("an address").port();
    let serving = street.hearth.address().rsplit(':').next().expect("a port").to_owned();
    let code = r"
import socket
def attempt(address):
    host, port = address.rsplit(':', 1)
    try:
        socket.create_connection((host, int(port)), 1).close()
        return 'connected'
    except OSError:
        return 'refused'
def interfaces():
    return [line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]
def handler(event, context):
    return interfaces(), [attempt(address) for address in event]
";
    let mut addresses = vec![
        format!("127.0.0.1:{port}"),
        format!("::1:{port}"),
        format!("169.254.100.1:{port}"),
        "127.0.0.1:22".to_owned(),
        "169.254.169.254:80".to_owned(),
        format!("169.254.100.1:{serving}"),
    ];
    addresses.extend(
        addresses_of_this_host()
            .into_iter()
            .flat_map(|ip| [format!("{ip}:{port}"), format!("{ip}:{serving}")]),
    );
    // Refusals to one address come at a rate that the kernel bounds: a host with many addresses takes a while.
    let function = street.hostile("hostile", code).with("Timeout", json!(60)).create();
    let answered = answer(&function.invoke(&json!(addresses).to_string()));
    street.is_well();
    assert_eq!(answered[0], json!(["lo", "eth0"]));
    for (address, result) in addresses.iter().zip(answered[1].as_array().expect("a list")) {
        assert_eq!(result, "refused", "{address}");
    }
}

#[test]
fn without_a_way_out_there_is_loopback_alone_and_a_port_of_the_host_that_was_opened() {
    let open = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    let port = open.local_addr().expect("an address").port();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    let closed = closed.local_addr().expect("an address").port();
    let ports = [port.to_string(), closed.to_string()];
    let hearth =
        Hearth::start_with(&["--egress", "off", "--allow-host", &ports[0], "--allow-host", &ports[1]]);
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = open.accept().expect("a connection");
        let mut question = [0; 4];
        stream.read_exact(&mut question).expect("a question");
        stream.write_all(&question.map(|byte| byte.to_ascii_uppercase())).expect("an answer");
    });
    let code = "import socket\ndef ask(port):\n    try:\n        \
                link = socket.create_connection(('127.0.0.1', port), 5)\n        link.sendall(b'ping')\n        \
                return link.recv(4).decode()\n    except OSError:\n        return ''\n\
                def handler(event, context):\n    \
                names = [line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]\n    \
                return names, [ask(port) for port in event]\n";
    let function = hearth.function("asker").code(code).with("Timeout", json!(20)).create();
    let answered = function.invoke(&json!([port, closed]).to_string()).json();
    assert_eq!(answered, json!([["lo"], ["PING", ""]]));
    answering.join().expect("no panic");
}

/// The addresses that are not loopback, from the kernel's table of local routes.
fn addresses_of_this_host() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let lines: Vec<&str> = table.lines().collect();
    let local = lines.windows(2).filter(|pair| pair[1].contains("/32 host LOCAL"));
    let addresses =
        local.filter_map(|pair| pair[0].split("|-- ").nth(1)).filter(|ip| !ip.starts_with("127."));
    let mut addresses: Vec<String> = addresses.map(|ip| ip.trim().to_owned()).collect();
    addresses.dedup();
    addresses
}

#[test]
fn abstract_sockets_ports_and_queues_of_one_function_are_not_anothers() {
    let street = Street::new();
    let code = r"
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
kept = []
def handler(event, context):
    one, two = socket.socket(socket.AF_UNIX), socket.socket()
    segment = libc.shmget(0x4ea47, 4096, 0o1666 if event == 'serve' else 0)
    if event == 'serve':
        one.bind('\0hearth-shared'), one.listen(1)
        two.bind(('127.0.0.1', 7777)), two.listen(1)
        kept.extend([one, two])
        return [one.fileno() > 0, two.fileno() > 0, segment >= 0]
    return [one.connect_ex('\0hearth-shared') == 0, two.connect_ex(('127.0.0.1', 7777)) == 0, segment >= 0]
";
    let host = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of the host");
    drop(host);
    let (server, client) = (street.hostile("server", code).create(), street.hostile("client", code).create());
    assert_eq!(answer(&server.invoke("\"serve\"")), json!([true, true, true]));
    assert_eq!(answer(&client.invoke("\"ask\"")), json!([false, false, false]));
    street.is_well();
}

#[test]
fn the_endpoint_inside_serves_aws_and_nothing_of_hearths_own() {
    let street = Street::new();
    let token = std::fs::read_to_string(street.hearth.data().join("token")).unwrap_or_default();
    let code = r"
import http.client, os
def ask(method, path, headers):
    client = http.client.HTTPConnection(os.environ['AWS_ENDPOINT_URL'][7:], timeout=4)
    client.request(method, path, headers=headers)
    return client.getresponse().status
def handler(event, context):
    headers = {'Authorization': 'Bearer ' + event, 'X-Hearth-Token': event}
    return [ask(method, path, headers) for method, path in (
        ('GET', '/_hearth/health'), ('POST', '/_hearth/shutdown'), ('GET', '/_hearth/logs'), ('CONNECT', '127.0.0.1:22'),
        ('GET', 'http://169.254.169.254/'), ('GET', '/awslambda-us-east-1-tasks/x'), ('TRACE', '/'))]
";
    let answered = answer(&street.attack(code, &json!(token.trim())));
    let statuses: Vec<u64> =
        answered.as_array().expect("a list").iter().filter_map(serde_json::Value::as_u64).collect();
    assert!(statuses.len() == 7 && statuses.iter().all(|status| (400..500).contains(status)), "{statuses:?}");
}

#[test]
fn a_function_that_calls_itself_ends_with_an_answer() {
    let street = Street::new();
    let code = r"
import http.client, json, os
def handler(event, context):
    if event == 0:
        return 0
    client = http.client.HTTPConnection(os.environ['AWS_ENDPOINT_URL'][7:])
    client.request('POST', '/2015-03-31/functions/self/invocations', json.dumps(event - 1), {
        'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0'})
    return 1 + json.loads(client.getresponse().read())
";
    let function = street.hostile("self", code).with("Timeout", json!(30)).create();
    assert_eq!(answer(&function.invoke("12")), json!(12));
    street.ends();
}

#[test]
fn large_requests_that_a_function_never_finishes_cost_the_server_little() {
    let street = Street::new();
    let code = r"
import os, socket, threading, time
def handler(event, context):
    host, port = os.environ['AWS_ENDPOINT_URL'][7:].split(':')
    def post():
        one = socket.create_connection((host, int(port)))
        one.settimeout(2)
        try:
            one.sendall(b'POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 Credential='
                        b'a/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: 70000000\r\n\r\n')
            for _ in range(60):
                one.sendall(bytes(1 << 20))
        except OSError:
            pass
        time.sleep(60)
    for _ in range(8):
        threading.Thread(target=post, daemon=True).start()
    time.sleep(60)
";
    let function =
        street.hostile("halves", code).with("MemorySize", json!(1024)).with("Timeout", json!(4)).create();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| function.invoke("{}"));
        while !call.is_finished() {
            street.is_well();
        }
        assert_eq!(call.join().expect("no panic").json()["errorType"], "Sandbox.Timedout");
    });
    street.ends();
}
