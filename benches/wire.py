"""A small HTTP/1.1 client over one kept-alive socket: what it costs is constant and known to both sides."""

import base64
import hashlib
import io
import json
import socket
import zipfile

# Any access key is good for `hearth up`; a signature of an unknown key is not checked there.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIDBENCHMARK/20260101/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host, Signature=" + "0" * 64
)
ROLE = "arn:aws:iam::000000000000:role/bench"


class Connection:
    """One kept-alive connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = port

    def close(self):
        self.socket.close()

    def request_bytes(self, method, path, body=b"", headers=()):
        """The whole request, to be sent any number of times."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Authorization: {AUTHORIZATION}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def exchange(self, request):
        """Sends a request and reads its answer: status, head and body."""
        self.socket.sendall(request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end]
        length = _content_length(head)
        body = received[end + 4 :]
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), head, body

    def _more(self):
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        return chunk

    def call(self, method, path, body=b"", headers=()):
        return self.exchange(self.request_bytes(method, path, body, headers))


def _content_length(head):
    at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    return int(head[at + 17 :].split(b"\r\n", 1)[0])


def create_function(connection, name, source, runtime, memory_mb=1769, timeout=30):
    """Creates a function from one source text and waits until it is Active."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.py", source)
    body = json.dumps(
        {
            "FunctionName": name,
            "Runtime": runtime,
            "Role": ROLE,
            "Handler": "index.handler",
            "Code": {"ZipFile": base64.b64encode(package.getvalue()).decode()},
            "MemorySize": memory_mb,
            "Timeout": timeout,
        }
    ).encode()
    status, _, answer = connection.call("POST", "/2015-03-31/functions", body)
    if status != 201:
        raise RuntimeError(f"CreateFunction answered {status}: {answer.decode(errors='replace')}")
    while True:
        _, _, answer = connection.call("GET", f"/2015-03-31/functions/{name}/configuration")
        state = json.loads(answer)["State"]
        if state == "Active":
            return
        if state == "Failed":
            raise RuntimeError(f"the function failed: {answer.decode(errors='replace')}")


def invoke_request(connection, name, event):
    return connection.request_bytes("POST", f"/2015-03-31/functions/{name}/invocations", event)


def unique_source(number):
    """A handler whose code nobody has seen: its answer proves which process ran it, and that it was new."""
    nonce = hashlib.sha256(str(number).encode()).hexdigest()
    return f"NONCE = '{nonce}'\nCALLS = [0]\n\n\ndef handler(event, context):\n    CALLS[0] += 1\n    return [NONCE, CALLS[0]]\n"
