"""What a user types first: the AWS CLI and hearth itself."""

import json
import os
import subprocess

from conftest import ROLE, aws, binary, newest_python, wait_until, zipped

HELLO = "def handler(event, context):\n    print('hello', event)\n    return {'hello': event['name']}\n"


def hearth_command(hearth, *arguments, stdin=None):
    environment = {
        "PATH": os.environ["PATH"],
        "HEARTH_ENDPOINT": hearth.endpoint,
        "HEARTH_DATA": str(hearth.folder / "data"),
    }
    return subprocess.run(
        [binary(), *arguments], capture_output=True, text=True, timeout=60, env=environment, input=stdin or ""
    )


def test_the_first_five_minutes_with_the_aws_cli(hearth, tmp_path):
    package, answer = tmp_path / "function.zip", tmp_path / "response.json"
    package.write_bytes(zipped({"lambda_function.py": HELLO.replace("handler", "lambda_handler")}))
    created = aws(
        hearth.endpoint, "lambda", "create-function", "--function-name", "process-orders",
        "--runtime", newest_python(), "--role", ROLE, "--handler", "lambda_function.lambda_handler",
        "--zip-file", f"fileb://{package}", "--memory-size", "256", "--timeout", "30",
        "--environment", "Variables={TABLE_NAME=orders,STAGE=dev}",
    )  # fmt: skip
    assert created["State"] == "Pending"
    aws(hearth.endpoint, "lambda", "wait", "function-active-v2", "--function-name", "process-orders")
    done = aws(
        hearth.endpoint, "lambda", "invoke", "--function-name", "process-orders", "--payload", '{"name": "Ada"}',
        str(answer),
    )  # fmt: skip
    assert done == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads(answer.read_text()) == {"hello": "Ada"}
    listed = aws(hearth.endpoint, "lambda", "list-functions", "--output", "table")
    assert "process-orders" in listed
    assert aws(hearth.endpoint, "sts", "get-caller-identity")["Account"] == "000000000000"
    aws(hearth.endpoint, "lambda", "delete-function", "--function-name", "process-orders")
    gone = aws(hearth.endpoint, "lambda", "get-function", "--function-name", "process-orders", check=False)
    assert gone.returncode in (254, 255)  # version 2 and version 1 of the CLI
    assert "An error occurred (ResourceNotFoundException) when calling the GetFunction operation" in gone.stderr


def test_hearth_invoke_prints_the_answer_and_its_exit_code_tells_failure(hearth, function):
    name = function(HELLO)
    done = hearth_command(hearth, "invoke", name, "--payload", '{"name": "Ada"}', "--tail")
    assert (done.returncode, done.stdout) == (0, '{"hello": "Ada"}\n')
    assert "START RequestId" in done.stderr and "hello {'name': 'Ada'}" in done.stderr

    piped = hearth_command(hearth, "invoke", name, "--payload", "-", "--json", stdin='{"name": "Bob"}')
    whole = json.loads(piped.stdout)
    assert (whole["StatusCode"], whole["FunctionError"], whole["Payload"]) == (200, None, {"hello": "Bob"})

    failed = hearth_command(hearth, "invoke", name)
    assert failed.returncode == 1 and json.loads(failed.stdout)["errorType"] == "KeyError"
    missing = hearth_command(hearth, "invoke", "nobody")
    assert missing.returncode == 3 and missing.stderr.startswith("hearth: ResourceNotFoundException (404): ")
    nowhere = hearth_command(hearth, "invoke", name, "--endpoint", "http://127.0.0.1:1")
    assert nowhere.returncode == 4 and len(nowhere.stderr.splitlines()) == 1


def test_hearth_logs_shows_what_a_function_wrote(hearth, function):
    name = function(HELLO)
    hearth_command(hearth, "invoke", name, "--payload", '{"name": "Ada"}')
    wait_until(lambda: "REPORT" in hearth_command(hearth, "logs", name).stdout)
    shown = hearth_command(hearth, "logs", name)
    assert shown.returncode == 0, shown.stderr
    assert "hello {'name': 'Ada'}" in shown.stdout and "REPORT RequestId" in shown.stdout
    lines = [json.loads(line) for line in hearth_command(hearth, "logs", name, "--json").stdout.splitlines()]
    assert any(line["message"] == "hello {'name': 'Ada'}" and line["timestamp"] > 0 for line in lines)


def test_hearth_doctor_finds_this_machine_fit(hearth):
    done = hearth_command(hearth, "doctor", "--json")
    assert done.returncode == 0, done.stdout
    checks = json.loads(done.stdout)["Checks"]
    assert all(check["Ok"] or not check["Needed"] for check in checks)
