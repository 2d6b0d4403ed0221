use super::*;

async fn with_user(name: &str) -> Server {
    let server = Server::start();
    server.ok("CreateUser", texts([("UserName", name), ("Path", "/team/")])).await;
    server
}

fn user(name: &str) -> Members {
    texts([("UserName", name)])
}

#[tokio::test]
async fn a_user_reads_back_as_it_was_created() {
    let server = with_user("Alice").await;
    let read = member(&server.ok("GetUser", user("alice")).await, "User");
    assert_eq!(string(&read, "UserName"), "Alice");
    assert_eq!(string(&read, "Arn"), "arn:aws:iam::123456789012:user/team/Alice");
    assert!(string(&read, "UserId").starts_with("AIDA"));
    assert_eq!(
        (member(&read, "Tags"), member(&read, "PermissionsBoundary")),
        (Document::Null, Document::Null)
    );
    let again = server.call("CreateUser", user("ALICE")).await;
    is_error(again, Code::EntityAlreadyExists, "User with name ALICE already exists.");
    is_error(
        server.call("GetUser", user("bob")).await,
        Code::NoSuchEntity,
        "The user with name bob cannot be found.",
    );
}

#[tokio::test]
async fn without_a_name_the_caller_is_meant() {
    let mut server = with_user("alice").await;
    let root = member(&server.ok("GetUser", []).await, "User");
    assert_eq!(string(&root, "Arn"), "arn:aws:iam::123456789012:root");
    server.caller = "arn:aws:iam::123456789012:user/team/alice".to_owned();
    assert_eq!(string(&member(&server.ok("GetUser", []).await, "User"), "UserName"), "alice");
    server.ok("CreateAccessKey", []).await;
    assert_eq!(each(&server.ok("ListAccessKeys", []).await, "AccessKeyMetadata", "UserName"), ["alice"]);
    server.caller = "arn:aws:sts::123456789012:assumed-role/exec/f".to_owned();
    let message = "Must specify userName when calling with non-User credentials";
    is_error(server.call("GetUser", []).await, Code::Validation, message);
}

#[tokio::test]
async fn another_name_takes_keys_groups_and_policies_along() {
    let server = with_user("alice").await;
    let key = string(&member(&server.ok("CreateAccessKey", user("alice")).await, "AccessKey"), "AccessKeyId");
    server.ok("CreateGroup", texts([("GroupName", "devs")])).await;
    server.ok("AddUserToGroup", texts([("GroupName", "devs"), ("UserName", "alice")])).await;
    server.ok("AttachUserPolicy", texts([("UserName", "alice"), ("PolicyArn", BASIC)])).await;
    let inline = texts([("UserName", "alice"), ("PolicyName", "p"), ("PolicyDocument", ALLOW)]);
    server.ok("PutUserPolicy", inline).await;
    let new = texts([("UserName", "alice"), ("NewUserName", "Bob"), ("NewPath", "/")]);
    server.ok("UpdateUser", new).await;

    let message = "The user with name alice cannot be found.";
    is_error(server.call("GetUser", user("alice")).await, Code::NoSuchEntity, message);
    let found = server.iam.keys().find(&key).await.expect("read").expect("the key is known");
    assert_eq!(found.caller.arn, "arn:aws:iam::123456789012:user/Bob");
    assert_eq!(each(&server.ok("ListGroupsForUser", user("bob")).await, "Groups", "GroupName"), ["devs"]);
    assert_eq!(
        each(&server.ok("GetGroup", texts([("GroupName", "devs")])).await, "Users", "UserName"),
        ["Bob"]
    );
    let attached = server.ok("ListAttachedUserPolicies", user("bob")).await;
    assert_eq!(each(&attached, "AttachedPolicies", "PolicyArn"), [BASIC]);
    let entities = server.ok("ListEntitiesForPolicy", texts([("PolicyArn", BASIC)])).await;
    assert_eq!(each(&entities, "PolicyUsers", "UserName"), ["Bob"]);
    let names = member(&server.ok("ListUserPolicies", user("bob")).await, "PolicyNames");
    assert_eq!(names, Document::List(vec![text("p")]));
    // Only another case of the letters is no other user.
    server.ok("UpdateUser", texts([("UserName", "bob"), ("NewUserName", "BOB")])).await;
    server.ok("CreateUser", user("alice")).await;
    let taken = server.call("UpdateUser", texts([("UserName", "alice"), ("NewUserName", "bob")])).await;
    is_error(taken, Code::EntityAlreadyExists, "User with name bob already exists.");
}

#[tokio::test]
async fn a_user_is_deleted_when_nothing_belongs_to_it_any_more() {
    let server = with_user("alice").await;
    let key = string(&member(&server.ok("CreateAccessKey", user("alice")).await, "AccessKey"), "AccessKeyId");
    let mine = texts([("UserName", "alice"), ("AccessKeyId", &key)]);
    server.ok("CreateGroup", texts([("GroupName", "devs")])).await;
    let membership = texts([("GroupName", "devs"), ("UserName", "alice")]);
    server.ok("AddUserToGroup", membership.clone()).await;
    let inline = texts([("UserName", "alice"), ("PolicyName", "p"), ("PolicyDocument", ALLOW)]);
    server.ok("PutUserPolicy", inline.clone()).await;
    let attachment = texts([("UserName", "alice"), ("PolicyArn", BASIC)]);
    server.ok("AttachUserPolicy", attachment.clone()).await;
    let refused = async |message: &str| {
        is_error(server.call("DeleteUser", user("alice")).await, Code::DeleteConflict, message);
    };
    refused("Cannot delete entity, must delete access keys first.").await;
    server.ok("DeleteAccessKey", mine).await;
    refused("Cannot delete entity, must remove users from group first.").await;
    server.ok("RemoveUserFromGroup", membership).await;
    refused("Cannot delete entity, must delete policies first.").await;
    server.ok("DeleteUserPolicy", inline[..2].to_vec()).await;
    refused("Cannot delete entity, must detach all policies first.").await;
    server.ok("DetachUserPolicy", attachment).await;
    server.ok("DeleteUser", user("alice")).await;
    server.ok("CreateUser", user("alice")).await;
}

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_an_inactive_one_is_refused() {
    let server = with_user("alice").await;
    let made = member(&server.ok("CreateAccessKey", user("alice")).await, "AccessKey");
    server.ok("CreateAccessKey", user("alice")).await;
    let third = server.call("CreateAccessKey", user("alice")).await;
    is_error(third, Code::LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: 2");
    let (id, secret) = (string(&made, "AccessKeyId"), string(&made, "SecretAccessKey"));
    assert!(id.starts_with("AKIA") && id.len() == 20 && secret.len() == 40, "{id}");
    let found = server.iam.keys().find(&id).await.expect("read").expect("it is known");
    assert_eq!((found.secret, found.account.as_str()), (secret, ACCOUNT));

    let mut status = texts([("UserName", "alice"), ("AccessKeyId", &id), ("Status", "Inactive")]);
    server.ok("UpdateAccessKey", status.clone()).await;
    let refused = server.iam.keys().find(&id).await.expect_err("it is inactive");
    assert_eq!(refused.code, Code::UnrecognizedClient);
    status[2].1 = text("Active");
    server.ok("UpdateAccessKey", status).await;
    assert!(server.iam.keys().find(&id).await.expect("read").is_some());
    server.ok("CreateUser", user("bob")).await;
    let others = server.call("DeleteAccessKey", texts([("UserName", "bob"), ("AccessKeyId", &id)])).await;
    is_error(others, Code::NoSuchEntity, &format!("The Access Key with id {id} cannot be found."));
    assert!(server.iam.keys().find("AKIAIOSFODNN7EXAMPLE").await.expect("read").is_none());
}

#[tokio::test]
async fn the_last_use_of_a_key_is_known_at_once_and_after_it_was_written() {
    let server = with_user("alice").await;
    let key = string(&member(&server.ok("CreateAccessKey", user("alice")).await, "AccessKey"), "AccessKeyId");
    let asked = || server.ok("GetAccessKeyLastUsed", texts([("AccessKeyId", &key)]));
    let never = asked().await;
    assert_eq!(string(&never, "UserName"), "alice");
    assert_eq!(string(&member(&never, "AccessKeyLastUsed"), "ServiceName"), "N/A");
    assert_eq!(member(&member(&never, "AccessKeyLastUsed"), "LastUsedDate"), Document::Null);
    server.iam.keys().used(&key, "lambda", "eu-west-1");
    let noted = asked().await;
    server.iam.write_last_uses().await;
    for answer in [noted, asked().await] {
        let used = member(&answer, "AccessKeyLastUsed");
        assert_eq!(
            (string(&used, "ServiceName"), string(&used, "Region")),
            ("lambda".into(), "eu-west-1".into())
        );
        assert_eq!(member(&used, "LastUsedDate"), Document::Timestamp(1_767_225_600_000_000));
    }
}

#[tokio::test]
async fn the_roots_first_key_is_given_once_to_one_of_two_servers() {
    let server = Server::start();
    let other = Iam::open(server.store.clone(), World::simulated(2));
    let (here, there) = tokio::join!(server.iam.root_key_once(ACCOUNT), other.root_key_once(ACCOUNT));
    let made: Vec<_> = [here, there].into_iter().filter_map(|made| made.expect("asked")).collect();
    let [(id, secret)] = &made[..] else { panic!("one server gets it: {}", made.len()) };
    assert!(server.iam.root_key_once(ACCOUNT).await.expect("asked").is_none());
    let key = other.keys().find(id).await.expect("read").expect("it is known");
    assert_eq!((&key.secret, key.caller.arn.as_str()), (secret, "arn:aws:iam::123456789012:root"));
    // Deleted by its owner it does not come again.
    server.ok("DeleteAccessKey", texts([("AccessKeyId", id)])).await;
    assert!(server.iam.root_key_once(ACCOUNT).await.expect("asked").is_none());
    assert!(server.iam.root_key_once("000000000000").await.expect("asked").is_some());
}

#[tokio::test]
async fn users_are_listed_in_pages_and_by_path() {
    let server = Server::start();
    for (name, path) in [("c", "/a/"), ("a", "/a/b/"), ("b", "/"), ("d", "/a/")] {
        server.ok("CreateUser", texts([("UserName", name), ("Path", path)])).await;
    }
    let of_a = server.ok("ListUsers", texts([("PathPrefix", "/a/")])).await;
    assert_eq!(each(&of_a, "Users", "UserName"), ["a", "c", "d"]);
    let first = server.ok("ListUsers", [("MaxItems", Document::Integer(2))]).await;
    assert_eq!(each(&first, "Users", "UserName"), ["a", "b"]);
    let rest = server.ok("ListUsers", [("Marker", member(&first, "Marker"))]).await;
    assert_eq!(
        (each(&rest, "Users", "UserName"), member(&rest, "IsTruncated")),
        (vec!["c".into(), "d".into()], Document::Bool(false))
    );
}
