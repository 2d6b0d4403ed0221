"""Invocations as boto3 sees them: answers, errors, log tails, contexts."""

import base64
import json
import re

import pytest

from conftest import REGION, pythons

ECHO = "def handler(event, context):\n    print('seen', event)\n    return event\n"


def answer_of(response):
    return json.loads(response["Payload"].read())


def test_an_event_arrives_and_the_answer_returns(lambda_, function):
    name = function(ECHO)
    event = {"text": "grüße 漢字 🎉", "number": 1.5, "nothing": None, "list": [1, [2]]}
    response = lambda_.invoke(FunctionName=name, Payload=json.dumps(event))
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert answer_of(response) == event


def test_a_tail_has_start_prints_end_and_report(lambda_, function):
    name = function(ECHO)
    response = lambda_.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    log = base64.b64decode(response["LogResult"]).decode()
    id = response["ResponseMetadata"]["RequestId"]
    lines = log.splitlines(keepends=True)
    assert lines[0] == f"START RequestId: {id} Version: $LATEST\n"
    assert lines[1] == "seen {}\n"
    assert lines[2] == f"END RequestId: {id}\n"
    report = (
        rf"REPORT RequestId: {id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        rf"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n"
    )
    assert re.fullmatch(report, lines[3]), lines[3]
    assert len(lines) == 4

    warm = lambda_.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    assert "Init Duration" not in base64.b64decode(warm["LogResult"]).decode()
    assert "LogResult" not in lambda_.invoke(FunctionName=name, Payload=b"{}")


def test_a_dry_run_runs_nothing(lambda_, function):
    name = function("raise SystemExit('never imported')")
    response = lambda_.invoke(FunctionName=name, InvocationType="DryRun")
    assert response["StatusCode"] == 204
    assert response["Payload"].read() == b""


def test_a_body_that_is_not_json_is_refused_before_anything_runs(lambda_, function):
    name = function(ECHO)
    with pytest.raises(lambda_.exceptions.InvalidRequestContentException) as caught:
        lambda_.invoke(FunctionName=name, Payload=b"{not json")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_no_body_is_an_empty_event(lambda_, function):
    name = function("def handler(event, context):\n    return [event]\n")
    assert answer_of(lambda_.invoke(FunctionName=name)) == [{}]


def test_an_environment_is_used_again_and_keeps_its_globals(lambda_, function):
    name = function("n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n")
    assert [answer_of(lambda_.invoke(FunctionName=name)) for _ in range(3)] == [1, 2, 3]


CONTEXT = """
import os
def handler(event, context):
    client = context.client_context
    return {
        'arn': context.invoked_function_arn, 'name': context.function_name, 'version': context.function_version,
        'memory': context.memory_limit_in_mb, 'id': context.aws_request_id, 'group': context.log_group_name,
        'stream': context.log_stream_name, 'remaining': context.get_remaining_time_in_millis(),
        'custom': client.custom if client else None, 'env': dict(os.environ), 'cwd': os.getcwd(), 'file': __file__,
    }
"""


def test_the_context_and_the_environment_are_those_of_lambda(lambda_, function):
    name = function(CONTEXT, Environment={"Variables": {"COLOUR": "blue"}}, Timeout=10)
    custom = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    response = lambda_.invoke(FunctionName=name, ClientContext=custom)
    seen = answer_of(response)
    assert seen["arn"] == f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    assert (seen["name"], seen["version"], seen["memory"]) == (name, "$LATEST", "128")
    assert seen["id"] == response["ResponseMetadata"]["RequestId"]
    assert seen["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["stream"])
    assert 0 < seen["remaining"] <= 10_000
    assert seen["custom"] == {"a": "b"}
    assert (seen["cwd"], seen["file"]) == ("/var/task", "/var/task/app.py")
    environment = seen["env"]
    assert environment["COLOUR"] == "blue"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == REGION
    assert environment["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert environment["LAMBDA_TASK_ROOT"] == "/var/task"
    assert environment["_HANDLER"] == "app.handler"
    assert environment["TZ"] == ":UTC"
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= set(environment)


def test_a_raised_error_is_answered_as_lambda_answers_it(lambda_, function):
    name = function("def handler(event, context):\n    raise Exception('Handler fails')\n")
    response = lambda_.invoke(FunctionName=name)
    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert answer_of(response) == {
        "errorMessage": "Handler fails",
        "errorType": "Exception",
        "requestId": response["ResponseMetadata"]["RequestId"],
        "stackTrace": ['  File "/var/task/app.py", line 2, in handler\n    raise Exception(\'Handler fails\')\n'],
    }


def test_a_function_may_run_a_whole_second_and_not_more(lambda_, function):
    name = function("import time\ndef handler(event, context):\n    time.sleep(20)\n", Timeout=1)
    response = lambda_.invoke(FunctionName=name)
    id = response["ResponseMetadata"]["RequestId"]
    message = f"RequestId: {id} Error: Task timed out after 1.00 seconds"
    assert answer_of(response) == {"errorType": "Sandbox.Timedout", "errorMessage": message}


def test_two_environments_share_nothing_but_the_code(lambda_, function):
    left = function("def handler(event, context):\n    open('/tmp/mine', 'w').write('x')\n")
    right = function("import os\ndef handler(event, context):\n    return os.listdir('/tmp')\n")
    lambda_.invoke(FunctionName=left)
    assert answer_of(lambda_.invoke(FunctionName=right)) == []


@pytest.mark.parametrize("runtime", pythons())
def test_every_python_of_this_machine_runs_functions(lambda_, function, runtime):
    name = function("import sys\ndef handler(event, context):\n    return sys.version\n", runtime=runtime)
    version = answer_of(lambda_.invoke(FunctionName=name))
    assert version.startswith(runtime.removeprefix("python") + ".")
