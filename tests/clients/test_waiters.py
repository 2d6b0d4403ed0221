"""The six waiters of Lambda in botocore, and the states that they wait for."""

import http.client
import json

import pytest
from botocore.exceptions import ClientError, WaiterError

from conftest import REGION, ROLE, newest_python, wait_until, zipped

CODE = {"app.py": "def handler(event, context):\n    return 1\n"}
SOON = {"Delay": 1, "MaxAttempts": 30}


def create(lambda_, name, **options):
    options = {"Runtime": newest_python(), "Code": {"ZipFile": zipped(CODE)}, **options}
    return lambda_.create_function(FunctionName=name, Role=ROLE, Handler="app.handler", **options)


@pytest.fixture
def name(lambda_, request):
    """A name for a function that is gone after the test."""
    name = request.node.name.replace("[", "-").replace("]", "")[:60]
    yield name
    try:
        lambda_.delete_function(FunctionName=name)
    except lambda_.exceptions.ResourceNotFoundException:
        pass


@pytest.mark.parametrize(
    "waiter", ["function_exists", "function_active", "function_active_v2", "published_version_active"]
)
def test_a_new_function_is_waited_for(lambda_, name, waiter):
    created = create(lambda_, name)
    assert (created["State"], created["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in created
    lambda_.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=SOON)
    if waiter != "function_exists":
        assert lambda_.get_function_configuration(FunctionName=name)["State"] == "Active"


@pytest.mark.parametrize("waiter", ["function_updated", "function_updated_v2"])
def test_an_update_is_waited_for(lambda_, function, waiter):
    name = function(CODE["app.py"])
    answer = lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "InProgress")
    lambda_.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=SOON)
    read = lambda_.get_function_configuration(FunctionName=name)
    assert (read["LastUpdateStatus"], read["Timeout"]) == ("Successful", 9)


@pytest.mark.parametrize("waiter", ["function_active", "function_active_v2", "published_version_active"])
def test_a_function_that_cannot_run_here_ends_the_wait(lambda_, name, waiter):
    create(lambda_, name, Runtime="dotnet8")
    with pytest.raises(WaiterError) as caught:
        lambda_.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=SOON)
    assert "terminal failure" in str(caught.value)
    assert lambda_.get_function_configuration(FunctionName=name)["StateReasonCode"] == "InvalidRuntime"
    with pytest.raises(lambda_.exceptions.ResourceConflictException) as caught:
        lambda_.update_function_configuration(FunctionName=name, Timeout=9)
    assert caught.value.response["Error"]["Message"].endswith("currently in the following state: Failed")


@pytest.mark.parametrize("waiter", ["function_updated", "function_updated_v2"])
def test_an_update_that_cannot_be_made_ends_the_wait(lambda_, function, waiter):
    name = function(CODE["app.py"])
    lambda_.update_function_configuration(FunctionName=name, Runtime="dotnet8")
    with pytest.raises(WaiterError) as caught:
        lambda_.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=SOON)
    assert "terminal failure" in str(caught.value)
    read = lambda_.get_function_configuration(FunctionName=name)
    assert (read["State"], read["LastUpdateStatus"]) == ("Active", "Failed")
    assert (read["LastUpdateStatusReasonCode"], read["Runtime"]) == ("InvalidRuntime", newest_python())


def test_nobody_is_waited_for_in_vain(lambda_):
    with pytest.raises(WaiterError) as caught:
        lambda_.get_waiter("function_exists").wait(
            FunctionName="nobody", WaiterConfig={"Delay": 0, "MaxAttempts": 2}
        )
    assert "Max attempts exceeded" in str(caught.value)


def updates_at_once(hearth, name, count):
    """Sends updates on connections that are open already, one right after the other, and gives all answers."""
    address = hearth.endpoint.removeprefix("http://")
    scope = f"test/20260101/{REGION}/lambda/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={0:064}"
    connections = [http.client.HTTPConnection(address, timeout=60) for _ in range(count)]
    for connection in connections:
        connection.connect()
    for connection in connections:
        path = f"/2015-03-31/functions/{name}/configuration"
        connection.request("PUT", path, json.dumps({"Timeout": 9}), {"Authorization": signed})
    answers = [connection.getresponse() for connection in connections]
    read = [(answer.status, answer.headers["x-amzn-errortype"], answer.read().decode()) for answer in answers]
    for connection in connections:
        connection.close()
    return read


def test_a_second_update_is_a_conflict_until_the_first_is_done(hearth, lambda_, function):
    name = function(CODE["app.py"])
    conflicts = []

    def at_once():
        answers = updates_at_once(hearth, name, 4)
        assert {status for status, _, _ in answers} <= {200, 409} and any(answer[0] == 200 for answer in answers), answers
        conflicts.extend(answer for answer in answers if answer[0] == 409)
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=SOON)
        return conflicts

    # They come within less time than one of them takes; should it not be so once, then the next time.
    wait_until(at_once, seconds=60)
    assert conflicts[0][1] == "ResourceConflictException"
    assert "An update is in progress for resource: " in conflicts[0][2]


def test_what_terraform_does_with_recursion_and_runtime_management(lambda_, function):
    name = function(CODE["app.py"])
    assert lambda_.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    lambda_.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert lambda_.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    lambda_.put_function_recursion_config(FunctionName=name, RecursiveLoop="Terminate")

    managed = lambda_.get_runtime_management_config(FunctionName=name)
    assert (managed["UpdateRuntimeOn"], managed["FunctionArn"].endswith(f":{name}:$LATEST")) == ("Auto", True)
    lambda_.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Auto")
    with pytest.raises(ClientError) as caught:
        lambda_.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_there_is_no_code_signing_to_be_found(lambda_, function):
    name = function(CODE["app.py"])
    config = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0"
    assert lambda_.list_code_signing_configs()["CodeSigningConfigs"] == []
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_code_signing_config(CodeSigningConfigArn=config)
    with pytest.raises(lambda_.exceptions.CodeSigningConfigNotFoundException):
        lambda_.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=config)
    lambda_.delete_function_code_signing_config(FunctionName=name)
