"""What a newcomer does wrong first, and what is said of it: AWS's own words where AWS has some, else what to do next."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import CREDENTIALS, ROLE, binary, newest_python, wait_until, zipped
from shell import Row, Shell

CODE = "import json\ndef handler(event, context):\n    return event\n"
CREATE = "aws lambda create-function --zip-file fileb://function.zip --runtime {runtime} --handler app.handler"
ARN = "arn:aws:lambda:us-east-1:000000000000:function"

ERRORS_OF_AWS = [
    Row(
        f"{CREATE} --function-name there --role {ROLE}",
        error="(ResourceConflictException) when calling the CreateFunction operation: Function already exist: there",
    ),
    Row(
        f"{CREATE} --function-name new --role lambda-exec-role",
        error="(ValidationException) when calling the CreateFunction operation: 1 validation error detected: "
        "Value 'lambda-exec-role' at 'role' failed to satisfy constraint: Member must satisfy regular expression "
        "pattern: arn:(aws[a-zA-Z-]*)?:iam::",
    ),
    Row(
        f"{CREATE} --function-name new --role {ROLE} --runtime python4",
        error="(InvalidParameterValueException) when calling the CreateFunction operation: Value python4 at 'runtime' "
        "failed to satisfy constraint: Member must satisfy enum value set: [",
    ),
    Row(
        f"aws lambda create-function --function-name new --runtime {{runtime}} --handler app.handler --role {ROLE} "
        "--code S3Bucket=nobody-has-this-bucket,S3Key=function.zip",
        error="(InvalidParameterValueException) when calling the CreateFunction operation: Error occurred while "
        "GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist",
    ),
    Row(
        f"{CREATE} --function-name new --role {ROLE} --timeout 901",
        error="(InvalidParameterValueException) when calling the CreateFunction operation: 'Timeout' value failed to "
        "satisfy constraint: Member must have value less than or equal to 900",
    ),
    Row(
        "aws lambda invoke --function-name absent answer.json",
        error=f"(ResourceNotFoundException) when calling the Invoke operation: Function not found: {ARN}:absent",
    ),
    Row(
        "aws lambda get-function --function-name there --region eu-west-1",  # the region that was not meant is told
        error="(ResourceNotFoundException) when calling the GetFunction operation: Function not found: "
        "arn:aws:lambda:eu-west-1:000000000000:function:there",
    ),
    Row(
        "aws lambda invoke --function-name there --payload fileb://function.zip answer.json",
        error="(InvalidRequestContentException) when calling the Invoke operation: Could not parse request body into json",
    ),
    Row(
        "aws lambda list-functions --no-sign-request",
        error="(MissingAuthenticationTokenException) when calling the ListFunctions operation: "
        "Missing Authentication Token",
    ),
    Row(
        "aws logs filter-log-events --log-group-name /aws/lambda/absent",
        error="(ResourceNotFoundException) when calling the FilterLogEvents operation: "
        "The specified log group does not exist.",
    ),
    Row(
        "aws s3api create-bucket --bucket {bucket} --region eu-west-1 "
        "--create-bucket-configuration LocationConstraint=eu-west-1",
        error="(BucketAlreadyOwnedByYou) when calling the CreateBucket operation: Your previous request to create the "
        "named bucket succeeded and you already own it.",
    ),
    Row(
        "aws s3api create-bucket --bucket Not_A_Name",
        error="(InvalidBucketName) when calling the CreateBucket operation: The specified bucket is not valid.",
    ),
    Row(
        "aws s3 ls s3://nobody-has-this-bucket",
        error="(NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist",
    ),
    Row(
        "aws s3api get-object --bucket {bucket} --key absent answer",
        error="(NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
    ),
    Row(
        "aws s3api delete-bucket --bucket {bucket}",
        error="(BucketNotEmpty) when calling the DeleteBucket operation: The bucket you tried to delete is not empty",
    ),
    Row(
        "aws dynamodb list-tables",
        error="(NotImplementedException) when calling the ListTables operation: Service dynamodb is not implemented by "
        "Hearth yet; docs/coverage.md lists what is.",
    ),
    Row(
        "aws cloudformation list-stacks",
        error="(NotImplemented) when calling the ListStacks operation: Service cloudformation is not implemented by "
        "Hearth yet; docs/coverage.md lists what is.",
    ),
]


@pytest.fixture(scope="module")
def there(lambda_, client):
    """A function and a bucket with something in it."""
    bucket = f"first-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket=bucket, Key="there")
    lambda_.create_function(
        FunctionName="there", Runtime=newest_python(), Role=ROLE, Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": CODE})},
    )  # fmt: skip
    lambda_.get_waiter("function_active_v2").wait(FunctionName="there", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    yield bucket
    lambda_.delete_function(FunctionName="there")
    client("s3").delete_object(Bucket=bucket, Key="there")
    client("s3").delete_bucket(Bucket=bucket)


@pytest.fixture(scope="module")
def shell(hearth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "function.zip").write_bytes(zipped({"app.py": CODE}))
    shell = Shell(hearth.endpoint, folder, 1)
    yield shell
    shell.close()


@pytest.mark.parametrize("row", ERRORS_OF_AWS, ids=str)
def test_an_error_of_aws_is_told_in_its_words(shell, there, row):
    row.typed(shell, runtime=newest_python(), bucket=there)


def test_a_bucket_of_another_account_is_taken(shell, there):
    other = {"AWS_ACCESS_KEY_ID": "111111111111"}
    error = shell.refused(f"aws s3api create-bucket --bucket {there}", **other)
    assert "(BucketAlreadyExists) when calling the CreateBucket operation: The requested bucket name is not available" in error
    assert "(AccessDenied)" in shell.refused(f"aws s3 ls s3://{there}", **other)


def test_without_credentials_or_a_region_the_client_itself_says_what_is_missing(shell):
    code, _, err = shell.run("aws sts get-caller-identity", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert code == 255 and "Unable to locate credentials" in err
    code, _, err = shell.run("aws lambda list-functions", AWS_DEFAULT_REGION=None)
    assert code == 255 and "You must specify a region" in err


UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (b"not a zip", UNREADABLE),
        (b"PK\x03\x04 torn", UNREADABLE),
        (b"", "Uploaded file must be a non-empty zip"),
        (zipped({}), "Uploaded file must be a non-empty zip"),  # of an empty folder
    ],
    ids=["text", "torn", "nothing", "no-entries"],
)
def test_a_package_that_is_no_zip_is_refused(lambda_, package, message):
    with pytest.raises(ClientError) as failed:
        lambda_.create_function(
            FunctionName="torn", Runtime=newest_python(), Role=ROLE, Handler="a.b", Code={"ZipFile": package}
        )
    error = failed.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("InvalidParameterValueException", message)


@pytest.mark.parametrize(
    ("handler", "code", "kind", "message"),
    [
        ("app.absent", CODE, "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'app'"),
        ("absent.handler", CODE, "Runtime.ImportModuleError", "Unable to import module 'absent': No module named 'absent'"),
        ("app.handler", "import requests_of_mine\n" + CODE, "Runtime.ImportModuleError",
         "Unable to import module 'app': No module named 'requests_of_mine'"),
        ("handler", CODE, "Runtime.MalformedHandlerName", "Bad handler 'handler': "),
        ("app.handler", "def handler(event, context:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': "),
    ],
)  # fmt: skip
def test_a_function_that_cannot_start_says_why_in_its_answer(lambda_, function, handler, code, kind, message):
    name = function(code, handler=handler, name=f"start-{uuid.uuid4().hex[:8]}")
    answer = lambda_.invoke(FunctionName=name)
    said = json.load(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled" and said["errorType"] == kind
    assert said["errorMessage"].startswith(message), said


def test_a_runtime_that_is_not_here_yet_is_told_by_the_functions_state(lambda_, hearth):
    lambda_.create_function(
        FunctionName="not-here", Runtime="java21", Role=ROLE, Handler="a.B", Code={"ZipFile": zipped({"a": ""})}
    )
    shown = lambda: lambda_.get_function_configuration(FunctionName="not-here")  # noqa: E731
    wait_until(lambda: shown()["State"] == "Failed", seconds=60)
    assert "`hearth runtimes` lists" in shown()["StateReason"]
    code, err = hearth_said(hearth, "invoke", "not-here")
    assert code == 3 and "ResourceConflictException (409)" in err and "`hearth functions` tells its state" in err
    lambda_.delete_function(FunctionName="not-here")


def get(address, **headers):
    """The status, the head and the text of an answer."""
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_the_bare_address_says_what_it_is_and_what_to_type_next(hearth):
    status, headers, text = get(f"{hearth.endpoint}/")
    assert status == 200 and headers["content-type"] == "text/plain; charset=utf-8"
    assert text.startswith("This is Hearth ")
    # What it says to type works as it stands.
    lines = [line for line in text.splitlines() if line.startswith(("export ", "aws "))]
    programs = os.path.dirname(binary()) + ":" + os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)], capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL,
        env={"PATH": programs, "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"},
    )  # fmt: skip
    assert json.loads(done.stdout)["Account"] == "000000000000", done.stderr
    assert get(f"{hearth.endpoint}/_hearth/health")[0] == 200, "it names this address too"


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/", {"Origin": "https://evil.example"}, 403, "Requests from web pages of"),
        ("/", {"Sec-Fetch-Site": "cross-site"}, 403, "Requests from web pages of other sites are refused."),
        ("/", {"Host": "evil.example"}, 403, "Use its address or localhost"),
        ("/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, 400, "Missing Authentication Token"),
        ("/?Action=ListUsers&Version=2010-05-08", {}, 403, "Request is missing Authentication Token"),
        ("/_hearth", {}, 404, "ask for /_hearth/health or /_hearth/ready"),
        ("/_hearth/x", {}, 404, "ask for /_hearth/health or /_hearth/ready"),
        ("/2015-03-31/functions", {}, 403, "Missing Authentication Token"),
    ],
)
def test_other_addresses_say_why_they_refuse(hearth, path, headers, status, said):
    got, _, text = get(hearth.endpoint + path, **headers)
    assert got == status and said in text, (got, text)
    assert "This is Hearth" not in text


def hearth_said(hearth, *arguments, endpoint=None):
    """The exit code of Hearth's own command line and what it said of a failure."""
    environment = {"PATH": os.environ["PATH"], "HEARTH_DATA": str(hearth.folder / "data"), **CREDENTIALS}
    done = subprocess.run(
        [binary(), *arguments, "--endpoint", endpoint or hearth.endpoint],
        capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "endpoint", "code", "said", "next_step"),
    [
        (["invoke", "absent"], None, 3, "Function not found", "`hearth functions` lists what is there"),
        (["invoke", "there", "--region", "eu-west-1"], None, 3, "eu-west-1", "--region and --account look elsewhere"),
        (["invoke", "there", "--payload", "{bad"], None, 3, "Could not parse request body into json", "line 1 column"),
        (["logs", "absent"], None, 3, "log group does not exist", "is there after its first call"),
        (["functions"], "http://127.0.0.1:1", 4, "no server answers at http://127.0.0.1:1", "start one with `hearth up`"),
        (["functions"], "https", 4, "no server answers at https://", "it speaks plain HTTP: call it as http://"),
        (["functions"], "127.0.0.1:4566", 4, "127.0.0.1:4566", "use http://HOST:PORT or https://HOST:PORT"),
    ],
)  # fmt: skip
def test_hearths_own_command_line_says_what_to_do_next(hearth, there, arguments, endpoint, code, said, next_step):
    if endpoint == "https":
        endpoint = hearth.endpoint.replace("http:", "https:")
    got, err = hearth_said(hearth, *arguments, endpoint=endpoint)
    assert got == code and err.startswith("hearth: ") and len(err.splitlines()) == 1, err
    assert said in err and next_step in err, err


def started(*arguments, user=None, home="/nonexistent"):
    """What a server that does not start says."""
    environment = {"PATH": os.environ["PATH"], "HOME": home}
    done = subprocess.run(
        [binary(), *arguments], capture_output=True, text=True, timeout=60, env=environment, stdin=subprocess.DEVNULL,
        user=user, cwd="/",
    )  # fmt: skip
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_server_that_cannot_start_says_what_to_do(hearth, tmp_path):
    address = hearth.endpoint.removeprefix("http://")
    taken = started("up", "--listen", address, "--ephemeral")
    assert f"cannot listen on {address}: Address already in use" in taken and "take another port with --listen" in taken
    twice = started("up", "--listen", "127.0.0.1:0", "--data", str(hearth.folder / "data"))
    assert "is used by another server" in twice and "--data" in twice
    outside = started("up", "--listen", "0.0.0.0:0", "--data", str(tmp_path / "data"))
    assert "--trust-network" in outside


def test_who_is_not_root_is_told_to_be(tmp_path):
    nobody = 65534
    reachable = all(os.stat(place).st_mode & 0o001 for place in parents(binary()))
    if not reachable:
        pytest.skip("another user does not reach the program")
    assert "run hearth as root" in started("up", "--listen", "127.0.0.1:0", "--ephemeral", user=nobody, home="/tmp")
    assert "start it as root" in started("serve", "--listen", "127.0.0.1:0", user=nobody, home="/tmp")


def parents(path):
    while path != "/":
        yield path
        path = os.path.dirname(path)
