"""A running Hearth and real AWS clients, told nothing but the endpoint."""

import functools
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import zipfile

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/lambda-exec-role"
READY_SECONDS = 30

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
}
os.environ.update(CREDENTIALS)


def binary():
    """The program under test."""
    named = os.environ.get("HEARTH_BINARY")
    path = pathlib.Path(named) if named else ROOT / "target/debug/hearth"
    assert path.exists(), f"{path} is not built: run `cargo build --workspace`"
    return str(path)


class Hearth:
    """One server, in a data folder of its own."""

    def __init__(self, folder, *options):
        self.folder = folder
        self.errors = open(folder / "stderr", "w+b")
        command = [binary(), "up", "--listen", "127.0.0.1:0", "--data", str(folder / "data"), *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        line = self.process.stdout.readline()
        assert line.startswith("ready http://"), f"not ready: {line!r} {self.complaints()}"
        self.endpoint = line.split()[1]

    def complaints(self):
        """What the server said on stderr."""
        self.errors.flush()
        return (self.folder / "stderr").read_text(errors="replace")

    def stop(self):
        """Stops the server as Ctrl-C does; it must end well and have had nothing to warn of."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=60)
        assert status == 0, self.complaints()
        assert " WARN " not in self.complaints() and " ERROR " not in self.complaints(), self.complaints()


@pytest.fixture(scope="session")
def hearth(tmp_path_factory):
    server = Hearth(tmp_path_factory.mktemp("hearth"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(hearth):
    """Makes a boto3 client of a service."""

    def make(service, region=REGION, **options):
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60, **options)
        return boto3.client(service, endpoint_url=hearth.endpoint, region_name=region, config=config)

    return make


@pytest.fixture(scope="session")
def lambda_(client):
    return client("lambda")


def zipped(files):
    """A deployment package of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)  # the same bytes at every time
            entry.external_attr = 0o600 << 16  # as `writestr` with a name gives
            archive.writestr(entry, text)
    return buffer.getvalue()


@pytest.fixture
def function(lambda_, request):
    """Makes functions that are active, and deletes them after the test."""
    made = []

    def make(code, handler="app.handler", runtime=None, name=None, **options):
        name = name or f"f-{request.node.name[:40].replace('[', '-').replace(']', '').replace('.', '-')}-{len(made)}"
        lambda_.create_function(
            FunctionName=name,
            Runtime=runtime or newest_python(),
            Role=ROLE,
            Handler=handler,
            Code={"ZipFile": zipped(code if isinstance(code, dict) else {"app.py": code})},
            **options,
        )
        made.append(name)
        lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return name

    yield make
    for name in made:
        try:
            lambda_.delete_function(FunctionName=name)
        except lambda_.exceptions.ResourceNotFoundException:
            pass


def pythons():
    """Versions of Python that Hearth says this machine has, as runtimes, oldest first."""
    listed = subprocess.run([binary(), "runtimes", "--json"], capture_output=True, text=True, check=True).stdout
    found = [entry["Runtime"] for entry in json.loads(listed) if entry["Available"]]
    return sorted((name for name in found if name.startswith("python")), key=lambda name: int(name.split(".")[1]))


def newest_python():
    """python3.12 when it is there, otherwise the newest."""
    found = pythons()
    assert found, "no Python between 3.9 and 3.13 on this machine"
    return "python3.12" if "python3.12" in found else found[-1]


@functools.cache
def aws_program(version):
    """The AWS CLI of this major version: 1 from the tests' own environment, 2 from Debian's package."""
    places = [pathlib.Path(sys.executable).parent, *os.get_exec_path(), "/usr/bin"]
    for program in (pathlib.Path(place) / "aws" for place in places):
        if program.exists():
            said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
            if f"aws-cli/{version}." in said.stdout + said.stderr:
                return str(program)
    raise AssertionError(f"version {version} of the AWS CLI is missing: run scripts/setup.sh clients")


def aws_environment():
    """What the AWS CLI is told beside its arguments: no file of the user's."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **CREDENTIALS}


def aws(endpoint, *arguments, check=True, version=1):
    """Runs the AWS CLI; gives its output as JSON when it is JSON."""
    done = subprocess.run(
        [aws_program(version), "--endpoint-url", endpoint, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=aws_environment(),
    )
    if not check:
        return done
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout


def wait_until(what, seconds=60):
    """Waits for a state that another process reaches."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the state was not reached in time"
        time.sleep(0.02)
