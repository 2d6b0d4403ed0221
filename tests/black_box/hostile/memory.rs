//! Memory by every way there is: all of it is the function's own, up to its limit.

use serde_json::json;

use super::{Street, answer, ran_out_of_memory};

#[test]
fn memory_files_are_the_functions_memory() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    file = os.memfd_create('hog')
    for _ in range(512):
        os.write(file, bytes(1 << 20))
";
    ran_out_of_memory(&street.attack(code, &json!({})));
}

#[test]
fn shared_segments_are_the_functions_memory() {
    let street = Street::new();
    let code = r"
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
def handler(event, context):
    for _ in range(20):
        place = libc.shmat(libc.shmget(0, 20 << 20, 0o1600), None, 0)
        ctypes.memset(place, 1, 20 << 20)
        libc.shmdt(ctypes.c_void_p(place))
";
    ran_out_of_memory(&street.attack(code, &json!({})));
    street.ends();
}

#[test]
fn unread_bytes_in_local_sockets_are_the_functions_memory() {
    let street = Street::new();
    let code = r"
import socket
kept = []
def handler(event, context):
    for _ in range(450):
        one, other = socket.socketpair()
        kept.append((one, other))
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
        try:
            while True:
                one.send(bytes(65536))
        except BlockingIOError:
            pass
";
    ran_out_of_memory(&street.attack(code, &json!({})));
}

#[test]
fn unread_bytes_in_tcp_connections_are_the_functions_memory() {
    let street = Street::new();
    let code = r"
import socket
kept = []
def handler(event, context):
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(64)
    sent = 0
    for _ in range(100):
        one = socket.create_connection(listener.getsockname())
        kept.append((one, listener.accept()[0]))
        one.setblocking(False)
        try:
            while sent < 300 << 20:
                sent += one.send(bytes(262144))
        except BlockingIOError:
            pass
    return sent >> 20
";
    // Killed, or kept from sending: either way 128 MB do not hold 300.
    let attacked = street.attack(code, &json!({}));
    assert!(
        attacked.error == "Unhandled" || attacked.json().as_u64() < Some(160),
        "{}",
        attacked.answer.text()
    );
}

#[test]
fn unread_datagrams_are_the_functions_memory() {
    let street = Street::new();
    let code = r"
import socket
kept = []
def held():
    text = next(line for line in open('/proc/net/sockstat') if line.startswith('UDP:'))
    return int(text.split()[4]) * 4096 >> 20
def handler(event, context):
    before = held()
    for _ in range(150):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(('127.0.0.1', 0))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 30)
        one.setblocking(False)
        kept.append(one)
        try:
            for _ in range(40):
                one.sendto(bytes(60000), one.getsockname())
        except OSError:
            pass
    return held() - before
";
    let attacked = street.attack(code, &json!({}));
    assert!(
        attacked.error == "Unhandled" || attacked.json().as_i64() < Some(160),
        "{}",
        attacked.answer.text()
    );
}

#[test]
fn many_children_share_one_limit() {
    let street = Street::new();
    let code = r"
import os
gate = os.pipe()
def handler(event, context):
    children = []
    for _ in range(30):
        pid = os.fork()
        if pid == 0:
            os.close(gate[1])
            hog = bytearray(20 << 20)
            os._exit(0 if hog[0] == 0 and os.read(gate[0], 1) == b'' else 1)
        children.append(pid)
    os.close(gate[1])
    return sum(os.waitpid(pid, 0)[1] == 9 for pid in children)
";
    // Touching 600 MB takes a while with the CPU of 128.
    let attacked = street.hostile("hostile", code).with("Timeout", json!(60)).create().invoke("{}");
    street.is_well();
    // 600 MB in 128: some children are killed, or the function itself.
    let killed = attacked.json().as_u64().unwrap_or_default();
    assert!(
        killed > 0 || attacked.json()["errorType"] == "Runtime.OutOfMemory",
        "{}",
        attacked.answer.text()
    );
    street.ends();
}

#[test]
fn the_page_cache_of_large_files_kills_nobody() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    with open('/tmp/large', 'wb', buffering=0) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    total = 0
    with open('/tmp/large', 'rb', buffering=0) as file:
        while piece := file.read(1 << 20):
            total += len(piece)
    return total >> 20
";
    // Copying 600 MB takes a while with the CPU of 128.
    let function = street.hostile("hostile", code).with("Timeout", json!(60)).create();
    assert_eq!(answer(&function.invoke("{}")), json!(300));
}

#[test]
fn pipes_hold_what_their_user_may_have() {
    let street = Street::new();
    let code = r"
import fcntl, os
kept = []
def handler(event, context):
    held = 0
    try:
        for _ in range(500):
            reading, writing = os.pipe()
            kept.append(reading)
            try:
                fcntl.fcntl(writing, 1031, 1 << 20)
            except OSError:
                pass
            os.set_blocking(writing, False)
            try:
                while True:
                    held += os.write(writing, bytes(65536))
            except BlockingIOError:
                pass
            kept.append(writing)
    except OSError as error:
        return error.errno, held >> 20 < 128
    return 0, held >> 20 < 128
";
    let attacked = street.attack(code, &json!({}));
    assert!(attacked.error == "Unhandled" || attacked.json()[1] == true, "{}", attacked.answer.text());
}
