"""Starts the program under measurement, and the plain HTTP server that is its floor."""

import os
import shutil
import subprocess
import tempfile
import time

HTTP_FLOOR = '''
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

{source}

class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(handler(event, None)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Front)
print(server.server_address[1], flush=True)
server.serve_forever()
'''


class Hearth:
    """One server with a data folder of its own."""

    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="hearth-bench-")
        self.binary = binary
        self.process = None
        self.start()

    def start(self):
        """Starts it and notes how long it took until it said that it is ready."""
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [self.binary, "up", "--listen", "127.0.0.1:0", "--data", os.path.join(self.folder, "data")],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        self.start_seconds = time.perf_counter() - begun
        if not line.startswith("ready "):
            raise RuntimeError(f"the server did not start: {line!r}")
        self.port = int(line.split()[1].rsplit(":", 1)[1].strip("/"))

    def memory(self):
        """Proportional set size in MB of the server and of each process below it, by name."""
        sizes = {}
        for pid in [self.process.pid, *_children(self.process.pid)]:
            with open(f"/proc/{pid}/cmdline") as cmdline:
                words = cmdline.read().split("\0")
            name = words[1] if len(words) > 1 else words[0]
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                kilobytes = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
            sizes[name] = sizes.get(name, 0) + kilobytes / 1024
        return sizes

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class HttpFloor:
    """The same handler behind the language's own HTTP server."""

    def __init__(self, python, source):
        program = HTTP_FLOOR.format(source=source)
        self.process = subprocess.Popen([python, "-I", "-c", program], stdout=subprocess.PIPE, text=True, env={})
        self.port = int(self.process.stdout.readline())

    def remove(self):
        self.process.kill()
        self.process.wait()


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        direct = [int(child) for child in children.read().split()]
    below = list(direct)
    for child in direct:
        below += _children(child)
    return below
