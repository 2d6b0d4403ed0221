"""IAM as Terraform, deploy tools and people use it: written, read back whole, changed and taken down."""

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import REGION, Hearth, aws

ACCOUNT = "000000000000"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"}]}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture(scope="module")
def iam(client):
    return client("iam")


def code(call, **arguments):
    """The error's code, or None when there is none."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def signed(hearth, service, key, token=None):
    """A client that signs with a key."""
    return boto3.client(
        service,
        endpoint_url=hearth.endpoint,
        region_name=REGION,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_role_goes_through_terraforms_sequence(iam):
    tags = [{"Key": "team", "Value": ""}]
    iam.create_role(
        RoleName="tf", Path="/tf/", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=3600, Tags=tags
    )
    iam.get_waiter("role_exists").wait(RoleName="tf", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    read = iam.get_role(RoleName="tf")["Role"]
    assert read["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/tf/tf"
    assert (read["AssumeRolePolicyDocument"], read["Tags"]) == (TRUST, tags)
    assert "Description" not in read and "PermissionsBoundary" not in read
    assert iam.list_role_policies(RoleName="tf")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="tf")["AttachedPolicies"] == []

    iam.put_role_policy(RoleName="tf", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    for _ in range(2):
        assert iam.get_role_policy(RoleName="tf", PolicyName="inline")["PolicyDocument"] == ALLOW
    policy = iam.create_policy(PolicyName="tf", PolicyDocument=json.dumps(ALLOW), Tags=tags)["Policy"]["Arn"]
    iam.get_waiter("policy_exists").wait(PolicyArn=policy, WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    read = iam.get_policy(PolicyArn=policy)["Policy"]
    assert (read["DefaultVersionId"], read["Tags"], read["AttachmentCount"]) == ("v1", tags, 0)
    assert iam.get_policy_version(PolicyArn=policy, VersionId="v1")["PolicyVersion"]["Document"] == ALLOW
    for arn in (policy, BASIC):
        iam.attach_role_policy(RoleName="tf", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="tf")["AttachedPolicies"]
    assert sorted(entry["PolicyArn"] for entry in attached) == sorted([policy, BASIC])

    # A changed policy is a new version; the oldest one goes.
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(ALLOW), SetAsDefault=True)
    versions = iam.list_policy_versions(PolicyArn=policy)["Versions"]
    assert [(entry["VersionId"], entry["IsDefaultVersion"]) for entry in versions] == [("v2", True), ("v1", False)]
    iam.delete_policy_version(PolicyArn=policy, VersionId="v1")

    # destroy
    assert iam.list_instance_profiles_for_role(RoleName="tf")["InstanceProfiles"] == []
    for arn in (policy, BASIC):
        iam.detach_role_policy(RoleName="tf", PolicyArn=arn)
    iam.delete_role_policy(RoleName="tf", PolicyName="inline")
    iam.delete_role(RoleName="tf")
    iam.delete_policy(PolicyArn=policy)
    for call, arguments in ((iam.get_role, {"RoleName": "tf"}), (iam.get_policy, {"PolicyArn": policy})):
        assert code(call, **arguments) == "NoSuchEntity"


def test_policies_of_aws_have_documents(iam):
    read = iam.get_policy(PolicyArn=BASIC)["Policy"]
    document = iam.get_policy_version(PolicyArn=BASIC, VersionId=read["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in document["Statement"][0]["Action"]
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 7})
    names = [policy["PolicyName"] for page in pages for policy in page["Policies"]]
    assert len(names) == len(set(names)) and {"AdministratorAccess", "ReadOnlyAccess", "AmazonS3FullAccess"} <= set(names)


def test_a_users_key_works_until_it_is_inactive(iam, hearth):
    iam.create_user(UserName="alice", Path="/team/")
    iam.get_waiter("user_exists").wait(UserName="alice", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    made = iam.create_access_key(UserName="alice")["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])
    identity = signed(hearth, "sts", key).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/alice"
    assert identity["UserId"].startswith("AIDA")
    mine = signed(hearth, "iam", key)
    assert mine.get_user()["User"]["UserName"] == "alice"
    assert iam.get_access_key_last_used(AccessKeyId=key[0])["AccessKeyLastUsed"]["ServiceName"] == "iam"
    assert code(signed(hearth, "sts", (key[0], "wrong")).get_caller_identity) == "SignatureDoesNotMatch"
    iam.update_user(UserName="alice", NewUserName="bob")
    assert mine.get_user()["User"]["UserName"] == "bob"
    iam.update_access_key(UserName="bob", AccessKeyId=key[0], Status="Inactive")
    assert code(mine.get_user) == "InvalidClientTokenId"
    assert code(iam.delete_user, UserName="bob") == "DeleteConflict"
    iam.delete_access_key(UserName="bob", AccessKeyId=key[0])
    iam.delete_user(UserName="bob")


def test_every_list_has_pages(iam):
    for at in range(5):
        iam.create_user(UserName=f"page-{at}", Path="/pages/")
        iam.create_group(GroupName=f"page-{at}", Path="/pages/")
        iam.add_user_to_group(GroupName="page-0", UserName=f"page-{at}")
    for name, member, arguments in (
        ("list_users", "Users", {"PathPrefix": "/pages/"}),
        ("list_groups", "Groups", {"PathPrefix": "/pages/"}),
        ("get_group", "Users", {"GroupName": "page-0"}),
    ):
        pages = iam.get_paginator(name).paginate(**arguments, PaginationConfig={"PageSize": 2})
        assert len([entry for page in pages for entry in page[member]]) == 5, name
    for at in range(5):
        iam.remove_user_from_group(GroupName="page-0", UserName=f"page-{at}")
        iam.delete_user(UserName=f"page-{at}")
    for at in range(5):
        iam.delete_group(GroupName=f"page-{at}")


def test_an_instance_profile_comes_and_goes(iam):
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_instance_profile(InstanceProfileName="machine")
    waiter = iam.get_waiter("instance_profile_exists")
    waiter.wait(InstanceProfileName="machine", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="machine")
    profile = iam.get_instance_profile(InstanceProfileName="machine")["InstanceProfile"]
    assert profile["Roles"][0]["AssumeRolePolicyDocument"] == TRUST
    assert code(iam.delete_role, RoleName="machine") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="machine", RoleName="machine")
    iam.delete_instance_profile(InstanceProfileName="machine")
    iam.delete_role(RoleName="machine")


def test_errors_are_typed_and_what_is_not_built_is_no_server_error(iam):
    for document in ("{", "{}", json.dumps({**ALLOW, "Statement": []})):
        assert code(iam.create_policy, PolicyName="bad", PolicyDocument=document) == "MalformedPolicyDocument"
    with pytest.raises(ClientError) as caught:
        iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/x", ActionNames=["s3:GetObject"])
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    name = "x" * 65
    assert code(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)) == "ValidationError"


def test_the_command_line(hearth):
    trust = json.dumps(TRUST)
    made = aws(hearth.endpoint, "iam", "create-role", "--role-name", "cli", "--assume-role-policy-document", trust)
    assert made["Role"]["AssumeRolePolicyDocument"] == TRUST
    aws(hearth.endpoint, "iam", "attach-role-policy", "--role-name", "cli", "--policy-arn", BASIC)
    entities = aws(hearth.endpoint, "iam", "list-entities-for-policy", "--policy-arn", BASIC)
    assert [role["RoleName"] for role in entities["PolicyRoles"]] == ["cli"]
    assert aws(hearth.endpoint, "iam", "get-account-summary")["SummaryMap"]["Roles"] >= 1
    aws(hearth.endpoint, "iam", "detach-role-policy", "--role-name", "cli", "--policy-arn", BASIC)
    aws(hearth.endpoint, "iam", "delete-role", "--role-name", "cli")


def test_users_and_temporary_credentials_outlive_a_restart(tmp_path):
    first = Hearth(tmp_path)
    root = ("test", "test")
    made = signed(first, "iam", root)
    made.create_user(UserName="alice")
    key = made.create_access_key(UserName="alice")["AccessKey"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/nobodys"
    given = signed(first, "sts", root).assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    first.stop()
    second = Hearth(tmp_path)
    alice = signed(second, "sts", (key["AccessKeyId"], key["SecretAccessKey"])).get_caller_identity()
    assert alice["Arn"].endswith(":user/alice")
    session = signed(second, "sts", (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"])
    assert session.get_caller_identity()["Arn"].endswith(":assumed-role/nobodys/me")
    second.stop()
