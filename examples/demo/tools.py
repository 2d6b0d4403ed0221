"""What the demo runs: programs whose command lines it shows, a server, pictures, REPORT lines."""

import json
import os
import pathlib
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".hearth/demo"

# The longest step is the compilation of the function in Rust.
STEP_SECONDS = 600

STARTED = time.monotonic()


def say(text=""):
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}" if text else "", flush=True)


def stop(text):
    sys.exit(f"demo: {text}")


def indented(text):
    for line in text.splitlines():
        print(f"          {line}", flush=True)


def run(*command, quiet=False, **options):
    """Shows a command, runs it, and gives what it printed."""
    shown = shlex.join(str(part) for part in command)
    if not quiet:
        say(f"$ {shown}")
    programs = {"aws": str(pathlib.Path(sys.executable).with_name("aws")), "python3": sys.executable}
    command = [programs.get(str(command[0]), str(command[0])), *map(str, command[1:])]
    options.setdefault("timeout", STEP_SECONDS)
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        stop(f"{shown} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Server:
    """`hearth up` in a fresh data folder, and AWS's command line beside it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.errors = open(folder / "hearth.log", "wb")
        self.process = subprocess.Popen(
            [binary, "up", "--listen", "127.0.0.1:0", "--data", str(folder / "data")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready "):
            stop(f"hearth did not start: {(folder / 'hearth.log').read_text()}")
        self.endpoint = line.split()[1]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        }
        say(f"$ hearth up   ->  {line}")
        say(f"$ export AWS_ENDPOINT_URL={self.endpoint} AWS_DEFAULT_REGION=us-east-1")
        say("$ export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(timeout=30) != 0:
            stop("hearth did not end well")

    def aws(self, *arguments, quiet=False):
        """Runs the AWS CLI. Paths are those of the demo's folder."""
        return run("aws", *arguments, quiet=quiet, env=self.environment, cwd=self.folder)

    def tail(self, group, lines):
        """The log of a function with AWS CLI 2, or with our own program where that is not installed."""
        second = aws_cli_2()
        if second:
            shown = f"aws logs tail {group} --format short"
            # Versions before 2.13 do not know AWS_ENDPOINT_URL.
            command = [second, "--endpoint-url", self.endpoint, *shlex.split(shown)[1:]]
        else:
            name = group.removeprefix("/aws/lambda/")
            shown = f"hearth logs {name}"
            command = [self.binary, "logs", name, "--endpoint", self.endpoint]
        say(f"$ {shown}")
        for _ in range(20):  # a line is there within a second of its call's end
            text = run(*command, quiet=True, env=self.environment, cwd=self.folder)
            if text.count("REPORT RequestId") >= lines:
                return text
            time.sleep(0.2)
        stop(f"{lines} REPORT lines were expected:\n{text}")


def aws_cli_2():
    """The path of an AWS CLI 2, or None. Version 1 knows no `logs tail`."""
    for folder in [*os.environ["PATH"].split(os.pathsep), "/usr/bin", "/usr/local/bin"]:
        program = shutil.which("aws", path=folder)
        if program:
            said = subprocess.run([program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if said.stdout.startswith("aws-cli/2"):
                return program
    return None


def newest_python(binary, preferred="python3.12"):
    listed = json.loads(run(binary, "runtimes", "--json", quiet=True))
    found = [entry["Runtime"] for entry in listed if entry["Available"] and entry["Runtime"].startswith("python")]
    if not found:
        stop("no Python between 3.9 and 3.13 on this machine")
    return preferred if preferred in found else max(found, key=lambda name: int(name.split(".")[1]))


def newest_node(binary):
    listed = json.loads(run(binary, "runtimes", "--json", quiet=True))
    found = [entry["Runtime"] for entry in listed if entry["Available"] and entry["Runtime"].startswith("nodejs")]
    if not found:
        stop("no Node.js between 16 and 26 on this machine")
    return max(found, key=lambda name: int(name.removeprefix("nodejs").removesuffix(".x")))


def size_of_jpeg(data):
    """Width and height, from the frame header."""
    if data[:2] != b"\xff\xd8":
        stop("this is no JPEG")
    at = 2
    while data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    stop("this is a JPEG without a frame")


def figure(log, name):
    """A figure of the REPORT line in ms, or None."""
    report = next(line for line in log.splitlines() if line.startswith("REPORT"))
    for field in report.split("\t"):
        if field.startswith(name + ": "):
            return float(field.removeprefix(name + ": ").split()[0])
    return None
