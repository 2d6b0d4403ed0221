"""CloudWatch Logs as boto3 and the command lines see it: groups, events, patterns, what functions write."""

import json
import re
import signal
import subprocess
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import Hearth, aws, binary, wait_until

SPEAKS = "def handler(event, context):\n    print(event['say'])\n    return event\n"


@pytest.fixture(scope="module")
def logs(client):
    return client("logs", inject_host_prefix=False)


@pytest.fixture
def group(logs):
    name = f"group/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    logs.delete_log_group(logGroupName=name)


def millis():
    return int(time.time() * 1000)


def put(logs, group, *messages, stream="s", at=None):
    events = [{"timestamp": at or millis(), "message": message} for message in messages]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def found(logs, group, **options):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **options)
    return [event for page in pages for event in page["events"]]


def error_of(call, **options):
    with pytest.raises(ClientError) as error:
        call(**options)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_group_and_its_streams_read_back(logs, group):
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    logs.put_retention_policy(logGroupName=group, retentionInDays=30)
    (read,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert read["arn"] == arn + ":*" and read["logGroupArn"] == arn and read["retentionInDays"] == 30
    assert read["storedBytes"] == 0 and read["metricFilterCount"] == 0 and read["logGroupClass"] == "STANDARD"
    logs.tag_resource(resourceArn=arn, tags={"team": "a"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a"}
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"team": "a"}
    put(logs, group, "x")
    (stream,) = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert stream["logStreamName"] == "s" and stream["firstEventTimestamp"] == stream["lastEventTimestamp"] > 0
    assert stream["arn"] == f"{arn}:log-stream:s" and stream["lastIngestionTime"] > 0


def test_errors_are_aws_s_own(logs, group):
    assert error_of(logs.create_log_group, logGroupName=group) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    assert error_of(logs.get_log_events, logGroupName="none", logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    both = {"logGroupName": group, "logGroupIdentifier": group}
    assert error_of(logs.filter_log_events, **both) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    code, text = error_of(logs.filter_log_events, logGroupName=group, limit=10001)
    assert code == "InvalidParameterException" and text == (
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 10000"
    )
    code, _ = error_of(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a = ")
    assert code == "InvalidParameterException"


def test_paginators_see_every_event_once(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="t")
    now = millis()
    for stream in ("s", "t"):
        events = [{"timestamp": now + at, "message": f"{stream} {at}"} for at in range(500)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    events = found(logs, group, PaginationConfig={"PageSize": 77})
    assert len({event["eventId"] for event in events}) == len(events) == 1000
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert all(event["ingestionTime"] >= now for event in events)
    assert len(found(logs, group, logStreamNamePrefix="t", filterPattern="99")) == 5
    seen, token = [], {}
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, limit=77, **token)
        if token.get("nextToken") == page["nextForwardToken"]:
            break
        seen += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}
    assert seen == [f"s {at}" for at in range(500)]
    streams = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, PaginationConfig={"PageSize": 1})
    assert [stream["logStreamName"] for page in streams for stream in page["logStreams"]] == ["s", "t"]


def test_patterns_find_what_they_say(logs, group):
    put(logs, group, "[ERROR 400] BAD REQUEST", "[WARN] slow", '{"level": "error", "ms": 75.5}', "10.0.0.1 GET 404 12")
    for pattern, messages in [
        ("ERROR", ["[ERROR 400] BAD REQUEST"]),
        ("?ERROR ?WARN", ["[ERROR 400] BAD REQUEST", "[WARN] slow"]),
        ("-ERROR -slow -GET", ['{"level": "error", "ms": 75.5}']),
        ("{ $.level = err* && $.ms > 75 }", ['{"level": "error", "ms": 75.5}']),
        ("[ip, method, status = 4*, bytes > 10]", ["10.0.0.1 GET 404 12"]),
        ("%[0-9]{3}%", ["[ERROR 400] BAD REQUEST", "10.0.0.1 GET 404 12"]),
    ]:
        assert [event["message"] for event in found(logs, group, filterPattern=pattern)] == messages, pattern
    tried = logs.test_metric_filter(filterPattern="{ $.a = * }", logEventMessages=['{"a": 1}', "no"])["matches"]
    assert tried == [{"eventNumber": 0, "eventMessage": '{"a": 1}', "extractedValues": {"$.a": "1"}}]


def test_a_live_tail_shows_what_comes(logs, group):
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["logGroupArn"]
    stream = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="wanted")["responseStream"]
    events = iter(stream)
    assert "sessionStart" in next(events)
    put(logs, group, "other", "wanted")
    results = []
    while not results:
        results = next(events)["sessionUpdate"]["sessionResults"]
    assert [event["message"] for event in results] == ["wanted"]
    assert results[0]["logStreamName"] == "s" and results[0]["logGroupIdentifier"].endswith(group)
    stream.close()


def test_a_function_s_lines_are_in_its_group_each_environment_s_in_a_stream(logs, lambda_, function):
    name = function(SPEAKS)
    group = f"/aws/lambda/{name}"
    answer = lambda_.invoke(FunctionName=name, Payload=json.dumps({"say": "one\ntwo"}))
    id = answer["ResponseMetadata"]["RequestId"]
    wait_until(lambda: logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])
    wait_until(lambda: found(logs, group, filterPattern="REPORT"))
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
    lines = [event["message"].rstrip() for event in events]
    start = lines.index(f"START RequestId: {id} Version: $LATEST")
    assert lines[start + 1 : start + 4] == ["one", "two", f"END RequestId: {id}"]
    assert lines[start + 4].startswith(f"REPORT RequestId: {id}\tDuration: ")


def test_hearth_logs_follows_and_filters(hearth, lambda_, function):
    name = function(SPEAKS)
    follow = [binary(), "logs", "-f", name, "--filter", "wanted", "--endpoint", hearth.endpoint]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True) as follower:
        for say in ("wanted 1", "other", "wanted 2"):
            lambda_.invoke(FunctionName=name, Payload=json.dumps({"say": say}))
        lines = [follower.stdout.readline(), follower.stdout.readline()]
        follower.send_signal(signal.SIGINT)
    assert [line.split(" ", 1)[1].strip() for line in lines] == ["wanted 1", "wanted 2"]


def test_the_aws_cli_reads_events(hearth, logs, group):
    put(logs, group, "hello")
    answer = aws(hearth.endpoint, "logs", "filter-log-events", "--log-group-name", group)
    assert [event["message"] for event in answer["events"]] == ["hello"] and answer["searchedLogStreams"] == []


def test_a_tail_that_asks_again_sees_each_event_once(logs, group):
    """The calls of `aws logs tail --follow`, which the CLI's version 2 makes."""
    seen, start = {}, millis() - 600_000
    for say in ("a", "b", "c"):
        put(logs, group, say)
        for event in found(logs, group, interleaved=True, startTime=start):
            seen.setdefault(event["eventId"], event["message"])
            start = max(start, event["timestamp"])
    assert list(seen.values()) == ["a", "b", "c"]


def test_what_was_acknowledged_survives_a_kill(tmp_path, client):
    import boto3
    from botocore.config import Config

    def logs_of(server):
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client("logs", endpoint_url=server.endpoint, config=config)

    server = Hearth(tmp_path)
    logs = logs_of(server)
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    for number in range(50):
        put(logs, "g", f"{number}")
    server.process.kill()
    server.process.wait()
    again = Hearth(tmp_path)
    assert [event["message"] for event in found(logs_of(again), "g")] == [str(number) for number in range(50)]
    again.stop()
