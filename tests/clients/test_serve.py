"""`hearth serve` with real AWS clients: TLS, verified signatures, a server without privilege."""

import datetime
import json
import os
import pathlib
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import REGION, binary, wait_until, zipped
from served import ECHO, code_of, create, python_of_the_system, served

DENIED = (
    "User: {who} is not authorized to perform: {action} on resource: {resource} "
    "because no identity-based policy allows the {action} action"
)


@pytest.fixture(scope="module")
def server():
    with served() as server:
        yield server
        assert server.stop() == 0, server.complaints()
        assert " WARN " not in server.complaints() and " ERROR " not in server.complaints(), server.complaints()


def test_the_roots_key_is_printed_once_and_calls_are_answered_over_tls(server):
    assert server.endpoint.startswith("https://")
    assert server.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    lambda_ = create(server, "echo")
    answer = lambda_.invoke(FunctionName="echo", Payload=b'{"a": 1}')
    assert json.load(answer["Payload"]) == {"a": 1}


def test_a_link_to_a_package_is_followed_over_tls(server):
    lambda_ = create(server, "linked")
    link = lambda_.get_function(FunctionName="linked")["Code"]["Location"]
    assert link.startswith(f"{server.endpoint}/")
    context = ssl.create_default_context(cafile=server.ready["CertificateAuthority"])
    with urllib.request.urlopen(link, context=context, timeout=30) as answer:
        assert answer.read() == zipped({"app.py": ECHO})


def test_the_server_has_no_privilege_and_its_folder_is_private(server):
    status = dict(
        line.split(":\t", 1) for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if ":\t" in line
    )
    assert 0 not in {int(number) for number in status["Uid"].split()}
    assert 0 not in {int(number) for number in status["Gid"].split()}
    assert status["Groups"].split() == []
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["NoNewPrivs"] == "1"
    # A process that may be dumped shows its own user's name on its files.
    assert os.stat(f"/proc/{server.process.pid}/environ").st_uid == 0
    assert server.data.stat().st_mode & 0o007 == 0
    assert (server.data / "run").stat().st_uid == 0


def test_a_role_that_nobody_created_is_refused(server):
    with pytest.raises(ClientError) as error:
        server.client("lambda").create_function(
            FunctionName="roleless",
            Runtime=python_of_the_system(),
            Role="arn:aws:iam::000000000000:role/nobody-made-this",
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": ECHO})},
        )
    assert code_of(error) == "InvalidParameterValueException"
    assert error.value.response["Error"]["Message"] == "The role defined for the function cannot be assumed by Lambda."


@pytest.mark.parametrize(
    "service, operation, code",
    [
        ("lambda", "list_functions", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("iam", "list_roles", "InvalidClientTokenId"),
    ],
)
def test_an_unknown_key_is_refused(server, service, operation, code):
    key = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "secret"}
    with pytest.raises(ClientError) as error:
        getattr(server.client(service, key=key), operation)()
    assert code_of(error) == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error.value.response["Error"]["Message"] == "The security token included in the request is invalid."


def test_an_account_instead_of_a_key_is_refused(server):
    with pytest.raises(ClientError) as error:
        server.client("lambda", key={"AccessKeyId": "000000000000", "SecretAccessKey": "x"}).list_functions()
    assert code_of(error) == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "service, operation, code",
    [("lambda", "list_functions", "InvalidSignatureException"), ("sts", "get_caller_identity", "SignatureDoesNotMatch")],
)
def test_a_wrong_secret_is_refused(server, service, operation, code):
    with pytest.raises(ClientError) as error:
        getattr(server.client(service, key={**server.key, "SecretAccessKey": "wrong"}), operation)()
    assert code_of(error) == code


def ask(server, request):
    """Sends a prepared request over TLS; gives status, error type and text."""
    context = ssl.create_default_context(cafile=server.ready["CertificateAuthority"])
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.headers.get("x-amzn-ErrorType"), answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("x-amzn-ErrorType"), answer.read().decode()


def test_an_unsigned_call_and_a_stale_one_are_refused(server, monkeypatch):
    url = f"{server.endpoint}/2015-03-31/functions/"
    status, kind, _ = ask(server, urllib.request.Request(url))
    assert (status, kind) == (403, "MissingAuthenticationTokenException")

    request = AWSRequest(method="GET", url=url)
    signer = SigV4Auth(Credentials(server.key["AccessKeyId"], server.key["SecretAccessKey"]), "lambda", REGION)
    old = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: old.replace(tzinfo=None), raising=False)
    signer.add_auth(request)
    assert old.strftime("%Y%m%dT%H%M") in request.headers["X-Amz-Date"]
    status, kind, text = ask(server, urllib.request.Request(url, headers=dict(request.headers)))
    assert (status, kind) == (403, "InvalidSignatureException"), text
    assert "Signature expired" in text


CURIOUS = """
import datetime, hashlib, hmac, json, os, urllib.error, urllib.request

def signed(service, method, path, body=b"", **headers):
    region, key = os.environ["AWS_REGION"], os.environ["AWS_ACCESS_KEY_ID"]
    time = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
    host = os.environ["AWS_ENDPOINT_URL"].split("//")[1]
    headers.update({"host": host, "x-amz-date": time, "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"]})
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\\n" for name in sorted(headers))
    canonical = "\\n".join([method, path, "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    text = "\\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), "sha256").digest()
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    url = os.environ["AWS_ENDPOINT_URL"] + path
    request = urllib.request.Request(url, data=body or None, headers=headers, method=method)
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()

def handler(event, context):
    form = {"content-type": "application/x-www-form-urlencoded"}
    who = signed("sts", "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", **form)
    return [who, signed("lambda", "GET", "/2015-03-31/functions/")]
"""


def test_a_function_may_ask_who_it_is_and_nothing_else(server):
    answer = create(server, "curious", CURIOUS).invoke(FunctionName="curious", Payload=b"{}")
    identity, refusal = json.load(answer["Payload"])
    who = "arn:aws:sts::000000000000:assumed-role/exec/curious"
    assert f"<Arn>{who}</Arn>" in identity
    assert json.loads(refusal) == {"Message": DENIED.format(who=who, action="lambda:ListFunctions", resource="*")}


def test_a_users_key_is_verified_and_refused_while_policies_are_not_evaluated(server):
    iam = server.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    who = "arn:aws:iam::000000000000:user/ann"
    assert server.client("sts", key=key).get_caller_identity()["Arn"] == who
    with pytest.raises(ClientError) as error:
        server.client("lambda", key=key).get_function(FunctionName="f")
    resource = f"arn:aws:lambda:{REGION}:000000000000:function:f"
    assert code_of(error) == "AccessDeniedException"
    assert error.value.response["Error"]["Message"] == DENIED.format(who=who, action="lambda:GetFunction", resource=resource)


def test_health_needs_no_signature_and_garbage_needs_the_token(server):
    status, _, text = ask(server, urllib.request.Request(f"{server.endpoint}/_hearth/health"))
    assert status == 200 and json.loads(text)["status"] == "ok"
    status, _, _ = ask(server, urllib.request.Request(f"{server.endpoint}/_hearth/garbage", method="POST"))
    assert status == 403


def test_the_aws_cli_and_our_own_command_line_are_answered(server):
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": server.key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": server.key["SecretAccessKey"],
        "AWS_CA_BUNDLE": server.ready["CertificateAuthority"],
    }
    create(server, "told")
    target = ["--endpoint", server.endpoint, "--data", str(server.data)]
    done = subprocess.run(
        [binary(), "invoke", "told", "--payload", '{"b":2}', *target], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0 and json.loads(done.stdout) == {"b": 2}, done.stderr
    wrong = {**environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    done = subprocess.run([binary(), "invoke", "told", *target], capture_output=True, text=True, env=wrong)
    assert done.returncode == 3 and "InvalidSignatureException" in done.stderr, done.stderr
    logs = [binary(), "logs", "told", *target]
    wait_until(lambda: "REPORT" in subprocess.run(logs, capture_output=True, text=True, env=environment).stdout)
    done = subprocess.run(logs, capture_output=True, text=True, env=wrong)
    assert done.returncode == 3 and "InvalidSignatureException" in done.stderr, done.stderr
    stranger = {**environment, "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"}
    done = subprocess.run([binary(), "invoke", "told", *target], capture_output=True, text=True, env=stranger)
    assert done.returncode in (1, 4), "a certificate that nobody trusts"


def test_http_2_and_http_1_are_offered_and_plain_http_is_not_answered(server):
    host, port = server.endpoint.removeprefix("https://").split(":")
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        context = ssl.create_default_context(cafile=server.ready["CertificateAuthority"])
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == chosen
            assert tls.version() in ("TLSv1.2", "TLSv1.3")
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall(b"GET /_hearth/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        plain.settimeout(30)
        assert b"HTTP/1.1 200" not in plain.recv(1000)


def test_slow_handshakes_do_not_fill_the_listener(server):
    host, port = server.endpoint.removeprefix("https://").split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(1500)]
    try:
        assert server.client("sts").get_caller_identity()["Account"] == "000000000000"
    finally:
        for connection in silent:
            connection.close()
