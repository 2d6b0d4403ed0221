//! The service as its callers meet it.

use std::time::Duration;

use hearth_aws::credentials::{RoleFacts, Roles, Session, Sessions};
use hearth_aws::names::RoleArn;
use hearth_aws::operation::BoxFuture;
use hearth_aws::{AllowAll, ApiError, Call, Caller, Code, Document, Services};
use hearth_world::World;

use super::*;
use crate::{Options, StsDeps};

type Members = Vec<(&'static str, Document)>;

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/path/Exec";
const NOBODYS: &str = "arn:aws:iam::210987654321:role/nobodys";

/// One role, whose sessions last two hours at most.
struct OneRole;

impl Roles for OneRole {
    fn find<'a>(&'a self, role: &'a RoleArn) -> BoxFuture<'a, Result<Option<RoleFacts>, ApiError>> {
        let facts = RoleFacts {
            id: "AROAEXEC".to_owned(),
            name: "Exec".to_owned(),
            trust_policy: "{}".to_owned(),
            session_seconds_max: 7_200,
        };
        let found = (role.to_string() == ROLE).then_some(facts);
        Box::pin(std::future::ready(Ok(found)))
    }
}

struct Server {
    services: Services,
    sessions: Arc<Sessions>,
}

impl Server {
    fn start(roles_must_exist: bool) -> Self {
        let sessions = Arc::new(Sessions::new([1; 32]));
        let sts = Sts::open(StsDeps {
            sessions: sessions.clone(),
            roles: Arc::new(OneRole),
            world: World::simulated(1),
            options: Options { roles_must_exist },
        });
        Self { services: Services::new(vec![service(sts)], Arc::new(AllowAll)), sessions }
    }

    async fn call(
        &self,
        caller: Caller,
        operation: &'static str,
        members: Members,
    ) -> Result<Document, ApiError> {
        let call = Call {
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            caller,
            request_id: uuid::Uuid::nil(),
            service: "sts",
            operation,
            host: "127.0.0.1:4566".into(),
            trace_id: None,
        };
        self.services.answer(call, Document::Structure(members)).await
    }

    /// The session behind the credentials of an answer.
    fn opened(&self, answer: &Document) -> Session {
        let credentials = member(answer, "Credentials");
        let [key, token] = ["AccessKeyId", "SessionToken"].map(|name| string(&credentials, name));
        self.sessions.open(&key, &token).expect("it was issued here")
    }
}

fn root() -> Caller {
    let arn = format!("arn:aws:iam::{ACCOUNT}:root");
    Caller { access_key_id: "AKIA".into(), arn, user_id: ACCOUNT.into(), session: None }
}

fn user() -> Caller {
    Caller { arn: format!("arn:aws:iam::{ACCOUNT}:user/alice"), user_id: "AIDA".into(), ..root() }
}

fn in_session(session: Session) -> Caller {
    Caller {
        access_key_id: "ASIA".into(),
        arn: session.arn.clone(),
        user_id: session.user_id.clone(),
        session: Some(Arc::new(session)),
    }
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn role(arn: &str, more: Members) -> Members {
    [vec![("RoleArn", text(arn)), ("RoleSessionName", text("me"))], more].concat()
}

fn seconds(seconds: i64) -> Members {
    vec![("DurationSeconds", Document::Integer(seconds))]
}

fn tags(tags: &[(&str, &str)]) -> (&'static str, Document) {
    let tag =
        |(key, value): &(&str, &str)| Document::Structure(vec![("Key", text(key)), ("Value", text(value))]);
    ("Tags", Document::List(tags.iter().map(tag).collect()))
}

fn keys(keys: &[&str]) -> (&'static str, Document) {
    ("TransitiveTagKeys", Document::List(keys.iter().map(|key| text(key)).collect()))
}

fn member(document: &Document, name: &str) -> Document {
    let Document::Structure(members) = document else { panic!("not a structure: {document:?}") };
    members.iter().find(|(member, _)| *member == name).map_or(Document::Null, |(_, value)| value.clone())
}

fn string(document: &Document, name: &str) -> String {
    let Document::String(text) = member(document, name) else { panic!("{name} is no text") };
    text
}

#[track_caller]
fn is_error(answer: Result<Document, ApiError>, code: Code, message: &str) {
    let error = answer.expect_err("an error");
    assert_eq!((error.code, error.message.as_str()), (code, message));
}

#[tokio::test]
async fn the_caller_learns_its_account_its_arn_and_its_id() {
    let server = Server::start(false);
    let arn = "arn:aws:sts::210987654321:assumed-role/exec/thumbnail".to_owned();
    let caller = Caller { arn: arn.clone(), user_id: "AROAEXAMPLE:thumbnail".into(), ..root() };
    let answer = server.call(caller, "GetCallerIdentity", vec![]).await.expect("it always succeeds");
    let expected = vec![
        ("UserId", text("AROAEXAMPLE:thumbnail")),
        ("Account", text("210987654321")),
        ("Arn", text(&arn)),
    ];
    assert_eq!(answer, Document::Structure(expected));
}

#[tokio::test]
async fn a_role_is_assumed_under_the_name_and_id_it_was_created_with() {
    let server = Server::start(false);
    let answer = server.call(root(), "AssumeRole", role(ROLE, vec![])).await.expect("assumed");
    let user = member(&answer, "AssumedRoleUser");
    assert_eq!(string(&user, "Arn"), "arn:aws:sts::123456789012:assumed-role/Exec/me");
    assert_eq!(string(&user, "AssumedRoleId"), "AROAEXEC:me");
    assert_eq!(member(&answer, "PackedPolicySize"), Document::Null);
    let session = server.opened(&answer);
    assert_eq!((session.account.as_str(), session.user_id.as_str()), (ACCOUNT, "AROAEXEC:me"));
    assert_eq!(session.expires.since(session.issued), Duration::from_secs(3_600));
}

#[tokio::test]
async fn a_role_that_nobody_created_is_assumed_in_up_and_denied_in_serve() {
    let server = Server::start(false);
    let answer = server.call(root(), "AssumeRole", role(NOBODYS, seconds(43_200))).await.expect("assumed");
    let session = server.opened(&answer);
    assert_eq!(session.account, "210987654321");
    assert!(session.user_id.starts_with("AROA") && session.user_id.ends_with(":me"), "{}", session.user_id);

    let server = Server::start(true);
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: sts:AssumeRole on resource: {NOBODYS}"
    );
    is_error(server.call(user(), "AssumeRole", role(NOBODYS, vec![])).await, Code::AccessDenied, &message);
    server.call(user(), "AssumeRole", role(ROLE, vec![])).await.expect("it exists");
    let message = "Roles may not be assumed by root accounts.";
    is_error(server.call(root(), "AssumeRole", role(ROLE, vec![])).await, Code::AccessDenied, message);
}

#[tokio::test]
async fn a_session_lasts_as_long_as_its_role_allows_and_an_hour_when_a_role_assumes_it() {
    let server = Server::start(false);
    let longest = server.call(root(), "AssumeRole", role(ROLE, seconds(7_200))).await.expect("allowed");
    let caller = in_session(server.opened(&longest));
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    is_error(server.call(root(), "AssumeRole", role(ROLE, seconds(7_201))).await, Code::Validation, message);
    let message =
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
    is_error(
        server.call(caller.clone(), "AssumeRole", role(ROLE, seconds(3_601))).await,
        Code::Validation,
        message,
    );
    server.call(caller, "AssumeRole", role(ROLE, seconds(3_600))).await.expect("an hour");
    for outside in [899, 43_201] {
        let error =
            server.call(root(), "AssumeRole", role(ROLE, seconds(outside))).await.expect_err("the model's");
        assert!(error.message.contains("'durationSeconds' failed to satisfy constraint"), "{error}");
    }
}

#[tokio::test]
async fn transitive_tags_and_the_source_identity_go_on_into_the_next_role() {
    let server = Server::start(false);
    let given =
        vec![tags(&[("team", "a"), ("stage", "b")]), keys(&["team"]), ("SourceIdentity", text("alice"))];
    let first = server.call(root(), "AssumeRole", role(ROLE, given)).await.expect("assumed");
    assert_eq!(member(&first, "SourceIdentity"), text("alice"));
    assert!(matches!(member(&first, "PackedPolicySize"), Document::Integer(1..=10)));
    let caller = in_session(server.opened(&first));
    let next = server.call(caller.clone(), "AssumeRole", role(ROLE, vec![])).await.expect("assumed");
    let session = server.opened(&next);
    assert_eq!(session.restrictions.tags, [("team".to_owned(), "a".to_owned())]);
    assert_eq!(session.source_identity.as_deref(), Some("alice"));
    let other =
        server.call(caller.clone(), "AssumeRole", role(ROLE, vec![("SourceIdentity", text("bob"))])).await;
    assert_eq!(other.expect_err("it cannot be changed").code, Code::AccessDenied);
    let again = server.call(caller, "AssumeRole", role(ROLE, vec![tags(&[("TEAM", "x")])])).await;
    assert!(again.expect_err("it is taken").message.starts_with("One of the specified transitive tag keys"));
}

#[tokio::test]
async fn what_a_session_cannot_be_given_is_named() {
    let server = Server::start(false);
    let check = async |more: Members, code: Code, message: &str| {
        is_error(server.call(root(), "AssumeRole", role(ROLE, more)).await, code, message);
    };
    let twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    check(vec![tags(&[("a", "1"), ("A", "2")])], Code::Validation, twice).await;
    let missing = "The specified transitive tag key must be included in the requested tags.";
    check(vec![keys(&["a"])], Code::Validation, missing).await;
    let not_json = "This policy contains invalid Json";
    check(vec![("Policy", text("[]"))], Code::MalformedPolicyDocument, not_json).await;
    let mfa = "MultiFactorAuthentication failed, unable to validate MFA code. ";
    check(
        vec![("SerialNumber", text("arn:aws:iam::1:mfa/x")), ("TokenCode", text("123456"))],
        Code::AccessDenied,
        mfa,
    )
    .await;
    let noise = hearth_world::Random::seeded(1).hex::<9_000>();
    let large = vec![("Policy", text(&serde_json::json!({ "a": noise }).to_string()))];
    let error = server.call(root(), "AssumeRole", role(ROLE, large)).await.expect_err("too large");
    assert_eq!(error.code, Code::Modelled("PackedPolicyTooLargeException"));
    let bad = server.call(root(), "AssumeRole", role("arn:aws:iam::123456789012:user/u", vec![])).await;
    is_error(bad, Code::Validation, "arn:aws:iam::123456789012:user/u is invalid");
}

#[tokio::test]
async fn a_session_token_is_for_those_who_have_none() {
    let server = Server::start(false);
    let answer = server.call(user(), "GetSessionToken", seconds(900)).await.expect("issued");
    let session = server.opened(&answer);
    assert_eq!(
        (session.arn.as_str(), session.user_id.as_str()),
        ("arn:aws:iam::123456789012:user/alice", "AIDA")
    );
    assert_eq!(session.expires.since(session.issued), Duration::from_secs(900));
    let roots =
        server.opened(&server.call(root(), "GetSessionToken", seconds(129_600)).await.expect("issued"));
    assert_eq!(roots.expires.since(roots.issued), Duration::from_secs(3_600), "cut, as on AWS");
    let message = "Cannot call GetSessionToken with session credentials";
    is_error(server.call(in_session(session), "GetSessionToken", vec![]).await, Code::AccessDenied, message);
}

#[tokio::test]
async fn somebody_can_be_vouched_for() {
    let server = Server::start(false);
    let answer =
        server.call(user(), "GetFederationToken", vec![("Name", text("bob"))]).await.expect("issued");
    let federated = member(&answer, "FederatedUser");
    assert_eq!(string(&federated, "Arn"), "arn:aws:sts::123456789012:federated-user/bob");
    assert_eq!(string(&federated, "FederatedUserId"), "123456789012:bob");
    assert_eq!(
        server.opened(&answer).expires.since(server.opened(&answer).issued),
        Duration::from_secs(43_200)
    );
}

#[tokio::test]
async fn an_access_key_tells_its_account() {
    let server = Server::start(false);
    let answer = server.call(root(), "AssumeRole", role(NOBODYS, vec![])).await.expect("assumed");
    let key = member(&member(&answer, "Credentials"), "AccessKeyId");
    let answer = server.call(root(), "GetAccessKeyInfo", vec![("AccessKeyId", key)]).await.expect("known");
    assert_eq!(member(&answer, "Account"), text("210987654321"));
    let not_a_key = vec![("AccessKeyId", text("1234567890123456"))];
    let message = "1234567890123456 is not the id of an access key.";
    is_error(server.call(root(), "GetAccessKeyInfo", not_a_key).await, Code::Validation, message);
}
