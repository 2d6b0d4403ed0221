"""In the machine of test-v2.sh: `hearth up`, a Python function, its answer, its peak of memory, its end."""

import base64
import io
import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.request
import zipfile

HEARTH = "/hearth/hearth"
# Seconds that only what is broken waits: the machine is emulated.
PATIENCE = 900
CODE = """
def handler(event, context):
    if event.get("take"):
        return len(bytearray(event["take"] << 20))
    if event.get("write"):
        with open("/tmp/large", "wb") as file:
            file.write(bytes(event["write"] << 20))
    return open("/proc/self/cgroup").read()
"""


def main():
    server = subprocess.Popen([HEARTH, "up", "--listen", "127.0.0.1:4566", "--data", "/var/tmp/data"])
    deadline = time.monotonic() + PATIENCE
    while not listens():
        assert server.poll() is None and time.monotonic() < deadline, "the server is not there"
        time.sleep(0.2)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("app.py", CODE)
    call("POST", "functions", {
        "FunctionName": "f", "Runtime": "python3.11", "Handler": "app.handler", "MemorySize": 128, "Timeout": 600,
        "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
    })
    while call("GET", "functions/f/configuration", None)["State"] == "Pending":
        time.sleep(0.2)
    seen, peak = invoke({})
    assert seen == "0::/\n", seen
    print(f"test-v2: a function ran, with {peak} MB at most", flush=True)
    _, peak = invoke({"write": 48})
    print(f"test-v2: after it wrote 48 MB to /tmp: {peak} MB at most", flush=True)
    answer, peak = invoke({"take": 64})
    assert answer == 64 << 20 and 64 < peak < 128, (answer, peak)
    print(f"test-v2: after it took 64 MB: {peak} MB at most", flush=True)
    answer, peak = invoke({"take": 400}, fails=True)
    assert peak == 128 and "errorType" in answer, (answer, peak)
    print(f"test-v2: out of memory: {answer}", flush=True)
    groups = [path for path in pathlib.Path("/sys/fs/cgroup").glob("hearth-*/*") if path.is_dir()]
    assert groups, "the sandboxes have groups"
    server.terminate()
    assert server.wait(timeout=PATIENCE) == 0


def listens():
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", 4566)) == 0


def call(method, path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:4566/2015-03-31/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={
            "Content-Type": "application/json",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, "
            "SignedHeaders=host, Signature=00",
        },
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def invoke(event, fails=False):
    command = [HEARTH, "invoke", "f", "--payload", json.dumps(event), "--tail", "--data", "/var/tmp/data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode != 0) == fails, (done.returncode, done.stdout, done.stderr)
    peak = re.search(r"Max Memory Used: (\d+) MB", done.stderr)
    assert peak, done.stderr
    return json.loads(done.stdout), int(peak[1])


main()
