//! Calls that succeed, byte for byte.

use std::collections::HashMap;
use std::sync::Arc;

use super::toys::{authorization, door, form, lambda, listener, services};
use crate::client::{Client, InProcess};
use crate::credentials::{Session, Sessions};
use crate::dispatch::{AllowAll, Services};
use crate::document::Document;
use crate::front_door::{FrontDoor, Key, Options, Origin, SandboxCaller};
use crate::operation::Caller;

#[tokio::test]
async fn a_payload_comes_back_as_the_bytes_it_was() {
    let answer = lambda("POST", "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST")
        .body("{ \"a\" :1}")
        .send()
        .await;
    assert_eq!(answer, "200\ncontent-type: application/json\nx-amz-executed-version: $LATEST\n\n{ \"a\" :1}");
}

#[tokio::test]
async fn a_member_that_a_correction_adds_travels_as_the_real_service_sends_it() {
    let invoke = lambda("POST", "/2015-03-31/functions/f/invocations");
    let answer = invoke.header("x-amzn-trace-id", "Root=1-2-3").send().await;
    assert!(answer.contains("\nx-amzn-trace-id: Root=1-2-3\n"), "{answer}");
}

#[tokio::test]
async fn create_function_is_201_without_the_members_that_are_not_set() {
    let body = r#"{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"UEsDBA=="},
                  "MemorySize":256,"Unknown":{"a":[1]},"Handler":null}"#;
    let answer = lambda("POST", "/2015-03-31/functions").body(body).send().await;
    let expected = r#"{"FunctionName":"f","MemorySize":256,"CodeSize":4}"#;
    assert_eq!(answer, format!("201\ncontent-type: application/json\n\n{expected}"));
}

#[tokio::test]
async fn delete_function_is_204_without_a_body() {
    let answer = lambda("DELETE", "/2015-03-31/functions/f").send().await;
    assert_eq!(answer, "204\ncontent-type: application/json\n\n");
}

#[tokio::test]
async fn a_runtime_that_the_model_does_not_know_reaches_the_operation_which_words_it_itself() {
    let body =
        r#"{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{},"Runtime":"cobol"}"#;
    let answer = lambda("POST", "/2015-03-31/functions").body(body).send().await;
    assert!(answer.starts_with("201\n") && answer.contains(r#""Runtime":"cobol""#), "{answer}");
}

#[tokio::test]
async fn an_arn_in_the_path_and_repeated_parameters_are_decoded() {
    let path = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af?tagKeys=a+b&tagKeys=c%40d";
    let answer = lambda("DELETE", path).send().await;
    let expected = r#"{"message":"arn:aws:lambda:us-east-1:123456789012:function:f [\"a b\", \"c@d\"]"}"#;
    assert!(answer.ends_with(expected), "{answer}");
}

#[tokio::test]
async fn a_form_is_answered_in_xml() {
    let answer = form("iam", "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=a&Tags.member.1.Value=1%2B&Tags.member.2.Key=b&Tags.member.2.Value=").send().await;
    let expected = concat!(
        "200\ncontent-type: text/xml\n\n",
        r#"<CreateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateRoleResult><Role>"#,
        "<Path>/</Path><RoleName>r</RoleName><RoleId>AROA</RoleId><Arn>arn:aws:iam::000000000000:role/r</Arn>",
        "<CreateDate>2025-11-25T02:26:54Z</CreateDate><Tags><member><Key>a</Key><Value>1+</Value></member>",
        "<member><Key>b</Key><Value></Value></member></Tags></Role></CreateRoleResult>",
        "<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></CreateRoleResponse>"
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_form_may_come_as_the_query_of_a_get() {
    let sent = lambda("GET", "/?Action=GetCallerIdentity&Version=2011-06-15").unsigned();
    let answer = sent.header("authorization", &super::toys::authorization("sts")).send().await;
    assert!(answer.contains("<Arn>arn:aws:iam::000000000000:root</Arn>"), "{answer}");
}

#[tokio::test]
async fn an_access_key_of_12_digits_is_the_account() {
    let header = super::toys::authorization("sts").replace("AKID", "123456789012");
    let sent = form("sts", "Action=GetCallerIdentity&Version=2011-06-15")
        .unsigned()
        .header("authorization", &header);
    let answer = sent.send().await;
    assert!(answer.contains("<Account>123456789012</Account>"), "{answer}");
}

#[tokio::test]
async fn in_a_sandbox_the_socket_says_who_calls() {
    let caller = Caller {
        access_key_id: "ASIA".to_owned(),
        arn: "arn:aws:sts::222222222222:assumed-role/r/f".to_owned(),
        user_id: "AROA:f".to_owned(),
        session: None,
    };
    let host = "127.0.0.1:4566".to_owned();
    let origin = Origin::Sandbox(Arc::new(SandboxCaller::new("222222222222".to_owned(), caller, host)));
    let sent = form("sts", "Action=GetCallerIdentity&Version=2011-06-15").header("host", "anything.example");
    let answer = sent.from(&door(), origin).await;
    assert!(answer.contains("<UserId>AROA:f</UserId><Account>222222222222</Account>"), "{answer}");
}

#[tokio::test]
async fn a_key_that_hearth_made_is_verified_and_another_is_refused_where_strangers_are() {
    let caller = Caller {
        access_key_id: "AKID".to_owned(),
        arn: "arn".to_owned(),
        user_id: "id".to_owned(),
        session: None,
    };
    let secret = "secret".to_owned();
    let key = Key { secret, session_token: None, expires: None, account: "111111111111".to_owned(), caller };
    let options = Options { accept_unknown_keys: false, ..Options::default() };
    let world = hearth_world::World::simulated(1);
    let door = FrontDoor::new(services(), options, world, Arc::new(AllowAll));
    let sent = || {
        form("sts", "Action=GetCallerIdentity&Version=2011-06-15").header("x-amz-date", "20251125T000000Z")
    };
    let stranger = sent().from(&door, listener()).await;
    assert!(stranger.contains("<Code>InvalidClientTokenId</Code>"), "{stranger}");
    let door = door.with_keys(Arc::new(HashMap::from([("AKID".to_owned(), key)])));
    let forged = sent().from(&door, listener()).await;
    assert!(forged.contains("<Code>SignatureDoesNotMatch</Code>"), "{forged}");
}

#[tokio::test]
async fn temporary_credentials_are_verified_by_what_their_token_says_also_where_strangers_are_welcome() {
    let world = hearth_world::World::simulated(1);
    let sessions = Arc::new(Sessions::new([7; 32]));
    let (arn, id) = ("arn:aws:sts::222222222222:assumed-role/r/f".to_owned(), "AROA:f".to_owned());
    let life = std::time::Duration::from_secs(900);
    let session = Session::new("222222222222", arn, id, world.physical().now(), life);
    let issued = sessions.issue(world.random(), &session);
    let door =
        FrontDoor::new(services(), Options::default(), world, Arc::new(AllowAll)).with_sessions(sessions);
    let header = authorization("sts").replace("AKID", &issued.access_key_id);
    assert!(header.contains(&issued.access_key_id), "{header}");
    let sent = |token: Option<&str>| {
        let sent = form("sts", "Action=GetCallerIdentity&Version=2011-06-15");
        let sent = sent.header("authorization", &header).header("x-amz-date", "20251125T000000Z").unsigned();
        match token {
            Some(token) => sent.header("x-amz-security-token", token),
            None => sent,
        }
    };
    let token = issued.session_token.as_str();
    for forged in [None, Some("x"), Some(&token[..token.len() - 4])] {
        let answer = sent(forged).from(&door, listener()).await;
        assert!(answer.contains("<Code>InvalidClientTokenId</Code>"), "{answer}");
    }
    let answer = sent(Some(token)).from(&door, listener()).await;
    assert!(answer.contains("<Code>SignatureDoesNotMatch</Code>"), "{answer}");
}

#[tokio::test]
async fn one_service_calls_another_with_the_same_checks() {
    let client = InProcess::default();
    client.connect(Arc::new(Services::new(services(), Arc::new(AllowAll))));
    let call = |operation| crate::operation::Call {
        account: "111111111111".to_owned(),
        region: "eu-west-1".to_owned(),
        caller: Caller {
            access_key_id: String::new(),
            arn: "arn".to_owned(),
            user_id: "id".to_owned(),
            session: None,
        },
        request_id: uuid::Uuid::nil(),
        service: "lambda",
        operation,
        host: "localhost".to_owned(),
        trace_id: None,
    };
    let input = Document::Structure(vec![("FunctionName", Document::String("a b".to_owned()))]);
    let refused = client.call(call("Invoke"), input).await.expect_err("a name has no space");
    assert!(
        refused.message.starts_with("1 validation error detected: Value 'a b' at 'functionName'"),
        "{refused}"
    );
    let input = Document::Structure(vec![("FunctionName", Document::String("f".to_owned()))]);
    assert!(client.call(call("Invoke"), input).await.is_ok());
}
