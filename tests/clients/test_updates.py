"""Updates of functions, their tags, and what deploy tools read of a function afterwards."""

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import REGION, ROLE, aws, newest_python, wait_until, zipped

FIRST = "def handler(event, context):\n    return 'first'\n"
SECOND = "import os\ndef handler(event, context):\n    return ['second', os.environ.get('STAGE')]\n"
ARN = f"arn:aws:lambda:{REGION}:000000000000:function:"


def answer_of(lambda_, name):
    answer = lambda_.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def updated(lambda_, name):
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_new_code_is_in_progress_and_then_runs(lambda_, function):
    name = function(FIRST)
    assert answer_of(lambda_, name) == "first"
    before = lambda_.get_function_configuration(FunctionName=name)
    package = zipped({"app.py": SECOND})
    answer = lambda_.update_function_code(FunctionName=name, ZipFile=package)
    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "InProgress")
    assert answer["LastUpdateStatusReasonCode"] == "Creating"
    updated(lambda_, name)
    after = lambda_.get_function_configuration(FunctionName=name)
    assert after["LastUpdateStatus"] == "Successful" and "LastUpdateStatusReason" not in after
    assert len({it["RevisionId"] for it in (before, answer, after)}) == 3
    assert after["LastModified"] > before["LastModified"]
    assert after["CodeSha256"] == answer["CodeSha256"] != before["CodeSha256"]
    assert answer_of(lambda_, name) == ["second", None]
    location = lambda_.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=30) as link:
        assert link.read() == package


def test_a_configuration_changes_only_in_what_is_sent(lambda_, function):
    name = function(SECOND, Environment={"Variables": {"STAGE": "dev"}}, MemorySize=256)
    lambda_.update_function_configuration(FunctionName=name, Timeout=7)
    updated(lambda_, name)
    read = lambda_.get_function_configuration(FunctionName=name)
    assert (read["Timeout"], read["MemorySize"], read["Environment"]["Variables"]) == (7, 256, {"STAGE": "dev"})
    assert answer_of(lambda_, name) == ["second", "dev"]
    lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {"STAGE": "live"}})
    updated(lambda_, name)
    wait_until(lambda: answer_of(lambda_, name) == ["second", "live"])


def test_calls_during_updates_never_fail(lambda_, function):
    name = function(FIRST)
    for number in range(5):
        code = FIRST.replace("first", f"number {number}")
        lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": code}))
        for _ in range(3):
            assert isinstance(answer_of(lambda_, name), str)
        updated(lambda_, name)
        assert answer_of(lambda_, name) == f"number {number}"


def test_a_wrong_revision_is_a_typed_error_and_changes_nothing(lambda_, function):
    name = function(FIRST)
    stale = lambda_.get_function_configuration(FunctionName=name)["RevisionId"]
    lambda_.update_function_configuration(FunctionName=name, Description="new")
    updated(lambda_, name)
    for change in (
        lambda: lambda_.update_function_configuration(FunctionName=name, Description="newer", RevisionId=stale),
        lambda: lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": SECOND}), RevisionId=stale),
    ):
        with pytest.raises(lambda_.exceptions.PreconditionFailedException) as caught:
            change()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert lambda_.get_function_configuration(FunctionName=name)["Description"] == "new"
    assert answer_of(lambda_, name) == "first"


@pytest.mark.parametrize(
    "change",
    [
        {"Timeout": 901},
        {"MemorySize": 10241},
        {"Environment": {"Variables": {"AWS_REGION": "here"}}},
        {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}},
        {"TracingConfig": {"Mode": "Active"}},
        {"DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:{REGION}:000000000000:dead"}},
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_changes(lambda_, function, change):
    name = function(FIRST)
    before = lambda_.get_function_configuration(FunctionName=name)
    with pytest.raises(ClientError) as caught:
        lambda_.update_function_configuration(FunctionName=name, **change)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    after = lambda_.get_function_configuration(FunctionName=name)
    assert (before["RevisionId"], before["Timeout"]) == (after["RevisionId"], after["Timeout"])


def test_the_aws_cli_updates_and_waits(hearth, function, tmp_path):
    name = function(FIRST)
    package, answer = tmp_path / "function.zip", tmp_path / "response.json"
    package.write_bytes(zipped({"app.py": SECOND}))
    run = lambda *arguments: aws(hearth.endpoint, "lambda", *arguments, "--function-name", name)  # noqa: E731
    assert run("update-function-code", "--zip-file", f"fileb://{package}")["LastUpdateStatus"] == "InProgress"
    run("wait", "function-updated-v2")
    changed = run("update-function-configuration", "--memory-size", "1024", "--timeout", "60")
    assert (changed["MemorySize"], changed["Timeout"]) == (1024, 60)
    run("wait", "function-updated-v2")
    aws(hearth.endpoint, "lambda", "invoke", "--function-name", name, str(answer))
    assert json.loads(answer.read_text()) == ["second", None]


def test_tags_come_and_go(lambda_, function):
    name = function(FIRST, Tags={"team": "a"})
    arn = ARN + name
    lambda_.tag_resource(Resource=arn, Tags={"stage": "dev", "empty": ""})
    assert lambda_.list_tags(Resource=arn)["Tags"] == {"team": "a", "stage": "dev", "empty": ""}
    lambda_.untag_resource(Resource=arn, TagKeys=["team", "stage", "never was"])
    assert lambda_.get_function(FunctionName=name)["Tags"] == {"empty": ""}
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException):
        lambda_.tag_resource(Resource=arn, Tags={f"key-{number}": "" for number in range(50)})
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.list_tags(Resource=ARN + "nobody")


def test_account_settings_grow_with_what_is_there(lambda_, function):
    before = lambda_.get_account_settings()
    name = function(FIRST)
    after = lambda_.get_account_settings()
    size = lambda_.get_function_configuration(FunctionName=name)["CodeSize"]
    assert after["AccountUsage"]["FunctionCount"] == before["AccountUsage"]["FunctionCount"] + 1
    assert after["AccountUsage"]["TotalCodeSize"] == before["AccountUsage"]["TotalCodeSize"] + size
    assert after["AccountLimit"]["CodeSizeUnzipped"] == 262_144_000


def read_back(lambda_, name):
    """What Terraform reads of a function on every plan."""
    found = lambda_.get_function(FunctionName=name)
    versions = lambda_.list_versions_by_function(FunctionName=name, MaxItems=10000)["Versions"]
    signing = lambda_.get_function_code_signing_config(FunctionName=name)
    assert not signing.get("CodeSigningConfigArn")
    assert versions[-1]["FunctionArn"].endswith(":$LATEST")
    return found


def test_what_terraform_does_with_a_function_leaves_no_drift(lambda_):
    name = "as-terraform-does"
    lambda_.create_function(
        FunctionName=name, Runtime=newest_python(), Role=ROLE, Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": SECOND})}, Environment={"Variables": {"STAGE": "dev", "EMPTY": ""}},
        Tags={"team": "a", "empty": ""}, Publish=False, MemorySize=128, Timeout=3, PackageType="Zip",
        Architectures=["x86_64"], TracingConfig={"Mode": "PassThrough"}, EphemeralStorage={"Size": 512},
        LoggingConfig={"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}, Description="",
    )  # fmt: skip
    try:
        wait_until(lambda: lambda_.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
        found = read_back(lambda_, name)
        configuration = found["Configuration"]
        assert configuration["Environment"]["Variables"] == {"STAGE": "dev", "EMPTY": ""}
        assert found["Tags"] == {"team": "a", "empty": ""}
        assert "Concurrency" not in found and "Layers" not in configuration and "VpcConfig" not in configuration
        assert configuration["TracingConfig"] == {"Mode": "PassThrough"}
        assert configuration["EphemeralStorage"] == {"Size": 512}
        assert configuration["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
        assert configuration["SnapStart"]["ApplyOn"] == "None"

        lambda_.update_function_configuration(FunctionName=name, Environment={"Variables": {}}, MemorySize=256)
        status = lambda: lambda_.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"]  # noqa: E731
        wait_until(lambda: status() == "Successful")
        lambda_.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": FIRST}), Architectures=["x86_64"])
        wait_until(lambda: status() == "Successful")
        changed = read_back(lambda_, name)["Configuration"]
        assert changed["MemorySize"] == 256 and "Environment" not in changed
        moving = {"RevisionId", "LastModified", "CodeSha256", "CodeSize", "MemorySize", "Environment"}
        still = lambda it: {key: value for key, value in it.items() if key not in moving}  # noqa: E731
        assert still(changed) == still(configuration)
        assert lambda_.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") is None
    finally:
        lambda_.delete_function(FunctionName=name)


def test_what_a_plain_function_does_not_have(lambda_, function):
    name = function(FIRST)
    assert lambda_.list_aliases(FunctionName=name)["Aliases"] == []
    assert lambda_.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []
    assert lambda_.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
    assert lambda_.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"] == []
    for read in (
        lambda: lambda_.get_policy(FunctionName=name),
        lambda: lambda_.get_function_url_config(FunctionName=name),
        lambda: lambda_.get_alias(FunctionName=name, Name="live"),
        lambda: lambda_.get_function_event_invoke_config(FunctionName=name),
    ):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
            read()
