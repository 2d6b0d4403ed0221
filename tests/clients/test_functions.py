"""Functions as boto3 makes, reads, lists and deletes them."""

import base64
import hashlib

import pytest
from botocore.exceptions import ClientError

from conftest import REGION, ROLE, newest_python, zipped

HELLO = "def handler(event, context):\n    return {'hello': event.get('name')}\n"


def test_a_function_is_pending_then_active_and_described_as_it_was_made(lambda_, function):
    package = zipped({"app.py": HELLO})
    created = lambda_.create_function(
        FunctionName="described",
        Runtime=newest_python(),
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": package},
        Description="says hello",
        MemorySize=256,
        Timeout=30,
        Environment={"Variables": {"TABLE_NAME": "orders"}},
        Tags={"team": "a"},
    )
    try:
        assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
        assert created["State"] == "Pending"
        assert created["StateReasonCode"] == "Creating"
        lambda_.get_waiter("function_exists").wait(FunctionName="described")
        lambda_.get_waiter("function_active_v2").wait(FunctionName="described", WaiterConfig={"Delay": 1})

        found = lambda_.get_function(FunctionName="described")
        configuration = found["Configuration"]
        assert configuration["FunctionArn"] == f"arn:aws:lambda:{REGION}:000000000000:function:described"
        assert configuration["State"] == "Active"
        assert configuration["LastUpdateStatus"] == "Successful"
        assert configuration["Description"] == "says hello"
        assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 30)
        assert configuration["Environment"]["Variables"] == {"TABLE_NAME": "orders"}
        assert configuration["CodeSize"] == len(package)
        assert configuration["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
        assert configuration["Version"] == "$LATEST"
        assert configuration["PackageType"] == "Zip"
        assert found["Code"]["RepositoryType"] == "S3"
        assert found["Tags"] == {"team": "a"}

        alone = lambda_.get_function_configuration(FunctionName="described")
        alone.pop("ResponseMetadata")
        assert alone == configuration
    finally:
        lambda_.delete_function(FunctionName="described")


def test_the_package_comes_back_from_its_location(lambda_, function):
    import urllib.request

    name = function(HELLO)
    location = lambda_.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=30) as answer:
        assert answer.read() == zipped({"app.py": HELLO})


def test_a_second_function_of_the_name_is_a_conflict(lambda_, function):
    name = function(HELLO)
    with pytest.raises(lambda_.exceptions.ResourceConflictException) as caught:
        function(HELLO, name=name)
    assert caught.value.response["Error"]["Message"] == f"Function already exist: {name}"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration", "delete_function", "invoke"])
def test_a_missing_function_is_a_typed_error(lambda_, operation):
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException) as caught:
        getattr(lambda_, operation)(FunctionName="nobody")
    message = caught.value.response["Error"]["Message"]
    assert message.startswith(f"Function not found: arn:aws:lambda:{REGION}:000000000000:function:nobody")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_deleted_function_is_gone(lambda_, function):
    name = function(HELLO)
    assert lambda_.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] in (200, 204)
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_function(FunctionName=name)


def test_a_list_comes_in_pages_that_hold_every_function_once(lambda_, function):
    names = {function(HELLO, name=f"paged-{number}") for number in range(5)}
    first = lambda_.list_functions(MaxItems=2)
    assert len(first["Functions"]) == 2 and first["NextMarker"]
    pages = lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    listed = [entry["FunctionName"] for page in pages for entry in page["Functions"]]
    assert len(listed) == len(set(listed))
    assert names <= set(listed)


def test_every_way_to_name_a_function_finds_it(lambda_, function):
    name = function(HELLO)
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    for spelled in (name, arn, f"000000000000:function:{name}", f"{name}:$LATEST", f"{arn}:$LATEST"):
        assert lambda_.get_function_configuration(FunctionName=spelled)["FunctionName"] == name


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"MemorySize": 64}, "ValidationException"),
        ({"Timeout": 0}, "ValidationException"),
        ({"Runtime": "python9.9"}, "InvalidParameterValueException"),
        ({"Role": "nonsense"}, "ValidationException"),
    ],
)
def test_wrong_parameters_are_refused_and_nothing_is_made(client, wrong, code):
    lambda_ = client("lambda", parameter_validation=False)
    parameters = {
        "FunctionName": "refused",
        "Runtime": newest_python(),
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": {"ZipFile": zipped({"app.py": HELLO})},
    }
    with pytest.raises(ClientError) as caught:
        lambda_.create_function(**{**parameters, **wrong})
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_function(FunctionName="refused")


def test_an_archive_that_is_none_is_refused(lambda_):
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException) as caught:
        lambda_.create_function(
            FunctionName="no-zip", Runtime=newest_python(), Role=ROLE, Handler="app.handler", Code={"ZipFile": b"no"}
        )
    message = "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert caught.value.response["Error"]["Message"] == message


def test_what_is_not_built_is_refused_by_name_and_never_with_a_5xx(lambda_, function):
    name = function(HELLO)
    with pytest.raises(ClientError) as caught:
        lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert 400 <= caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert "CreateAlias" in caught.value.response["Error"]["Message"]
