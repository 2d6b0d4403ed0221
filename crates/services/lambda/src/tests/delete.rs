use hearth_aws::names::FunctionRef;
use hearth_worker::{EnvironmentId, Reason};

use super::*;
use crate::invocation::{self, Found};
use crate::reference::Asked;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

#[tokio::test]
async fn a_deleted_function_is_gone_with_its_tags_and_its_share_of_the_code() {
    let server = Server::start();
    let tags = Document::Map(vec![("team".into(), text("pictures"))]);
    server.call("CreateFunction", with(create_request("thumbnail"), "Tags", tags)).await.expect("created");
    let answer = server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    assert_eq!(member(&answer, "StatusCode"), Document::Integer(204));
    let missing = format!("Function not found: {FN}");
    is_error(server.call("DeleteFunction", named("thumbnail")).await, Code::ResourceNotFound, &missing);

    server.function("thumbnail").await;
    let answer = server.call("GetFunction", named("thumbnail")).await.expect("created again");
    assert_eq!(member(&answer, "Tags"), Document::Null);
    let owner = crate::functions::Owner { account: ACCOUNT.into(), region: "eu-west-1".into() };
    let usage =
        hearth_store::transact_read(&*server.store, move |tx| crate::functions::code_usage(tx, &owner)).await;
    assert_eq!(usage.expect("a number"), 5);
}

#[tokio::test]
async fn a_qualifier_never_deletes_the_function() {
    let server = Server::start();
    let missing = format!("Function not found: {FN}:1");
    is_error(
        server.call("DeleteFunction", qualified("thumbnail", "1")).await,
        Code::ResourceNotFound,
        &missing,
    );
    server.function("thumbnail").await;
    let latest = "$LATEST version cannot be deleted without deleting the function.";
    is_error(
        server.call("DeleteFunction", named("thumbnail:$LATEST")).await,
        Code::InvalidParameterValue,
        latest,
    );
    let alias = "Deletion of aliases is not currently supported.";
    is_error(
        server.call("DeleteFunction", named("thumbnail:prod")).await,
        Code::InvalidParameterValue,
        alias,
    );
    server.call("DeleteFunction", qualified("thumbnail", "7")).await.expect("a version that never was");
    server.call("GetFunction", named("thumbnail")).await.expect("it is still there");
}

#[tokio::test]
async fn the_environments_of_a_deleted_function_are_stopped() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    assert_eq!(server.worker.seen().stopped, [(EnvironmentId(1), Reason::Superseded)]);
}

#[tokio::test]
async fn a_function_created_again_never_runs_in_an_environment_of_the_old_one() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.invoke("thumbnail", "1").await.expect("invoked");
    server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    let missing = format!("Function not found: {FN}:$LATEST");
    is_error(server.invoke("thumbnail", "1").await, Code::ResourceNotFound, &missing);

    let request = with(create_request("thumbnail"), "Handler", text("app.other"));
    server.call("CreateFunction", request).await.expect("created again");
    assert_eq!(server.settled("thumbnail").await, "Active");
    server.invoke("thumbnail", "2").await.expect("invoked");
    let seen = server.worker.seen();
    let handlers: Vec<_> = seen.started.iter().map(|revision| revision.handler.as_str()).collect();
    assert_eq!(handlers, ["app.handler", "app.other"]);
    assert_ne!(seen.started[0].id, seen.started[1].id);
}

#[tokio::test]
async fn a_call_that_found_its_function_just_before_the_deletion_leaves_no_environment_behind() {
    let server = Server::start();
    server.function("thumbnail").await;
    let call = call(ACCOUNT, "Invoke");
    let name = FunctionRef::parse("thumbnail").expect("a name");
    let asked = Asked::of(&call, &name, None).expect("reachable");
    let found = invocation::find_settled(&server.lambda, &asked).await.expect("it exists");
    let Found::Ready(target) = found else { panic!("it is Active") };
    server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
    let event = hearth_worker::Call {
        request_id: call.request_id,
        invoked_arn: asked.arn(),
        payload: Bytes::from_static(b"1"),
        client_context: None,
        trace_id: String::new(),
        wants_log: false,
    };
    server.lambda.scheduler.run(&target, event).await.expect("the old code runs once more");
    assert_eq!(server.worker.seen().stopped, [(EnvironmentId(1), Reason::Superseded)]);
}

#[tokio::test]
async fn a_call_that_runs_while_its_function_is_deleted_comes_to_its_end() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.worker.hold();
    let (answer, ()) = tokio::join!(server.invoke("thumbnail", "1"), async {
        server.worker.until(|seen| seen.calls.len() == 1).await;
        server.call("DeleteFunction", named("thumbnail")).await.expect("deleted");
        server.worker.release();
    });
    answer.expect("it ran to its end");
    assert_eq!(server.worker.seen().stopped, [(EnvironmentId(1), Reason::Superseded)]);
}
