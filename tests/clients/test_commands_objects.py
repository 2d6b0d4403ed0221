"""Objects, roles and callers as people type them first, with both versions of the AWS CLI."""

import json
import shlex
import urllib.request
import uuid

import pytest

from shell import Row, Shell

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

# The commands that people and deploy tools use; none of them may be missing below.
TYPED = [
    *(f"s3 {command}" for command in ("mb", "cp", "mv", "ls", "sync", "presign", "website", "rm", "rb")),
    *(
        f"s3api {command}"
        for command in (
            "create-bucket", "head-bucket", "list-buckets", "get-bucket-location", "put-object", "head-object",
            "get-object", "copy-object", "list-objects", "list-objects-v2", "list-object-versions", "delete-object",
            "delete-objects", "put-bucket-versioning", "put-bucket-tagging", "get-bucket-tagging", "put-object-tagging",
            "get-object-tagging", "create-multipart-upload", "upload-part", "list-parts", "complete-multipart-upload",
            "abort-multipart-upload", "list-multipart-uploads", "put-bucket-policy", "get-bucket-policy",
            "put-bucket-cors", "get-bucket-cors", "put-bucket-lifecycle-configuration", "delete-bucket", "wait",
        )
    ),
    *(
        f"iam {command}"
        for command in (
            "create-role", "get-role", "attach-role-policy", "put-role-policy", "get-role-policy", "list-role-policies",
            "list-attached-role-policies", "update-assume-role-policy", "tag-role", "delete-role-policy",
            "detach-role-policy", "delete-role",
        )
    ),
    "sts get-caller-identity",
    "sts assume-role",
]  # fmt: skip

FILES = [
    Row("aws s3 mb s3://{b}", lambda out: out.startswith("make_bucket: cli-")),
    Row("aws s3 ls", lambda out: " cli-" in out),
    Row("aws s3 cp --no-progress one.txt s3://{b}/in/one.txt", lambda out: out.startswith("upload: ")),
    Row("aws s3 cp s3://{b}/in/one.txt -", lambda out: out == "one"),
    Row("aws s3 cp --no-progress --recursive folder s3://{b}/many/ --exclude '*' --include '*.txt'",
        lambda out: out.count("upload: ") == 2),  # fmt: skip
    Row("aws s3 ls s3://{b}", lambda out: out.split() == ["PRE", "in/", "PRE", "many/"]),
    Row("aws s3 ls --recursive --human-readable --summarize s3://{b}",
        lambda out: "3 Bytes in/one.txt" in out and "Total Objects: 3" in out),  # fmt: skip
    Row("aws s3 mv --no-progress s3://{b}/many/a.txt s3://{b}/moved.txt", lambda out: out.startswith("move: ")),
    Row("aws s3 sync --no-progress folder s3://{b}/synced", lambda out: out.count("upload: ") == 3),
    Row("aws s3 sync --no-progress folder s3://{b}/synced", lambda out: out == ""),
    Row("aws s3 sync --no-progress --delete empty s3://{b}/synced", lambda out: out.count("delete: ") == 3),
    Row("aws s3 sync --no-progress s3://{b}/many back", lambda out: out.count("download: ") == 1),
    Row("aws s3 website s3://{b} --index-document index.html --error-document error.html"),
    Row(
        "aws s3api get-bucket-website --bucket {b}",
        lambda out: out == {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}},
    ),
    Row("aws s3 presign s3://{b}/in/one.txt --expires-in 60", lambda link: fetched(link) == b"one"),
    Row("aws s3 rm s3://{b}/moved.txt", lambda out: out.startswith("delete: ")),
    Row("aws s3 rm --recursive s3://{b}/many", lambda out: out.count("delete: ") == 1),
    Row("aws s3 rb --force s3://{b}", lambda out: "remove_bucket: cli-" in out),
    Row("aws s3 ls s3://{b}", error="(NoSuchBucket)"),
    Row("aws s3api head-bucket --bucket {b}", error="(404) when calling the HeadBucket operation: Not Found"),
    Row("aws s3api create-bucket --bucket {b} --create-bucket-configuration LocationConstraint=us-east-1",
        error="(InvalidLocationConstraint)"),  # fmt: skip
]

OBJECTS = [
    Row("aws s3api create-bucket --bucket {b} --region eu-west-1 "
        "--create-bucket-configuration LocationConstraint=eu-west-1", lambda out: "cli-" in out["Location"]),  # fmt: skip
    Row("aws s3api wait bucket-exists --bucket {b}"),
    Row("aws s3api head-bucket --bucket {b}"),
    Row("aws s3api list-buckets --query 'Buckets[].Name' --output text", lambda out: "cli-" in out),
    Row("aws s3api get-bucket-location --bucket {b}", lambda out: out == {"LocationConstraint": "eu-west-1"}),
    Row("aws s3api put-bucket-versioning --bucket {b} --versioning-configuration Status=Enabled"),
    Row(
        "aws s3api put-object --bucket {b} --key k --body one.txt --metadata a=b --content-type text/plain",
        lambda out: out["ETag"] == '"f97c5d29941bfb1b2fdab0874906ab82"' and out["VersionId"],
    ),
    Row("aws s3api wait object-exists --bucket {b} --key k"),
    Row(
        "aws s3api head-object --bucket {b} --key k",
        lambda out: (out["ContentLength"], out["ContentType"], out["Metadata"]) == (3, "text/plain", {"a": "b"}),
    ),
    Row("aws s3api get-object --bucket {b} --key k --range bytes=1-1 part.txt",
        lambda out: out["ContentRange"] == "bytes 1-1/3"),  # fmt: skip
    Row("aws s3api copy-object --bucket {b} --key copy --copy-source {b}/k", lambda out: out["CopyObjectResult"]["ETag"]),
    Row("aws s3api list-objects --bucket {b} --query 'Contents[].Key' --output text", lambda out: out == "copy\tk\n"),
    Row("aws s3api list-objects-v2 --bucket {b} --max-items 1 --query 'Contents[].Key'", lambda out: out == ["copy"]),
    Row("aws s3api put-object-tagging --bucket {b} --key k --tagging 'TagSet=[{Key=a,Value=b}]'"),
    Row("aws s3api get-object-tagging --bucket {b} --key k", lambda out: out["TagSet"] == [{"Key": "a", "Value": "b"}]),
    Row("aws s3api put-bucket-tagging --bucket {b} --tagging 'TagSet=[{Key=team,Value=c}]'"),
    Row("aws s3api get-bucket-tagging --bucket {b} --output text", lambda out: out == "TAGSET\tteam\tc\n"),
    Row("aws s3api put-bucket-policy --bucket {b} --policy file://bucket-policy.json"),
    Row("aws s3api get-bucket-policy --bucket {b} --query Policy --output text",
        lambda out: out["Statement"][0]["Action"] == "s3:PutObject"),  # fmt: skip
    Row("aws s3api put-bucket-cors --bucket {b} "
        "--cors-configuration 'CORSRules=[{AllowedMethods=[GET],AllowedOrigins=[https://example.com]}]'"),  # fmt: skip
    Row("aws s3api get-bucket-cors --bucket {b}", lambda out: out["CORSRules"][0]["AllowedMethods"] == ["GET"]),
    Row("aws s3api put-bucket-lifecycle-configuration --bucket {b} --lifecycle-configuration "
        "'Rules=[{ID=old,Status=Enabled,Filter={Prefix=tmp/},Expiration={Days=1}}]'"),  # fmt: skip
    Row("aws s3api delete-object --bucket {b} --key k", lambda out: out["DeleteMarker"] is True),
    Row(
        "aws s3api get-object --bucket {b} --key k gone.txt",
        error="(NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
    ),
    Row("aws s3api list-object-versions --bucket {b} --prefix k",
        lambda out: (len(out["Versions"]), len(out["DeleteMarkers"])) == (1, 1)),  # fmt: skip
    Row("aws s3api delete-objects --bucket {b} --delete 'Objects=[{Key=copy}]'",
        lambda out: out["Deleted"][0]["DeleteMarker"] is True),  # fmt: skip
]  # fmt: skip

ROLES = [
    Row("aws sts get-caller-identity --query Account --output text", lambda out: out == "000000000000\n"),
    Row(
        "aws iam create-role --role-name {r} --assume-role-policy-document file://trust.json",
        lambda out: out["Role"]["Arn"].startswith("arn:aws:iam::000000000000:role/cli-")
        and out["Role"]["AssumeRolePolicyDocument"] == TRUST,
    ),
    Row("aws iam wait role-exists --role-name {r}"),
    Row("aws iam get-role --role-name {r}", lambda out: out["Role"]["AssumeRolePolicyDocument"] == TRUST),
    Row(f"aws iam attach-role-policy --role-name {{r}} --policy-arn {LOGS}"),
    Row("aws iam list-attached-role-policies --role-name {r}",
        lambda out: [policy["PolicyArn"] for policy in out["AttachedPolicies"]] == [LOGS]),  # fmt: skip
    Row("aws iam put-role-policy --role-name {r} --policy-name own --policy-document file://policy.json"),
    Row("aws iam get-role-policy --role-name {r} --policy-name own", lambda out: out["PolicyDocument"]["Statement"]),
    Row("aws iam list-role-policies --role-name {r} --output text", lambda out: "own" in out),
    Row("aws iam update-assume-role-policy --role-name {r} --policy-document file://trust.json"),
    Row("aws iam tag-role --role-name {r} --tags Key=team,Value=a"),
    Row("aws sts assume-role --role-arn arn:aws:iam::000000000000:role/{r} --role-session-name session",
        lambda out: out["Credentials"]["AccessKeyId"].startswith("ASIA")),  # fmt: skip
    Row("aws iam delete-role --role-name {r}", error="(DeleteConflict)"),
    Row("aws iam delete-role-policy --role-name {r} --policy-name own"),
    Row(f"aws iam detach-role-policy --role-name {{r}} --policy-arn {LOGS}"),
    Row("aws iam delete-role --role-name {r}"),
    Row("aws iam get-role --role-name {r}", error="(NoSuchEntity)"),
]


def fetched(link):
    return urllib.request.urlopen(link.strip(), timeout=30).read()


@pytest.fixture(scope="module", params=[1, 2], ids=["version-1", "version-2"])
def shell(hearth, tmp_path_factory, request):
    folder = tmp_path_factory.mktemp(f"cli-{request.param}")
    for name in ("folder", "empty"):
        (folder / name).mkdir()
    for name, text in {"one.txt": "one", "folder/a.txt": "a", "folder/b ü.txt": "b", "folder/c.log": "c"}.items():
        (folder / name).write_text(text)
    statement = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::nothing/*"}
    (folder / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    (folder / "trust.json").write_text(json.dumps(TRUST))
    shell = Shell(hearth.endpoint, folder, request.param)
    yield shell
    shell.close()


@pytest.fixture(scope="module")
def files(shell):
    return f"cli-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def objects(shell, client):
    name = f"cli-{uuid.uuid4().hex[:12]}"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/no/*"}
    (shell.folder / "bucket-policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    yield name
    s3 = client("s3")
    found = s3.list_object_versions(Bucket=name)
    for entry in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])
    shell(f"aws s3api delete-bucket --bucket {name}")


@pytest.fixture(scope="module")
def role(shell):
    return f"cli-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("row", FILES, ids=str)
def test_files(shell, files, row):
    row.typed(shell, b=files)


@pytest.mark.parametrize("row", OBJECTS, ids=str)
def test_objects(shell, objects, row):
    row.typed(shell, b=objects)


# Two lines need what the line before them printed.
PARTS = [
    "aws s3api create-multipart-upload --bucket {b} --key parts --query UploadId --output text",
    "aws s3api upload-part --bucket {b} --key parts --upload-id {u} --part-number 1 --body one.txt",
    "aws s3api list-parts --bucket {b} --key parts --upload-id {u} --query 'Parts[].PartNumber'",
    "aws s3api complete-multipart-upload --bucket {b} --key parts --upload-id {u} "
    "--multipart-upload 'Parts=[{PartNumber=1,ETag=f97c5d29941bfb1b2fdab0874906ab82}]'",
    "aws s3api list-multipart-uploads --bucket {b} --query 'Uploads[].Key'",
    "aws s3api abort-multipart-upload --bucket {b} --key parts --upload-id {u}",
]


def test_uploads_in_parts(shell, objects):
    def typed(line, upload=""):
        return shell(line.replace("{b}", objects).replace("{u}", upload))

    begin, part, parts, complete, uploads, abort = PARTS
    upload = typed(begin).strip()
    assert typed(part, upload)["ETag"] == '"f97c5d29941bfb1b2fdab0874906ab82"'
    assert typed(parts, upload) == [1]
    assert typed(complete, upload)["ETag"].endswith('-1"')
    other = typed(begin).strip()
    assert typed(uploads) == ["parts"]
    typed(abort, other)
    assert typed(uploads).strip() in ("null", "")


@pytest.mark.parametrize("row", ROLES, ids=str)
def test_roles_and_callers(shell, role, row):
    row.typed(shell, r=role)


def test_what_is_read_from_standard_input_is_an_object(shell, client):
    bucket = f"cli-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=bucket)
    shell(f"aws s3 cp - s3://{bucket}/typed", stdin=shell.folder / "one.txt")
    assert client("s3").get_object(Bucket=bucket, Key="typed")["Body"].read() == b"one"
    shell(f"aws s3 rb --force s3://{bucket}")


def test_nothing_that_is_typed_is_missing():
    lines = [row.line for row in [*FILES, *OBJECTS, *ROLES]] + PARTS
    found = {" ".join(shlex.split(line)[1:3]) for line in lines} | {"s3api delete-bucket"}
    assert set(TYPED) <= found, set(TYPED) - found
