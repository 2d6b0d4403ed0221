"""What the owner wants done at the start of `hearth serve`: as the server's user, with the rights that were given."""

import json
import os
import pathlib
import subprocess
import tempfile

import boto3
import pytest
from botocore.exceptions import ClientError

from conftest import Hearth, binary
from served import ECHO, certificate, python_of_the_system, served

SCRIPT = """#!/bin/sh
{ env; id -u; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; } > "$(dirname "$0")/../seen/out"
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="hearth-init-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "ready.d").mkdir()
        (folder / "ready.d" / "10-look.sh").write_text(SCRIPT)
        (folder / "ready.d" / "10-look.sh").chmod(0o755)
        (folder / "seen").mkdir()
        (folder / "seen").chmod(0o777)
        yield folder


def seen(folder):
    lines = (folder / "seen" / "out").read_text().splitlines()
    return lines, dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_script_runs_as_the_servers_user_without_rights_of_its_own(folder):
    with served("--init", str(folder)) as server:
        lines, variables = seen(folder)
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        user = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
        assert user in lines and user != "0"
        assert "CapEff:\t0000000000000000" in lines and "NoNewPrivs:\t1" in lines
        assert variables["AWS_ENDPOINT_URL"] == server.endpoint
        assert variables["AWS_CA_BUNDLE"] == server.ready["CertificateAuthority"]
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            assert name not in variables
        assert server.stop() == 0, server.complaints()


def test_with_the_owners_word_a_script_is_the_accounts_root_for_a_while(folder):
    with served("--init", str(folder), "--init-as-root") as server:
        _, variables = seen(folder)
        key = {
            "AccessKeyId": variables["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": variables["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": variables["AWS_SESSION_TOKEN"],
        }
        assert key["AccessKeyId"].startswith("ASIA")
        assert server.client("sts", key=key).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
        assert server.client("lambda", key=key).list_functions()["Functions"] == []
        with pytest.raises(ClientError):
            server.client("lambda", key={**key, "SecretAccessKey": "x"}).list_functions()
        assert server.stop() == 0, server.complaints()


def test_a_seed_of_a_served_account_needs_the_owners_word_and_makes_what_it_names(folder):
    (folder / "echo").mkdir()
    (folder / "echo" / "app.py").write_text(ECHO)
    (folder / "seed.toml").write_text(
        "[[roles]]\nname = 'worker'\n"
        f"[[functions]]\nname = 'echo'\nruntime = '{python_of_the_system()}'\nhandler = 'app.handler'\n"
        "code = 'echo'\nrole = 'worker'\n"
    )
    with tempfile.TemporaryDirectory(prefix="hearth-serve-") as data:
        os.chmod(data, 0o755)
        command = [binary(), "serve", "--listen", "127.0.0.1:0", "--data", f"{data}/data"]
        refused = subprocess.run(
            [*command, "--seed", str(folder / "seed.toml")], capture_output=True, text=True, timeout=60, check=False
        )
        assert refused.returncode == 1 and "--init-as-root" in refused.stderr, refused.stderr
    with served("--seed", str(folder / "seed.toml"), "--init-as-root", "--init-failure", "end") as server:
        answer = server.client("lambda").invoke(FunctionName="echo", Payload=b"[1]")
        assert json.load(answer["Payload"]) == [1]
        assert server.stop() == 0, server.complaints()


def test_a_seed_makes_its_buckets_once_and_keeps_what_lies_in_them(tmp_path):
    seed = "region = '{}'\n[[buckets]]\nname = 'uploads'\n[[buckets]]\nname = 'made-once'\n"
    for number, region in enumerate(["eu-west-1", "eu-west-1", "us-west-2"]):
        (tmp_path / "seed.toml").write_text(seed.format(region))
        server = Hearth(tmp_path, "--seed", str(tmp_path / "seed.toml"))
        try:
            s3 = boto3.client("s3", endpoint_url=server.endpoint, region_name="eu-west-1")
            if number == 0:
                s3.put_object(Bucket="uploads", Key="kept")
            assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["made-once", "uploads"]
            place = s3.get_bucket_location(Bucket="uploads")["LocationConstraint"]
            assert place == "eu-west-1", "a bucket stays where it was made"
            assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="uploads")["Contents"]] == ["kept"]
            assert "failed at the start" not in server.complaints()
        finally:
            server.stop()


def test_with_an_operators_certificate_seed_and_scripts_call_the_first_host_and_trust_what_the_server_was_told(folder):
    cert, key = certificate(folder)
    (folder / "seed.toml").write_text("[[buckets]]\nname = 'of-the-seed'\n")
    options = ["--tls-cert", str(cert), "--tls-key", str(key), "--host", "localhost", "--init", str(folder)]
    options += ["--seed", str(folder / "seed.toml"), "--init-as-root", "--init-failure", "end"]
    with served(*options, environment={"AWS_CA_BUNDLE": str(cert)}) as server:
        _, variables = seen(folder)
        port = server.endpoint.rsplit(":", 1)[1]
        assert variables["AWS_ENDPOINT_URL"] == f"https://localhost:{port}"
        assert variables["AWS_CA_BUNDLE"] == str(cert)
        server.ready["CertificateAuthority"] = str(cert)
        assert [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]] == ["of-the-seed"]
        assert server.stop() == 0, server.complaints()


def test_a_seed_that_does_not_trust_the_operators_certificate_says_what_to_set(folder):
    cert, key = certificate(folder)
    (folder / "seed.toml").write_text("[[buckets]]\nname = 'of-the-seed'\n")
    options = ["--tls-cert", str(cert), "--tls-key", str(key), "--host", "localhost"]
    options += ["--seed", str(folder / "seed.toml"), "--init-as-root"]
    with served(*options, environment={"AWS_CA_BUNDLE": ""}) as server:
        assert server.stop() == 0, server.complaints()
        (line,) = [line for line in server.complaints().splitlines() if "failed at the start" in line]
        assert "seed.toml" in line and "AWS_CA_BUNDLE" in line
