"""What one more Python environment costs in memory, beside one more bare interpreter."""

import pathlib
import subprocess
import threading
import time

import machine
from languages import CLEAN
from subjects import Connection, Hearth

EXTRA = 32
SETTLE_SECONDS = 2
# Each call is held until all have begun, so that each has an environment of its own.
HANDLER = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'Ada'\n"
HOLD_SECONDS = 3
MEMORY_MB = 128


def descendants(pid):
    """A process and all below it that can still be looked at."""
    found = [pid]
    for one in found:
        try:
            found += machine.children(one)
        except OSError:
            pass  # it has ended
    return found


def pss_of(pids):
    total = 0.0
    for pid in pids:
        try:
            total += machine.pss_mb(pid)
        except (OSError, ValueError):
            pass  # it has ended, or is a zombie
    return total


def available_mb():
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


def hold(port, calls):
    """As many calls at the same time."""

    def call():
        link = Connection(port)
        path = "/2015-03-31/functions/held/invocations"
        status, body = link.exchange(link.bytes_of("POST", path, str(HOLD_SECONDS).encode()))
        if (status, body) != (200, b'"Ada"'):
            failed.append(f"{status} {body[:200]}")

    failed = []
    threads = [threading.Thread(target=call) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} calls failed, the first with {failed[0]}")
    time.sleep(SETTLE_SECONDS)


def environments(binary, language):
    """PSS of the server with its spawner, and of everything in the sandboxes; and available memory, for each further
    environment that has answered a call."""
    hearth = Hearth(binary)
    try:
        hearth.create(Connection(hearth.port), "held", language, HANDLER, MEMORY_MB)
        server = [hearth.process.pid, *machine.children(hearth.process.pid)]
        looks = []
        for calls in (1, 1 + EXTRA):
            hold(hearth.port, calls)
            every = descendants(hearth.process.pid)
            inside = [pid for pid in every if pid not in server]
            looks.append((pss_of(server), pss_of(inside), available_mb(), len(inside)))
        before, after = looks
        if after[3] - before[3] < 2 * EXTRA:  # each has its init and its interpreter
            raise RuntimeError(f"{after[3]} processes after {before[3]}: not every call had an environment of its own")
    finally:
        hearth.remove()
    return [(after[0] - before[0]) / EXTRA, (after[1] - before[1]) / EXTRA, (before[2] - after[2]) / EXTRA]


def interpreters(language):
    """The same for interpreters that have imported what the handler does, and wait."""
    command = [language.program, "-I", "-c", "import time, sys; print(flush=True); sys.stdin.read()"]
    started = []
    try:
        looks = []
        for wanted in (1, 1 + EXTRA):
            while len(started) < wanted:
                one = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=CLEAN)
                one.stdout.readline()
                started.append(one)
            time.sleep(SETTLE_SECONDS)
            looks.append((pss_of(one.pid for one in started), available_mb()))
    finally:
        for one in started:
            one.kill()
            one.wait()
    before, after = looks
    return [(after[0] - before[0]) / EXTRA, (before[1] - after[1]) / EXTRA]


def measure(table, binary, language):
    server, inside, available = environments(binary, language)
    bare, bare_available = interpreters(language)
    value = f"{server + inside:.1f} MB ({inside:.1f} inside + {server:.2f} for it outside)"
    table.note(f"memory of each further {language.name} environment, PSS", value)
    table.note("  to a bare interpreter's", f"{(server + inside) / bare:.2f}x ({bare:.1f} MB)")
    text = f"{available:.1f} MB, bare interpreter {bare_available:.1f} MB"
    table.note("  by what the machine has less", text)
