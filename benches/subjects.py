"""What is measured: a running Hearth, and the floors it is compared with. Raw sockets, nothing else."""

import base64
import io
import json
import os
import pathlib
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

from languages import CLEAN

ROLE = "arn:aws:iam::000000000000:role/bench"
KEY = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"


class Connection:
    """One keep-alive connection over which one request at a time goes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = port

    def bytes_of(self, method, path, body=b"", headers=()):
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        head += [f"Authorization: {KEY}", *headers]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    def head_of(self, request):
        """Sends the bytes of a request; gives status and length of the answer, and what came of its body."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return int(head[9:12]), length, body

    def exchange(self, request):
        """Sends the bytes of a request; gives status and body."""
        status, length, body = self.head_of(request)
        while len(body) < length:
            body += self.receive()
        return status, body

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def call(self, method, path, value=None, wanted=(200, 201, 202, 204)):
        body = b"" if value is None else json.dumps(value).encode()
        status, answer = self.exchange(self.bytes_of(method, path, body))
        if status not in wanted:
            raise RuntimeError(f"{method} {path}: {status} {answer[:500]}")
        return json.loads(answer) if answer else None


class Hearth:
    """`hearth up` in a data folder of its own."""

    def __init__(self, binary, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-bench-"))
        self.command = [binary, "up", "--listen", "127.0.0.1:0", "--data", str(self.folder / "data"), *options]
        self.start()

    def start(self):
        """Starts the program; `start_ms` is from the spawn to the ready line."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.process.stdout.readline()
        self.start_ms = (time.monotonic() - began) * 1000
        if not line.startswith("ready "):
            sys.exit(f"hearth did not start: run {' '.join(self.command)}")
        self.port = int(line.split()[1].rsplit(":", 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder)

    def create(self, connection, name, language, code, memory_mb):
        """Creates a function and waits until it is active."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            entry = zipfile.ZipInfo(language.file)
            entry.external_attr = 0o100644 << 16  # Lambda keeps modes, and others must be able to read it
            archive.writestr(entry, code)
        connection.call(
            "POST",
            "/2015-03-31/functions",
            {
                "FunctionName": name,
                "Runtime": language.runtime,
                "Role": ROLE,
                "Handler": "app.handler",
                "MemorySize": memory_mb,
                "Timeout": 30,
                "Code": {"ZipFile": base64.b64encode(package.getvalue()).decode()},
            },
        )
        path = f"/2015-03-31/functions/{name}/configuration"
        while connection.call("GET", path)["State"] != "Active":
            time.sleep(0.005)


SOCKET = """
import socket
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
answer = b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}'
while True:
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while peer.recv(65536):
        peer.sendall(answer)
"""


class PlainServer:
    """A process that answers on a port: the floor of a warm call."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=CLEAN)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()


def throughput(ports, request, connections, seconds):
    """Calls answered a second while each of the connections, one port after the other, always has one under way."""
    chosen = selectors.DefaultSelector()
    links = [Connection(ports[number % len(ports)]) for number in range(connections)]
    for link in links:
        chosen.register(link.socket, selectors.EVENT_READ, link)
        link.socket.sendall(request)
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        for key, _ in chosen.select(1):
            answer = key.data.receive()
            if answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"not the handler's answer: {answer[:200]}")
            if b"Ada" not in answer:
                continue  # the body comes in another piece
            key.data.socket.sendall(request)
            done += 1
    rate = done / (time.perf_counter() - began)
    for link in links:
        while b"Ada" not in link.receive():
            pass
        link.socket.close()
    return rate


THROUGHPUT_BLOCKS, THROUGHPUT_SECONDS = 6, 1.0
THROUGHPUT_CONNECTIONS = (8, 2, 32)  # the first is gated
THROUGHPUT_GATE = 0.35


def rates_of(table, name, server_name, port, request, server):
    """Calls a second, beside as many processes of the plain server as there are environments: one a connection."""
    for connections in THROUGHPUT_CONNECTIONS:
        gated = connections == THROUGHPUT_CONNECTIONS[0]
        plain = [PlainServer(*server) for _ in range(connections)]
        try:
            sides = ([port], [one.port for one in plain])
            rates = ([], [])
            for number in range(1 + (THROUGHPUT_BLOCKS if gated else 2)):
                for index in (0, 1) if number % 2 == 0 else (1, 0):
                    rates[index].append(throughput(sides[index], request, connections, THROUGHPUT_SECONDS))
        finally:
            for one in plain:
                one.stop()
        ours, theirs = (statistics.median(side[1:]) for side in rates)  # the first ones start environments
        what = f"warm {name}, calls a second at {connections} connections, to {server_name}"
        value = f"{ours / theirs:.2f}x ({ours:.0f} to {theirs:.0f})"
        if gated:
            table.add(what, value, f">= {THROUGHPUT_GATE}x", ours / theirs >= THROUGHPUT_GATE)
        else:
            table.note(what, value)
