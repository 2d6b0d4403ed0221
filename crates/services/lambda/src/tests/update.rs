use std::collections::BTreeSet;

use hearth_store::{BlobDigest, garbage};
use hearth_worker::{EnvironmentId, Reason};

use super::*;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

fn zip(bytes: &'static [u8]) -> Document {
    Document::Blob(Bytes::from_static(bytes))
}

fn code_request(bytes: &'static [u8]) -> Members {
    with(named("thumbnail"), "ZipFile", zip(bytes))
}

fn structure(members: impl Into<Members>) -> Document {
    Document::Structure(members.into())
}

/// Which of these packages somebody holds.
async fn held(server: &Server, packages: &[&'static [u8]]) -> Vec<bool> {
    let digests: Vec<_> = packages.iter().map(|package| BlobDigest::of(package)).collect();
    hearth_store::transact_read(&*server.store, move |tx| {
        digests.iter().map(|digest| garbage::is_held(tx, digest)).collect::<Result<Vec<_>, _>>()
    })
    .await
    .expect("read")
}

async fn code_usage(server: &Server) -> u64 {
    let owner = crate::functions::Owner { account: ACCOUNT.into(), region: "eu-west-1".into() };
    hearth_store::transact_read(&*server.store, move |tx| crate::functions::code_usage(tx, &owner))
        .await
        .expect("a number")
}

#[tokio::test]
async fn new_code_is_in_progress_then_successful_with_new_revision_ids() {
    let server = Server::start();
    server.function("thumbnail").await;
    let before = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    server.worker.hold_settling();
    let updated = server.call("UpdateFunctionCode", code_request(b"another zip")).await.expect("updated");
    assert_eq!(string(&updated, "State"), "Active");
    assert_eq!(string(&updated, "LastUpdateStatus"), "InProgress");
    assert_eq!(string(&updated, "LastUpdateStatusReason"), "The function is being created.");
    assert_eq!(string(&updated, "LastUpdateStatusReasonCode"), "Creating");
    assert_eq!(member(&updated, "CodeSize"), Document::Integer(11));
    assert_eq!(string(&updated, "CodeSha256"), BlobDigest::of(b"another zip").base64());
    assert_eq!(held(&server, &[b"a zip", b"another zip"]).await, [true, true]);

    server.worker.let_settle();
    assert_eq!(server.updated("thumbnail").await, "Successful");
    let after = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(member(&after, "LastUpdateStatusReason"), Document::Null);
    assert_eq!(member(&after, "LastUpdateStatusReasonCode"), Document::Null);
    assert_eq!(string(&after, "CodeSha256"), string(&updated, "CodeSha256"));
    let revisions: BTreeSet<_> = [&before, &updated, &after].map(|it| string(it, "RevisionId")).into();
    assert_eq!(revisions.len(), 3);
    assert_eq!(held(&server, &[b"a zip", b"another zip"]).await, [false, true]);
    assert_eq!(code_usage(&server).await, 11);
}

#[tokio::test]
async fn calls_run_the_old_code_until_the_new_is_ready_and_then_its_environments_end() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.worker.hold_settling();
    let change = with(named("thumbnail"), "Handler", text("app.other"));
    server.call("UpdateFunctionConfiguration", change).await.expect("updated");
    server.invoke("thumbnail", "2").await.expect("served by the old one");
    assert_eq!(server.worker.seen().started.len(), 1);
    assert_eq!(server.worker.seen().stopped, []);

    server.worker.let_settle();
    assert_eq!(server.updated("thumbnail").await, "Successful");
    server.worker.until(|seen| seen.stopped == [(EnvironmentId(1), Reason::Superseded)]).await;
    server.invoke("thumbnail", "3").await.expect("served by the new one");
    let handlers: Vec<_> = server.worker.seen().started.iter().map(|it| it.handler.clone()).collect();
    assert_eq!(handlers, ["app.handler", "app.other"]);
}

#[tokio::test]
async fn a_server_that_starts_in_the_middle_of_an_update_serves_the_old_code_and_ends_the_update() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.worker.hold_settling();
    let change = with(named("thumbnail"), "Handler", text("app.other"));
    server.call("UpdateFunctionConfiguration", change).await.expect("updated");
    let worker = FakeWorker::new();
    worker.hold_settling();
    let server = server.restart(worker);
    server.invoke("thumbnail", "1").await.expect("served by the old one");
    assert_eq!(server.worker.seen().started[0].handler, "app.handler");
    server.worker.let_settle();
    assert_eq!(server.updated("thumbnail").await, "Successful");
    server.worker.until(|seen| seen.stopped.len() == 1).await;
    server.invoke("thumbnail", "2").await.expect("served by the new one");
    assert_eq!(server.worker.seen().started[1].handler, "app.other");
}

#[tokio::test]
async fn an_update_that_cannot_be_made_leaves_the_function_as_it_was_and_says_why() {
    let server = Server::start();
    server.function("thumbnail").await;
    let request = with(code_request(b"for arm"), "Architectures", Document::List(vec![text("arm64")]));
    let updated = server.call("UpdateFunctionCode", request).await.expect("accepted");
    assert_eq!(member(&updated, "Architectures"), Document::List(vec![text("arm64")]));
    assert_eq!(server.updated("thumbnail").await, "Failed");
    let failed = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(string(&failed, "State"), "Active");
    assert_eq!(string(&failed, "LastUpdateStatusReasonCode"), "InvalidConfiguration");
    assert!(string(&failed, "LastUpdateStatusReason").contains("this one is for arm64"));
    assert_eq!(member(&failed, "Architectures"), Document::List(vec![text("x86_64")]));
    assert_eq!(held(&server, &[b"a zip", b"for arm"]).await, [true, false]);
    assert_eq!(code_usage(&server).await, 5);
    server.invoke("thumbnail", "1").await.expect("the old code runs");

    server.call("UpdateFunctionCode", code_request(b"better")).await.expect("updated");
    assert_eq!(server.updated("thumbnail").await, "Successful");
}

#[tokio::test]
async fn only_the_members_that_are_sent_change() {
    let server = Server::start();
    let variables = |key: &str| structure([("Variables", Document::Map(vec![(key.to_owned(), text("v"))]))]);
    let mut request = create_request("thumbnail");
    request.extend([
        ("MemorySize", Document::Integer(256)),
        ("Description", text("makes small pictures")),
        ("Environment", variables("OLD_KEY")),
        ("LoggingConfig", structure([("LogGroup", text("/mine"))])),
    ]);
    server.call("CreateFunction", request).await.expect("created");
    assert_eq!(server.settled("thumbnail").await, "Active");
    let change = |changes: Members| [named("thumbnail"), changes].concat();
    let read = async |changes: Members| {
        server.call("UpdateFunctionConfiguration", change(changes)).await.expect("updated");
        assert_eq!(server.updated("thumbnail").await, "Successful");
        server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists")
    };
    let after = read(vec![("Timeout", Document::Integer(30)), ("Environment", variables("NEW_KEY"))]).await;
    assert_eq!(member(&after, "Timeout"), Document::Integer(30));
    assert_eq!(member(&after, "MemorySize"), Document::Integer(256));
    assert_eq!(string(&after, "Description"), "makes small pictures");
    assert_eq!(member(&after, "Environment"), variables("NEW_KEY"));
    assert_eq!(string(&member(&after, "LoggingConfig"), "LogGroup"), "/mine");

    let nothing = structure([("Variables", Document::Map(vec![]))]);
    let after = read(vec![
        ("Environment", nothing),
        ("Description", text("")),
        ("LoggingConfig", structure([("LogFormat", text("Text"))])),
        ("Runtime", text("python3.13")),
        ("EphemeralStorage", structure([("Size", Document::Integer(1_024))])),
    ])
    .await;
    assert_eq!(member(&after, "Environment"), Document::Null);
    assert_eq!(string(&after, "Description"), "");
    assert_eq!(string(&member(&after, "LoggingConfig"), "LogGroup"), "/aws/lambda/thumbnail");
    assert_eq!(string(&after, "Runtime"), "python3.13");
    assert_eq!(member(&member(&after, "EphemeralStorage"), "Size"), Document::Integer(1_024));
    assert_eq!(member(&after, "Timeout"), Document::Integer(30));
}

#[tokio::test]
async fn a_function_that_is_being_made_or_changed_is_not_changed() {
    let server = Server::start();
    server.worker.hold_settling();
    server.call("CreateFunction", create_request("thumbnail")).await.expect("created");
    let requests =
        [("UpdateFunctionCode", code_request(b"2")), ("UpdateFunctionConfiguration", named("thumbnail"))];
    let pending = "The operation cannot be performed at this time. The function is currently in the following state: \
                   Pending";
    for (operation, request) in requests.clone() {
        is_error(server.call(operation, request).await, Code::ResourceConflict, pending);
    }
    server.worker.let_settle();
    assert_eq!(server.settled("thumbnail").await, "Active");
    server.worker.hold_settling();
    server.call("UpdateFunctionConfiguration", named("thumbnail")).await.expect("updated");
    let message = format!(
        "The operation cannot be performed at this time. An update is in progress for resource: {FN}"
    );
    for (operation, request) in requests {
        is_error(server.call(operation, request).await, Code::ResourceConflict, &message);
    }
    let tags = Document::Map(vec![("team".into(), text("pictures"))]);
    let tag = server.call("TagResource", vec![("Resource", text(FN)), ("Tags", tags)]).await;
    is_error(tag, Code::ResourceConflict, &message);
}

#[tokio::test]
async fn a_function_deleted_in_the_middle_of_an_update_leaves_nothing_behind() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.worker.hold_settling();
    server.call("UpdateFunctionCode", code_request(b"another zip")).await.expect("updated");
    server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    assert_eq!(held(&server, &[b"a zip", b"another zip"]).await, [false, false]);
    assert_eq!(code_usage(&server).await, 0);
    assert_eq!(server.worker.seen().stopped, [(EnvironmentId(1), Reason::Superseded)]);
    server.worker.let_settle();
    server.quiet().await;
    assert!(server.call("GetFunction", named("thumbnail")).await.is_err());
}

#[tokio::test]
async fn what_is_wrong_with_an_update_is_told_in_the_order_and_the_words_of_aws() {
    let server = Server::start();
    let missing = format!("Function not found: {FN}");
    let bad = || with(code_request(b""), "RevisionId", text("no revision"));
    is_error(server.call("UpdateFunctionCode", bad()).await, Code::ResourceNotFound, &missing);
    let nobody = server.call("UpdateFunctionConfiguration", named("thumbnail")).await;
    is_error(nobody, Code::ResourceNotFound, &missing);

    server.function("thumbnail").await;
    let revision = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API \
                    to retrieve the latest Revision Id";
    is_error(server.call("UpdateFunctionCode", bad()).await, Code::PreconditionFailed, revision);
    let invalid = |message: &'static str| (Code::InvalidParameterValue, message);
    let cases = [
        ("ZipFile", zip(b""), invalid("Uploaded file must be a non-empty zip")),
        ("ZipFile", Document::Null, invalid("Please provide a source for function code.")),
        (
            "S3ObjectStorageMode",
            text("REFERENCE"),
            invalid("S3ObjectStorageMode is not supported by Hearth yet."),
        ),
        ("Publish", Document::Bool(true), invalid("Publish is not supported by Hearth yet.")),
        (
            "ImageUri",
            text("uri"),
            invalid("Please don't provide ImageUri when updating a function with packageType Zip."),
        ),
    ];
    for (member, value, (code, message)) in cases {
        let answer = server.call("UpdateFunctionCode", with(code_request(b"2"), member, value)).await;
        is_error(answer, code, message);
    }
    let tracing = structure([("Mode", text("Active"))]);
    let cases = [
        (
            "MemorySize",
            Document::Integer(10_241),
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
        ("TracingConfig", tracing, "TracingConfig.Mode Active is not supported by Hearth yet."),
        (
            "KMSKeyArn",
            text("arn:aws:kms:eu-west-1:123456789012:key/k"),
            "KMSKeyArn is not supported by Hearth yet.",
        ),
        (
            "Runtime",
            text("nodejs12.x"),
            "The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. \
             We recommend you use a supported runtime while creating or updating functions.",
        ),
    ];
    for (member, value, message) in cases {
        let answer =
            server.call("UpdateFunctionConfiguration", with(named("thumbnail"), member, value)).await;
        is_error(answer, Code::InvalidParameterValue, message);
    }
    let version = server.call("UpdateFunctionConfiguration", named("thumbnail:1")).await;
    assert!(
        version
            .expect_err("refused")
            .message
            .starts_with("This operation is permitted on Lambda functions only.")
    );
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_and_changes_nothing() {
    let server = Server::start();
    server.function("thumbnail").await;
    let before = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    let request = with(code_request(b"another zip"), "DryRun", Document::Bool(true));
    let shown = server.call("UpdateFunctionCode", request).await.expect("a good package");
    assert_eq!(string(&shown, "CodeSha256"), BlobDigest::of(b"another zip").base64());
    let after = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(before, after);
    assert_eq!(held(&server, &[b"a zip", b"another zip"]).await, [true, false]);
}

#[tokio::test]
async fn the_right_revision_id_lets_an_update_pass_once() {
    let server = Server::start();
    server.function("thumbnail").await;
    let read = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    let request = || with(named("thumbnail"), "RevisionId", text(&string(&read, "RevisionId")));
    server.call("UpdateFunctionConfiguration", request()).await.expect("updated");
    assert_eq!(server.updated("thumbnail").await, "Successful");
    let again = server.call("UpdateFunctionConfiguration", request()).await.expect_err("it has changed");
    assert_eq!(again.code, Code::PreconditionFailed);
}
