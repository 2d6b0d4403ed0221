"""Functions, layers and logs as people type them first, with both versions of the AWS CLI, each on a server of its own."""

import base64
import json
import shlex
import time

import pytest

from conftest import Hearth, newest_python, wait_until, zipped
from shell import Row, Shell

HANDLER = "def lambda_handler(event, context):\n    print('saw', event)\n    return event\n"
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:shared"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:process-orders"

# What users type first: the command and the options they type with it. None of them may be missing below.
TYPED_FIRST = [
    "lambda create-function --function-name --runtime --role --handler --zip-file --memory-size --timeout --environment",
    "lambda create-function --package-type --code",
    "lambda update-function-code --zip-file",
    "lambda update-function-code --s3-bucket --s3-key",
    "lambda update-function-configuration --memory-size --timeout",
    "lambda update-function-configuration --layers",
    "lambda update-function-configuration --vpc-config",
    "lambda update-function-configuration --tracing-config",
    "lambda create-event-source-mapping --event-source-arn --batch-size --maximum-batching-window-in-seconds",
    "events put-rule --schedule-expression",
    "events put-targets",
    "lambda invoke --payload --cli-binary-format",
    "lambda invoke --invocation-type",
    "lambda invoke --log-type",
    "lambda put-provisioned-concurrency-config --qualifier",
    "lambda put-function-concurrency",
    "lambda publish-layer-version --compatible-runtimes",
    "lambda put-function-event-invoke-config --maximum-retry-attempts --destination-config",
    "lambda list-functions --output",
    "logs tail",
    "logs tail --since --format",
    "lambda get-function-configuration",
    "lambda list-event-source-mappings",
    "lambda delete-function",
]


def tail_of(out):
    return base64.b64decode(out).decode()


def has_whole_call(text):
    return all(word in text for word in ("START RequestId", "saw {'key': 'value'}", "END RequestId", "REPORT RequestId"))


FUNCTIONS = [
    Row(
        "aws lambda create-function --function-name process-orders --runtime {runtime} "
        "--role arn:aws:iam::123456789012:role/lambda-exec-role --handler lambda_function.lambda_handler "
        "--zip-file fileb://function.zip --memory-size 256 --timeout 30 "
        "--environment 'Variables={TABLE_NAME=orders,REGION=us-east-1}'",
        lambda out: (out["State"], out["MemorySize"], out["Timeout"]) == ("Pending", 256, 30)
        and out["Environment"] == {"Variables": {"TABLE_NAME": "orders", "REGION": "us-east-1"}},
    ),
    Row("aws lambda wait function-active-v2 --function-name process-orders"),
    Row("aws lambda wait function-exists --function-name process-orders"),
    Row(
        "aws lambda create-function --function-name of-an-image --package-type Image "
        "--role arn:aws:iam::123456789012:role/lambda-exec-role "
        "--code ImageUri=123456789012.dkr.ecr.us-east-1.amazonaws.com/app:latest",
        named=True,
    ),
    Row(
        "aws lambda update-function-code --function-name process-orders --zip-file fileb://function.zip",
        lambda out: out["LastUpdateStatus"] == "InProgress",
    ),
    Row("aws lambda wait function-updated-v2 --function-name process-orders"),
    Row(
        "aws lambda update-function-configuration --function-name process-orders --memory-size 1024 --timeout 60",
        lambda out: (out["MemorySize"], out["Timeout"]) == (1024, 60)
        and out["Environment"]["Variables"]["REGION"] == "us-east-1",  # what is not named stays
    ),
    Row("aws lambda wait function-updated --function-name process-orders"),
    Row(
        "aws lambda publish-layer-version --layer-name shared --zip-file fileb://layer.zip "
        "--compatible-runtimes python3.11 python3.12",
        lambda out: out["LayerVersionArn"] == f"{LAYER}:1" and out["CompatibleRuntimes"] == ["python3.11", "python3.12"],
    ),
    Row(
        f"aws lambda update-function-configuration --function-name process-orders --layers {LAYER}:1",
        lambda out: [layer["Arn"] for layer in out["Layers"]] == [f"{LAYER}:1"],
    ),
    Row("aws lambda wait function-updated-v2 --function-name process-orders"),
    Row(
        "aws lambda update-function-configuration --function-name process-orders "
        "--vpc-config SubnetIds=subnet-1,SecurityGroupIds=sg-1",
        named=True,
    ),
    Row(
        "aws lambda update-function-configuration --function-name process-orders --tracing-config Mode=Active",
        named=True,
    ),
    Row(
        """aws lambda invoke --function-name process-orders --payload '{"key": "value"}' """
        "--cli-binary-format raw-in-base64-out response.json",
        lambda out: out == {"StatusCode": 200, "ExecutedVersion": "$LATEST"},
        version=2,
    ),
    Row(
        "aws lambda invoke --function-name process-orders --payload fileb://event.json response.json",
        lambda out: out == {"StatusCode": 200, "ExecutedVersion": "$LATEST"},
    ),
    Row(
        "aws lambda invoke --function-name process-orders --payload fileb://event.json --log-type Tail response.json",
        lambda out: has_whole_call(tail_of(out["LogResult"])),
    ),
    Row(
        "aws lambda invoke --function-name process-orders --payload fileb://event.json --log-type Tail "
        "--query LogResult --output text response.json",
        lambda out: has_whole_call(tail_of(out)),
    ),
    Row("aws lambda invoke --function-name process-orders --invocation-type DryRun none.json",
        lambda out: out["StatusCode"] == 204),  # fmt: skip
    Row("aws lambda invoke --function-name process-orders --invocation-type Event event-answer.json", named=True),
    Row(
        "aws lambda create-event-source-mapping --function-name process-orders "
        "--event-source-arn arn:aws:sqs:us-east-1:000000000000:orders --batch-size 10 "
        "--maximum-batching-window-in-seconds 5",
        named=True,
    ),
    Row("aws lambda list-event-source-mappings --function-name process-orders", named=True),
    Row('aws events put-rule --name every-five --schedule-expression "rate(5 minutes)"', named=True),
    Row(f"aws events put-targets --rule every-five --targets Id=1,Arn={FUNCTION}", named=True),
    Row(
        "aws lambda put-provisioned-concurrency-config --function-name process-orders --qualifier prod "
        "--provisioned-concurrent-executions 1",
        named=True,
    ),
    Row(
        "aws lambda put-function-concurrency --function-name process-orders --reserved-concurrent-executions 10",
        named=True,
    ),
    Row(
        "aws lambda put-function-event-invoke-config --function-name process-orders --maximum-retry-attempts 1 "
        "--destination-config OnFailure={Destination=arn:aws:sqs:us-east-1:000000000000:failed}",
        named=True,
    ),
    Row(
        "aws lambda list-functions --output table",
        lambda out: "ListFunctions" in out and "process-orders" in out and "|" in out,
    ),
    Row(
        "aws lambda list-functions --query 'Functions[].[FunctionName,MemorySize]' --output text",
        lambda out: out == "process-orders\t1024\n",
    ),
    Row(
        "aws lambda get-function-configuration --function-name process-orders",
        lambda out: (out["FunctionArn"], out["State"], out["LastUpdateStatus"]) == (FUNCTION, "Active", "Successful"),
    ),
    Row(
        "aws lambda get-function --function-name process-orders --query Configuration.Handler --output text",
        lambda out: out == "lambda_function.lambda_handler\n",
    ),
    Row(
        "aws lambda list-versions-by-function --function-name process-orders --query 'Versions[].Version'",
        lambda out: out == ["$LATEST"],
    ),
    Row(f"aws lambda tag-resource --resource {FUNCTION} --tags team=orders,stage=dev"),
    Row(f"aws lambda untag-resource --resource {FUNCTION} --tag-keys stage"),
    Row(f"aws lambda list-tags --resource {FUNCTION}", lambda out: out == {"Tags": {"team": "orders"}}),
    Row(
        "aws lambda get-account-settings --query '[AccountLimit.ConcurrentExecutions,AccountUsage.FunctionCount]'",
        lambda out: out == [1000, 1],
    ),
    Row("aws lambda list-layers --query 'Layers[].LatestMatchingVersion.LayerVersionArn'",
        lambda out: out == [f"{LAYER}:1"]),  # fmt: skip
    Row("aws lambda list-layer-versions --layer-name shared --query 'LayerVersions[].Version' --output text",
        lambda out: out == "1\n"),  # fmt: skip
    Row(
        "aws lambda get-layer-version --layer-name shared --version-number 1",
        lambda out: out["Content"]["Location"].startswith("http") and out["Content"]["CodeSize"] > 0,
    ),
    Row(f"aws lambda get-layer-version-by-arn --arn {LAYER}:1", lambda out: out["Version"] == 1),
    Row("aws lambda delete-layer-version --layer-name shared --version-number 1"),
    Row("aws lambda get-layer-version --layer-name shared --version-number 1",
        error="(ResourceNotFoundException) when calling the GetLayerVersion operation"),  # fmt: skip
    Row("aws s3 mb s3://packages"),
    Row("aws s3 cp --no-progress function.zip s3://packages/code/function.zip"),
    Row(
        "aws lambda update-function-code --function-name process-orders --s3-bucket packages "
        "--s3-key code/function.zip",
        lambda out: out["LastUpdateStatus"] == "InProgress",
    ),
    Row("aws lambda wait function-updated-v2 --function-name process-orders"),
]

LOGS = [
    Row("aws logs tail /aws/lambda/process-orders", has_whole_call, version=2),
    Row("aws logs tail /aws/lambda/process-orders --since 1h --format short",
        lambda out: "saw {'key': 'value'}" in out and "[$LATEST]" not in out, version=2),  # fmt: skip
    Row("aws logs tail /aws/lambda/process-orders --since 1h --format short --filter-pattern unheard",
        lambda out: out == "", version=2),  # fmt: skip
    Row(
        "aws logs filter-log-events --log-group-name /aws/lambda/process-orders --query 'events[].message' --output text",
        has_whole_call,
    ),
    Row(
        "aws logs filter-log-events --log-group-name /aws/lambda/process-orders --filter-pattern saw",
        lambda out: all(event["eventId"] and event["message"].startswith("saw") for event in out["events"]),
    ),
    Row(
        "aws logs describe-log-streams --log-group-name /aws/lambda/process-orders --order-by LastEventTime "
        "--descending --query 'logStreams[0].logStreamName' --output text",
        lambda out: "/[$LATEST]" in out,
    ),
    Row("aws logs create-log-group --log-group-name app --tags team=a"),
    Row("aws logs create-log-stream --log-group-name app --log-stream-name web"),
    Row(
        "aws logs put-log-events --log-group-name app --log-stream-name web "
        "--log-events 'timestamp={now},message=ERROR one'",
        lambda out: "nextSequenceToken" in out,
    ),
    Row(
        "aws logs get-log-events --log-group-name app --log-stream-name web",
        lambda out: [event["message"] for event in out["events"]] == ["ERROR one"] and "nextForwardToken" in out,
    ),
    Row("aws logs put-retention-policy --log-group-name app --retention-in-days 7"),
    Row(
        "aws logs describe-log-groups --log-group-name-prefix app",
        lambda out: [group["retentionInDays"] for group in out["logGroups"]] == [7],
    ),
    Row(
        "aws logs list-tags-log-group --log-group-name app",
        lambda out: out["tags"] == {"team": "a"},
    ),
    Row(
        "aws logs put-metric-filter --log-group-name app --filter-name errors --filter-pattern ERROR "
        "--metric-transformations metricName=Errors,metricNamespace=App,metricValue=1"
    ),
    Row(
        "aws logs describe-metric-filters --log-group-name app --query 'metricFilters[0].filterName' --output text",
        lambda out: out == "errors\n",
    ),
    Row(
        "aws logs test-metric-filter --filter-pattern ERROR --log-event-messages 'ERROR 1' fine",
        lambda out: [match["eventMessage"] for match in out["matches"]] == ["ERROR 1"],
    ),
    Row("aws logs delete-log-group --log-group-name app"),
    Row("aws logs describe-log-streams --log-group-name app", error="(ResourceNotFoundException)"),
]

AWAY = [
    Row("aws lambda delete-function --function-name process-orders"),
    Row("aws lambda get-function --function-name process-orders",
        error="(ResourceNotFoundException) when calling the GetFunction operation"),  # fmt: skip
]


@pytest.fixture(scope="module", params=[1, 2], ids=["version-1", "version-2"])
def shell(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp(f"cli-{request.param}")
    (folder / "function.zip").write_bytes(zipped({"lambda_function.py": HANDLER}))
    (folder / "layer.zip").write_bytes(zipped({"python/from_layer.py": "X = 1\n"}))
    (folder / "event.json").write_text('{"key": "value"}')
    server = Hearth(tmp_path_factory.mktemp(f"hearth-{request.param}"))
    shell = Shell(server.endpoint, folder, request.param)
    yield shell
    shell.close()
    server.stop()


@pytest.mark.parametrize("row", FUNCTIONS, ids=str)
def test_functions_and_layers(shell, row):
    row.typed(shell, runtime=newest_python())


def test_the_answer_of_a_call_is_in_the_file(shell):
    assert json.loads((shell.folder / "response.json").read_text()) == {"key": "value"}
    if shell.version == 1:  # which has no `--cli-binary-format`, and takes the payload as it is typed
        shell("""aws lambda invoke --function-name process-orders --payload '{"key": "typed"}' response.json""")
        assert json.loads((shell.folder / "response.json").read_text()) == {"key": "typed"}


def test_the_lines_of_a_call_are_in_its_log_group(shell):
    """They are there soon after the answer, so the rows below need not wait."""
    line = "aws logs filter-log-events --log-group-name /aws/lambda/process-orders --filter-pattern REPORT"
    wait_until(lambda: shell(line)["events"], seconds=60)


@pytest.mark.parametrize("row", LOGS, ids=str)
def test_logs(shell, row):
    row.typed(shell, now=str(time.time_ns() // 1_000_000))


def test_logs_tail_follow(shell):
    if shell.version == 1:
        pytest.skip("version 1 has no such command")
    line = "aws logs tail /aws/lambda/process-orders --follow --since 1h --format short --filter-pattern saw"
    follower = shell.start(line)
    try:
        assert "saw {'key': 'value'}" in follower.stdout.readline()
    finally:
        follower.kill()
        follower.communicate(timeout=60)


@pytest.mark.parametrize("row", AWAY, ids=str)
def test_away_with_it(shell, row):
    row.typed(shell)


def test_nothing_that_users_type_first_is_missing():
    rows = [shlex.split(row.line)[1:] for row in [*FUNCTIONS, *LOGS, *AWAY]]
    for typed in TYPED_FIRST:
        service, command, *options = typed.split()
        found = [row for row in rows if row[:2] == [service, command] and set(options) <= set(row)]
        assert found, f"nobody types: aws {typed}"
