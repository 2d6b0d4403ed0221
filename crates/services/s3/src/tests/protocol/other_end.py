"""botocore as the other end of S3: writes requests by its own model, and reads answers by it.

`requests` takes a list of operations, and gives for every way of filling an input what was meant and what is sent.
`answers` takes a list of answers, and gives what botocore reads in each.
"""

import base64
import datetime
import json
import pathlib
import sys
import zlib

import botocore
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.handlers import parse_get_bucket_location
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

FOLDER = pathlib.Path(botocore.__file__).parent / "data" / "s3" / "2006-03-01"
FILE = json.loads((FOLDER / "service-2.json").read_text())
FILE["shapes"].update(json.loads((FOLDER / "service-2.sdk-extras.json").read_text())["merge"]["shapes"])
MODEL = ServiceModel(FILE, "s3")

# Each: every member, another value in each. Odd: with everything that has to be escaped, and white space alone.
# Empty: texts with nothing in them, and zero. None: lists with nothing in them. Least: what is required alone.
WAYS = ["each", "odd", "empty", "none", "least"]

# A server computes these of what it gets, so one at a time is sent, and a true one.
CHECKSUMS = ["ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256"]
COMPUTED = ["ContentLength", "ContentMD5", *CHECKSUMS]

# What our shapes have no member for, and is refused: as a header, sent by itself; in a part of an upload, with it.
REFUSED = [
    "AnnotationDirective", "BucketNamespace", "ObjectLockEventHold", "ObjectLockEventHoldDurationDays",
    "ObjectLockEventHoldDurationYears",
    *(f"Checksum{kind}" for kind in ("MD5", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128")),
]

# What is no plain text in our shapes: what is sent, and what is then read.
SPECIAL = {
    "Bucket": ("bucket", "bucket"),
    "CopySource": (
        "source/a%20%C3%A9/key?versionId=version",
        {"bucket": "source", "key": "a é/key", "version_id": "version"},
    ),
    "Range": ("bytes=1-9", {"first": 1, "last": 9}),
}
ETAGS = ["ETag", "IfMatch", "IfNoneMatch", "CopySourceIfMatch", "CopySourceIfNoneMatch", "IfMatchETag"]


class Filling:
    """An input or output with a value in every member."""

    def __init__(self, operation, way):
        self.operation, self.way = operation, way

    def number(self, path):
        return zlib.crc32("/".join(path).encode())

    def structure(self, shape, path):
        filled = {}
        for name, member in shape.members.items():
            is_left_out = self.way == "least" and name not in shape.required_members
            is_header = member.serialization.get("location") == "header"
            is_refused = name in REFUSED and (is_header or "Parts" in path)
            if is_left_out or is_refused or (is_header and name in COMPUTED) or name == "BlockedEncryptionTypes":
                continue
            value = self.value(member, path + [name], name)
            if value is not None:
                filled[name] = value
        return filled

    def value(self, shape, path, name):
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, path)
        if kind == "list":
            count = {"none": 0, "empty": 1}.get(self.way, 2)
            return [self.value(shape.member, path + [str(at)], name) for at in range(count)]
        if kind == "map":
            value = self.text(path, shape.value, "header")
            return None if self.way == "none" else {"one": value, "two-three": value and value + "2"}
        if kind == "boolean":
            return self.way != "odd"
        if kind in ("integer", "long"):
            return 0 if self.way == "empty" else self.number(path) % 10_000 + 1
        if kind == "timestamp":
            noon = datetime.datetime(2020, 10, 10, 12, 10, 10, tzinfo=datetime.timezone.utc)
            return noon + datetime.timedelta(days=self.number(path) % 1_000)
        if kind == "blob":
            return b"a body"
        if len(path) == 1 and name in SPECIAL:
            return SPECIAL[name][0]
        if name in ETAGS:
            return f'"{self.number(path)}"'
        if kind == "string" and getattr(shape, "enum", None):
            return shape.enum[self.number(path) % len(shape.enum)]
        return self.text(path, shape, self.location(path))

    def location(self, path):
        member = self.operation.input_shape.members[path[0]]
        return member.serialization.get("location", "body") if len(path) < 3 else "body"

    def text(self, path, shape, location):
        text = ".".join(path)
        if self.way == "empty" and location != "uri":
            return ""
        if self.way != "odd":
            return text
        if location in ("header", "headers") or path[0].startswith("Response"):
            # Those become headers of the answer.
            return f'{text}, "q" \\ ; a=b  c%20+'
        if location == "uri":
            return f"{text}/ ?&=+%20#~'\"<é😀>//.."
        if location == "querystring":
            return f" {text}/?&=+%20#~'\"<é😀>\t\n"
        if path[-2:-1] == ["1"] or path[-1] == "1":
            return " \t\n "
        return f" \t<{text}> & \"q\" 'a' ]]> &amp; é😀\n\n "


def plain(value):
    """As our own shapes show it."""
    if isinstance(value, dict):
        return {name: plain(value) for name, value in value.items() if value is not None}
    if isinstance(value, list):
        return [plain(value) for value in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %-H:%M:%S.0 +00:00:00")
    return value.decode() if isinstance(value, bytes) else value


def meant(operation, params):
    # An empty header says as much as none; metadata, which have names of their own, may be empty.
    members = operation.input_shape.members
    is_empty_header = lambda name: params[name] == "" and members[name].serialization.get("location") == "header"
    read = plain({name: value for name, value in params.items() if not is_empty_header(name)})
    for name in ("CopySource", "Range"):
        if read.get(name) == SPECIAL[name][0]:
            read[name] = SPECIAL[name][1]
    return read


def crc(data, polynomial, bits):
    register = (1 << bits) - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (polynomial if register & 1 else 0)
    return (register ^ (1 << bits) - 1).to_bytes(bits // 8, "big")


def digest(name, body):
    import hashlib

    computed = {
        "ContentMD5": lambda: hashlib.md5(body).digest(),
        "ChecksumCRC32": lambda: zlib.crc32(body).to_bytes(4, "big"),
        "ChecksumCRC32C": lambda: crc(body, 0x82F63B78, 32),
        "ChecksumCRC64NVME": lambda: crc(body, 0x9A6C9329AC4BC9B5, 64),
        "ChecksumSHA1": lambda: hashlib.sha1(body).digest(),
        "ChecksumSHA256": lambda: hashlib.sha256(body).digest(),
    }
    return base64.b64encode(computed[name]()).decode()


def written(operation, params):
    serializer = create_serializer("rest-xml", include_validation=False)
    request = serializer.serialize_to_request(params, operation)
    prepare_request_dict(request, "http://127.0.0.1:4566")
    prepared = create_request_object(request).prepare()
    body = prepared.body or b""
    return prepared, body.encode() if isinstance(body, str) else bytes(body)


def request(operation, way, params):
    prepared, body = written(operation, params)
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    return {
        "operation": operation.name,
        "way": way,
        "meant": meant(operation, params),
        "line": f"{prepared.method} {prepared.url.removeprefix('http://127.0.0.1:4566')}",
        "headers": [[name, text(value)] for name, value in prepared.headers.items()],
        "body": body.decode(),
    }


def requests(names):
    for name in names:
        operation = MODEL.operation_model(name)
        for way in WAYS:
            params = Filling(operation, way).structure(operation.input_shape, [])
            yield request(operation, way, with_digest(operation, params, "ContentMD5"))
        for refused in REFUSED:
            member = operation.input_shape.members.get(refused)
            if member is not None:
                params = Filling(operation, "least").structure(operation.input_shape, [])
                params[refused] = Filling(operation, "each").value(member, [refused], refused)
                yield request(operation, "refused", params)
        for checksum in CHECKSUMS:
            params = Filling(operation, "each").structure(operation.input_shape, [])
            if checksum in operation.input_shape.members:
                if "ChecksumAlgorithm" in operation.input_shape.members:
                    params["ChecksumAlgorithm"] = checksum.removeprefix("Checksum")
                yield request(operation, checksum, with_digest(operation, params, checksum))


def with_digest(operation, params, name):
    """Digests are of the body, which is known once it is written; an upload's checksum is of the whole object."""
    _, body = written(operation, params)
    if name in operation.input_shape.members:
        params[name] = digest(name, b"an object" if operation.name == "CompleteMultipartUpload" else body)
    if "ContentLength" in operation.input_shape.members:
        params["ContentLength"] = len(body)
    return params


def members(shape, path=()):
    """Every member of an output, by its path, and whether it is a header."""
    for name, member in shape.members.items() if shape else ():
        yield from leaves(member, path + (name,))


def leaves(shape, path):
    while shape.type_name == "list":
        shape, path = shape.member, path + ("*",)
    if shape.type_name == "structure" and path.count(path[-1]) < 2:
        yield from members(shape, path)
    else:
        yield path


def outputs(names):
    for name in names:
        shape = MODEL.operation_model(name).output_shape
        located = shape.members.items() if shape else ()
        yield {
            "operation": name,
            "members": [list(path) for path in members(shape)],
            "headers": [name for name, member in located if "location" in member.serialization],
        }


def answers(given):
    parser = create_parser("rest-xml")
    for answer in given:
        operation = MODEL.operation_model(answer["operation"])
        response = {
            "status_code": answer["status"],
            "headers": botocore.compat.HTTPHeaders.from_pairs(answer["headers"]),
            "body": answer["body"].encode(),
        }
        parsed = parser.parse(response, operation.output_shape)
        if operation.name == "GetBucketLocation":
            # The model does not tell this answer's only element; botocore's own handler does.
            parse_get_bucket_location(parsed, type("Reply", (), {"content": response["body"], "raw": True}))
        yield plain(parsed)


if __name__ == "__main__":
    does = {"requests": requests, "outputs": outputs, "answers": answers}[sys.argv[1]]
    json.dump(list(does(json.load(sys.stdin))), sys.stdout)
