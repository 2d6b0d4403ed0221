"""Buckets and objects as boto3 programs use them."""

import datetime
import hashlib
import urllib.parse

import boto3
import pytest
from botocore.exceptions import ClientError

from buckets import bucket, refused, s3  # noqa: F401
from conftest import REGION


def test_a_bucket_is_made_found_listed_and_deleted(s3, bucket):
    name = bucket()
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == REGION
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    listed = s3.list_buckets()
    assert name in [one["Name"] for one in listed["Buckets"]] and len(listed["Owner"]["ID"]) == 64
    s3.delete_bucket(Bucket=name)
    assert refused(s3.head_bucket, Bucket=name)[:2] == ("404", 404)
    assert refused(s3.delete_bucket, Bucket=name) == ("NoSuchBucket", 404, "The specified bucket does not exist")
    assert refused(s3.create_bucket, Bucket="Not_A_Name")[0] == "InvalidBucketName"


def test_an_object_comes_back_with_all_it_was_put_with(s3, bucket):
    name = bucket()
    body = b"hello world" * 1000
    put = s3.put_object(
        Bucket=name, Key="a/b c.txt", Body=body, ContentType="text/plain", CacheControl="max-age=60",
        ContentDisposition="attachment", ContentEncoding="identity", ContentLanguage="de",
        Expires=datetime.datetime(2030, 1, 1), Metadata={"Color": "red", "size": "10 %"}, Tagging="one=1&two=",
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"' and put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=name, Key="a/b c.txt")
    assert got["Body"].read() == body
    assert got["Metadata"] == {"color": "red", "size": "10 %"}
    assert (got["ContentType"], got["CacheControl"], got["ContentLanguage"]) == ("text/plain", "max-age=60", "de")
    assert (got["ContentDisposition"], got["TagCount"], got["AcceptRanges"]) == ("attachment", 2, "bytes")
    assert got["ETag"] == put["ETag"] and got["ServerSideEncryption"] == "AES256"
    head = s3.head_object(Bucket=name, Key="a/b c.txt")
    assert head["ContentLength"] == len(body) and head["LastModified"] == got["LastModified"]
    part = s3.get_object(Bucket=name, Key="a/b c.txt", Range="bytes=6-10")
    assert (part["Body"].read(), part["ContentRange"]) == (b"world", f"bytes 6-10/{len(body)}")
    assert refused(s3.get_object, Bucket=name, Key="a/b c.txt", Range="bytes=99999-")[:2] == ("InvalidRange", 416)
    other = s3.get_object(Bucket=name, Key="a/b c.txt", ResponseContentType="image/png")
    assert other["ContentType"] == "image/png"


def test_what_is_not_there_is_said_in_s3s_words(s3, bucket):
    name = bucket()
    assert refused(s3.get_object, Bucket=name, Key="none") == ("NoSuchKey", 404, "The specified key does not exist.")
    assert refused(s3.head_object, Bucket=name, Key="none")[:2] == ("404", 404)
    assert refused(s3.get_object, Bucket="nobody-has-this", Key="a")[:2] == ("NoSuchBucket", 404)
    assert refused(s3.list_objects_v2, Bucket="nobody-has-this")[:2] == ("NoSuchBucket", 404)
    assert s3.delete_object(Bucket=name, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204
    s3.put_object(Bucket=name, Key="a", Body=b"a")
    assert refused(s3.delete_bucket, Bucket=name) == (
        "BucketNotEmpty", 409, "The bucket you tried to delete is not empty",
    )  # fmt: skip


@pytest.mark.parametrize(
    "key",
    ["plain", "a/../b", "a//b", "/front", "spaces and + and %41 and %", "ünïcode/日本", "?query&a=b#f", "a\tb", "."],
)
def test_a_key_may_be_any_text(s3, bucket, key):
    name = bucket()
    s3.put_object(Bucket=name, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=name, Key=key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]] == [key]
    copied = s3.copy_object(Bucket=name, Key="copy of " + key, CopySource={"Bucket": name, "Key": key})
    assert copied["CopyObjectResult"]["ETag"]
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key}]})
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]] == ["copy of " + key]


def test_listings_are_paged_by_prefix_and_delimiter(s3, bucket):
    name = bucket()
    keys = [f"logs/{day:02}/{part}" for day in range(6) for part in range(3)] + ["readme", "z last"]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=name, PaginationConfig={"PageSize": 7}))
    assert [len(page["Contents"]) for page in pages] == [7, 7, 6]
    assert [one["Key"] for page in pages for one in page["Contents"]] == sorted(keys)
    top = s3.list_objects_v2(Bucket=name, Delimiter="/")
    assert [one["Prefix"] for one in top["CommonPrefixes"]] == ["logs/"] and top["KeyCount"] == 3
    days = s3.get_paginator("list_objects_v2").paginate(
        Bucket=name, Prefix="logs/", Delimiter="/", PaginationConfig={"PageSize": 4}
    )
    assert [one["Prefix"] for page in days for one in page["CommonPrefixes"]] == [f"logs/{day:02}/" for day in range(6)]
    after = s3.list_objects_v2(Bucket=name, StartAfter="logs/05/1", FetchOwner=True)
    assert [one["Key"] for one in after["Contents"]] == ["logs/05/2", "readme", "z last"]
    assert len(after["Contents"][0]["Owner"]["ID"]) == 64
    old = list(s3.get_paginator("list_objects").paginate(Bucket=name, PaginationConfig={"PageSize": 7}))
    assert [one["Key"] for page in old for one in page["Contents"]] == sorted(keys)


def test_the_resource_interface_walks_a_bucket(hearth, bucket):
    name = bucket()
    resource = boto3.resource("s3", endpoint_url=hearth.endpoint, region_name=REGION)
    mine = resource.Bucket(name)
    mine.put_object(Key="a", Body=b"1")
    resource.Object(name, "b").put(Body=b"22", Metadata={"k": "v"})
    assert {one.key: one.size for one in mine.objects.all()} == {"a": 1, "b": 2}
    assert mine.creation_date is not None
    assert resource.Object(name, "b").metadata == {"k": "v"}
    mine.copy({"Bucket": name, "Key": "b"}, "c")
    assert resource.Object(name, "c").get()["Body"].read() == b"22"
    mine.objects.filter(Prefix="a").delete()
    assert [one.key for one in mine.objects.all()] == ["b", "c"]
    versioning = mine.Versioning()
    versioning.enable()
    assert versioning.status == "Enabled"
    mine.object_versions.delete()
    assert list(mine.object_versions.all()) == []
    with pytest.raises(ClientError):
        resource.Object(name, "c").load()


def test_versions_are_kept_marked_and_deleted_one_by_one(s3, bucket):
    name = bucket()
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=name, Key="k", Body=b"first")["VersionId"]
    second = s3.put_object(Bucket=name, Key="k", Body=b"second")["VersionId"]
    assert s3.get_object(Bucket=name, Key="k", VersionId=first)["Body"].read() == b"first"
    assert s3.get_object(Bucket=name, Key="k", VersionId="null")["Body"].read() == b"before"
    marker = s3.delete_object(Bucket=name, Key="k")
    assert marker["DeleteMarker"] and refused(s3.get_object, Bucket=name, Key="k")[0] == "NoSuchKey"
    listed = s3.list_object_versions(Bucket=name)
    assert [one["VersionId"] for one in listed["Versions"]] == [second, first, "null"]
    assert [one["VersionId"] for one in listed["DeleteMarkers"]] == [marker["VersionId"]]
    assert listed["DeleteMarkers"][0]["IsLatest"] and not listed["Versions"][0]["IsLatest"]
    assert refused(s3.get_object, Bucket=name, Key="k", VersionId=marker["VersionId"])[:2] == ("MethodNotAllowed", 405)
    s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=name, Key="k")["VersionId"] == second
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=name, Key="k", Body=b"null again")
    assert s3.get_object(Bucket=name, Key="k", VersionId="null")["Body"].read() == b"null again"
    assert refused(s3.delete_bucket, Bucket=name)[0] == "BucketNotEmpty"


def test_conditions_are_held(s3, bucket):
    name = bucket()
    tag = s3.put_object(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")[:2] == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=name, Key="k", Body=b"2", IfMatch='"other"')[:2] == ("PreconditionFailed", 412)
    assert refused(s3.get_object, Bucket=name, Key="k", IfNoneMatch=tag)[:2] == ("304", 304)
    assert refused(s3.get_object, Bucket=name, Key="k", IfMatch='"other"')[:2] == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=name, Key="k", IfMatch=tag)["Body"].read() == b"1"
    s3.put_object(Bucket=name, Key="k", Body=b"2", IfMatch=tag)


def test_both_styles_of_addresses_reach_a_bucket(hearth, s3, bucket):
    import http.client

    name = bucket()
    s3.put_object(Bucket=name, Key="k", Body=b"here")
    url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"}))
    where = urllib.parse.urlsplit(hearth.endpoint)
    hosts = [f"{name}.s3.{REGION}.amazonaws.com", f"{name}.s3.amazonaws.com", f"{name}.s3.localhost:{where.port}"]
    for host in [*hosts, f"{name}.localhost:{where.port}"]:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
        connection.request("GET", f"/k?{url.query}", headers={"Host": host})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"here"), host
        connection.close()
