"""What the cases common to all runtimes ask for, in Python."""

import importlib
import os
import signal
import sys
import time
import urllib.error
import urllib.request

INIT = os.environ.get("INIT", "")
if INIT == "fail":
    raise ValueError("no init")
if INIT == "exit":
    os._exit(3)
if INIT == "slow":
    time.sleep(15)

calls = 0


class Mistake(Exception):
    pass


def handler(event, context):
    global calls
    calls += 1
    asked = event.get("do") if isinstance(event, dict) else None
    return ACTIONS[asked](event, context) if asked else event


def fields(event, context):
    client = context.client_context
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "version": context.function_version,
        "memory": str(context.memory_limit_in_mb),
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "time_left": 0 < context.get_remaining_time_in_millis() <= 30000,
        "custom": client.custom["key"] if client else None,
    }


def fail(event, context):
    raise Mistake(event["message"])


def write(event, context):
    with open("/tmp/kept", "w") as file:
        file.write(event["text"])


def read(event, context):
    try:
        with open(event["path"]) as file:
            return file.read()
    except FileNotFoundError:
        return None


def denied(event, context):
    try:
        open(event["path"], "w").close()
        return False
    except OSError:
        return True


def lines(event, context):
    for name, text in event["lines"]:
        print(text, file={"out": sys.stdout, "err": sys.stderr}[name], flush=True)


def binary(event, context):
    sys.stdout.flush()
    os.write(1, bytes(range(256)) + b"\n")


def sleep(event, context):
    time.sleep(event["ms"] / 1000)


def call(event, context):
    url = os.environ["AWS_ENDPOINT_URL"] + "/"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, event["body"].encode(), event["headers"])) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]


def sdk(event, context):
    import boto3

    return boto3.client("sts").get_caller_identity()["Arn"]


ACTIONS = {
    "context": fields,
    "environment": lambda event, context: dict(os.environ),
    "size": lambda event, context: len(event["pad"]),
    "large": lambda event, context: "x" * (event["bytes"] - 2),
    "count": lambda event, context: calls,
    "write": write,
    "read": read,
    "denied": denied,
    "lines": lines,
    "binary": binary,
    "fail": fail,
    "exit": lambda event, context: os._exit(event["status"]),
    "crash": lambda event, context: os.kill(os.getpid(), signal.SIGSEGV),
    "sleep": sleep,
    "memory": lambda event, context: len(bytearray(event["mb"] << 20)),
    "call": call,
    "sdk": sdk,
    "import": lambda event, context: importlib.import_module(event["name"]).MINE,
}
