# Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
"""What only some invocations of a Python function need: errors, logging, unusual JSON, a client's context.

Loaded by `bootstrap.py` when first used, so that a cold start does not pay for it. `to_json` is put here by it.
"""

import os
import sys
import time
import traceback

NO_BREAK_SPACE = "\u00a0"
W3C_FIELDS = ("traceparent", "tracestate", "baggage")
AS_JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def report_fault(fault, invoke_id):
    """Logs a failure that the platform names itself; answers its JSON."""
    return _report(fault.msg, fault.exception_type, fault.trace, invoke_id)


def report_exception(exc_info, invoke_id):
    """Logs an exception of the function; answers its JSON."""
    kind, value, trace = exc_info
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in traceback.extract_tb(trace)]
    for index, frame in enumerate(frames):
        if "/bootstrap.py" not in frame[0]:
            frames = frames[index:]
            break
    if invoke_id is None:
        frames = _import_frame(frames) + frames
    return _report(str(value), kind.__name__, traceback.format_list(frames), invoke_id)


def _import_frame(frames):
    """The frame of `importlib.import_module`, which AWS's client calls and ours does without."""
    if not frames or frames[0][2] != "_gcd_import":
        return []
    import importlib
    import linecache

    for number, line in enumerate(linecache.getlines(importlib.__file__), 1):
        if line.strip().startswith("return _bootstrap._gcd_import("):
            return [(importlib.__file__, number, "import_module", line.strip())]
    return []


def _report(message, kind, trace, invoke_id):
    error = {
        "errorMessage": message or "",
        "errorType": kind or "",
        "requestId": invoke_id or "",
        "stackTrace": trace or [],
    }
    if AS_JSON:
        sys.stdout.write(to_json(dict({"timestamp": _timestamp(time.time()), "level": "ERROR"}, **error)) + "\n")
    else:
        sys.stdout.write("\r".join(_lines(message, kind, trace)) + "\n")
    # A message may hold lone surrogates, which UTF-8 cannot carry.
    return to_json(error).encode("utf-8", "backslashreplace")


def _timestamp(seconds):
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)), seconds % 1 * 1000)


def _lines(message, kind, trace):
    """An error as AWS's client writes it in the text format."""
    lines = ["[ERROR]"]
    if kind:
        lines[0] += " " + kind
    if message:
        lines[0] += (":" if kind else "") + " " + message
    lines.append("Traceback (most recent call last):")
    for element in trace or []:
        for line in element.splitlines() if element else [""]:
            text = line.lstrip(" ")
            lines.append(NO_BREAK_SPACE * (len(line) - len(text)) + text)
    return lines


def configure_logging(logging, state):
    """AWS's root handler: one line an event, with the request id of the invocation that runs. The format and the level
    are the function's `LoggingConfig`, which comes as variables."""

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record))

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = state.request_id or ""
            record.tenant_id = state.tenant_id
            return True

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            return to_json(_event(logging, record)) + "\n"

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(JsonFormatter() if AS_JSON else logging.Formatter(text, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)


def _event(logging, record):
    """A record in the JSON format; what the caller gave as `extra` is in it too."""
    level = min(50, max(0, record.levelno)) // 10 * 10
    kind, error, trace = record.exc_info or (None, None, None)
    event = {
        "timestamp": _timestamp(record.created),
        "level": logging.getLevelName(level),
        "message": record.getMessage(),
        "logger": record.name,
        "stackTrace": traceback.format_tb(trace) if kind else None,
        "errorType": kind.__name__ if kind else None,
        "errorMessage": str(error) if kind else None,
        "requestId": record.aws_request_id,
        "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if kind else None,
        "tenantId": record.tenant_id,
    }
    own = set(logging.makeLogRecord({}).__dict__) | set(event) | {"aws_request_id", "tenant_id"}
    event.update((name, value) for name, value in record.__dict__.items() if name not in own)
    return {name: value for name, value in event.items() if value is not None}


def context_members(context):
    names = (
        "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
        "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
    )
    return ",".join(["%s=%s" % (name, getattr(context, name)) for name in names])


class ClientContext(object):
    __slots__ = ["custom", "env", "client"]

    def __repr__(self):
        return "ClientContext([custom=%s,env=%s,client=%s])" % (self.custom, self.env, self.client)


class Client(object):
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __repr__(self):
        return "Client([" + ",".join(["%s=%s" % (name, getattr(self, name)) for name in self.__slots__]) + "])"


def client_context(fields):
    """The caller's context as objects, and the trace fields that travel in it."""
    trace = fields.pop("w3c", None)
    trace = trace if isinstance(trace, dict) else {}
    trace = {name: trace[name] for name in W3C_FIELDS if isinstance(trace.get(name), str)}
    context = _filled(ClientContext, fields)
    if context.client is not None:
        context.client = _filled(Client, context.client)
    return context, trace


def _filled(kind, fields):
    made = kind()
    for name in kind.__slots__:
        setattr(made, name, fields.get(name))
    return made


def encode(value, text, _parents=()):
    """JSON as AWS's encoder writes it where the interpreter's differs: Decimal, named tuples, bytes as keys."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return text(str(value, "utf-8"))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if _is_decimal(value):
        return "NaN" if value.is_nan() else str(value)
    if id(value) in _parents:
        raise ValueError("Circular reference detected")
    parents = _parents + (id(value),)
    if hasattr(value, "_asdict") and isinstance(value, tuple):
        value = value._asdict()
    if isinstance(value, dict):
        members = [text(_key(key)) + ": " + encode(item, text, parents) for key, item in value.items()]
        return "{" + ", ".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([encode(item, text, parents) for item in value]) + "]"
    raise TypeError("Object of type " + type(value).__name__ + " is not JSON serializable")


def _is_decimal(value):
    decimal = sys.modules.get("decimal")
    return decimal is not None and isinstance(value, decimal.Decimal)


def _key(key):
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return str(key, "utf-8")
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return _float(key)
    raise TypeError("keys must be str, int, float, bool or None, not " + type(key).__name__)


def _float(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)
