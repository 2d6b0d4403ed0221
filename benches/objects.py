"""Objects of 1 MB in S3, put and got beside other servers that speak S3, and beside what a disk and a socket allow.

All are spoken to alike: HTTP without TLS, requests of the same bytes but for host and key, signed before the clock
runs, with the SHA-256 of the payload signed as AWS's clients do without TLS. Every server verifies both. Every object
has other bytes, for Hearth keeps equal ones once.
"""

import collections
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

import machine
import peers
from figures import ratio
from subjects import Connection, PlainServer

BYTES = 1_048_576
CONNECTIONS = (1, 8)
BLOCKS, CALLS = 8, 48

# Files by sendfile on one thread a connection: the least that a server in front of a file does.
FILES = f"""
import os, socket, sys, threading
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
head = b'HTTP/1.1 200 OK\\r\\nContent-Length: {BYTES}\\r\\n\\r\\n'
def serve(peer):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while request := peer.recv(65536):
        with open(os.path.join(sys.argv[1], os.path.basename(request.split(b' ', 2)[1].decode())), 'rb') as file:
            peer.sendall(head)
            sent = 0
            while sent < {BYTES}:
                sent += os.sendfile(peer.fileno(), file.fileno(), sent, {BYTES} - sent)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Disk:
    """The floors: a file written, synced, named and its folder synced; a file sent by a plain server."""

    name, syncs = "floor", "2"

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-bench-"))
        self.descriptor = os.open(self.folder, os.O_RDONLY)
        self.server = PlainServer(sys.executable, "-I", "-c", FILES, str(self.folder))
        self.port, self.pids = self.server.port, []

    def request(self, method, name, body=b""):
        if method == "GET":
            return Connection.bytes_of(self, "GET", f"/{name}")
        return name, body

    def exchange(self, link, request):
        if isinstance(request, bytes):
            return link.length_of(request)
        name, body = request
        with open(self.folder / f"{name}.new", "xb", buffering=0) as file:
            file.write(body)
            os.fsync(file.fileno())
        os.rename(self.folder / f"{name}.new", self.folder / name)
        os.fsync(self.descriptor)
        return 200, 0

    def remove(self):
        self.server.stop()
        os.close(self.descriptor)
        shutil.rmtree(self.folder)


class Link(Connection):
    """A connection that counts the bytes of an answer and does not keep them."""

    def __init__(self, port):
        super().__init__(port)
        self.room = memoryview(bytearray(BYTES))

    def length_of(self, request):
        """Sends a request; gives status and length of the body."""
        status, length, body = self.head_of(request)
        missing = length - len(body)
        while missing:
            received = self.socket.recv_into(self.room, missing)
            if not received:
                raise ConnectionError("the server closed the connection")
            missing -= received
        return status, length


class Bodies:
    """Bytes that nothing can be known of, other ones each time."""

    def __init__(self):
        self.bytes, self.number = os.urandom(BYTES - 8), 0

    def next(self):
        self.number += 1
        return self.number.to_bytes(8, "big") + self.bytes


def block(subject, links, requests, wanted_bytes):
    """Requests a second, each connection having one under way; and the server's CPU time of one, in ms."""
    waiting, failed = collections.deque(requests), []

    def work(link):
        while not failed:
            try:
                request = waiting.popleft()
            except IndexError:
                return
            try:
                answer = subject.exchange(link, request)
            except OSError as error:
                answer = error
            if answer != (200, wanted_bytes):
                failed.append(answer)

    threads = [threading.Thread(target=work, args=(link,)) for link in links]
    cpu, began = machine.cpu_seconds(subject.pids), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if failed:
        raise RuntimeError(f"{subject.name}: {failed[0]}")
    return len(requests) / took, (machine.cpu_seconds(subject.pids) - cpu) / len(requests) * 1000


def compared(table, what, subjects, connections, requests_of, wanted_bytes):
    """Blocks of all subjects in turns, then their rows."""
    links = {subject.name: [Link(subject.port) for _ in range(connections)] for subject in subjects}
    samples = {subject.name: [] for subject in subjects}
    for number in range(1 + BLOCKS):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            measured = block(subject, links[subject.name], requests_of(subject), wanted_bytes)
            if number:  # the first one warms up
                samples[subject.name].append(measured)
    what = f"S3 {what} of 1 MB, {connections} connection{'s' if connections > 1 else ''}"
    rates = {name: [[rate] for rate, _ in measured] for name, measured in samples.items()}
    for subject in subjects:
        rate = statistics.median(rate for rate, _ in samples[subject.name])
        value = f"{rate:.0f}/s, {rate * BYTES / 1e6:.0f} MB/s"
        if subject.pids:
            value += f", CPU {statistics.fmean(cpu for _, cpu in samples[subject.name]):.1f} ms"
        if what.startswith("S3 put"):
            value += f", syncs {subject.syncs}"
        table.note(f"{what}: {subject.name}", value)
    for subject in subjects[1:]:
        value, low, high = ratio(rates[subjects[0].name], rates[subject.name])
        table.note(f"  rate to {subject.name}", f"{value:.2f}x ({low:.2f} to {high:.2f})")


def puts_of(bodies):
    names = collections.defaultdict(int)

    def requests(subject):
        made = []
        for _ in range(CALLS):
            names[subject.name] += 1
            made.append(subject.request("PUT", f"put-{names[subject.name]}", bodies.next()))
        return made

    return requests


def gets(subject):
    return [subject.request("GET", f"get-{number}") for number in range(CALLS)]


def check(subject, bodies):
    """What is got is what was put; the objects for the gets are there afterwards."""
    link = Link(subject.port)
    for number in range(CALLS):
        body = bodies.next()
        put = subject.exchange(link, subject.request("PUT", f"get-{number}", body))
        if put != (200, 0):
            raise RuntimeError(f"{subject.name}: {put}")
        if Connection.exchange(link, subject.request("GET", f"get-{number}")) != (200, body):
            raise RuntimeError(f"{subject.name}: other bytes than were put")


def measure(table, binary):
    """All of it. Needs what `scripts/peers.sh` builds."""
    bodies, subjects = Bodies(), []
    try:
        subjects.append(peers.Hearth(binary))
        for peer in (peers.MinIO, peers.Versity):
            if peer.is_built():
                subjects.append(peer())
            else:
                table.note(f"S3 beside {peer.name}", "not measured: scripts/peers.sh has not built it")
        subjects.append(Disk())
        for subject in subjects:
            check(subject, bodies)
            if subject.pids:
                link = Link(subject.port)
                subject.count_syncs([subject.request("PUT", f"sync-{n}", bodies.next()) for n in range(16)], link)
        for connections in CONNECTIONS:
            compared(table, "put", subjects, connections, puts_of(bodies), 0)
            compared(table, "get", subjects, connections, gets, BYTES)
        for subject in subjects[:-1]:
            pss = sum(machine.pss_mb(pid) for pid in subject.pids)
            table.note(f"  {subject.name}: memory after all of that, PSS", f"{pss:.0f} MB")
    finally:
        for subject in subjects:
            subject.remove()
