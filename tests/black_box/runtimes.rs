//! Runtimes as functions find them: the SDKs beside the interpreter, and what becomes of runtimes that are not there.

use hearth_tests::{Hearth, Package, newest_node, pythons, wants_sdks};
use serde_json::json;

const BOTO3: &str = "import boto3
def handler(event, context):
    return [boto3.client('sts').get_caller_identity()['Arn'], boto3.__file__.rsplit('/site-packages/', 1)[-1]]
";

const CLIENT: &str = "const arn = async () =>
    (await new STSClient().send(new GetCallerIdentityCommand({}))).Arn;
";

#[test]
fn every_python_finds_boto3_which_calls_as_the_role_without_any_setting() {
    wants_sdks();
    let hearth = Hearth::start();
    for runtime in pythons() {
        let name = format!("sdk-{}", runtime.replace('.', "-"));
        let function = hearth.function(&name).code(BOTO3).with("Runtime", json!(runtime));
        let function = function.with("MemorySize", json!(512)).with("Timeout", json!(60)).create();
        let arn = format!("arn:aws:sts::000000000000:assumed-role/any/{name}");
        let answer = function.invoke("{}");
        assert_eq!(answer.json(), json!([arn, "boto3/__init__.py"]), "{}", answer.log);
    }
}

/// Asks the metadata endpoint as AWS's page of it shows, then with a token that is not this environment's.
const METADATA: &str = "import json, os, urllib.error, urllib.request
def ask(token):
    url = 'http://' + os.environ['AWS_LAMBDA_METADATA_API'] + '/2026-01-15/metadata/execution-environment'
    request = urllib.request.Request(url, headers={'Authorization': 'Bearer ' + token})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [json.load(answer), answer.headers['Cache-Control']]
def handler(event, context):
    token = os.environ['AWS_LAMBDA_METADATA_TOKEN']
    try:
        ask(event)
    except urllib.error.HTTPError as error:
        return [token, error.code, *ask(token)]
";

#[test]
fn an_environment_is_told_its_zone_for_its_own_token_alone() {
    let hearth = Hearth::start();
    let one = hearth.function("one").code(METADATA).create().invoke(r#""of another""#).json();
    let token = one[0].clone();
    let kept = "private, max-age=43200, immutable";
    assert_eq!(one, json!([token, 401, { "AvailabilityZoneID": "use1-az1" }, kept]));
    let another = hearth.function("another").code(METADATA).create().invoke(&token.to_string()).json();
    assert_eq!((&another[1], another[0] == token), (&json!(401), false), "{another}");
}

#[test]
fn what_a_python_function_brings_wins_over_the_sdk() {
    wants_sdks();
    let hearth = Hearth::start();
    let package =
        Package::of("app.py", "import boto3\ndef handler(event, context):\n    return boto3.MINE\n");
    let package = package.file("boto3.py", "MINE = 'mine'\n");
    assert_eq!(hearth.function("own").package(&package.bytes()).create().invoke("{}").json(), json!("mine"));
}

#[test]
fn node_functions_find_the_sdks_clients_by_require_and_by_import() {
    wants_sdks();
    let hearth = Hearth::start();
    let require = format!(
        "const {{ STSClient, GetCallerIdentityCommand }} = require('@aws-sdk/client-sts');\n{CLIENT}exports.handler = arn;"
    );
    let import = format!(
        "import {{ STSClient, GetCallerIdentityCommand }} from '@aws-sdk/client-sts';\n{CLIENT}export const handler = arn;"
    );
    for (name, file, code) in [("by-require", "app.js", require), ("by-import", "app.mjs", import)] {
        let function = hearth.function(name).package(&Package::of(file, &code).bytes());
        let function = function.with("Runtime", json!(newest_node())).with("Timeout", json!(60));
        let answer = function.with("MemorySize", json!(512)).create().invoke("{}");
        let arn = format!("arn:aws:sts::000000000000:assumed-role/any/{name}");
        assert_eq!(answer.json(), json!(arn), "{}", answer.log);
    }
}

#[test]
fn what_a_node_function_brings_wins_over_the_sdk() {
    wants_sdks();
    let hearth = Hearth::start();
    for (name, file, code) in [
        ("require", "app.js", "exports.handler = async () => require('@aws-sdk/client-sts').mine;"),
        (
            "import",
            "app.mjs",
            "import sts from '@aws-sdk/client-sts'; export const handler = async () => sts.mine;",
        ),
    ] {
        let package =
            Package::of(file, code).file("node_modules/@aws-sdk/client-sts/index.js", "exports.mine = 1;");
        let function = hearth.function(name).package(&package.bytes()).with("Runtime", json!(newest_node()));
        assert_eq!(function.create().invoke("{}").json(), json!(1));
    }
}

#[test]
fn a_runtime_past_its_date_is_refused_when_asked_for() {
    let hearth = Hearth::start_with(&["--deprecated-runtimes", "refuse"]);
    let package = Package::of("index.js", "exports.handler = async () => 1;").bytes();
    let answer = hearth.function("old").package(&package).with("Runtime", json!("nodejs18.x")).try_create();
    assert_eq!(answer.status, 400);
    let text = "The runtime parameter of nodejs18.x is no longer supported for creating or updating AWS Lambda functions.";
    assert!(answer.text().contains(text), "{}", answer.text());
}
