"""STS: temporary credentials that clients sign with."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import REGION, aws

ACCOUNT = "000000000000"
NOBODYS = "arn:aws:iam::210987654321:role/nobodys"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


@pytest.fixture(scope="module")
def sts(client):
    return client("sts")


def as_session(hearth, credentials, service="sts", **changed):
    """A client that signs with temporary credentials."""
    credentials = {**credentials, **changed}
    return boto3.client(
        service,
        endpoint_url=hearth.endpoint,
        region_name=REGION,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def refused(client):
    with pytest.raises(ClientError) as caught:
        client.get_caller_identity()
    return caught.value.response["Error"]["Code"]


def test_a_role_that_nobody_created_is_assumed(hearth, sts):
    answer = sts.assume_role(RoleArn=NOBODYS, RoleSessionName="deploy", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::210987654321:assumed-role/nobodys/deploy"
    identity = as_session(hearth, answer["Credentials"]).get_caller_identity()
    assert identity["Account"] == "210987654321"
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert sts.get_access_key_info(AccessKeyId=answer["Credentials"]["AccessKeyId"])["Account"] == "210987654321"


def test_credentials_that_were_changed_are_refused(hearth, sts):
    given = sts.assume_role(RoleArn=NOBODYS, RoleSessionName="me")["Credentials"]
    other = sts.assume_role(RoleArn=NOBODYS, RoleSessionName="you")["Credentials"]
    assert refused(as_session(hearth, given, SecretAccessKey="x" * 40)) == "SignatureDoesNotMatch"
    assert refused(as_session(hearth, given, SessionToken=other["SessionToken"])) == "InvalidClientTokenId"
    assert refused(as_session(hearth, given, SessionToken=None)) == "InvalidClientTokenId"
    assert refused(as_session(hearth, given, SecretAccessKey=other["SecretAccessKey"])) == "SignatureDoesNotMatch"


def test_a_session_has_the_id_of_the_role_that_was_created(hearth, client, sts):
    iam = client("iam")
    role = iam.create_role(RoleName="assumed", AssumeRolePolicyDocument=TRUST)["Role"]
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me", Tags=[{"Key": "team", "Value": "a"}])
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{role['RoleId']}:me"
    assert 0 < answer["PackedPolicySize"] < 10
    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me", DurationSeconds=7200)
    text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert caught.value.response["Error"] == {"Type": "Sender", "Code": "ValidationError", "Message": text}
    with pytest.raises(ClientError) as caught:
        as_session(hearth, answer["Credentials"]).assume_role(
            RoleArn=NOBODYS, RoleSessionName="me", DurationSeconds=3601
        )
    assert "role chaining" in caught.value.response["Error"]["Message"]
    iam.delete_role(RoleName="assumed")


def test_session_tokens_and_federated_users(hearth, sts):
    mine = as_session(hearth, sts.get_session_token()["Credentials"])
    assert mine.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    with pytest.raises(ClientError) as caught:
        mine.get_session_token()
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    answer = sts.get_federation_token(Name="bob")
    identity = as_session(hearth, answer["Credentials"]).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"


def test_what_is_not_built_is_no_server_error(sts):
    for call, arguments in (
        (sts.decode_authorization_message, {"EncodedMessage": "x"}),
        (
            sts.assume_role_with_web_identity,
            {"RoleArn": NOBODYS, "RoleSessionName": "me", "WebIdentityToken": "eyJhbGciOiJub25lIn0.e30."},
        ),
    ):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_function_acts_with_the_id_of_its_role_inside_and_outside(hearth, client, lambda_, function):
    role = client("iam").create_role(RoleName="lambda-exec-role", AssumeRolePolicyDocument=TRUST)["Role"]
    code = """
import os
def handler(event, context):
    return {name: os.environ["AWS_" + name] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")}
"""
    name = function(code)
    given = json.load(lambda_.invoke(FunctionName=name)["Payload"])
    credentials = {
        "AccessKeyId": given["ACCESS_KEY_ID"],
        "SecretAccessKey": given["SECRET_ACCESS_KEY"],
        "SessionToken": given["SESSION_TOKEN"],
    }
    identity = as_session(hearth, credentials).get_caller_identity()
    assert identity["UserId"] == f"{role['RoleId']}:{name}"
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda-exec-role/{name}"
    client("iam").delete_role(RoleName="lambda-exec-role")


def test_the_command_line(hearth):
    answer = aws(hearth.endpoint, "sts", "assume-role", "--role-arn", NOBODYS, "--role-session-name", "cli")
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert aws(hearth.endpoint, "sts", "get-session-token")["Credentials"]["Expiration"]
