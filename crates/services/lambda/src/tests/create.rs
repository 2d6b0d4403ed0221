use std::collections::BTreeMap;

use hearth_worker::PrepareError;

use super::*;

/// Exactly the members of a plain Zip function (`Environment` was not given).
const PENDING: [&str; 23] = [
    "FunctionName",
    "FunctionArn",
    "Runtime",
    "Role",
    "Handler",
    "CodeSize",
    "Description",
    "Timeout",
    "MemorySize",
    "LastModified",
    "CodeSha256",
    "Version",
    "TracingConfig",
    "RevisionId",
    "State",
    "StateReason",
    "StateReasonCode",
    "PackageType",
    "Architectures",
    "EphemeralStorage",
    "SnapStart",
    "RuntimeVersionConfig",
    "LoggingConfig",
];

#[tokio::test]
async fn a_new_function_is_answered_while_it_is_pending() {
    let server = Server::start();
    let answer = server.call("CreateFunction", create_request("thumbnail")).await.expect("created");
    assert_eq!(present(&answer), PENDING);
    assert_eq!(string(&answer, "FunctionArn"), "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail");
    assert_eq!(string(&answer, "State"), "Pending");
    assert_eq!(string(&answer, "StateReason"), "The function is being created.");
    assert_eq!(string(&answer, "StateReasonCode"), "Creating");
    assert_eq!(string(&answer, "Version"), "$LATEST");
    assert_eq!(string(&answer, "LastModified"), "2026-01-01T00:00:00.000+0000");
    assert_eq!(string(&answer, "CodeSha256"), "mkRVdGXvxkS3EX6T6vE8M82Vb19PEsohvVGulOqXFpo=");
    assert_eq!(member(&answer, "CodeSize"), Document::Integer(5));
    assert_eq!(string(&member(&answer, "LoggingConfig"), "LogGroup"), "/aws/lambda/thumbnail");
}

#[tokio::test]
async fn a_function_becomes_active_with_a_new_revision_id() {
    let server = Server::start();
    let created = server.call("CreateFunction", create_request("thumbnail")).await.expect("created");
    assert_eq!(server.settled("thumbnail").await, "Active");
    let active = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(string(&active, "LastUpdateStatus"), "Successful");
    assert_ne!(string(&active, "RevisionId"), string(&created, "RevisionId"));
    assert_eq!(
        (member(&active, "StateReason"), member(&active, "StateReasonCode")),
        (Document::Null, Document::Null)
    );
}

#[tokio::test]
async fn a_name_is_taken_once_in_an_account_and_a_region() {
    let server = Server::start();
    server.function("thumbnail").await;
    let again = server.call("CreateFunction", create_request("thumbnail")).await;
    is_error(again, Code::ResourceConflict, "Function already exist: thumbnail");
    server.call("CreateFunction", create_request("Thumbnail")).await.expect("the case of letters counts");
    server
        .call_as("000000000000", "CreateFunction", create_request("thumbnail"))
        .await
        .expect("another account");
}

#[tokio::test]
async fn of_two_who_create_a_name_at_the_same_time_one_wins() {
    let server = Server::start();
    let create = || server.call("CreateFunction", create_request("thumbnail"));
    let (first, second) = tokio::join!(create(), create());
    assert!(first.is_ok() != second.is_ok());
    is_error(first.and(second), Code::ResourceConflict, "Function already exist: thumbnail");
}

#[tokio::test]
async fn a_package_that_cannot_be_used_is_refused_and_nothing_is_created() {
    let cases = [
        (
            PrepareError::Bad("no end of central directory".into()),
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (PrepareError::TooLarge { limit: 262_144_000 }, "Unzipped size must be smaller than 262144000 bytes"),
    ];
    for (prepared, message) in cases {
        let server = Server::start_with(Options::default(), FakeWorker::new().prepares(Err(prepared)));
        let answer = server.call("CreateFunction", create_request("thumbnail")).await;
        is_error(answer, Code::InvalidParameterValue, message);
        assert!(server.call("GetFunction", named("thumbnail")).await.is_err());
    }
}

#[tokio::test]
async fn a_runtime_that_this_host_lacks_makes_a_failed_function_that_says_how_to_get_it() {
    let worker = FakeWorker::new().without_runtime("Install ruby3.4 with: apt install ruby");
    let server = Server::start_with(Options::default(), worker);
    let request = with(create_request("thumbnail"), "Runtime", text("ruby3.4"));
    let created = server.call("CreateFunction", request).await.expect("created, as on AWS");
    assert_eq!(string(&created, "State"), "Pending");
    assert_eq!(server.settled("thumbnail").await, "Failed");
    let failed = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(string(&failed, "StateReasonCode"), "InvalidRuntime");
    assert_eq!(string(&failed, "StateReason"), "Install ruby3.4 with: apt install ruby");
}

#[tokio::test]
async fn a_function_for_another_architecture_fails_with_a_reason() {
    let server = Server::start();
    let request = with(create_request("thumbnail"), "Architectures", Document::List(vec![text("arm64")]));
    server.call("CreateFunction", request).await.expect("created");
    assert_eq!(server.settled("thumbnail").await, "Failed");
    let failed = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert!(string(&failed, "StateReason").contains("this one is for arm64"));
}

#[tokio::test]
async fn a_function_left_pending_is_taken_up_by_the_next_start() {
    let server = Server::start();
    // Written as a server leaves it that dies between its answer and the activation.
    let owner = crate::functions::Owner { account: ACCOUNT.into(), region: "eu-west-1".into() };
    let mut function = crate::functions::Function::example("thumbnail");
    function.state = crate::functions::State::Pending;
    hearth_store::transact(&*server.store, move |tx| {
        crate::functions::insert(tx, &owner, &function, &BTreeMap::new())
    })
    .await
    .expect("written");
    let server = server.restart(FakeWorker::new());
    assert_eq!(server.settled("thumbnail").await, "Active");
}

#[tokio::test]
async fn what_is_set_comes_back_as_it_was_set() {
    let server = Server::start();
    let variables = Document::Map(vec![("EMPTY".into(), text("")), ("KEY".into(), text("värde"))]);
    let mut request = create_request("thumbnail");
    request.extend([
        ("MemorySize", Document::Integer(256)),
        ("Timeout", Document::Integer(30)),
        ("Description", text("makes small pictures")),
        ("EphemeralStorage", Document::Structure(vec![("Size", Document::Integer(1_024))])),
        ("Environment", Document::Structure(vec![("Variables", variables.clone())])),
        ("LoggingConfig", Document::Structure(vec![("LogGroup", text("/mine"))])),
    ]);
    server.call("CreateFunction", request).await.expect("created");
    let read = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(member(&read, "MemorySize"), Document::Integer(256));
    assert_eq!(member(&read, "Timeout"), Document::Integer(30));
    assert_eq!(string(&read, "Description"), "makes small pictures");
    assert_eq!(member(&member(&read, "EphemeralStorage"), "Size"), Document::Integer(1_024));
    assert_eq!(member(&member(&read, "Environment"), "Variables"), variables);
    assert_eq!(string(&member(&read, "LoggingConfig"), "LogGroup"), "/mine");
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_a_whole_function_behind() {
    use futures_util::FutureExt;
    let server = Server::start();
    // Polled once and dropped, as a front door does when the connection closes.
    let mut changes = server.store.watch(hearth_store::Key::of("lambda/function"));
    assert!(server.call("CreateFunction", create_request("thumbnail")).now_or_never().is_none());
    within("the function is written", changes.changed()).await;
    assert_eq!(server.settled("thumbnail").await, "Active");
}
