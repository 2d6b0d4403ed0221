"""Buckets for tests of S3, and what every one of them needs."""

import json
import pathlib
import subprocess
import sys
import uuid

import pytest
from botocore.exceptions import ClientError

PUBLIC_READ = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
}


@pytest.fixture(scope="session")
def s3(client):
    """A boto3 client of S3."""
    return client("s3")


def empty(s3, name):
    """Deletes everything in a bucket: versions, delete markers, uploads."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        if objects:
            deleted = s3.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
            assert not deleted.get("Errors"), deleted
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.fixture
def bucket(s3):
    """Makes buckets, and deletes them with all they hold after the test."""
    made = []

    def make(**options):
        name = options.pop("Bucket", f"b-{uuid.uuid4().hex[:20]}")
        s3.create_bucket(Bucket=name, **options)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            empty(s3, name)
            s3.delete_bucket(Bucket=name)
        except s3.exceptions.NoSuchBucket:
            pass


def refused(call, *arguments, **options):
    """The error of a call that must fail: its code, status and message."""
    with pytest.raises(ClientError) as failed:
        call(*arguments, **options)
    response = failed.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"].get("Message")


def policy(name, *statements):
    """A bucket's policy."""
    whole = [{"Resource": f"arn:aws:s3:::{name}/*", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def tool(name, *arguments, stdin=None):
    """Runs a program of the clients' environment."""
    program = pathlib.Path(sys.executable).with_name(name)
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, input=stdin or "")
