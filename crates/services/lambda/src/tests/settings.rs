//! Recursion, runtime management, code signing, and the dates of runtimes.

use hearth_world::Timestamp;

use super::*;
use crate::Deprecated;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

#[tokio::test]
async fn a_function_that_calls_itself_is_stopped_unless_it_is_allowed_to_go_on() {
    let server = Server::start();
    server.function("thumbnail").await;
    let read = async || {
        let answer = server.call("GetFunctionRecursionConfig", named("thumbnail")).await.expect("an answer");
        string(&answer, "RecursiveLoop")
    };
    let put = |value| with(named("thumbnail"), "RecursiveLoop", text(value));
    assert_eq!(read().await, "Terminate");
    let answer = server.call("PutFunctionRecursionConfig", put("Allow")).await.expect("put");
    assert_eq!((string(&answer, "RecursiveLoop"), read().await), ("Allow".into(), "Allow".into()));
    server.call("PutFunctionRecursionConfig", put("Terminate")).await.expect("put");
    assert_eq!(read().await, "Terminate");

    server.call("PutFunctionRecursionConfig", put("Allow")).await.expect("put");
    server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    for (operation, request) in
        [("GetFunctionRecursionConfig", named("thumbnail")), ("PutFunctionRecursionConfig", put("Allow"))]
    {
        let answer = server.call(operation, request).await;
        is_error(answer, Code::ResourceNotFound, &format!("Function not found: {FN}"));
    }
    server.function("thumbnail").await;
    assert_eq!(read().await, "Terminate", "a new function of the name is another one");
}

#[tokio::test]
async fn every_function_gets_the_runtime_of_the_host_and_no_other_mode() {
    let server = Server::start();
    server.function("thumbnail").await;
    let get = "GetRuntimeManagementConfig";
    let answer = server.call(get, named("thumbnail")).await.expect("an answer");
    assert_eq!(string(&answer, "UpdateRuntimeOn"), "Auto");
    assert_eq!(string(&answer, "FunctionArn"), format!("{FN}:$LATEST"));
    assert_eq!(present(&answer).len(), 2);
    let missing = server.call(get, qualified("thumbnail", "7")).await;
    is_error(missing, Code::ResourceNotFound, &format!("Function not found: {FN}:7"));

    let put = |mode| with(named("thumbnail"), "UpdateRuntimeOn", text(mode));
    let answer = server.call("PutRuntimeManagementConfig", put("Auto")).await.expect("what it is");
    assert_eq!(string(&answer, "UpdateRuntimeOn"), "Auto");
    let arn = text("arn:aws:lambda:eu-west-1::runtime:x");
    let cases = [
        (put("FunctionUpdate"), "UpdateRuntimeOn FunctionUpdate is not supported by Hearth yet."),
        (put("Manual"), "RuntimeVersionArn is needed when UpdateRuntimeOn is Manual."),
        (
            with(put("Manual"), "RuntimeVersionArn", arn.clone()),
            "UpdateRuntimeOn Manual is not supported by Hearth yet.",
        ),
        (
            with(put("Auto"), "RuntimeVersionArn", arn),
            "RuntimeVersionArn is given only when UpdateRuntimeOn is Manual.",
        ),
    ];
    for (request, message) in cases {
        let answer = server.call("PutRuntimeManagementConfig", request).await;
        is_error(answer, Code::InvalidParameterValue, message);
    }
}

#[tokio::test]
async fn no_code_signing_configuration_is_found() {
    let server = Server::start();
    server.function("thumbnail").await;
    const CONFIG: &str = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0";
    let listed = server.call("ListCodeSigningConfigs", []).await.expect("a list");
    assert_eq!(member(&listed, "CodeSigningConfigs"), Document::List(vec![]));
    let config = || vec![("CodeSigningConfigArn", text(CONFIG))];
    for operation in ["GetCodeSigningConfig", "DeleteCodeSigningConfig", "ListFunctionsByCodeSigningConfig"] {
        let message = format!("The Lambda code signing configuration {CONFIG} can not be found.");
        is_error(server.call(operation, config()).await, Code::ResourceNotFound, &message);
    }
    let put = server.call("PutFunctionCodeSigningConfig", [config(), named("nobody")].concat()).await;
    let message = format!(
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {CONFIG}."
    );
    is_error(put, Code::CodeSigningConfigNotFound, &message);
    server.call("DeleteFunctionCodeSigningConfig", named("thumbnail")).await.expect("nothing to take away");
    let nobody = server.call("DeleteFunctionCodeSigningConfig", named("nobody")).await;
    assert_eq!(nobody.expect_err("no such function").code, Code::ResourceNotFound);
}

const DAY_MICROS: i64 = 86_400 * 1_000_000;

/// In days since 1970, AWS's date for changes of functions with Python 3.9.
const BLOCKED_DAY: i64 = 20_726; // 2026-09-30

#[tokio::test]
async fn functions_of_a_runtime_past_its_date_are_changed_only_to_have_another_one() {
    let options = Options { deprecated_runtimes: Deprecated::Refuse, ..Options::default() };
    let server = Server::start_with(options, FakeWorker::new());
    let until = |day: i64| {
        let clock = server.world.domain();
        clock.advance(Timestamp::from_micros(day * DAY_MICROS).since(clock.now()));
    };
    until(BLOCKED_DAY - 200);
    let request = with(create_request("thumbnail"), "Runtime", text("python3.9"));
    server.call("CreateFunction", request).await.expect("before the date");
    assert_eq!(server.settled("thumbnail").await, "Active");
    until(BLOCKED_DAY);
    let message = "The runtime parameter of python3.9 is no longer supported for creating or updating AWS Lambda \
                   functions. We recommend you use a supported runtime while creating or updating functions.";
    let refused = [
        ("UpdateFunctionConfiguration", with(named("thumbnail"), "MemorySize", Document::Integer(256))),
        ("UpdateFunctionConfiguration", with(named("thumbnail"), "Runtime", text("python3.9"))),
        ("UpdateFunctionCode", with(named("thumbnail"), "ZipFile", Document::Blob(Bytes::from_static(b"2")))),
    ];
    for (operation, request) in refused {
        is_error(server.call(operation, request).await, Code::InvalidParameterValue, message);
    }
    server.invoke("thumbnail", "1").await.expect("it still runs");
    let other = with(named("thumbnail"), "Runtime", text("python3.12"));
    server.call("UpdateFunctionConfiguration", other).await.expect("to a runtime that goes on");
    assert_eq!(server.updated("thumbnail").await, "Successful");
    let code = with(named("thumbnail"), "ZipFile", Document::Blob(Bytes::from_static(b"2")));
    server.call("UpdateFunctionCode", code).await.expect("its runtime is a good one now");
}
