"""Functions that bring their own runtime, static programs on AWS's clients, beside the same handler behind plain HTTP."""

import base64
import io
import os
import pathlib
import random
import socket
import subprocess
import time
import zipfile

from figures import ratio
from subjects import CLEAN, Connection, Hearth, PlainServer, rates_of

BUILT = pathlib.Path(__file__).resolve().parents[1] / ".hearth/runtimes"
EVENT = b'{"name": "Ada"}'
BLOCKS, CALLS = 12, 400
COLD_BLOCKS, COLD_CALLS = 6, 8
SPACING_SECONDS = (0.05, 0.15)
WARM_GATE, COLD_GATE = 3.5, 6.0


def package(program):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        files.writestr(entry, program.read_bytes())
        # Another package each time, so that nothing is shared between functions.
        files.writestr("nonce", os.urandom(8))
    return base64.b64encode(archive.getvalue()).decode()


def create(link, name, program, memory_mb):
    link.call("POST", "/2015-03-31/functions", {
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Role": "arn:aws:iam::000000000000:role/bench",
        "Handler": "bootstrap",
        "MemorySize": memory_mb,
        "Timeout": 30,
        "Code": {"ZipFile": package(program)},
    })  # fmt: skip
    while link.call("GET", f"/2015-03-31/functions/{name}/configuration")["State"] != "Active":
        time.sleep(0.005)


def request_of(link, name):
    return link.bytes_of("POST", f"/2015-03-31/functions/{name}/invocations", EVENT)


def timed(link, request):
    began = time.perf_counter()
    status, answer = link.exchange(request)
    took = (time.perf_counter() - began) * 1000
    if (status, answer.replace(b" ", b"").strip()) != (200, EVENT.replace(b" ", b"")):
        raise RuntimeError(f"not the handler's answer: {status} {answer}")
    return took


def bare_ms(program):
    """Spawn and wait of a program that ends where its init would begin."""
    began = time.perf_counter()
    pid = os.posix_spawn(program, ["bootstrap"], CLEAN | {"INIT": "exit"})
    os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1000


def client_alone():
    """Blocks of times from one event to the next for AWS's client on a bare socket loop, without sandbox or platform:
    what no platform that it runs on can be faster than."""
    listener = socket.create_server(("127.0.0.1", 0))
    names = ("FUNCTION_NAME", "FUNCTION_VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME")
    variables = {f"AWS_LAMBDA_{name}": "x" for name in names} | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
    variables["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{listener.getsockname()[1]}"
    program = subprocess.Popen([BUILT / "rust/bootstrap"], env=CLEAN | variables)
    head = (
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
        "Lambda-Runtime-Deadline-Ms: 9999999999999\r\nLambda-Runtime-Invoked-Function-Arn: arn:x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(EVENT)}\r\n\r\n"
    )
    event, accepted = head.encode() + EVENT, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    blocks = []
    try:
        listener.settimeout(10)
        link, _ = listener.accept()
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.recv(65536)
        for _ in range(BLOCKS):
            blocks.append([])
            for _ in range(CALLS):
                began = time.perf_counter()
                link.sendall(event)
                data = b""
                while b"Ada" not in data:  # the answer; its head may come alone
                    data += link.recv(65536)
                link.sendall(accepted)
                if not link.recv(65536).startswith(b"GET"):
                    raise RuntimeError("the client did not ask for the next event")
                blocks[-1].append((time.perf_counter() - began) * 1000)
    finally:
        program.kill()
        program.wait()
        listener.close()
    return blocks


def warm(table, binary, memory_mb):
    """The function in Rust against hyper with the same handler."""
    hearth, plain = Hearth(binary), PlainServer(BUILT / "rust/plain")
    try:
        ours, theirs = Connection(hearth.port), Connection(plain.port)
        create(ours, "warm", BUILT / "rust/bootstrap", memory_mb)
        subjects = [(ours, request_of(ours, "warm")), (theirs, request_of(theirs, "warm"))]
        for link, sent in subjects:
            [timed(link, sent) for _ in range(CALLS)]
        blocks = ([], [])
        for number in range(BLOCKS):
            for index in (0, 1) if number % 2 == 0 else (1, 0):
                blocks[index].append([timed(*subjects[index]) for _ in range(CALLS)])
        value, low, high = ratio(*blocks)
        what = "warm custom runtime in Rust, p50, to hyper"
        table.add(what, f"{value:.2f}x ({low:.2f} to {high:.2f})", f"<= {WARM_GATE}x", value <= WARM_GATE)
        table.latencies("Hearth", blocks[0])
        table.latencies("hyper", blocks[1])
        table.latencies("AWS's client alone, on a bare socket loop", client_alone())
        plain.stop()
        rates_of(table, "custom runtime in Rust", "hyper", hearth.port, subjects[0][1], [BUILT / "rust/plain"])
    finally:
        plain.stop()
        hearth.remove()


def cold(table, binary, memory_mb, language, program):
    """A static program's first call against the bare process, and against an empty static one."""
    nothing = BUILT / "rust/nothing"
    hearth = Hearth(binary)
    try:
        link = Connection(hearth.port)
        names = [f"cold-{number}" for number in range(COLD_BLOCKS * COLD_CALLS + 1)]
        for name in names:
            create(link, name, program, memory_mb)
        random.shuffle(names)
        timed(link, request_of(link, names.pop()))  # what is read from the disk once
        subjects = (
            lambda: timed(link, request_of(link, names.pop())),
            lambda: bare_ms(program),
            lambda: bare_ms(nothing),
        )
        blocks = ([], [], [])
        for number in range(COLD_BLOCKS):
            for index in (0, 1, 2) if number % 2 == 0 else (2, 1, 0):
                samples = []
                for _ in range(COLD_CALLS):
                    time.sleep(random.uniform(*SPACING_SECONDS))
                    samples.append(subjects[index]())
                blocks[index].append(samples)
    finally:
        hearth.remove()
    value, low, high = ratio(blocks[0], blocks[1])
    what = f"cold static {language} on provided.al2023, p50, to its bare process"
    table.add(what, f"{value:.2f}x ({low:.2f} to {high:.2f})", f"<= {COLD_GATE}x", value <= COLD_GATE)
    value, low, high = ratio(blocks[0], blocks[2])
    table.note("  to an empty static program", f"{value:.2f}x ({low:.2f} to {high:.2f})")
    for name, samples in zip(("Hearth", "its bare process", "an empty static program"), blocks):
        table.slowest(name, samples)


def measure(table, binary, memory_mb):
    """All of it. Needs what `scripts/runtimes.sh` builds."""
    warm(table, binary, memory_mb)
    cold(table, binary, memory_mb, "Rust", BUILT / "rust/bootstrap")
    cold(table, binary, memory_mb, "Go", BUILT / "go/bootstrap")
