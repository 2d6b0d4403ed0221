"""A running `hearth serve`, in a data folder that its user can reach."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile

import boto3
from botocore.config import Config

from conftest import REGION, binary, zipped

ECHO = "def handler(event, context):\n    return event\n"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
class Served:
    """One `hearth serve`, in a data folder that its user can reach."""

    def __init__(self, folder, *options, environment=None):
        self.folder = folder
        self.data = folder / "data"
        self.options = options
        self.environment = {**os.environ, **(environment or {})}
        self.start()

    def start(self):
        command = [binary(), "serve", "--json", "--listen", "127.0.0.1:0", "--data", str(self.data), *self.options]
        self.errors = open(self.folder / "stderr", "ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self.environment
        )
        self.lines = []
        while not any("Ready" in line for line in self.lines):
            line = self.process.stdout.readline()
            assert line, f"not ready: {self.complaints()}"
            self.lines.append(json.loads(line))
        self.ready = self.lines[-1]["Ready"]
        self.endpoint = self.ready["Endpoint"]
        for line in self.lines:
            self.key = line.get("RootAccessKey", getattr(self, "key", None))

    def complaints(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)

    def client(self, service, key=None, **options):
        key = key or self.key
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            verify=self.ready["CertificateAuthority"],
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=config,
            **options,
        )


@contextlib.contextmanager
def served(*options, environment=None):
    with tempfile.TemporaryDirectory(prefix="hearth-serve-") as folder:
        os.chmod(folder, 0o755)  # the server's user must reach what lies in it
        server = Served(pathlib.Path(folder), *options, environment=environment)
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()


def code_of(error):
    return error.value.response["Error"]["Code"]


def certificate(folder, name="localhost"):
    """A certificate of an operator's own."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    names += ["-addext", "basicConstraints=critical,CA:FALSE"]  # an authority's is no server's
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    os.chmod(folder / "key.pem", 0o644)
    return folder / "cert.pem", folder / "key.pem"


def python_of_the_system():
    """What the server's user finds: the interpreters of root's home are not among them."""
    names = [f"python3.{minor}" for minor in range(13, 8, -1)]
    found = [name for name in names if any(os.access(f"{place}/{name}", os.X_OK) for place in ("/usr/local/bin", "/usr/bin"))]
    assert found, "no Python of the system between 3.9 and 3.13"
    return found[0]


def role(server, name="exec"):
    iam = server.client("iam")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    return f"arn:aws:iam::000000000000:role/{name}"


def create(server, name, code=ECHO):
    lambda_ = server.client("lambda")
    lambda_.create_function(
        FunctionName=name,
        Runtime=python_of_the_system(),
        Role=role(server),
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return lambda_
