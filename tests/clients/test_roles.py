"""STS and IAM as deploy tools call them first."""

import json

import pytest

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def test_the_caller_is_the_accounts_root(client):
    identity = client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
    assert identity["UserId"]


def test_a_key_of_12_digits_is_the_account(hearth):
    import boto3

    sts = boto3.client(
        "sts",
        endpoint_url=hearth.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="123456789012",
        aws_secret_access_key="x",
    )
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_a_role_is_made_read_given_a_policy_and_deleted(client):
    iam = client("iam")
    made = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST, Description="runs functions")["Role"]
    assert made["Arn"] == "arn:aws:iam::000000000000:role/worker"
    assert made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST)
    found = iam.get_role(RoleName="worker")["Role"]
    assert found["RoleId"] == made["RoleId"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=BASIC)
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="worker")


def test_a_missing_role_is_a_typed_error(client):
    iam = client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_role(RoleName="nobody")
    assert caught.value.response["Error"]["Message"] == "The role with name nobody cannot be found."


def test_a_second_role_of_the_name_is_refused(client):
    iam = client("iam")
    iam.create_role(RoleName="twice", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="twice", AssumeRolePolicyDocument=TRUST)
    iam.delete_role(RoleName="twice")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="twice")
