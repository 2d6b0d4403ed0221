"""Shows Hearth at work: an unmodified AWS CLI, a real photograph in S3, one function in three languages that makes it
small, and three functions that fail.

    python demo.py HEARTH_BINARY [WARM_CALLS]

Everything lies in one temporary folder, which is gone at the end, as is the server. What is downloaded or compiled
stays in .hearth/demo.
"""

import base64
import json
import pathlib
import shutil
import statistics
import sys
import tempfile

import packages
from tools import Server, figure, indented, newest_node, newest_python, run, say, size_of_jpeg, stop

HERE = pathlib.Path(__file__).resolve().parent
ROLE = "arn:aws:iam::000000000000:role/demo"
PHOTOS, THUMBNAILS = "demo-photos", "demo-thumbnails"
KEY = "holidays/china 1.jpg"
WIDTH = 200


def s3_event(size):
    """What S3 sends when an object was put: the key is encoded as in a form."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2026-11-21T12:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:demo"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {"x-amz-request-id": "0000000000000000", "x-amz-id-2": "demo"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "demo",
                    "bucket": {
                        "name": PHOTOS,
                        "ownerIdentity": {"principalId": "demo"},
                        "arn": f"arn:aws:s3:::{PHOTOS}",
                    },
                    "object": {"key": KEY.replace(" ", "+"), "size": size, "eTag": "0", "sequencer": "00"},
                },
            }
        ]
    }


def create(server, name, runtime, handler, code, *options, memory=512, timeout=10):
    """Creates a function and waits until it is Active."""
    server.aws(
        "lambda", "create-function", "--function-name", name, "--runtime", runtime, "--role", ROLE, "--handler",
        handler, *code, "--memory-size", memory, "--timeout", timeout, *options,
    )  # fmt: skip
    server.aws("lambda", "wait", "function-active-v2", "--function-name", name)


def invoke(server, name, payload, quiet=False):
    """Invokes through the AWS CLI; gives its own answer, the function's, and the log."""
    shown = server.aws(
        "lambda", "invoke", "--function-name", name, "--log-type", "Tail", "--payload", f"fileb://{payload}",
        "answer.json", quiet=quiet,
    )  # fmt: skip
    answer = json.loads(shown)
    log = base64.b64decode(answer.pop("LogResult")).decode()
    return answer, (server.folder / "answer.json").read_text(), log


def prepare(server, photograph):
    """Two buckets, the photograph, and the event that S3 would send."""
    for bucket in (PHOTOS, THUMBNAILS):
        server.aws("s3", "mb", f"s3://{bucket}")
    say(f"china.jpg: {photograph.stat().st_size:,} bytes, {size_of_jpeg(photograph.read_bytes())} pixels")
    server.aws("s3", "cp", photograph, f"s3://{PHOTOS}/{KEY}")
    server.aws("s3", "ls", f"s3://{PHOTOS}", "--recursive")
    (server.folder / "event.json").write_text(json.dumps(s3_event(photograph.stat().st_size)))
    (server.folder / "empty.json").write_text("{}")


def thumbnail(server, name, warm_calls):
    """A cold call and some warm ones, each of which must leave a picture 200 pixels wide in the other bucket."""
    logs = []
    for number in range(1 + warm_calls):
        if number < 2:
            say("cold:" if number == 0 else f"warm, the first of {warm_calls}:")
        answer, payload, log = invoke(server, name, "event.json", quiet=number > 1)
        if answer != {"StatusCode": 200, "ExecutedVersion": "$LATEST"}:
            stop(f"{answer} {payload}\n{log}")
        logs.append(log)
        if number < 2:
            indented(f"{payload}\n{log}")
    server.aws("s3", "cp", f"s3://{THUMBNAILS}/{KEY}", f"{name}.jpg")
    small = (server.folder / f"{name}.jpg").read_bytes()
    if size_of_jpeg(small)[0] != WIDTH:
        stop(f"the thumbnail is {size_of_jpeg(small)} pixels, not {WIDTH} wide")
    say(f"{name}.jpg: {len(small):,} bytes, {size_of_jpeg(small)} pixels")
    server.aws("s3", "rm", f"s3://{THUMBNAILS}/{KEY}")
    tail = server.tail(f"/aws/lambda/{name}", 1 + warm_calls)
    indented("\n".join(tail.splitlines()[-8:]))
    return logs


def in_python(server, runtime, warm_calls):
    """The SDK comes with the runtime, Pillow with a layer."""
    version = runtime.removeprefix("python")
    layer = json.loads(
        server.aws(
            "lambda", "publish-layer-version", "--layer-name", "pillow", "--compatible-runtimes", runtime,
            "--zip-file", f"fileb://{packages.pillow_layer(version)}",
        )  # fmt: skip
    )
    create(
        server, "thumbnail", runtime, "thumbnail.handler",
        ("--zip-file", f"fileb://{packages.python_function()}"), "--layers", layer["LayerVersionArn"],
        "--environment", f"Variables={{TARGET_BUCKET={THUMBNAILS}}}",
    )  # fmt: skip
    return thumbnail(server, "thumbnail", warm_calls)


def from_s3(server, name, package, runtime, handler, warm_calls):
    """The package is uploaded to S3 first, as those that are too large for a request have to be."""
    server.aws("s3", "cp", package, f"s3://{PHOTOS}/code/{name}.zip")
    create(
        server, name, runtime, handler, ("--code", f"S3Bucket={PHOTOS},S3Key=code/{name}.zip"),
        "--environment", f"Variables={{TARGET_BUCKET={THUMBNAILS}}}",
    )  # fmt: skip
    return thumbnail(server, name, warm_calls)


def table(calls):
    """Init and handler times as the REPORT lines give them."""
    print()
    print(f"          {'':<12}{'cold: init':>14}{'handler':>12}{'warm: fastest':>16}{'median':>12}{'slowest':>12}")
    for language, logs in calls.items():
        cold, warm = logs[0], [figure(log, "Duration") for log in logs[1:]]
        times = [figure(cold, "Init Duration") or 0, figure(cold, "Duration"), min(warm)]
        times += [statistics.median(warm), max(warm)]
        cells = (f"{time:>{width - 3}.2f} ms" for time, width in zip(times, (14, 12, 16, 12, 12), strict=True))
        print(f"          {language:<12}{''.join(cells)}")
    print(flush=True)


def failures(server, runtime):
    wanted = {"raises": "ValueError", "sleeps": "Sandbox.Timedout", "eats": "Runtime.OutOfMemory"}
    for name, error_type in wanted.items():
        package = server.folder / f"{name}.zip"
        run("python3", "-m", "zipfile", "-c", package, f"{name}.py", cwd=HERE / "functions")
        code = ("--zip-file", f"fileb://{package}")
        create(server, name, runtime, f"{name}.handler", code, memory=128, timeout=3)
        answer, payload, log = invoke(server, name, "empty.json")
        indented(f"{json.dumps(answer)}\n{payload}\n{log}")
        if answer.get("FunctionError") != "Unhandled" or json.loads(payload)["errorType"] != error_type:
            stop(f"{error_type} was expected")


def main():
    binary, warm_calls = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-demo-"))
    server = None
    try:
        photograph = packages.photograph()
        server = Server(binary, folder)
        prepare(server, photograph)
        python, node = newest_python(binary), newest_node(binary)
        calls = {"Python": in_python(server, python, warm_calls)}
        package = packages.node_function()
        calls["Node.js"] = from_s3(server, "thumbnail-node", package, node, "index.handler", warm_calls)
        package = packages.rust_function()
        runtime = "provided.al2023"
        calls["Rust"] = from_s3(server, "thumbnail-rust", package, runtime, "bootstrap", warm_calls)
        failures(server, python)
        table(calls)
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)
    say("done: the server has ended and its folder is gone")


if __name__ == "__main__":
    main()
