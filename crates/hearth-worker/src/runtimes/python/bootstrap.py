# Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
"""Runs a Python function: finds its handler, then answers one event after the other.

It behaves as AWS's runtime client for Python does, and talks to the platform over inherited pipes, not by HTTP.

A cold start pays for each module imported (`os` 1.5 ms, `json` 10): what few calls need is in `hearth_runtime.py`.

A frame on the socket is two 32-bit little-endian numbers, kind and length, then that many bytes. From the
platform it is an event, whose kind is the length of its leading fields (NUL between them); the payload follows.
"""

import _frozen_importlib
import _json
import builtins
import posix
import sys
import time

EVENTS, ANSWERS = 3, 4  # the two pipes of the channel
READY, RESPONSE, ERROR, INIT_ERROR, TOO_LARGE = 1, 2, 3, 4, 5
READ_SIZE = 65536
RESPONSE_BYTES_MAX = 6291556
TASK_ROOT = str(posix.environ.get(b"LAMBDA_TASK_ROOT", b"/var/task"), "utf-8", "surrogateescape")
RUNTIME_DIR = str(posix.environ.get(b"LAMBDA_RUNTIME_DIR", b"/var/runtime"), "utf-8", "surrogateescape")


class FaultException(Exception):
    """A failure that the platform names itself: `Runtime.ImportModuleError` and the like."""

    def __init__(self, exception_type, msg, trace=None):
        self.exception_type = exception_type
        self.msg = msg
        self.trace = trace


# --- The event and the answer as JSON -------------------------------------------------------------------------


class _ScannerOptions:
    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo = {}


_scan = _json.make_scanner(_ScannerOptions)
# From 3.12 on answers keep their characters; before, everything beyond ASCII is escaped.
_ENSURE_ASCII = sys.version_info < (3, 12)
_encode_text = _json.encode_basestring_ascii if _ENSURE_ASCII else _json.encode_basestring


def from_json(data):
    text = str(data, "utf-8")
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    # White space around the value, or no JSON at all: the library decides and words the error.
    import json

    return json.loads(text)


class _Unusual(Exception):
    """The value holds something that the interpreter's own encoder writes otherwise than AWS's."""


def _encode_other(value):
    if isinstance(value, bytes):
        return str(value, "utf-8")
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        raise _Unusual
    raise TypeError("Object of type " + type(value).__name__ + " is not JSON serializable")


def to_json(value):
    kind = type(value)
    if value is None:
        return "null"
    if kind is str:
        return _encode_text(value)
    encode = _json.make_encoder({}, _encode_other, _encode_text, None, ": ", ", ", False, False, True)
    try:
        if "collections" not in sys.modules or not _has_named_tuple(value):
            return "".join(encode(value, 0))
    except _Unusual:
        pass
    except TypeError as error:
        if "keys must be" not in str(error):
            raise
    return _cold().encode(value, _encode_text)


def _has_named_tuple(value):
    pending = [value]
    seen = 0
    while pending:
        value = pending.pop()
        seen += 1
        if isinstance(value, dict):
            children = value.values()
        elif isinstance(value, (list, tuple)):
            if hasattr(value, "_asdict"):
                return True
            children = value
        else:
            continue
        if seen > 1000000:
            return False  # circular, or too large to look through: the encoder decides
        pending.extend([child for child in children if isinstance(child, (dict, list, tuple))])
    return False


# --- What the handler sees ------------------------------------------------------------------------------------


class LambdaContext(object):
    def __init__(self, invoke_id, deadline_ms, invoked_function_arn, tenant_id, identity, client_context):
        variables = posix.environ
        self.aws_request_id = invoke_id
        self.log_group_name = _variable(variables, b"AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = _variable(variables, b"AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = _variable(variables, b"AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = _variable(variables, b"AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = _variable(variables, b"AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = tenant_id
        self.client_context = None
        self._w3c_fields = {}
        if client_context is not None:
            self.client_context, self._w3c_fields = _cold().client_context(client_context)
        self.identity = CognitoIdentity(identity or {})
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        remaining = self._epoch_deadline_time_in_ms - int(time.time() * 1000)
        return remaining if remaining > 0 else 0

    def w3c(self):
        """The W3C trace context of this invocation."""
        return dict(self._w3c_fields)

    def log(self, msg):
        sys.stdout.write(str(msg))

    def __repr__(self):
        return "LambdaContext([" + _cold().context_members(self) + "])"


class CognitoIdentity(object):
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, fields):
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")

    def __repr__(self):
        return "CognitoIdentity([cognito_identity_id=%s,cognito_identity_pool_id=%s])" % (
            self.cognito_identity_id, self.cognito_identity_pool_id,
        )


def _variable(variables, name):
    value = variables.get(name)
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _parse_header(text, name):
    try:
        return from_json(text)
    except Exception as error:
        raise FaultException(
            "Runtime.LambdaContextUnmarshalError", "Unable to parse {} JSON: {}".format(name, error)
        )


def _set_trace_id(trace_id):
    os = sys.modules.get("os")
    if os is not None and hasattr(os, "environ"):
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
    elif trace_id:
        # `os` reads these when it is imported.
        posix.environ[b"_X_AMZN_TRACE_ID"] = trace_id.encode()
        posix.putenv("_X_AMZN_TRACE_ID", trace_id)
    elif posix.environ.pop(b"_X_AMZN_TRACE_ID", None) is not None:
        posix.unsetenv("_X_AMZN_TRACE_ID")


class _State:
    """What the log lines of the current invocation need."""

    request_id = None
    tenant_id = None


class _ConfigureLogging:
    """Gives `logging` AWS's root handler when, and only when, somebody imports it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(_ConfigureLogging)
        library = [place for place in sys.path if place.startswith(sys.prefix)]
        spec = sys.modules["_frozen_importlib_external"].PathFinder.find_spec(name, library)
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_configure(module):
                execute(module)
                _cold().configure_logging(module, _State)

            spec.loader.exec_module = execute_and_configure
        return spec


# --- The handler ----------------------------------------------------------------------------------------------


def _get_handler(handler):
    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as error:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '{}': {}".format(handler, error))
    try:
        if modname.split(".")[0] in sys.builtin_module_names:
            raise FaultException(
                "Runtime.BuiltInModuleConflict",
                "Cannot use built-in module {} as a handler module".format(modname),
            )
        name = modname.replace("/", ".")
        if name.startswith("."):
            raise TypeError("the 'package' argument is required to perform a relative import for {!r}".format(name))
        module = _frozen_importlib._gcd_import(name)
    except ImportError as error:
        raise FaultException(
            "Runtime.ImportModuleError", "Unable to import module '{}': {}".format(modname, error)
        )
    except SyntaxError as error:
        raise FaultException(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '{}': {}".format(modname, error),
            ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)],
        )
    try:
        return getattr(module, fname)
    except AttributeError:
        raise FaultException("Runtime.HandlerNotFound", "Handler '{}' missing on module '{}'".format(fname, modname))


def _handle(request_handler, fields, payload):
    """Answers one event: the kind of the answer and its bytes."""
    try:
        invoke_id = fields[0]
        context = LambdaContext(
            invoke_id,
            int(fields[1]),
            fields[2],
            fields[4] or None,
            _parse_header(fields[5].encode(), "Cognito Identity") if fields[5] else None,
            _parse_header(fields[7].encode(), "Client Context") if fields[7] else None,
        )
        try:
            event = from_json(payload)
        except Exception as error:
            raise FaultException("Runtime.UnmarshalError", "Unable to unmarshal input: {}".format(error))
        response = request_handler(event, context)
        if isinstance(response, bytes):
            return RESPONSE, response
        try:
            return RESPONSE, to_json(response).encode("utf-8")
        except Exception as error:
            raise FaultException("Runtime.MarshalError", "Unable to marshal response: {}".format(error))
    except FaultException as fault:
        return ERROR, _cold().report_fault(fault, invoke_id)
    except Exception:
        return ERROR, _cold().report_exception(sys.exc_info(), invoke_id)


def _cold():
    """The part that few invocations need, with its way back to this one."""
    runtime = sys.modules.get("hearth_runtime")
    if runtime is None:
        finder = sys.modules["_frozen_importlib_external"].PathFinder
        spec = finder.find_spec("hearth_runtime", [RUNTIME_DIR])
        runtime = _frozen_importlib.module_from_spec(spec)
        sys.modules["hearth_runtime"] = runtime
        spec.loader.exec_module(runtime)
        runtime.to_json = to_json
    return runtime


# --- The channel ----------------------------------------------------------------------------------------------


def _send(kind, payload=b""):
    data = kind.to_bytes(4, "little") + len(payload).to_bytes(4, "little") + payload
    sent = posix.write(ANSWERS, data)
    if sent != len(data):
        rest = memoryview(data)[sent:]
        while rest:
            rest = rest[posix.write(ANSWERS, rest):]


def _receive():
    """The next event's fields and payload. Ends the process when the platform has closed the channel."""
    data = posix.read(EVENTS, READ_SIZE)
    while len(data) < 8:
        data += _more()
    fields_end = 8 + int.from_bytes(data[:4], "little")
    end = 8 + int.from_bytes(data[4:8], "little")
    if len(data) < end:
        pieces, missing = [data], end - len(data)
        while missing:
            piece = _more(missing)
            pieces.append(piece)
            missing -= len(piece)
        data = b"".join(pieces)
    return str(data[8:fields_end], "utf-8").split("\0"), data[fields_end:end]


def _more(size=READ_SIZE):
    data = posix.read(EVENTS, min(size, 1 << 20))
    if not data:
        posix._exit(0)
    return data


# --- Start ----------------------------------------------------------------------------------------------------


class _Quitter(object):
    """`exit` and `quit`, which `site` would have made."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return "Use %s() or Ctrl-D (i.e. EOF) to exit" % self.name

    def __call__(self, code=None):
        raise SystemExit(code)


def _set_search_path():
    packages = "lib/python%d.%d/site-packages" % sys.version_info[:2]
    # boto3 is in the second but last; what the function or a layer brings wins over it.
    first = [TASK_ROOT, "/opt/python/" + packages, "/opt/python", "/var/lang/" + packages, RUNTIME_DIR]
    sys.path[:] = first + [place for place in sys.path if place not in first]


def main():
    for end in (EVENTS, ANSWERS):
        posix.set_inheritable(end, False)
    if sys.version_info < (3, 12) and posix.environ.get(b"LC_CTYPE") == b"C.UTF-8":  # see `variables` in python.rs
        posix.unsetenv(posix.environ.pop(b"LC_CTYPE") and b"LC_CTYPE")
        for pair in open("/proc/self/environ", "rb").read().split(b"\0"):  # as it was given
            if pair.startswith(b"LC_CTYPE="):
                posix.putenv(b"LC_CTYPE", posix.environ.setdefault(b"LC_CTYPE", pair[9:]))
    builtins.exit, builtins.quit = _Quitter("exit"), _Quitter("quit")
    _set_search_path()
    sys.meta_path.insert(0, _ConfigureLogging)
    try:
        request_handler = _get_handler(_variable(posix.environ, b"_HANDLER") or "")
    except FaultException as fault:
        error = _cold().report_fault(fault, None)
    except Exception:
        error = _cold().report_exception(sys.exc_info(), None)
    else:
        error = None
    if error is not None:
        _send(INIT_ERROR, error)
        sys.exit(1)

    _send(READY)
    while True:
        fields, payload = _receive()
        _State.request_id = fields[0]
        _State.tenant_id = fields[4] or None
        _set_trace_id(fields[3])
        kind, answer = _handle(request_handler, fields, payload)
        del payload
        if len(answer) > RESPONSE_BYTES_MAX:
            sys.stdout.write("LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413.\n")
            kind, answer = TOO_LARGE, b""
        _send(kind | int(fields[6]) << 8, answer)
        del answer


if __name__ == "__main__":
    main()
