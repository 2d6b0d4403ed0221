"""Subscription filters: what one function writes goes to another, whatever happens to the server."""

import json
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import ROLE, Hearth, newest_python, wait_until, zipped

SPEAKS = "def handler(event, context):\n    print(event['say'])\n"

# Prints each message that it was sent, with what was said of it.
SHIPS = """\
import base64, gzip, json

def handler(event, context):
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    for line in data["logEvents"]:
        print("shipped", data["logGroup"], data["subscriptionFilters"][0], line["message"].strip())
"""


def messages(logs, name, pattern="shipped"):
    """What a function has written."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}", filterPattern=pattern)
        return [event["message"].strip() for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def test_what_one_function_writes_goes_to_another(client, lambda_, function):
    logs = client("logs")
    speaker, shipper = function(SPEAKS), function(SHIPS)
    group = f"/aws/lambda/{speaker}"
    logs.create_log_group(logGroupName=group)
    arn = lambda_.get_function_configuration(FunctionName=shipper)["FunctionArn"]
    wanted = {"logGroupName": group, "filterName": "to-shipper", "filterPattern": "wanted", "destinationArn": arn}
    logs.put_subscription_filter(**wanted)
    (shown,) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert {name: shown[name] for name in wanted} == wanted and shown["distribution"] == "ByLogStream"
    for say in ("wanted 1", "other", "wanted 2"):
        lambda_.invoke(FunctionName=speaker, Payload=json.dumps({"say": say}))
    wait_until(lambda: len(messages(logs, shipper)) == 2)
    assert messages(logs, shipper) == [f"shipped {group} to-shipper wanted {number}" for number in (1, 2)]
    logs.delete_subscription_filter(logGroupName=group, filterName="to-shipper")


def test_a_destination_is_a_function_that_is_there_and_another(client, lambda_, function):
    logs = client("logs")
    name = function(SHIPS)
    group, arn = f"/aws/lambda/{name}", lambda_.get_function_configuration(FunctionName=name)["FunctionArn"]
    logs.create_log_group(logGroupName=group)
    for destination, text in [
        (arn, "The log group provided is reserved for the function logs of the destination function."),
        (arn + "x", "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to"),
    ]:
        with pytest.raises(ClientError) as caught:
            logs.put_subscription_filter(
                logGroupName=group, filterName="f", filterPattern="", destinationArn=destination
            )
        error = caught.value.response["Error"]
        assert error["Code"] == "InvalidParameterException" and error["Message"].startswith(text)


def test_what_was_acknowledged_is_delivered_after_a_kill(tmp_path):
    server = Hearth(tmp_path)
    make = lambda service: boto3.client(  # noqa: E731
        service, endpoint_url=server.endpoint, config=Config(retries={"total_max_attempts": 1}, read_timeout=60)
    )
    lambda_, logs = make("lambda"), make("logs")
    # So slow that much waits when the server is killed.
    code = SHIPS.replace("    data =", "    import time; time.sleep(0.5)\n    data =")
    made = lambda_.create_function(
        FunctionName="ship", Runtime=newest_python(), Role=ROLE, Handler="app.handler", Timeout=30,
        Code={"ZipFile": zipped({"app.py": code})},
    )  # fmt: skip
    lambda_.get_waiter("function_active_v2").wait(FunctionName="ship", WaiterConfig={"Delay": 1})
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="g", filterName="f", filterPattern="", destinationArn=made["FunctionArn"]
    )
    for number in range(60):
        event = {"timestamp": int(time.time() * 1000), "message": f"{number:02}"}
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    server.process.kill()
    server.process.wait(timeout=60)
    again = server = Hearth(tmp_path)
    logs = make("logs")
    wanted = {f"shipped g f {number:02}" for number in range(60)}
    wait_until(lambda: set(messages(logs, "ship")) == wanted, seconds=60)
    again.stop()
