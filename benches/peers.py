"""Servers that speak S3: Hearth, and those that `scripts/peers.sh` builds. Each in a folder of its own, on one disk."""

import datetime
import hashlib
import hmac
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import machine
import subjects
from languages import CLEAN

BUILT = pathlib.Path(__file__).resolve().parents[1] / ".hearth/peers"
BUCKET = "bench"
START_SECONDS = 30
KEY, SECRET = "benchbenchbenchbench", "benchbenchbenchbenchbenchbenchbenchbench"

# What puts bytes on stable storage; with the flag, each write does.
SYNCS = re.compile(r"\b(?:fsync|fdatasync|syncfs|sync_file_range|msync)\(")
SYNC_FLAG = re.compile(r"\bopenat?\(.*O_D?SYNC")


def signed(method, host, path, body, key, secret, service="s3", headers=()):
    """The bytes of a request with a signature of version 4 over its head and its payload."""
    now = datetime.datetime.now(datetime.timezone.utc)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    lines = dict(headers) | {"host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    names = ";".join(sorted(lines))
    canonical = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
    request = f"{method}\n{path}\n\n{canonical}\n{names}\n{digest}"
    scope = f"{day}/us-east-1/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    secret = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), "sha256").digest()
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    lines["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body


class Peer:
    """A server of objects that runs."""

    syncs = "?"

    def request(self, method, name, body=b""):
        host = f"127.0.0.1:{self.port}"
        return signed(method, host, f"/{BUCKET}/{name}", body, self.key, self.secret)

    def exchange(self, link, request):
        return link.length_of(request)

    def make_bucket(self):
        link = subjects.Connection(self.port)
        host = f"127.0.0.1:{self.port}"
        status, answer = link.exchange(signed("PUT", host, f"/{BUCKET}", b"", self.key, self.secret))
        if status != 200:
            raise RuntimeError(f"{self.name}: no bucket: {status} {answer[:300]}")

    def count_syncs(self, requests, link):
        """How often one put makes the disk keep what it was given, as the kernel sees it."""
        with tempfile.NamedTemporaryFile("r") as trace:
            calls = "trace=openat,fsync,fdatasync,syncfs,sync_file_range,msync"
            command = ["strace", "-f", "-qq", "-e", calls, "-o", trace.name, "-p", str(self.pids[0])]
            tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_for(lambda: is_traced(self.pids[0]), "strace does not attach")
                for request in requests:
                    self.exchange(link, request)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(30)
            lines = trace.read().splitlines()
        syncs = sum(bool(SYNCS.search(line)) for line in lines) / len(requests)
        flagged = sum(bool(SYNC_FLAG.search(line)) for line in lines) / len(requests)
        self.syncs = f"{syncs:.1f}".removesuffix(".0")
        if flagged >= 0.5:
            self.syncs += f" and {flagged:.0f} files opened to be synced"


class Hearth(Peer):
    """`hearth up`. The key is one that it made itself, for only those are verified."""

    name = "Hearth"

    def __init__(self, binary):
        self.server = subjects.Hearth(binary)
        self.port = self.server.port
        self.pids = [self.server.process.pid, *machine.children(self.server.process.pid)]
        removed_on_error(self, self.prepare)

    def prepare(self):
        self.call_iam("CreateUser", UserName="bench")
        policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        self.call_iam("PutUserPolicy", UserName="bench", PolicyName="all", PolicyDocument=policy)
        made = self.call_iam("CreateAccessKey", UserName="bench")
        self.key, self.secret = (
            re.search(f"<{name}>(.*?)</{name}>", made)[1] for name in ("AccessKeyId", "SecretAccessKey")
        )
        self.make_bucket()

    def call_iam(self, action, **parameters):
        body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **parameters}).encode()
        form = {"content-type": "application/x-www-form-urlencoded"}
        host = f"127.0.0.1:{self.port}"
        request = signed("POST", host, "/", body, "test", "test", "iam", form)
        status, answer = subjects.Connection(self.port).exchange(request)
        if status != 200:
            raise RuntimeError(f"{action}: {status} {answer[:300]}")
        return answer.decode()

    def remove(self):
        self.server.remove()


class Program(Peer):
    """A peer that is a program with a port and a folder."""

    key, secret = KEY, SECRET

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-bench-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (self.folder / "data").mkdir()
        self.process = subprocess.Popen(
            [BUILT / self.program, *self.options(f"127.0.0.1:{self.port}", str(self.folder / "data"))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=CLEAN | {"HOME": str(self.folder)} | self.variables,
        )
        self.pids = [self.process.pid]
        removed_on_error(self, self.prepare)

    def prepare(self):
        wait_for(self.answers, f"{self.name} does not start")
        self.make_bucket()

    @classmethod
    def is_built(cls):
        return (BUILT / cls.program).exists()

    def answers(self):
        """Whether it lists its buckets, none: MinIO takes connections before it can."""
        try:
            link = subjects.Connection(self.port)
            host = f"127.0.0.1:{self.port}"
            return link.exchange(signed("GET", host, "/", b"", self.key, self.secret))[0] == 200
        except OSError:
            return False

    def remove(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


class MinIO(Program):
    """One server over one folder. Calls nobody."""

    name, program = "MinIO", "minio"
    variables = {
        "MINIO_ROOT_USER": KEY,
        "MINIO_ROOT_PASSWORD": SECRET,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
    }

    def options(self, address, folder):
        return ["server", "--quiet", "--address", address, folder]


class Versity(Program):
    """Versity's gateway over a folder: an object is a file of that name. It keeps connections when told to."""

    name = program = "versitygw"
    variables = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}

    def options(self, address, folder):
        return ["--port", address, "--keep-alive", "posix", folder]


def removed_on_error(peer, prepare):
    """A peer that is not ready leaves no process and no folder."""
    try:
        prepare()
    except BaseException:
        peer.remove()
        raise


def is_traced(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0" not in status


def wait_for(condition, otherwise):
    until = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(otherwise)
        time.sleep(0.02)
