"""Web pages and people without keys: who gets in, and who does not."""

import http.client
import json
import urllib.parse

from buckets import PUBLIC_READ, bucket, policy, s3  # noqa: F401

PAGE = "https://app.example.com"
RULE = {"AllowedOrigins": [PAGE], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*", "content-type"],
        "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 600}  # fmt: skip


def send(endpoint, method, path, headers=None, body=None):
    where = urllib.parse.urlsplit(endpoint)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=20)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def cors(headers):
    prefix = "access-control-"
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


def test_a_preflight_is_answered_by_the_buckets_rules(hearth, s3, bucket):
    name = bucket()
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}

    def preflight(**headers):
        status, answered, body = send(hearth.endpoint, "OPTIONS", f"/{name}/k", {**asks, **headers})
        return status, cors(answered), body

    status, answered, body = preflight()
    assert (status, answered) == (403, {}) and "CORSResponse: CORS is not enabled for this bucket." in body
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [RULE]})
    status, answered, body = preflight(**{"Access-Control-Request-Headers": "content-type, x-amz-acl"})
    assert (status, body) == (200, "")
    assert answered == {
        "allow-origin": PAGE, "allow-methods": "GET, PUT", "allow-headers": "content-type, x-amz-acl",
        "expose-headers": "ETag", "max-age": "600", "allow-credentials": "true",
    }  # fmt: skip
    for wrong in [{"Origin": "https://evil.example.com"}, {"Access-Control-Request-Method": "DELETE"},
                  {"Access-Control-Request-Headers": "authorization"}]:  # fmt: skip
        status, answered, body = preflight(**wrong)
        assert (status, answered) == (403, {}) and "<Code>AccessForbidden</Code>" in body, wrong
    status, _, body = send(hearth.endpoint, "OPTIONS", f"/{name}/k")
    assert status == 400 and "Insufficient information. Origin request header needed." in body
    status, _, body = send(hearth.endpoint, "OPTIONS", "/bucket-of-nobody/k", asks)
    assert status == 403 and "CORSResponse: Bucket not found" in body


def test_a_page_with_a_rule_uses_a_link_and_one_without_is_refused(hearth, s3, bucket):
    name = bucket()
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [RULE]})
    link = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "k"})
    path = link.removeprefix(hearth.endpoint)
    status, headers, body = send(hearth.endpoint, "GET", path, {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"})
    assert (status, body) == (200, "x") and cors(headers)["allow-origin"] == PAGE
    assert headers["vary"].startswith("Origin")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": name, "Key": "p"}).removeprefix(hearth.endpoint)
    assert send(hearth.endpoint, "PUT", put, {"Origin": PAGE}, b"y")[0] == 200
    for headers in [{"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}]:
        status, answered, body = send(hearth.endpoint, "GET", path, headers)
        assert status == 403 and not cors(answered) and "<Code>AccessDenied</Code>" in body, body
    status, answered, _ = send(hearth.endpoint, "GET", path)
    assert status == 200 and not cors(answered)
    gone = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "none"}).removeprefix(hearth.endpoint)
    status, answered, _ = send(hearth.endpoint, "GET", gone, {"Origin": PAGE})
    assert status == 404 and cors(answered)["allow-origin"] == PAGE


def test_everybody_reads_what_a_policy_opens_and_nothing_else(hearth, s3, bucket):
    name = bucket()
    for key in ["open/a", "secret/a"]:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    assert send(hearth.endpoint, "GET", f"/{name}/open/a")[0] == 403
    s3.delete_public_access_block(Bucket=name)
    opened = {**PUBLIC_READ, "Resource": f"arn:aws:s3:::{name}/open/*"}
    s3.put_bucket_policy(Bucket=name, Policy=policy(name, opened))
    assert send(hearth.endpoint, "GET", f"/{name}/open/a")[::2] == (200, "open/a")
    assert send(hearth.endpoint, "HEAD", f"/{name}/open/a")[0] == 200
    for method, path in [("GET", "secret/a"), ("GET", "open/none"), ("PUT", "open/a"), ("DELETE", "open/a"), ("GET", "")]:
        status, _, body = send(hearth.endpoint, method, f"/{name}/{path}", body=b"x" if method == "PUT" else None)
        assert status == 403 and "<Code>AccessDenied</Code>" in body, (method, path, body)
    listing = {**PUBLIC_READ, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{name}"}
    s3.put_bucket_policy(Bucket=name, Policy=policy(name, opened, listing))
    status, _, body = send(hearth.endpoint, "GET", f"/{name}?list-type=2")
    assert status == 200 and "<Key>secret/a</Key>" in body
    assert send(hearth.endpoint, "GET", f"/{name}/open/none")[0] == 404
    denied = {**opened, "Effect": "Deny", "Resource": f"arn:aws:s3:::{name}/open/a"}
    s3.put_bucket_policy(Bucket=name, Policy=policy(name, opened, denied))
    assert send(hearth.endpoint, "GET", f"/{name}/open/a")[0] == 403


def test_everybody_reads_an_object_whose_acl_says_so(hearth, s3, bucket):
    name = bucket(ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=name)
    s3.put_object(Bucket=name, Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=name, Key="closed", Body=b"x")
    assert send(hearth.endpoint, "GET", f"/{name}/open")[0] == 200
    assert send(hearth.endpoint, "GET", f"/{name}/closed")[0] == 403
    s3.put_object_acl(Bucket=name, Key="closed", ACL="public-read")
    assert [grant["Permission"] for grant in s3.get_object_acl(Bucket=name, Key="closed")["Grants"]] == ["FULL_CONTROL", "READ"]
    assert send(hearth.endpoint, "GET", f"/{name}/closed")[0] == 200
    s3.put_object_acl(Bucket=name, Key="closed", ACL="private")
    assert send(hearth.endpoint, "GET", f"/{name}/closed")[0] == 403
    block = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert send(hearth.endpoint, "GET", f"/{name}/open")[0] == 403
    assert json.dumps(s3.get_object_acl(Bucket=name, Key="open")["Grants"]).count("AllUsers") == 1
