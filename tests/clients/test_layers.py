"""Layers as boto3 and the AWS CLI publish, read and use them."""

import base64
import hashlib
import json
import urllib.request

import pytest

from conftest import REGION, aws, newest_python, zipped

USES = "import numbers_layer\ndef handler(event, context):\n    return numbers_layer.ONE\n"
LISTS = (
    "import os\ndef handler(event, context):\n"
    "    return sorted(os.listdir('/opt')) + [open('/opt/shared').read() if os.path.exists('/opt/shared') else None]\n"
)


def publish(lambda_, name, files, **options):
    return lambda_.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)}, **options)


def answer_of(lambda_, name):
    answer = lambda_.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def updated(lambda_, name):
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_a_published_layer_is_described_as_it_was_made(lambda_):
    files = {"python/numbers_layer.py": "ONE = 1\n"}
    package = zipped(files)
    made = publish(
        lambda_, "described", files, Description="numbers", CompatibleRuntimes=["python3.12", "python3.11"],
        CompatibleArchitectures=["x86_64"], LicenseInfo="MIT",
    )  # fmt: skip
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["LayerVersionArn"] == f"arn:aws:lambda:{REGION}:000000000000:layer:described:{made['Version']}"
    assert made["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert made["Content"]["CodeSize"] == len(package)
    read = lambda_.get_layer_version(LayerName="described", VersionNumber=made["Version"])
    by_arn = lambda_.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    for found in (read, by_arn):
        with urllib.request.urlopen(found["Content"]["Location"], timeout=30) as link:
            assert link.read() == package
        for answer in (found, made):
            answer.pop("ResponseMetadata", None)
            answer["Content"].pop("Location", None)
        assert found == made
    lambda_.delete_layer_version(LayerName="described", VersionNumber=made["Version"])
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_layer_version(LayerName="described", VersionNumber=made["Version"])
    assert publish(lambda_, "described", files)["Version"] == made["Version"] + 1


def test_a_function_imports_from_its_layer_and_goes_on_without_the_layer_version(lambda_, function):
    layer = publish(lambda_, "numbers", {"python/numbers_layer.py": "ONE = 1\n"})
    name = function(USES, Layers=[layer["LayerVersionArn"]])
    assert answer_of(lambda_, name) == 1
    shown = lambda_.get_function(FunctionName=name)["Configuration"]["Layers"]
    assert shown == [{"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]}]

    newer = publish(lambda_, "numbers", {"python/numbers_layer.py": "ONE = 'one'\n"})
    lambda_.update_function_configuration(FunctionName=name, Layers=[newer["LayerVersionArn"]])
    updated(lambda_, name)
    assert answer_of(lambda_, name) == "one"
    for version in (layer["Version"], newer["Version"]):
        lambda_.delete_layer_version(LayerName="numbers", VersionNumber=version)
    lambda_.update_function_configuration(FunctionName=name, MemorySize=256)
    updated(lambda_, name)
    assert answer_of(lambda_, name) == "one"


def test_later_layers_lie_over_earlier_ones(lambda_, function):
    first = publish(lambda_, "lower", {"shared": "lower", "a": ""})["LayerVersionArn"]
    second = publish(lambda_, "upper", {"shared": "upper", "b": ""})["LayerVersionArn"]
    name = function(LISTS, Layers=[first, second])
    assert answer_of(lambda_, name) == ["a", "b", "shared", "upper"]
    lambda_.update_function_configuration(FunctionName=name, Layers=[second, first])
    updated(lambda_, name)
    assert answer_of(lambda_, name) == ["a", "b", "shared", "lower"]
    lambda_.update_function_configuration(FunctionName=name, Layers=[])
    updated(lambda_, name)
    assert answer_of(lambda_, name) == [None]
    assert "Layers" not in lambda_.get_function_configuration(FunctionName=name)


def test_layers_are_listed_with_their_newest_version(lambda_):
    for text in ("1", "2"):
        publish(lambda_, "listed", {"a": text}, CompatibleRuntimes=["python3.12"] if text == "1" else [])
    pages = lambda_.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    found = {layer["LayerName"]: layer for page in pages for layer in page["Layers"]}
    newest = found["listed"]["LatestMatchingVersion"]["Version"]
    fitting = lambda_.list_layers(CompatibleRuntime="python3.12")["Layers"]
    matching = [layer for layer in fitting if layer["LayerName"] == "listed"]
    assert [layer["LatestMatchingVersion"]["Version"] for layer in matching] == [newest - 1]
    versions = lambda_.list_layer_versions(LayerName="listed")["LayerVersions"]
    assert [it["Version"] for it in versions] == list(range(newest, 0, -1))
    assert lambda_.list_layer_versions(LayerName="nobody")["LayerVersions"] == []


def test_what_cannot_be_a_layer_is_refused(lambda_, function):
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException) as caught:
        lambda_.publish_layer_version(LayerName="no-zip", Content={"ZipFile": b"no"})
    message = "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert caught.value.response["Error"]["Message"] == message
    name = function(LISTS)
    missing = f"arn:aws:lambda:{REGION}:000000000000:layer:nobody:1"
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException) as caught:
        lambda_.update_function_configuration(FunctionName=name, Layers=[missing])
    assert caught.value.response["Error"]["Message"] == f"Layer version {missing} does not exist."


def test_the_aws_cli_publishes_and_uses_a_layer(hearth, function, tmp_path):
    package, answer = tmp_path / "layer.zip", tmp_path / "response.json"
    package.write_bytes(zipped({"python/numbers_layer.py": "ONE = 'by hand'\n"}))
    layer = aws(
        hearth.endpoint, "lambda", "publish-layer-version", "--layer-name", "cli-layer", "--zip-file",
        f"fileb://{package}", "--compatible-runtimes", "python3.11", newest_python(),
    )  # fmt: skip
    name = function(USES, handler="app.handler")
    aws(
        hearth.endpoint, "lambda", "update-function-configuration", "--function-name", name, "--layers",
        layer["LayerVersionArn"],
    )  # fmt: skip
    aws(hearth.endpoint, "lambda", "wait", "function-updated-v2", "--function-name", name)
    aws(hearth.endpoint, "lambda", "invoke", "--function-name", name, str(answer))
    assert json.loads(answer.read_text()) == "by hand"
