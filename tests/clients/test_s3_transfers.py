"""Large objects: multipart uploads, ranges, checksums, and links that were signed beforehand."""

import base64
import hashlib
import io
import threading
import time
import urllib.error
import urllib.request
import zlib

import pytest
from boto3.s3.transfer import TransferConfig

from buckets import bucket, refused, s3  # noqa: F401

MB = 1024 * 1024
PART = 5 * MB


def bytes_of(count, seed=1):
    """Bytes that do not repeat."""
    return b"".join(hashlib.sha256(f"{seed}-{at}".encode()).digest() for at in range(count // 32 + 1))[:count]


def fetch(url, method="GET", data=None, headers=None):
    """What urllib, which knows nothing of AWS, gets: status and body."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def test_transfers_go_up_in_parts_and_down_in_ranges(s3, bucket, tmp_path):
    name, body = bucket(), bytes_of(13 * MB)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(body)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    s3.upload_file(str(source), name, "big", Config=config, ExtraArgs={"Metadata": {"k": "v"}})
    head = s3.head_object(Bucket=name, Key="big")
    parts = [body[at : at + PART] for at in range(0, len(body), PART)]
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == f'"{digest}-3"' and head["ContentLength"] == len(body) and head["Metadata"] == {"k": "v"}
    s3.download_file(name, "big", str(target), Config=config)
    assert target.read_bytes() == body
    stream = io.BytesIO()
    s3.download_fileobj(name, "big", stream, Config=config)
    assert stream.getvalue() == body
    s3.copy({"Bucket": name, "Key": "big"}, name, "copied", Config=config)
    assert s3.get_object(Bucket=name, Key="copied")["Body"].read() == body
    second = s3.get_object(Bucket=name, Key="big", PartNumber=2)
    assert second["PartsCount"] == 3 and second["Body"].read() == parts[1]


def test_an_upload_is_made_of_the_parts_that_complete_names(s3, bucket):
    name = bucket()
    upload = s3.create_multipart_upload(Bucket=name, Key="k", ContentType="text/x")["UploadId"]
    where = {"Bucket": name, "Key": "k", "UploadId": upload}
    one, two = bytes_of(PART), b"the end"
    tags = [s3.upload_part(**where, PartNumber=n, Body=body)["ETag"] for n, body in [(1, one), (2, b"no"), (3, two)]]
    listed = s3.list_parts(**where, MaxParts=2)
    assert [part["PartNumber"] for part in listed["Parts"]] == [1, 2] and listed["IsTruncated"]
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket=name)["Uploads"]] == ["k"]
    assert "Contents" not in s3.list_objects_v2(Bucket=name)

    def complete(*numbers, tag=None):
        parts = [{"PartNumber": number, "ETag": tag or tags[number - 1]} for number in numbers]
        return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

    assert refused(complete, 3, 1)[0] == "InvalidPartOrder"
    assert refused(complete, 1, 2, 3)[0] == "EntityTooSmall"
    assert refused(complete, 1, tag='"00000000000000000000000000000000"')[0] == "InvalidPart"
    assert refused(complete)[0] == "MalformedXML"
    done = complete(1, 3)
    assert done["ETag"].endswith('-2"') and done["Bucket"] == name
    got = s3.get_object(Bucket=name, Key="k")
    assert got["Body"].read() == one + two and got["ContentType"] == "text/x"
    assert refused(s3.list_parts, **where)[:2] == ("NoSuchUpload", 404)
    aborted = s3.create_multipart_upload(Bucket=name, Key="k2")["UploadId"]
    s3.abort_multipart_upload(Bucket=name, Key="k2", UploadId=aborted)
    assert refused(s3.abort_multipart_upload, Bucket=name, Key="k2", UploadId=aborted)[0] == "NoSuchUpload"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_held_and_shown(s3, bucket, algorithm):
    if algorithm in ("CRC32C", "CRC64NVME"):
        pytest.skip("the client computes it with awscrt alone")
    name = bucket()
    put = s3.put_object(Bucket=name, Key="k", Body=b"data", ChecksumAlgorithm=algorithm)
    shown = put[f"Checksum{algorithm}"]
    head = s3.head_object(Bucket=name, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == shown and head["ChecksumType"] == "FULL_OBJECT"
    attributes = s3.get_object_attributes(Bucket=name, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert attributes["Checksum"][f"Checksum{algorithm}"] == shown and attributes["ObjectSize"] == 4
    wrong = base64.b64encode(b"\0" * len(base64.b64decode(shown))).decode()
    refusal = refused(s3.put_object, Bucket=name, Key="k", Body=b"other", **{f"Checksum{algorithm}": wrong})
    assert refusal[:2] == ("BadDigest", 400), refusal
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"data"


def test_a_body_that_is_not_what_was_announced_changes_nothing(s3, bucket):
    name = bucket()
    s3.put_object(Bucket=name, Key="k", Body=b"data")
    wrong = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert refused(s3.put_object, Bucket=name, Key="k", Body=b"y", ContentMD5=wrong)[:2] == ("BadDigest", 400)
    assert refused(s3.put_object, Bucket=name, Key="k", Body=b"y", ContentMD5="short")[:2] == ("InvalidDigest", 400)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": name, "Key": "k"})
    crc = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    status, answer = fetch(url, "PUT", b"y", {"x-amz-checksum-crc32": crc})
    assert status in (400, 403) and (b"BadDigest" in answer or b"AccessDenied" in answer), answer
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"data"


def test_signed_links_put_and_get_without_a_key(s3, bucket):
    name, body = bucket(), bytes_of(200_000)
    put = s3.generate_presigned_url("put_object", Params={"Bucket": name, "Key": "a b+c"}, ExpiresIn=60)
    assert fetch(put, "PUT", body)[0] == 200
    get = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "a b+c"}, ExpiresIn=60)
    assert fetch(get) == (200, body)
    assert fetch(get, headers={"Range": "bytes=0-9"}) == (206, body[:10])
    head = s3.generate_presigned_url("head_object", Params={"Bucket": name, "Key": "a b+c"})
    assert fetch(head, "HEAD") == (200, b"")
    named = {"Bucket": name, "Key": "a b+c", "ResponseContentDisposition": 'attachment; filename="x y"'}
    assert fetch(s3.generate_presigned_url("get_object", Params=named))[0] == 200
    assert fetch(s3.generate_presigned_url("delete_object", Params={"Bucket": name, "Key": "a b+c"}), "DELETE")[0] == 204
    status, answer = fetch(get)
    assert status == 404 and b"<Code>NoSuchKey</Code>" in answer
    old = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "a b+c"}, ExpiresIn=1)
    deadline = time.monotonic() + 20
    while fetch(old)[0] == 404:
        assert time.monotonic() < deadline, "the link does not expire"
        time.sleep(0.1)
    status, answer = fetch(old)
    assert status == 403 and b"<Message>Request has expired</Message>" in answer


def test_a_request_without_a_signature_is_denied(hearth, s3, bucket):
    name = bucket()
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    for method, path in [("GET", f"/{name}/k"), ("GET", f"/{name}"), ("PUT", f"/{name}/new"), ("DELETE", f"/{name}/k")]:
        status, answer = fetch(hearth.endpoint + path, method, b"x" if method == "PUT" else None)
        assert status == 403 and b"<Code>AccessDenied</Code>" in answer, (method, answer)
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]] == ["k"]


def test_writers_of_one_key_leave_one_of_their_bodies(s3, bucket):
    name = bucket()
    bodies = [bytes_of(300_000, seed) for seed in range(8)]
    threads = [threading.Thread(target=s3.put_object, kwargs={"Bucket": name, "Key": "k", "Body": body}) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() in bodies
