//! The Runtime API as a runtime sees it: every state, header and body of `spec/runtime-api.md` section 2.

use serde_json::{Value, json};

use super::support::{Host, Outcome};

/// A runtime in Python that does what a test says between the event and its answer.
const CLIENT: &str = r#"#!/usr/bin/python3
import base64, http.client, json, os, socket, sys
API = os.environ['AWS_LAMBDA_RUNTIME_API']
def ask(method, path, body=None, headers={}):
    client = http.client.HTTPConnection(API, timeout=20)
    client.request(method, '/2018-06-01/' + path, body, headers)
    answer = client.getresponse()
    return [answer.status, answer.read().decode(), answer.headers['content-type']], answer.headers
def next():
    answer, headers = ask('GET', 'runtime/invocation/next')
    return headers['lambda-runtime-aws-request-id'], answer, headers
def post(id, what, body, headers={}):
    return ask('POST', 'runtime/invocation/' + id + '/' + what, body, headers)[0]
def raw(data, half=False):
    one = socket.create_connection(API.split(':'), 5)
    one.settimeout(5)
    one.sendall(data)
    if half: one.shutdown(socket.SHUT_WR)
    return one
def read(one):
    data = b''
    while piece := one.recv(65536):
        data += piece
    return data.decode()
"#;

/// What the caller gets when the runtime does this, then once more for an event that is answered with `seen`.
async fn run(script: &str) -> Option<(Outcome, Value)> {
    let host = Host::start().await?;
    let rest =
        "\nwhile True:\n    id, answer, headers = next()\n    post(id, 'response', json.dumps(seen))\n";
    let script = format!("{CLIENT}{script}{rest}");
    let id = host.begin(host.provided(&[("bootstrap", &script)], &[])).await;
    let outcome = host.outcome(id, r#"{"first": 1}"#).await;
    let seen = host.outcome(id, "{}").await;
    host.end().await;
    let seen = serde_json::from_str(&seen.payload).unwrap_or_else(|_| panic!("not JSON: {seen:?}"));
    Some((outcome, seen))
}

fn refused(from: &str, to: &str) -> Value {
    let text = format!(
        r#"{{"errorMessage":"State transition from {from} to {to} failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}}"#
    );
    json!([403, text, "application/json"])
}

fn accepted() -> Value {
    json!([202, "{\"status\":\"OK\"}\n", "application/json"])
}

#[tokio::test]
async fn an_event_comes_with_its_headers() {
    let script = r#"
id, answer, headers = next()
seen = [answer, sorted(name.lower() for name in headers if name.lower().startswith('lambda')), headers['lambda-runtime-invoked-function-arn'], ask('GET', 'ping')[0]]
post(id, 'response', json.dumps(headers['lambda-runtime-aws-request-id']))
"#;
    let Some((outcome, seen)) = run(script).await else { return };
    outcome.answers(&format!("\"{}\"", outcome.request));
    let wanted = json!([
        [200, r#"{"first": 1}"#, "application/json"],
        [
            "lambda-runtime-aws-request-id",
            "lambda-runtime-deadline-ms",
            "lambda-runtime-invoked-function-arn",
            "lambda-runtime-trace-id"
        ],
        "arn:aws:lambda:us-east-1:000000000000:function:f",
        [200, "pong", "text/plain; charset=utf-8"]
    ]);
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn what_may_not_come_now_is_refused_by_the_names_of_its_states() {
    let script = r#"
early = post('x', 'response', '1')
id, answer, headers = next()
running = [ask('POST', 'runtime/init/error', '{}')[0], post('x', 'response', '1'), post(id + '0', 'error', '{}'),
           next()[0] == id]
first = post(id, 'response', '"first"')
after = [post(id, 'response', '"second"'), post(id, 'error', '{}')]
other = [ask('GET', 'runtime/nothing')[0][:2], ask('POST', 'runtime/invocation/next')[0][:2]]
seen = [early, running, first, after, other]
"#;
    let Some((outcome, seen)) = run(script).await else { return };
    outcome.answers("\"first\"");
    let wrong = json!([
        400,
        r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#,
        "application/json"
    ]);
    let answered = "RuntimeResponseSentState";
    let wanted = json!([
        refused("Started", "InvocationResponse"),
        [refused("Running", "InitError"), wrong, wrong, true],
        accepted(),
        [refused(answered, "InvocationResponse"), refused(answered, "InvocationErrorResponse")],
        [[404, "404 page not found"], [405, ""]],
    ]);
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn an_error_reaches_the_caller_as_it_was_posted() {
    for body in [r#"{"errorMessage":"m","errorType":"T","stackTrace":["a"],"own":1}"#, "no JSON at all", ""] {
        let script = format!(
            "id, answer, headers = next()\nseen = post(id, 'error', {body:?}, \
             {{'Lambda-Runtime-Function-Error-Type': 'Unhandled', 'Lambda-Runtime-Function-XRay-Error-Cause': 'x' * 60000}})\n"
        );
        let Some((outcome, seen)) = run(&script).await else { return };
        outcome.fails_with(body);
        assert_eq!(seen, accepted());
    }
}

#[tokio::test]
async fn an_answer_of_any_content_type_passes_byte_for_byte() {
    let script = "id, answer, headers = next()\nseen = post(id, 'response', b'<x>\\x01', {'Content-Type': 'text/html'})\n";
    let Some((outcome, seen)) = run(script).await else { return };
    outcome.answers("<x>\u{1}");
    assert_eq!(seen, accepted());
}

/// Posts an answer by hand: `REST` is everything after the request line and `Host`.
fn by_hand(rest: &str) -> String {
    format!(
        "id, answer, headers = next()\none = raw(('POST /2018-06-01/runtime/invocation/' + id + '/response HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n').encode() + {rest})\nseen = read(one).split('\\r\\n')[0]\n"
    )
}

#[tokio::test]
async fn a_streamed_answer_is_collected() {
    let rest = r"b'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n'";
    let Some((outcome, seen)) = run(&by_hand(rest)).await else { return };
    outcome.answers("abc");
    assert_eq!(seen, "HTTP/1.1 202 Accepted");
}

#[tokio::test]
async fn an_error_in_the_trailers_takes_the_place_of_what_was_sent_before_it() {
    let rest = r#"b'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n2\r\nab\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Broken\r\nLambda-Runtime-Function-Error-Body: ' + base64.b64encode(b'{"errorType":"Function.Broken","errorMessage":"m"}') + b'\r\n\r\n'"#;
    let Some((outcome, seen)) = run(&by_hand(rest)).await else { return };
    outcome.fails_with(r#"{"errorType":"Function.Broken","errorMessage":"m"}"#);
    assert_eq!(seen, "HTTP/1.1 202 Accepted");
}

#[tokio::test]
async fn an_unknown_mode_and_an_answer_that_breaks_off_fail_the_call() {
    let failure = |kind: &str, text: &str| {
        format!(r#"{{"errorType":"{kind}","errorMessage":"RequestId: ID Error: {text}"}}"#)
    };
    let script = "id, answer, headers = next()\nseen = post(id, 'response', '1', {'Lambda-Runtime-Function-Response-Mode': 'fast'})\n";
    let Some((outcome, seen)) = run(script).await else { return };
    outcome.fails_with(&failure("Runtime.InvalidResponseModeHeader", "Invalid function response mode"));
    let text =
        r#"{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}"#;
    assert_eq!(seen, json!([400, text, "application/json"]));

    let rest = r"b'Content-Length: 9\r\n\r\nshort'";
    let broken = by_hand(rest).replace("seen = read(one)", "one.close()\nseen = ''");
    let Some((outcome, _)) = run(&broken).await else { return };
    outcome.fails_with(&failure("Runtime.TruncatedResponse", "HTTP request detected as truncated"));
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_runtime_goes_on() {
    for what in ["response", "error"] {
        let script = format!("id, answer, headers = next()\nseen = post(id, '{what}', b'x' * 6291557)\n");
        let Some((outcome, seen)) = run(&script).await else { return };
        outcome.fails_with(
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#,
        );
        let text = r#"{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}"#;
        assert_eq!(seen, json!([413, text, "application/json"]));
    }
}

#[tokio::test]
async fn old_and_hasty_clients_are_served() {
    // HTTP/1.0, two requests in one packet, and names of headers in any case.
    let script = r#"
id, answer, headers = next()
old = read(raw(b'GET /2018-06-01/ping HTTP/1.0\r\n\r\n')).split('\r\n')[0]
ping = b'GET /2018-06-01/ping HTTP/1.1\r\nHOST: x\r\n\r\n'
both = read(raw(ping + ping.replace(b'HOST: x', b'host: x\r\nconnection: close'))).count('pong')
bomb = raw(b'POST /2018-06-01/runtime/invocation/' + id.encode() + b'/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
try:
    for _ in range(4096):
        bomb.sendall(b'1;' + b'x' * 4000 + b'\r\na\r\n')
    bombed = bomb.recv(64) == b''
except OSError:
    bombed = True
seen = [old, both, bombed]
if next()[0] == id: post(id, 'response', '"late"')
"#;
    let Some((outcome, seen)) = run(script).await else { return };
    assert!(outcome.payload.contains("Runtime.TruncatedResponse"), "{outcome:?}");
    assert_eq!(seen, json!(["HTTP/1.0 200 OK", 2, true]));
}

#[tokio::test]
async fn a_failed_init_is_told_by_the_runtime() {
    let Some(host) = Host::start().await else { return };
    let script = format!(
        "{CLIENT}\nprint(ask('POST', 'runtime/init/error', '{{\"errorType\":\"T\",\"errorMessage\":\"m\"}}', \
         {{'Lambda-Runtime-Function-Error-Type': 'Runtime.NoConfig'}})[0])\n"
    );
    let id = host.begin(host.provided(&[("bootstrap", &script)], &[])).await;
    let outcome = host.outcome(id, "{}").await;
    outcome.fails_with(r#"{"errorType":"T","errorMessage":"m"}"#);
    assert!(outcome.report().ends_with("\tStatus: error\tError Type: Runtime.NoConfig"), "{}", outcome.log);
    host.end().await;
}
