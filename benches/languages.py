"""The languages that are measured: the same handler as a function and behind a plain server, and the bare interpreter."""

import dataclasses
import json
import os
import subprocess
import time

CLEAN = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

PYTHON_SERVER = """
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

NODE_SERVER = """
const { handler } = require(process.argv[1]);
const server = require('node:http').createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', async () => {
    const body = Buffer.from(JSON.stringify(await handler(JSON.parse(Buffer.concat(pieces)))));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


@dataclasses.dataclass
class Language:
    """What is measured, with its floors."""

    name: str
    part: str  # of the benchmark
    runtime: str
    program: str
    file: str
    warm: str
    cold: str  # its module draws a nonce: 16 hexadecimal digits
    server: list  # after the program's name; the handler's file follows
    server_name: str
    bare: list  # the least that the interpreter can do
    bare_name: str
    cold_gate: float

    def bare_ms(self):
        """Spawn and wait of the bare interpreter, by absolute path, with a clean environment."""
        began = time.perf_counter()
        pid = os.posix_spawn(self.program, [self.program, *self.bare], CLEAN)
        os.waitpid(pid, 0)
        return (time.perf_counter() - began) * 1000


def python(runtime, program):
    return Language(
        name="Python",
        part="python",
        runtime=runtime,
        program=program,
        file="app.py",
        warm="def handler(event, context):\n    return {'hello': event['name']}\n",
        cold="# {nonce}\nimport os\nNONCE = os.urandom(8).hex()\ndef handler(event, context):\n    return NONCE\n",
        server=["-I", "-c", PYTHON_SERVER],
        server_name="http.server",
        bare=["-I", "-c", "pass"],
        bare_name="python3 -I -c pass",
        cold_gate=1.5,
    )


def node(runtime, program):
    return Language(
        name="Node.js",
        part="node",
        runtime=runtime,
        program=program,
        file="app.js",
        warm="exports.handler = async (event) => ({ hello: event.name });\n",
        # The clock instead of random numbers: loading those costs more than all the rest.
        cold="// {nonce}\nconst nonce = process.hrtime.bigint().toString(16).padStart(16, '0');\n"
        "exports.handler = async () => nonce;\n",
        server=["-e", NODE_SERVER],
        server_name="node:http",
        bare=["-e", "0"],
        bare_name="node -e 0",
        cold_gate=1.25,
    )


def of_this_machine(binary):
    """The interpreters that Hearth found: Python 3.12 or the newest, and the newest Node.js."""
    listed = json.loads(subprocess.run([binary, "runtimes", "--json"], capture_output=True, check=True).stdout)
    found = {entry["Runtime"]: entry["Program"] for entry in listed if entry["Available"]}
    pythons = [name for name in found if name.startswith("python")]
    nodes = [name for name in found if name.startswith("nodejs")]
    chosen = "python3.12" if "python3.12" in found else pythons[-1]
    languages = [python(chosen, found[chosen])]
    return languages + [node(name, found[name]) for name in nodes[-1:]]
