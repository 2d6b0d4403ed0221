"""A function that brings its own runtime, in Rust on AWS's client, beside the same handler behind plain HTTP."""

import base64
import io
import os
import pathlib
import random
import subprocess
import time
import zipfile

from figures import ratio
from subjects import CLEAN, Connection, Hearth

BUILT = pathlib.Path(__file__).resolve().parents[1] / ".hearth/runtimes/rust"
EVENT = b'{"name": "Ada"}'
BLOCKS, CALLS, COLD_CALLS = 12, 400, 8
SPACING_SECONDS = (0.05, 0.15)
WARM_GATE, COLD_GATE = 3.5, 6.0


class Plain:
    """The handler behind hyper, without any platform."""

    def __init__(self):
        self.process = subprocess.Popen([BUILT / "plain"], stdout=subprocess.PIPE, text=True, env=CLEAN)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()


def package():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        files.writestr(entry, (BUILT / "bootstrap").read_bytes())
        # Another package each time, so that nothing is shared between functions.
        files.writestr("nonce", os.urandom(8))
    return base64.b64encode(archive.getvalue()).decode()


def create(link, name, memory_mb):
    link.call("POST", "/2015-03-31/functions", {
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Role": "arn:aws:iam::000000000000:role/bench",
        "Handler": "bootstrap",
        "MemorySize": memory_mb,
        "Timeout": 30,
        "Code": {"ZipFile": package()},
    })  # fmt: skip
    while link.call("GET", f"/2015-03-31/functions/{name}/configuration")["State"] != "Active":
        time.sleep(0.005)


def timed(link, request):
    began = time.perf_counter()
    status, answer = link.exchange(request)
    took = (time.perf_counter() - began) * 1000
    if (status, answer.replace(b" ", b"")) != (200, EVENT.replace(b" ", b"")):
        raise RuntimeError(f"not the handler's answer: {status} {answer}")
    return took


def bare_ms():
    """Spawn and wait of the same program, which ends as soon as it has its async runtime."""
    began = time.perf_counter()
    pid = os.posix_spawn(BUILT / "bootstrap", ["bootstrap"], CLEAN | {"INIT": "exit"})
    os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1000


def measure(table, binary, memory_mb):
    """Warm against plain HTTP, cold against the bare process. Needs what `scripts/runtimes.sh` builds."""
    hearth, plain = Hearth(binary), Plain()
    try:
        ours, theirs = Connection(hearth.port), Connection(plain.port)
        names = [f"cold-{number}" for number in range(BLOCKS // 2 * COLD_CALLS + 1)]
        for name in [*names, "warm"]:
            create(ours, name, memory_mb)
        request = lambda link, name: link.bytes_of("POST", f"/2015-03-31/functions/{name}/invocations", EVENT)
        subjects = [(ours, request(ours, "warm")), (theirs, request(theirs, "warm"))]
        for link, sent in subjects:
            [timed(link, sent) for _ in range(CALLS)]
        warm = ([], [])
        for number in range(BLOCKS):
            for index in (0, 1) if number % 2 == 0 else (1, 0):
                warm[index].append([timed(*subjects[index]) for _ in range(CALLS)])
        timed(ours, request(ours, names.pop()))  # what is read from the disk once
        bare_ms()
        cold = ([], [])
        for number in range(BLOCKS // 2):
            for index in (0, 1) if number % 2 == 0 else (1, 0):
                samples = []
                for _ in range(COLD_CALLS):
                    time.sleep(random.uniform(*SPACING_SECONDS))
                    samples.append(bare_ms() if index else timed(ours, request(ours, names.pop())))
                cold[index].append(samples)
    finally:
        plain.stop()
        hearth.remove()
    for what, blocks, gate in (
        ("warm custom runtime in Rust, p50, to hyper", warm, WARM_GATE),
        ("cold custom runtime in Rust, p50, to its bare process", cold, COLD_GATE),
    ):
        value, low, high = ratio(*blocks)
        table.add(what, f"{value:.2f}x ({low:.2f} to {high:.2f})", f"<= {gate}x", value <= gate)
