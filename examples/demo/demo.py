"""Shows Hearth at work: an unmodified AWS CLI, a real photograph, a function that carries Pillow.

    python demo.py HEARTH_BINARY

Everything lies in one temporary folder, which is gone at the end, as is the server.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".hearth/demo"
ROLE = "arn:aws:iam::000000000000:role/demo"
PREFERRED = "python3.12"
WARM_CALLS = 10

# The photograph: china.jpg, 640 x 427, of the scikit-learn wheel (a picture by Mark Lord, CC BY 2.0).
SCIKIT_LEARN = "scikit-learn==1.7.2"
PHOTOGRAPH = "sklearn/datasets/images/china.jpg"
PILLOW = "pillow==11.3.0"

STARTED = time.monotonic()


def say(text=""):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}" if text else "", flush=True)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        sys.exit(f"demo: {' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout


def pip(*arguments):
    run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def download(requirement, version, folder):
    """A wheel for a version of Python, kept for the next time."""
    folder = CACHE / folder
    if not list(folder.glob("*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        pip(
            "download", "--no-deps", "--only-binary=:all:", "--python-version", version, "--dest", str(folder),
            requirement,
        )  # fmt: skip
    return next(folder.glob("*.whl"))


class Server:
    """`hearth up` in a fresh data folder."""

    def __init__(self, binary, folder):
        self.errors = open(folder / "hearth.log", "wb")
        self.process = subprocess.Popen(
            [binary, "up", "--listen", "127.0.0.1:0", "--data", str(folder / "data")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready "):
            sys.exit(f"demo: hearth did not start: {(folder / 'hearth.log').read_text()}")
        self.endpoint = line.split()[1]
        say(f"$ hearth up   ->  {line}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(timeout=30) != 0:
            sys.exit("demo: hearth did not end well")


def aws(server, *arguments):
    """Runs the AWS CLI with nothing but --endpoint-url."""
    program = pathlib.Path(sys.executable).with_name("aws")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(CACHE),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return run(str(program), "--endpoint-url", server.endpoint, *arguments, env=environment)


def newest_python(binary):
    listed = json.loads(run(binary, "runtimes", "--json"))
    found = [entry["Runtime"] for entry in listed if entry["Available"] and entry["Runtime"].startswith("python")]
    if not found:
        sys.exit("demo: no Python between 3.9 and 3.13 on this machine")
    return PREFERRED if PREFERRED in found else max(found, key=lambda name: int(name.split(".")[1]))


def create(server, folder, runtime, name, wheel=None, memory=512, timeout=10):
    package = folder / f"{name}.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(HERE / "functions" / f"{name}.py", f"{name}.py")
        if wheel:
            with zipfile.ZipFile(wheel) as content:
                for entry in content.infolist():
                    archive.writestr(entry, content.read(entry))
    say(f"$ aws lambda create-function --function-name {name} --runtime {runtime} --memory-size {memory} ...")
    aws(
        server, "lambda", "create-function", "--function-name", name, "--runtime", runtime, "--role", ROLE,
        "--handler", f"{name}.handler", "--zip-file", f"fileb://{package}", "--memory-size", str(memory),
        "--timeout", str(timeout),
    )  # fmt: skip
    aws(server, "lambda", "wait", "function-active-v2", "--function-name", name)


def invoke(server, folder, name, event):
    """Invokes through the AWS CLI; gives its own answer, the function's, and the log."""
    (folder / "event.json").write_text(event)
    answer = json.loads(
        aws(
            server, "lambda", "invoke", "--function-name", name, "--log-type", "Tail",
            "--payload", f"fileb://{folder / 'event.json'}", str(folder / "answer.json"),
        )  # fmt: skip
    )
    log = base64.b64decode(answer.pop("LogResult")).decode()
    return answer, (folder / "answer.json").read_text(), log


def size_of_jpeg(data):
    """Width and height, from the frame header."""
    if data[:2] != b"\xff\xd8":
        sys.exit("demo: the answer is no JPEG")
    at = 2
    while data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    sys.exit("demo: the answer is a JPEG without a frame")


def figure(log, name):
    """A figure of the REPORT line in ms, or None."""
    report = next(line for line in log.splitlines() if line.startswith("REPORT"))
    for field in report.split("\t"):
        if field.startswith(name + ": "):
            return float(field.removeprefix(name + ": ").split()[0])
    return None


def show(log):
    for line in log.splitlines():
        print(f"          {line}")


def thumbnail(server, folder, runtime, wheel, photograph):
    create(server, folder, runtime, "thumbnail", wheel)
    event = json.dumps({"picture": base64.b64encode(photograph).decode()})
    say(f"china.jpg: {len(photograph):,} bytes, {size_of_jpeg(photograph)} pixels")
    calls = []
    for number in range(1 + WARM_CALLS):
        answer, payload, log = invoke(server, folder, "thumbnail", event)
        if answer != {"StatusCode": 200, "ExecutedVersion": "$LATEST"}:
            sys.exit(f"demo: {answer} {payload}")
        small = base64.b64decode(json.loads(payload)["picture"])
        if size_of_jpeg(small)[0] != 200:
            sys.exit(f"demo: the answer is {size_of_jpeg(small)} pixels, not 200 wide")
        calls.append(log)
        if number == 0:
            say(f"$ aws lambda invoke --function-name thumbnail --log-type Tail ...  ->  {json.dumps(answer)}")
            show(log)
            say(f"a JPEG of {len(small):,} bytes came back, {size_of_jpeg(small)} pixels")
        else:
            say(f"warm call {number} of {WARM_CALLS}: {figure(log, 'Duration')} ms")
    table(calls)


def table(logs):
    """Init and handler times as the REPORT lines give them."""
    cold, warm = logs[0], [figure(log, "Duration") for log in logs[1:]]
    print()
    print(f"          {'call':<22}{'init':>12}{'handler':>12}")
    print(f"          {'cold':<22}{figure(cold, 'Init Duration') or 0:>9.2f} ms{figure(cold, 'Duration'):>9.2f} ms")
    print(f"          {f'{WARM_CALLS} warm, fastest':<22}{'-':>12}{min(warm):>9.2f} ms")
    print(f"          {f'{WARM_CALLS} warm, median':<22}{'-':>12}{statistics.median(warm):>9.2f} ms")
    print(f"          {f'{WARM_CALLS} warm, slowest':<22}{'-':>12}{max(warm):>9.2f} ms")
    print()


def failures(server, folder, runtime):
    wanted = {"raises": "ValueError", "sleeps": "Sandbox.Timedout", "eats": "Runtime.OutOfMemory"}
    for name, error_type in wanted.items():
        create(server, folder, runtime, name, memory=128, timeout=3)
        answer, payload, log = invoke(server, folder, name, "{}")
        say(f"$ aws lambda invoke --function-name {name} ...  ->  {json.dumps(answer)}")
        print(f"          {payload}")
        show(log)
        if answer.get("FunctionError") != "Unhandled" or json.loads(payload)["errorType"] != error_type:
            sys.exit(f"demo: {error_type} was expected")


def main():
    binary = sys.argv[1]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-demo-"))
    server = None
    try:
        runtime = newest_python(binary)
        version = runtime.removeprefix("python")
        say(f"fetching Pillow for Python {version} and the photograph from PyPI (kept in .hearth/demo)")
        wheel = download(PILLOW, version, f"pillow-{version}")
        with zipfile.ZipFile(download(SCIKIT_LEARN, "3.12", "scikit-learn")) as archive:
            photograph = archive.read(PHOTOGRAPH)
        server = Server(binary, folder)
        thumbnail(server, folder, runtime, wheel, photograph)
        failures(server, folder, runtime)
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)
    say("done: the server has ended and its folder is gone")


if __name__ == "__main__":
    main()
