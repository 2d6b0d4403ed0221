"""The command lines that users type first, as they are typed, with both versions of the AWS CLI.

Nothing is put between the user and the program but the endpoint: Debian's version 2 is older than AWS_ENDPOINT_URL.
"""

import base64
import json
import shlex
import subprocess

import pytest

from conftest import ROLE, aws_environment, aws_program, newest_python, wait_until, zipped

HANDLER = "def lambda_handler(event, context):\n    print('saw', event)\n    return event\n"


class Shell:
    """A folder with a `function.zip` in it, and one version of the AWS CLI."""

    def __init__(self, hearth, folder, version):
        self.folder, self.version = folder, version
        self.endpoint = hearth.endpoint
        (folder / "function.zip").write_bytes(zipped({"lambda_function.py": HANDLER}))

    def start(self, line, **options):
        program, *arguments = shlex.split(line)
        assert program == "aws"
        return subprocess.Popen(
            [aws_program(self.version), "--endpoint-url", self.endpoint, *arguments],
            cwd=self.folder, env=aws_environment() | {"PYTHONUNBUFFERED": "1"}, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip

    def run(self, line):
        """The exit code, stdout and stderr of a line."""
        process = self.start(line)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def __call__(self, line):
        code, out, err = self.run(line)
        assert code == 0, f"{line}\n{err}"
        return json.loads(out) if out.startswith(("{", "[")) else out

    def refused(self, line):
        """The error of a line that does not succeed: the service's, told by the client."""
        code, _, err = self.run(line)
        assert code in (254, 255), f"{line}\n{err}"  # version 2 and version 1
        assert "An error occurred (" in err, err
        return err

    def done_or_named(self, line):
        """What Hearth may not have yet is refused by its name, and once it is there, it works."""
        code, out, err = self.run(line)
        if code != 0:
            assert code in (254, 255) and "Hearth yet" in err, f"{line}\n{err}"


@pytest.fixture(scope="module", params=[1, 2])
def shell(hearth, tmp_path_factory, request):
    return Shell(hearth, tmp_path_factory.mktemp(f"cli-{request.param}"), request.param)


@pytest.fixture(scope="module")
def name(shell):
    """The function of the first command line."""
    name = "process-orders-typed"
    created = shell(
        f"aws lambda create-function --function-name {name} --runtime {newest_python()} "
        "--role arn:aws:iam::123456789012:role/lambda-exec-role --handler lambda_function.lambda_handler "
        "--zip-file fileb://function.zip --memory-size 256 --timeout 30 "
        "--environment 'Variables={TABLE_NAME=orders,REGION=us-east-1}'"
    )
    assert created["State"] == "Pending" and created["Environment"]["Variables"]["TABLE_NAME"] == "orders"
    shell(f"aws lambda wait function-active-v2 --function-name {name}")
    yield name
    shell(f"aws lambda delete-function --function-name {name}")
    assert "ResourceNotFoundException" in shell.refused(f"aws lambda get-function --function-name {name}")


def invoke(shell, name, more=""):
    # Version 1 takes the payload as it is typed and has no such option.
    raw = "--cli-binary-format raw-in-base64-out" if shell.version == 2 else ""
    payload = """--payload '{"key": "value"}'"""
    return shell(f"aws lambda invoke --function-name {name} {payload} {raw} {more} response.json")


def test_create_function_of_an_image(shell):
    shell.done_or_named(
        f"aws lambda create-function --function-name image-typed --package-type Image --role {ROLE} "
        "--code ImageUri=123456789012.dkr.ecr.us-east-1.amazonaws.com/app:latest"
    )


def test_update_function_code(shell, name):
    updated = shell(f"aws lambda update-function-code --function-name {name} --zip-file fileb://function.zip")
    assert updated["LastUpdateStatus"] == "InProgress"
    shell(f"aws lambda wait function-updated-v2 --function-name {name}")


def test_update_function_configuration(shell, name):
    changed = shell(f"aws lambda update-function-configuration --function-name {name} --memory-size 1024 --timeout 60")
    assert (changed["MemorySize"], changed["Timeout"]) == (1024, 60)
    assert changed["Environment"]["Variables"]["REGION"] == "us-east-1", "what is not named stays"
    shell(f"aws lambda wait function-updated-v2 --function-name {name}")


def test_publish_layer_version_and_use_it(shell, name):
    (shell.folder / "layer.zip").write_bytes(zipped({"python/from_layer.py": "X = 1\n"}))
    published = shell(
        "aws lambda publish-layer-version --layer-name typed --zip-file fileb://layer.zip "
        "--compatible-runtimes python3.11 python3.12"
    )
    assert published["CompatibleRuntimes"] == ["python3.11", "python3.12"]
    arn = published["LayerVersionArn"]
    changed = shell(f"aws lambda update-function-configuration --function-name {name} --layers {arn}")
    assert [layer["Arn"] for layer in changed["Layers"]] == [arn]
    shell(f"aws lambda wait function-updated-v2 --function-name {name}")


@pytest.mark.parametrize(
    "setting", ["--vpc-config SubnetIds=subnet-1,SecurityGroupIds=sg-1", "--tracing-config Mode=Active"]
)
def test_update_function_configuration_with_what_needs_more(shell, name, setting):
    shell.done_or_named(f"aws lambda update-function-configuration --function-name {name} {setting}")


def test_invoke(shell, name):
    assert invoke(shell, name) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads((shell.folder / "response.json").read_text()) == {"key": "value"}


def test_invoke_with_a_log_tail(shell, name):
    tail = base64.b64decode(invoke(shell, name, "--log-type Tail")["LogResult"]).decode()
    assert "START RequestId" in tail and "saw {'key': 'value'}" in tail and "REPORT RequestId" in tail


@pytest.mark.parametrize(
    "line",
    [
        "invoke --function-name {name} --invocation-type Event event.json",
        "create-event-source-mapping --function-name {name} --batch-size 10 --maximum-batching-window-in-seconds 5 "
        "--event-source-arn arn:aws:sqs:us-east-1:000000000000:orders",
        "list-event-source-mappings --function-name {name}",
        "put-provisioned-concurrency-config --function-name {name} --qualifier prod "
        "--provisioned-concurrent-executions 1",
        "put-function-concurrency --function-name {name} --reserved-concurrent-executions 10",
        "put-function-event-invoke-config --function-name {name} --maximum-retry-attempts 1 "
        "--destination-config OnFailure={{Destination=arn:aws:sqs:us-east-1:000000000000:failed}}",
    ],
)
def test_what_may_not_be_there_yet_is_refused_by_its_name(shell, name, line):
    shell.done_or_named("aws lambda " + line.format(name=name))


def test_list_functions_as_a_table(shell, name):
    table = shell("aws lambda list-functions --output table")
    assert name in table and "ListFunctions" in table


def test_get_function_configuration(shell, name):
    shown = shell(f"aws lambda get-function-configuration --function-name {name}")
    assert shown["FunctionName"] == name and shown["Handler"] == "lambda_function.lambda_handler"


def test_logs_tail(shell, name):
    invoke(shell, name)
    line = f"aws logs tail /aws/lambda/{name}"
    if shell.version == 1:
        code, _, err = shell.run(line)
        assert code != 0 and "invalid choice" in err.lower(), "version 1 has no such command"
        return
    wait_until(lambda: "REPORT RequestId" in shell(line))
    assert "saw {'key': 'value'}" in shell(line)
    assert shell(f"{line} --since 1h --format short --filter-pattern unheard") == ""


def test_logs_tail_follow(shell, name):
    if shell.version == 1:
        pytest.skip("version 1 has no such command")
    follower = shell.start(f"aws logs tail /aws/lambda/{name} --follow --format short --filter-pattern saw")
    invoke(shell, name)
    line = follower.stdout.readline()
    follower.kill()
    follower.communicate(timeout=60)
    assert "saw {'key': 'value'}" in line


def test_logs_of_groups_and_streams(shell):
    group = f"typed/{shell.version}"
    shell(f"aws logs create-log-group --log-group-name {group} --tags team=a")
    shell(f"aws logs create-log-stream --log-group-name {group} --log-stream-name s")
    shell(f"aws logs put-retention-policy --log-group-name {group} --retention-in-days 7")
    (shown,) = shell(f"aws logs describe-log-groups --log-group-name-prefix {group}")["logGroups"]
    assert shown["retentionInDays"] == 7
    arn = shown["arn"].removesuffix(":*")
    assert shell(f"aws logs list-tags-log-group --log-group-name {group}")["tags"] == {"team": "a"}
    shell(
        f"aws logs put-metric-filter --log-group-name {group} --filter-name errors --filter-pattern ERROR "
        "--metric-transformations metricName=Errors,metricNamespace=App,metricValue=1"
    )
    (filter,) = shell(f"aws logs describe-metric-filters --log-group-name {group}")["metricFilters"]
    assert filter["metricTransformations"][0]["metricName"] == "Errors"
    assert shell("aws logs test-metric-filter --filter-pattern ERROR --log-event-messages 'ERROR 1' fine")["matches"]
    assert shell(f"aws logs describe-log-streams --log-group-name {group}")["logStreams"][0]["arn"].startswith(arn)
    shell(f"aws logs delete-log-group --log-group-name {group}")
    assert "ResourceNotFoundException" in shell.refused(f"aws logs describe-log-streams --log-group-name {group}")
