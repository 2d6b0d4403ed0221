"""Functions and layers whose packages lie in S3."""

import base64
import hashlib
import json
import urllib.request

import pytest

from conftest import ROLE, aws, newest_python, zipped

FIRST = zipped({"app.py": "def handler(event, context):\n    return 'first'\n"})
SECOND = zipped({"app.py": "import numbers_layer\ndef handler(event, context):\n    return numbers_layer.ONE\n"})
LAYER = zipped({"python/numbers_layer.py": "ONE = 'second'\n"})


@pytest.fixture(scope="module")
def s3(client):
    return client("s3")


@pytest.fixture(scope="module")
def bucket(s3):
    s3.create_bucket(Bucket="code-of-functions")
    s3.put_bucket_versioning(Bucket="code-of-functions", VersioningConfiguration={"Status": "Enabled"})
    return "code-of-functions"


def sha256(package):
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def answer_of(lambda_, name):
    answer = lambda_.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def updated(lambda_, name):
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@pytest.fixture
def name(lambda_, s3, bucket, request):
    """A function whose code came out of S3."""
    name = request.node.name[:60]
    s3.put_object(Bucket=bucket, Key="a b/code+.zip", Body=FIRST)
    created = lambda_.create_function(
        FunctionName=name, Runtime=newest_python(), Role=ROLE, Handler="app.handler",
        Code={"S3Bucket": bucket, "S3Key": "a b/code+.zip"},
    )  # fmt: skip
    assert (created["CodeSha256"], created["CodeSize"]) == (sha256(FIRST), len(FIRST))
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    yield name
    lambda_.delete_function(FunctionName=name)


def test_versions_of_an_object_are_versions_of_the_code(lambda_, s3, bucket, name):
    assert answer_of(lambda_, name) == "first"
    old = s3.put_object(Bucket=bucket, Key="code.zip", Body=SECOND)["VersionId"]
    s3.put_object(Bucket=bucket, Key="code.zip", Body=FIRST)
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=LAYER)
    layer = lambda_.publish_layer_version(
        LayerName="from-s3", Content={"S3Bucket": bucket, "S3Key": "layer.zip"}
    )  # fmt: skip
    assert layer["Content"]["CodeSha256"] == sha256(LAYER)
    lambda_.update_function_configuration(FunctionName=name, Layers=[layer["LayerVersionArn"]])
    updated(lambda_, name)
    answer = lambda_.update_function_code(
        FunctionName=name, S3Bucket=bucket, S3Key="code.zip", S3ObjectVersion=old
    )  # fmt: skip
    assert answer["CodeSha256"] == sha256(SECOND)
    updated(lambda_, name)
    assert answer_of(lambda_, name) == "second"
    s3.delete_object(Bucket=bucket, Key="code.zip", VersionId=old)
    lambda_.update_function_configuration(FunctionName=name, MemorySize=256)
    updated(lambda_, name)
    assert answer_of(lambda_, name) == "second"
    with urllib.request.urlopen(lambda_.get_function(FunctionName=name)["Code"]["Location"], timeout=30) as link:
        assert link.read() == SECOND


def test_a_dry_run_reads_the_object_and_changes_nothing(lambda_, s3, bucket, name):
    s3.put_object(Bucket=bucket, Key="dry.zip", Body=LAYER)
    shown = lambda_.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="dry.zip", DryRun=True)
    assert shown["CodeSha256"] == sha256(LAYER)
    assert lambda_.get_function_configuration(FunctionName=name)["CodeSha256"] == sha256(FIRST)


def test_what_s3_refuses_is_told(lambda_, client, s3, bucket, name):
    elsewhere = client("s3", region="eu-central-1")
    elsewhere.create_bucket(
        Bucket="code-elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    elsewhere.put_object(Bucket="code-elsewhere", Key="code.zip", Body=FIRST)
    s3.put_object(Bucket=bucket, Key="no.zip", Body=b"no zip")
    cases = [
        ({"S3Bucket": "nobody-has-this-bucket", "S3Key": "code.zip"}, "S3 Error Code: NoSuchBucket."),
        ({"S3Bucket": bucket, "S3Key": "nothing.zip"}, "S3 Error Code: NoSuchKey."),
        ({"S3Bucket": bucket, "S3Key": "a b/code+.zip", "S3ObjectVersion": "x" * 32}, "S3 Error Code: "),
        ({"S3Bucket": "code-elsewhere", "S3Key": "code.zip"}, "S3 Error Code: PermanentRedirect."),
        ({"S3Bucket": bucket, "S3Key": "no.zip"}, "Could not unzip uploaded file."),
    ]
    for source, text in cases:
        for change in (
            lambda: lambda_.update_function_code(FunctionName=name, **source),
            lambda: lambda_.publish_layer_version(LayerName="never", Content=source),
        ):
            with pytest.raises(lambda_.exceptions.InvalidParameterValueException) as caught:
                change()
            assert text in caught.value.response["Error"]["Message"], source
    assert answer_of(lambda_, name) == "first"
    assert lambda_.list_layer_versions(LayerName="never")["LayerVersions"] == []


def test_the_aws_cli_uploads_and_creates(hearth, lambda_, bucket, tmp_path):
    package, answer = tmp_path / "function.zip", tmp_path / "response.json"
    package.write_bytes(FIRST)
    aws(hearth.endpoint, "s3", "cp", str(package), f"s3://{bucket}/cli/function.zip")
    aws(
        hearth.endpoint, "lambda", "create-function", "--function-name", "from-s3-by-cli", "--runtime",
        newest_python(), "--role", ROLE, "--handler", "app.handler", "--code",
        f"S3Bucket={bucket},S3Key=cli/function.zip",
    )  # fmt: skip
    aws(hearth.endpoint, "lambda", "wait", "function-active-v2", "--function-name", "from-s3-by-cli")
    aws(hearth.endpoint, "lambda", "invoke", "--function-name", "from-s3-by-cli", str(answer))
    assert json.loads(answer.read_text()) == "first"
    changed = aws(
        hearth.endpoint, "lambda", "update-function-code", "--function-name", "from-s3-by-cli", "--s3-bucket", bucket,
        "--s3-key", "cli/function.zip",
    )  # fmt: skip
    assert changed["LastUpdateStatus"] == "InProgress"
    lambda_.delete_function(FunctionName="from-s3-by-cli")
