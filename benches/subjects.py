"""What is measured: a running Hearth, and the floors it is compared with. Raw sockets, nothing else."""

import base64
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

ROLE = "arn:aws:iam::000000000000:role/bench"
KEY = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
CLEAN = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


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

    def exchange(self, request):
        """Sends the bytes of a request; gives status and body."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        while len(body) < length:
            body += self.receive()
        return int(head[9:12]), body

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

    def create(self, connection, name, runtime, code, memory_mb):
        """Creates a function and waits until it is active."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            entry = zipfile.ZipInfo("app.py")
            entry.external_attr = 0o100644 << 16  # Lambda keeps modes, and others must be able to read it
            archive.writestr(entry, code)
        connection.call(
            "POST",
            "/2015-03-31/functions",
            {
                "FunctionName": name,
                "Runtime": runtime,
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


SERVER = """
import http.server, importlib.util, json, sys
spec = importlib.util.spec_from_file_location('app', sys.argv[1])
app = importlib.util.module_from_spec(spec); spec.loader.exec_module(app)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = -1
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        body = json.dumps(app.handler(event, None)).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""

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
    """A Python process that answers on a port: the floor of a warm call."""

    def __init__(self, python, program, *arguments):
        command = [python, "-I", "-c", program, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=CLEAN)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()


def bare_python_ms(python):
    """Spawn and wait of `python3 -I -c pass`, by absolute path, with a clean environment."""
    began = time.perf_counter()
    pid = os.posix_spawn(python, [python, "-I", "-c", "pass"], CLEAN)
    os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1000
