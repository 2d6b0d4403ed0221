"""Fills a store with functions and compares a server over it with one over a store that is almost empty.

    python scale.py HEARTH_BINARY [--functions N]

Every function is a copy of one that the server made itself, with all that belongs to it in the store: its name stands
in keys and records with the same number of bytes, and is replaced there. Ends with 0 when every gate holds, else 1.
"""

import argparse
import sqlite3
import statistics
import time

import machine
from figures import ratio
from languages import of_this_machine
from subjects import Connection, Hearth

FUNCTIONS = 1_000_000
BATCH = 20_000
BLOCKS, STARTS = 6, 4
IDLE_SECONDS = 3
RATIO_MAX = 1.2
CODE = "def handler(event, context):\n    return event\n"
NAME = "fill-00000000"


def fill(database, functions):
    """Copies the rows of NAME. The name is part of keys and values, never next to other digits."""
    connection = sqlite3.connect(database, isolation_level=None)
    rows = connection.execute("SELECT key, value FROM entries WHERE instr(key, ?1) > 0", (NAME.encode(),)).fetchall()
    if len(rows) < 2:
        raise RuntimeError(f"only {len(rows)} records of a function: its form has changed")
    connection.execute("PRAGMA synchronous = OFF")
    for first in range(1, functions, BATCH):
        names = [f"fill-{number:08}".encode() for number in range(first, min(functions, first + BATCH))]
        copies = (
            (key.replace(NAME.encode(), name), value.replace(NAME.encode(), name))
            for name in names
            for key, value in rows
        )
        connection.execute("BEGIN")
        connection.executemany("INSERT OR REPLACE INTO entries VALUES (?1, ?2)", copies)
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(rows) * functions


def prepared(binary, language):
    """A stopped server with one function."""
    hearth = Hearth(binary)
    hearth.create(Connection(hearth.port), NAME, language, CODE, 128)
    hearth.stop()
    return hearth


def starts(hearth):
    """Times to the ready line, in ms."""
    samples = []
    for _ in range(STARTS):
        hearth.start()
        samples.append(hearth.start_ms)
        hearth.stop()
    return samples


def memory(hearth):
    """Memory after a start, some calls of the API, and some seconds, in MB."""
    hearth.start()
    connection = Connection(hearth.port)
    for _ in range(20):
        connection.call("GET", f"/2015-03-31/functions/{NAME}/configuration")
        connection.call("GET", "/2015-03-31/functions/?MaxItems=50")
    time.sleep(IDLE_SECONDS)
    used = machine.pss_mb(hearth.process.pid)
    hearth.stop()
    return used


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--functions", type=int, default=FUNCTIONS)
    options = arguments.parse_args()
    language = of_this_machine(options.binary)[0]
    full, empty = prepared(options.binary, language), prepared(options.binary, language)
    began = time.monotonic()
    records = fill(full.folder / "data/hearth.db", options.functions)
    size = (full.folder / "data/hearth.db").stat().st_size / 1024**2
    print(f"{options.functions:,} functions, {records:,} records, {size:.0f} MB, in {time.monotonic() - began:.0f} s")
    try:
        blocks = [(starts(full), starts(empty)) for _ in range(BLOCKS)]
        of, low, high = ratio([full for full, _ in blocks], [empty for _, empty in blocks])
        medians = [statistics.median(sample for block in blocks for sample in block[side]) for side in (0, 1)]
        print(f"start to ready: {medians[0]:.1f} ms to {medians[1]:.1f} ms, {of:.2f}x ({low:.2f} to {high:.2f})")
        used = statistics.median(memory(full) for _ in range(3)), statistics.median(memory(empty) for _ in range(3))
        print(f"memory of the server: {used[0]:.1f} MB to {used[1]:.1f} MB, {used[0] / used[1]:.2f}x")
    finally:
        for hearth in (full, empty):
            hearth.start()
            hearth.remove()
    holds = of <= RATIO_MAX and used[0] / used[1] <= RATIO_MAX
    print("holds" if holds else f"BROKEN: over {RATIO_MAX}x")
    raise SystemExit(0 if holds else 1)


if __name__ == "__main__":
    main()
