"""What Terraform's provider writes and reads back, call by call: a plan after it must show no change."""

import json

import pytest

from buckets import PUBLIC_READ, bucket, policy, refused, s3  # noqa: F401


def absent(call, code, **options):
    assert refused(call, **options)[:2] == (code, 404)


def read_bucket(s3, name, **there):
    """The 15 calls of every refresh; those in `there` have an answer, given by their name."""

    def read(call, code, key):
        if key in there:
            answer = call(Bucket=name)
            assert answer[key] == there[key], answer
        else:
            absent(call, code, Bucket=name)

    head = s3.head_bucket(Bucket=name)
    assert head["BucketRegion"] == "us-east-1"
    if "Policy" in there:
        assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) == json.loads(there["Policy"])
    else:
        absent(s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=name)
    acl = s3.get_bucket_acl(Bucket=name)
    mine = {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"}
    assert acl["Grants"] == there.get("Grants", [{"Grantee": mine, "Permission": "FULL_CONTROL"}])
    read(s3.get_bucket_cors, "NoSuchCORSConfiguration", "CORSRules")
    read(s3.get_bucket_website, "NoSuchWebsiteConfiguration", "IndexDocument")
    assert s3.get_bucket_versioning(Bucket=name).get("Status") == there.get("Versioning")
    assert s3.get_bucket_accelerate_configuration(Bucket=name).get("Status") == there.get("Acceleration")
    assert s3.get_bucket_request_payment(Bucket=name)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    read(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", "Rules")
    absent(s3.get_bucket_replication, "ReplicationConfigurationNotFoundError", Bucket=name)
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    by_default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    assert rules == [by_default]
    absent(s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError", Bucket=name)
    s3.head_bucket(Bucket=name)
    read(s3.get_bucket_tagging, "NoSuchTagSet", "TagSet")


def test_a_bucket_is_read_back_in_15_calls(s3, bucket):
    assert refused(s3.head_bucket, Bucket="free-name-of-nobody")[:2] == ("404", 404)
    name = bucket()
    s3.head_bucket(Bucket=name)
    absent(s3.get_bucket_tagging, "NoSuchTagSet", Bucket=name)
    tags = [{"Key": "Env", "Value": "dev"}, {"Key": "Name", "Value": ""}]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags[::-1]})
    read_bucket(s3, name, TagSet=tags)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags[:1]})
    read_bucket(s3, name, TagSet=tags[:1])
    s3.delete_bucket_tagging(Bucket=name)
    read_bucket(s3, name)
    s3.delete_bucket(Bucket=name)
    assert refused(s3.head_bucket, Bucket=name)[:2] == ("404", 404)
    absent(s3.get_bucket_tagging, "NoSuchBucket", Bucket=name)


def test_an_object_is_read_back(s3, bucket):
    name = bucket()
    put = s3.put_object(Bucket=name, Key="o", Body=b"content", ContentType="text/plain", Tagging="a=b",
                        Metadata={"m": "1"}, ChecksumAlgorithm="CRC32", StorageClass="STANDARD")  # fmt: skip
    for _ in range(2):
        head = s3.head_object(Bucket=name, Key="o", ChecksumMode="ENABLED")
        assert (head["ETag"], head["ContentType"], head["Metadata"]) == (put["ETag"], "text/plain", {"m": "1"})
        assert head["ServerSideEncryption"] == "AES256" and "StorageClass" not in head and "VersionId" not in head
        assert head["ChecksumCRC32"] == put["ChecksumCRC32"]
        assert s3.get_object_tagging(Bucket=name, Key="o")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_object_tagging(Bucket=name, Key="o", Tagging={"TagSet": []})
    assert s3.get_object_tagging(Bucket=name, Key="o")["TagSet"] == []
    s3.delete_object_tagging(Bucket=name, Key="o")
    acl = s3.get_object_acl(Bucket=name, Key="o")
    assert acl["Grants"] == [{"Grantee": {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]
    part = s3.get_object(Bucket=name, Key="o", Range="bytes=0-63")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    s3.delete_object(Bucket=name, Key="o")
    assert refused(s3.head_object, Bucket=name, Key="o")[:2] == ("404", 404)


def test_versioning_is_read_back_three_times(s3, bucket):
    name = bucket()
    for status in ["Enabled", "Suspended", "Enabled"]:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
        for _ in range(3):
            assert s3.get_bucket_versioning(Bucket=name)["Status"] == status
        read_bucket(s3, name, Versioning=status)
    refusal = refused(
        s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"},
        MFA="arn:aws:iam::000000000000:mfa/root 123456",
    )  # fmt: skip
    assert refusal[1] in (400, 403, 501)


def test_a_policy_is_read_back_and_says_whether_it_is_public(s3, bucket):
    name = bucket()
    mine = policy(name, {**PUBLIC_READ, "Principal": {"AWS": "arn:aws:iam::000000000000:root"}})
    s3.put_bucket_policy(Bucket=name, Policy=mine)
    for _ in range(2):
        read_bucket(s3, name, Policy=mine)
    assert s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"] == {"IsPublic": False}
    everybody = policy(name, PUBLIC_READ)
    assert refused(s3.put_bucket_policy, Bucket=name, Policy=everybody)[:2] == ("AccessDenied", 403)
    s3.delete_public_access_block(Bucket=name)
    s3.put_bucket_policy(Bucket=name, Policy=everybody)
    assert s3.get_bucket_policy_status(Bucket=name)["PolicyStatus"] == {"IsPublic": True}
    assert refused(s3.put_bucket_policy, Bucket=name, Policy="{}") == (
        "MalformedPolicy", 400, "Missing required field Statement",
    )  # fmt: skip
    other = policy("another-bucket", PUBLIC_READ)
    assert refused(s3.put_bucket_policy, Bucket=name, Policy=other)[2] == "Policy has invalid resource"
    s3.delete_bucket_policy(Bucket=name)
    absent(s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=name)
    absent(s3.get_bucket_policy_status, "NoSuchBucketPolicy", Bucket=name)


def test_cors_is_read_back(s3, bucket):
    name = bucket()
    rules = [
        {"ID": "one", "AllowedHeaders": ["*"], "AllowedMethods": ["PUT", "POST"], "AllowedOrigins": ["https://a.com"],
         "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3000},
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    ]  # fmt: skip
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    for _ in range(2):
        read_bucket(s3, name, CORSRules=rules)
    s3.delete_bucket_cors(Bucket=name)
    absent(s3.get_bucket_cors, "NoSuchCORSConfiguration", Bucket=name)


def test_a_lifecycle_is_read_back(s3, bucket):
    name = bucket()
    rules = [
        {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90}},
        {"ID": "all", "Status": "Disabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"ID": "and", "Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True},
         "Filter": {"And": {"Prefix": "a", "ObjectSizeGreaterThan": 5}}},
    ]  # fmt: skip
    for size in ["all_storage_classes_128K", "varies_by_storage_class"]:
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": rules}, TransitionDefaultMinimumObjectSize=size
        )
        for _ in range(2):
            answer = s3.get_bucket_lifecycle_configuration(Bucket=name)
            assert answer["Rules"] == rules and answer["TransitionDefaultMinimumObjectSize"] == size
    read_bucket(s3, name, Rules=rules)
    s3.delete_bucket_lifecycle(Bucket=name)
    absent(s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", Bucket=name)


def test_encryption_is_read_back_and_falls_back_to_aes256(s3, bucket):
    name = bucket()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    for _ in range(2):
        assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    s3.delete_bucket_encryption(Bucket=name)
    read_bucket(s3, name)
    kms = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}]}
    refusal = refused(s3.put_bucket_encryption, Bucket=name, ServerSideEncryptionConfiguration=kms)
    assert refusal[:2] == ("NotImplemented", 501)
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    assert refused(s3.put_object, Bucket=name, Key="k", Body=b"x", **customer)[:2] == ("NotImplemented", 501)


def test_the_public_access_block_is_read_back(s3, bucket):
    name = bucket()
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == block
    wanted = {**block, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=wanted)
    for _ in range(2):
        assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == wanted
    s3.delete_public_access_block(Bucket=name)
    absent(s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", Bucket=name)


def test_ownership_and_acls_are_read_back(s3, bucket):
    name = bucket()
    owned = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"] == owned
    assert refused(s3.put_bucket_acl, Bucket=name, ACL="private") == (
        "AccessControlListNotSupported", 400, "The bucket does not allow ACLs",
    )  # fmt: skip
    preferred = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=preferred)
    for _ in range(2):
        assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"] == preferred
    assert refused(s3.put_bucket_acl, Bucket=name, ACL="public-read")[:2] == ("AccessDenied", 403)
    s3.put_bucket_acl(Bucket=name, ACL="private")
    s3.delete_public_access_block(Bucket=name)
    s3.put_bucket_acl(Bucket=name, ACL="public-read")
    grants = s3.get_bucket_acl(Bucket=name)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    assert grants[1]["Grantee"] == {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert refused(s3.put_bucket_ownership_controls, Bucket=name, OwnershipControls=enforced)[:2] == (
        "InvalidBucketAclWithObjectOwnership", 400,
    )  # fmt: skip
    s3.delete_bucket_ownership_controls(Bucket=name)
    absent(s3.get_bucket_ownership_controls, "OwnershipControlsNotFoundError", Bucket=name)
    made = bucket(ObjectOwnership="ObjectWriter")
    owned = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    assert s3.get_bucket_ownership_controls(Bucket=made)["OwnershipControls"] == owned


def test_a_website_is_read_back(s3, bucket):
    name = bucket()
    website = {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "d/"}}],
    }
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration=website)
    answer = s3.get_bucket_website(Bucket=name)
    assert {key: answer[key] for key in website} == website
    read_bucket(s3, name, IndexDocument=website["IndexDocument"])
    s3.delete_bucket_website(Bucket=name)
    absent(s3.get_bucket_website, "NoSuchWebsiteConfiguration", Bucket=name)


def test_acceleration_and_payment_are_read_back(s3, bucket):
    name = bucket()
    s3.put_bucket_accelerate_configuration(Bucket=name, AccelerateConfiguration={"Status": "Suspended"})
    s3.put_bucket_request_payment(Bucket=name, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    read_bucket(s3, name, Acceleration="Suspended")


def test_what_nobody_would_act_on_is_refused_and_not_kept(s3, bucket):
    name, logs = bucket(), bucket()
    target = {"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "log/"}}
    assert refused(s3.put_bucket_logging, Bucket=name, BucketLoggingStatus=target)[:2] == ("NotImplemented", 501)
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={})
    lambda_ = [{"LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Events": ["s3:ObjectCreated:*"]}]
    told = {"LambdaFunctionConfigurations": lambda_}
    refusal = refused(s3.put_bucket_notification_configuration, Bucket=name, NotificationConfiguration=told)
    assert refusal[:2] == ("NotImplemented", 501) and "Notifications are not built" in refusal[2]
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    answer = s3.get_bucket_notification_configuration(Bucket=name)
    assert not any(key.endswith(("Configurations", "Configuration")) for key in answer)
    read_bucket(s3, name)


@pytest.mark.parametrize("call", ["get_bucket_tagging", "get_bucket_cors", "get_bucket_acl", "get_public_access_block",
                                  "get_bucket_lifecycle_configuration", "get_bucket_encryption"])  # fmt: skip
def test_a_configuration_of_no_bucket_is_no_bucket(s3, call):
    assert refused(getattr(s3, call), Bucket="bucket-of-nobody") == (
        "NoSuchBucket", 404, "The specified bucket does not exist",
    )  # fmt: skip
