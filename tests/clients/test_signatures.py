"""Signatures of keys that Hearth made, as AWS's own client library makes them: a function's credentials, used from
outside. What is changed, late, or signed with another secret is refused in the service's words."""

import datetime
import json
import urllib.error
import urllib.request

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import REGION

SESSION = """
import os
def handler(event, context):
    return [os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
"""
IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"


@pytest.fixture
def credentials(lambda_, function):
    """The credentials of a function's execution role."""
    name = function(SESSION)
    return Credentials(*json.loads(lambda_.invoke(FunctionName=name)["Payload"].read()))


def with_(credentials, **changed):
    """The same credentials, some of them changed."""
    return Credentials(
        changed.get("access_key", credentials.access_key),
        changed.get("secret_key", credentials.secret_key),
        changed.get("token", credentials.token),
    )


@pytest.fixture
def at(monkeypatch):
    """Lets botocore sign so many minutes from now."""

    def move(minutes):
        def moved(remove_tzinfo=True):
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
            return now.replace(tzinfo=None) if remove_tzinfo else now

        monkeypatch.setattr(botocore.auth, "get_current_datetime", moved)

    return move


def send(request):
    """The status and the text of the answer to a signed request."""
    prepared = request.prepare()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    sent = urllib.request.Request(prepared.url, data=body or None, headers=headers, method=prepared.method)
    try:
        with urllib.request.urlopen(sent, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def client_with(hearth, credentials, service):
    return boto3.client(
        service,
        endpoint_url=hearth.endpoint,
        region_name=REGION,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(call, *arguments, **named):
    with pytest.raises(ClientError) as error:
        call(*arguments, **named)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_true_signatures_are_accepted_in_every_service(hearth, credentials):
    arn = client_with(hearth, credentials, "sts").get_caller_identity()["Arn"]
    assert arn.startswith("arn:aws:sts::000000000000:assumed-role/lambda-exec-role/")
    assert "Functions" in client_with(hearth, credentials, "lambda").list_functions()
    assert "Roles" in client_with(hearth, credentials, "iam").list_roles()


def test_another_secret_is_told_by_the_service(hearth, credentials):
    wrong = with_(credentials, secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    text = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )
    assert refused(client_with(hearth, wrong, "sts").get_caller_identity) == ("SignatureDoesNotMatch", text)
    assert refused(client_with(hearth, wrong, "lambda").list_functions) == ("InvalidSignatureException", text)


def test_another_token_is_told_by_the_service(hearth, credentials):
    for token in (None, "another"):
        wrong = with_(credentials, token=token)
        code, text = refused(client_with(hearth, wrong, "sts").get_caller_identity)
        assert (code, text) == ("InvalidClientTokenId", "The security token included in the request is invalid.")
        code, _ = refused(client_with(hearth, wrong, "lambda").list_functions)
        assert code == "UnrecognizedClientException"


@pytest.mark.parametrize("service, minutes", [("sts", 14), ("lambda", 4)])
def test_a_clock_may_be_a_little_wrong(hearth, credentials, at, service, minutes):
    client = client_with(hearth, credentials, service)
    call = client.get_caller_identity if service == "sts" else client.list_functions
    for direction in (-1, 1):
        at(direction * minutes)
        call()
        at(direction * (minutes + 2))
        code, text = refused(call)
        assert code == ("SignatureDoesNotMatch" if service == "sts" else "InvalidSignatureException")
        assert text.startswith("Signature expired: " if direction < 0 else "Signature not yet current: "), text


def presigned(hearth, credentials, headers=None):
    """A link to GetCallerIdentity, as clusters of EKS and vaults take it for a proof of identity."""
    request = AWSRequest("GET", f"{hearth.endpoint}/?{IDENTITY}", headers=headers)
    SigV4QueryAuth(credentials, "sts", REGION, expires=60).add_auth(request)
    return request


def test_a_presigned_link_proves_who_made_it(hearth, credentials):
    status, text = send(presigned(hearth, credentials, {"x-k8s-aws-id": "cluster"}))
    assert status == 200 and "assumed-role/lambda-exec-role" in text, text
    url = client_with(hearth, credentials, "sts").generate_presigned_url(
        "get_caller_identity", ExpiresIn=60, HttpMethod="GET"
    )
    status, text = send(AWSRequest("GET", url))
    assert status == 200 and "assumed-role/lambda-exec-role" in text, text


def test_a_presigned_link_that_was_changed_is_refused(hearth, credentials):
    link = presigned(hearth, credentials, {"x-k8s-aws-id": "cluster"})
    link.headers.replace_header("x-k8s-aws-id", "another")
    assert send(link)[0] == 403
    for change in (
        lambda url: url.replace("Version=2011-06-15", "Version=2011-06-15&DurationSeconds=900"),
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
        lambda url: url + "&Extra=1",
        lambda url: url.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
    ):
        link = presigned(hearth, credentials)
        link.url = change(link.url)
        status, text = send(link)
        assert status == 403 and "SignatureDoesNotMatch" in text, text
    link = presigned(hearth, credentials)
    link.url += "&X-Amz-Credential=another"
    assert send(link)[0] == 400


def test_a_presigned_link_lives_for_15_minutes(hearth, credentials, at):
    at(-14)
    assert send(presigned(hearth, credentials))[0] == 200
    at(-16)
    status, text = send(presigned(hearth, credentials))
    assert status == 403 and "Signature expired: " in text, text


def test_a_signed_request_may_not_change_on_its_way(hearth, credentials):
    def signed():
        headers = {"content-type": "application/x-www-form-urlencoded", "x-amz-extra": "1"}
        request = AWSRequest("POST", hearth.endpoint + "/", data=IDENTITY, headers=headers)
        SigV4Auth(credentials, "sts", REGION).add_auth(request)
        return request

    assert send(signed())[0] == 200
    for change in (
        lambda request: setattr(request, "data", IDENTITY + "&Extra=1"),
        lambda request: setattr(request, "url", hearth.endpoint + "/?Extra=1"),
        lambda request: setattr(request, "method", "PUT"),
        lambda request: request.headers.replace_header("x-amz-extra", "2"),
        lambda request: request.headers.__delitem__("x-amz-extra"),
    ):
        request = signed()
        change(request)
        status, text = send(request)
        assert status == 403 and "SignatureDoesNotMatch" in text, text


def test_the_date_header_will_do(hearth, credentials):
    request = AWSRequest("GET", f"{hearth.endpoint}/2015-03-31/functions/", headers={"Date": "now"})
    SigV4Auth(credentials, "lambda", REGION).add_auth(request)
    assert "X-Amz-Date" not in request.headers and request.headers["Date"].endswith("-0000")
    assert send(request)[0] == 200
