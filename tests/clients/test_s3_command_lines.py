"""S3 as people type it: the AWS CLI and s3cmd, which is no SDK's child."""

import json
import urllib.parse
import urllib.request
import uuid

import pytest

from buckets import bucket, s3, tool  # noqa: F401
from conftest import CREDENTIALS, aws


@pytest.fixture
def cli(hearth):
    """Runs `aws s3 ...`; gives what it prints."""
    return lambda *arguments: aws(hearth.endpoint, "s3", *arguments)


def test_the_cli_copies_lists_moves_and_removes(cli, tmp_path):
    name = f"cli-{uuid.uuid4().hex[:12]}"
    assert cli("mb", f"s3://{name}") == f"make_bucket: {name}\n"
    assert name in cli("ls")
    photo, back = tmp_path / "photo.jpg", tmp_path / "back.jpg"
    photo.write_bytes(bytes(range(256)) * 40_000)  # above 8 MB: in parts
    cli("cp", "--no-progress", str(photo), f"s3://{name}/in/photo.jpg")
    assert f"{photo.stat().st_size} photo.jpg" in cli("ls", f"s3://{name}/in/")
    assert cli("ls", f"s3://{name}").split() == ["PRE", "in/"]
    cli("cp", "--no-progress", f"s3://{name}/in/photo.jpg", str(back))
    assert back.read_bytes() == photo.read_bytes()
    cli("cp", f"s3://{name}/in/photo.jpg", f"s3://{name}/copy.jpg")
    cli("mv", f"s3://{name}/copy.jpg", f"s3://{name}/moved.jpg")
    listed = cli("ls", "--recursive", "--summarize", f"s3://{name}")
    assert "moved.jpg" in listed and "copy.jpg" not in listed and "Total Objects: 2" in listed
    cli("rm", f"s3://{name}/moved.jpg")
    link = cli("presign", f"s3://{name}/in/photo.jpg", "--expires-in", "60").strip()
    assert urllib.request.urlopen(link, timeout=30).read() == photo.read_bytes()
    assert f"remove_bucket: {name}" in cli("rb", "--force", f"s3://{name}")
    assert name not in cli("ls")


def test_the_cli_syncs_folders_both_ways(cli, bucket, tmp_path):
    name, here, there = bucket(), tmp_path / "here", tmp_path / "there"
    (here / "sub").mkdir(parents=True)
    files = {"a.txt": "a", "sub/b c.txt": "b", "sub/ü.txt": "u"}
    for path, text in files.items():
        (here / path).write_text(text)
    assert cli("sync", "--no-progress", str(here), f"s3://{name}/x").count("upload:") == 3
    assert cli("sync", "--no-progress", str(here), f"s3://{name}/x") == ""
    (here / "a.txt").unlink()
    assert "delete:" in cli("sync", "--no-progress", "--delete", str(here), f"s3://{name}/x")
    assert cli("sync", "--no-progress", f"s3://{name}/x", str(there)).count("download:") == 2
    assert (there / "sub/b c.txt").read_text() == "b" and (there / "sub/ü.txt").read_text() == "u"


def test_s3cmd_works(hearth, tmp_path):
    host = urllib.parse.urlsplit(hearth.endpoint).netloc
    config = tmp_path / "config"
    config.write_text(
        f"[default]\nhost_base = {host}\nhost_bucket = {host}\nuse_https = False\n"
        f"access_key = {CREDENTIALS['AWS_ACCESS_KEY_ID']}\nsecret_key = {CREDENTIALS['AWS_SECRET_ACCESS_KEY']}\n"
    )

    def s3cmd(*arguments):
        done = tool("s3cmd", "--config", str(config), "--no-progress", *arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    name = f"cmd-{uuid.uuid4().hex[:12]}"
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789" * 1_700_000)  # above 15 MB: in parts
    s3cmd("mb", f"s3://{name}")
    assert f"s3://{name}" in s3cmd("ls")
    s3cmd("put", str(source), f"s3://{name}/dir/one two")
    assert f"s3://{name}/dir/one two" in s3cmd("ls", "--recursive", f"s3://{name}")
    s3cmd("get", f"s3://{name}/dir/one two", str(target))
    assert target.read_bytes() == source.read_bytes()
    assert "File size: 17000000" in s3cmd("info", f"s3://{name}/dir/one two")
    s3cmd("cp", f"s3://{name}/dir/one two", f"s3://{name}/three")
    s3cmd("mv", f"s3://{name}/three", f"s3://{name}/four")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("x")
    s3cmd("sync", f"{tmp_path}/folder/", f"s3://{name}/synced/")
    assert "synced/file" in s3cmd("ls", f"s3://{name}/synced/")
    rules = tmp_path / "policy"
    rules.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/no/*"}
    ]}))  # fmt: skip
    s3cmd("setpolicy", str(rules), f"s3://{name}")
    s3cmd("delpolicy", f"s3://{name}")
    s3cmd("del", "--recursive", "--force", f"s3://{name}")
    s3cmd("rb", f"s3://{name}")
    assert name not in s3cmd("ls")
