"""`LoggingConfig`: a log in JSON, from a level on, in a group of the function's own choice."""

import base64
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import wait_until

CODE = """\
import json, logging, os

def handler(event, context):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(), level)(level)
    print(json.dumps({"timestamp": "2026-01-01T00:00:00.000Z", "level": "INFO", "message": "printed"}))
    print("plain")
    return [os.environ.get(name) for name in ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")]
"""


def run(lambda_, name):
    """What a call answers, and the lines of its log."""
    answer = lambda_.invoke(FunctionName=name, LogType="Tail")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return json.load(answer["Payload"]), lines


def test_a_log_in_json_has_what_is_not_below_its_levels(lambda_, function):
    name = function(CODE, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"})
    shown = lambda_.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert shown == {
        "LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "INFO", "LogGroup": f"/aws/lambda/{name}",
    }  # fmt: skip
    payload, lines = run(lambda_, name)
    assert payload == ["JSON", "WARN"]
    assert "plain" in lines
    events = [json.loads(line) for line in lines if line != "plain"]
    platform = [event for event in events if "type" in event]
    assert [event["type"] for event in platform] == ["platform.start", "platform.report"]
    report = platform[1]["record"]
    assert report["status"] == "success" and report["requestId"] == platform[0]["record"]["requestId"]
    assert report["metrics"]["durationMs"] > 0 and report["metrics"]["memorySizeMB"] == 128
    assert [event["message"] for event in events if "level" in event] == ["warning", "error"], "of INFO is nothing"


def test_the_format_is_changed_as_a_whole(lambda_, function):
    name = function(CODE)
    payload, lines = run(lambda_, name)
    assert payload == [None, None] and lines[0].startswith("START RequestId: ")

    def change(**logging):
        lambda_.update_function_configuration(FunctionName=name, LoggingConfig=logging)
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return lambda_.get_function_configuration(FunctionName=name)["LoggingConfig"]

    group = f"shared/{uuid.uuid4()}"
    shown = change(LogFormat="JSON", SystemLogLevel="DEBUG", LogGroup=group)
    assert shown == {
        "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "DEBUG", "LogGroup": group,
    }  # fmt: skip
    payload, lines = run(lambda_, name)
    assert payload == ["JSON", "INFO"]
    types = [json.loads(line).get("type") for line in lines if line != "plain"]
    assert types.count("platform.runtimeDone") == 1, "END, as it is called there"
    assert change(LogFormat="Text") == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    with pytest.raises(ClientError) as refused:
        change(LogFormat="Text", SystemLogLevel="WARN")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_group_of_its_own_choice_has_streams_that_name_the_function(client, lambda_, function):
    logs, group = client("logs"), f"shared/{uuid.uuid4()}"
    names = [function(CODE, LoggingConfig={"LogGroup": group}) for _ in range(2)]
    for name in names:
        lambda_.invoke(FunctionName=name)

    def streams():
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return logs.describe_log_streams(logGroupName=group)["logStreams"] if found else []

    wait_until(lambda: len(streams()) == 2)
    shown = sorted(stream["logStreamName"].split("/")[3].split("[")[0] for stream in streams())
    assert shown == sorted(names)
