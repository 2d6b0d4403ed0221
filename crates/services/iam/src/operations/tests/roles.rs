use super::*;

#[tokio::test]
async fn a_role_reads_back_as_it_was_created() {
    let server = Server::start();
    let created = server.role("exec").await;
    let read = server.call("GetRole", named("exec")).await.expect("it exists");
    let read = member(&read, "Role");
    assert_eq!(member(&read, "RoleLastUsed"), Document::Structure(vec![]));
    for name in ["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument", "Tags"] {
        assert_eq!(member(&read, name), member(&created, name), "{name}");
    }
    assert_eq!(member(&created, "Arn"), text("arn:aws:iam::123456789012:role/exec"));
    assert_eq!(member(&created, "Path"), text("/"));
    assert_eq!(member(&created, "MaxSessionDuration"), Document::Integer(3_600));
    assert_eq!(member(&created, "CreateDate"), Document::Timestamp(1_767_225_600_000_000));
    assert_eq!((member(&created, "Description"), member(&created, "Tags")), (Document::Null, Document::Null));
    let Document::String(id) = member(&created, "RoleId") else { panic!("a text") };
    assert!(id.len() == 21 && id.starts_with("AROA"), "{id}");
    let Document::String(policy) = member(&created, "AssumeRolePolicyDocument") else { panic!("a text") };
    assert!(policy.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B"), "{policy}");
}

#[tokio::test]
async fn what_is_given_to_a_role_is_kept() {
    let server = Server::start();
    let tag = Document::Structure(vec![("Key", text("team")), ("Value", text(""))]);
    let mut request = create("exec", TRUST);
    request.extend([
        ("Path", text("/service-role/")),
        ("Description", text("runs functions")),
        ("MaxSessionDuration", Document::Integer(7_200)),
        ("Tags", Document::List(vec![tag.clone()])),
    ]);
    server.call("CreateRole", request).await.expect("created");
    let role = member(&server.call("GetRole", named("exec")).await.expect("it exists"), "Role");
    assert_eq!(member(&role, "Arn"), text("arn:aws:iam::123456789012:role/service-role/exec"));
    assert_eq!(member(&role, "Description"), text("runs functions"));
    assert_eq!(member(&role, "MaxSessionDuration"), Document::Integer(7_200));
    assert_eq!(member(&role, "Tags"), Document::List(vec![tag]));
}

#[tokio::test]
async fn a_name_is_taken_once_in_an_account_whatever_its_case() {
    let server = Server::start();
    server.role("exec").await;
    let again = server.call("CreateRole", create("EXEC", TRUST)).await;
    is_error(again, Code::EntityAlreadyExists, "Role with name EXEC already exists.");
    server.call_as("000000000000", "CreateRole", create("exec", TRUST)).await.expect("another account");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let server = Server::start();
    for operation in ["GetRole", "DeleteRole"] {
        let answer = server.call(operation, named("exec")).await;
        is_error(answer, Code::NoSuchEntity, "The role with name exec cannot be found.");
    }
    server.role("exec").await;
    let unknown = "arn:aws:iam::aws:policy/Nothing";
    let answer = server.call("AttachRolePolicy", attachment("exec", unknown)).await;
    let message = "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.";
    is_error(answer, Code::NoSuchEntity, message);
    let answer = server.call("DetachRolePolicy", attachment("exec", BASIC)).await;
    is_error(answer, Code::NoSuchEntity, &format!("Policy {BASIC} was not found."));
}

#[tokio::test]
async fn a_trust_policy_is_a_json_object() {
    let server = Server::start();
    for policy in ["no", "[]", "{\"Version\":"] {
        let answer = server.call("CreateRole", create("exec", policy)).await;
        is_error(answer, Code::MalformedPolicyDocument, "This policy contains invalid Json");
    }
}

#[tokio::test]
async fn a_role_with_a_policy_stays_until_the_policy_is_detached() {
    let server = Server::start();
    server.role("exec").await;
    for _ in 0..2 {
        server
            .call("AttachRolePolicy", attachment("exec", BASIC))
            .await
            .expect("a second time changes nothing");
    }
    let listed = server.call("ListAttachedRolePolicies", named("exec")).await.expect("listed");
    let policy = vec![("PolicyName", text("AWSLambdaBasicExecutionRole")), ("PolicyArn", text(BASIC))];
    assert_eq!(member(&listed, "AttachedPolicies"), Document::List(vec![Document::Structure(policy)]));
    assert_eq!(member(&listed, "IsTruncated"), Document::Bool(false));
    let message = "Cannot delete entity, must detach all policies first.";
    is_error(server.call("DeleteRole", named("exec")).await, Code::DeleteConflict, message);
    server.call("DetachRolePolicy", attachment("exec", BASIC)).await.expect("detached");
    server.call("DeleteRole", named("exec")).await.expect("deleted");
    server.role("exec").await;
}

#[tokio::test]
async fn a_policy_inside_a_role_reads_back_url_encoded_and_holds_the_role() {
    let server = Server::start();
    server.role("exec").await;
    let put = |name: &str, document: &str| {
        let members = [("PolicyName", text(name)), ("PolicyDocument", text(document))];
        server.call("PutRolePolicy", [named("exec"), members.into()].concat())
    };
    let of = |name: &str| -> Members { [named("exec"), vec![("PolicyName", text(name))]].concat() };
    put("write", ALLOW).await.expect("written");
    put("Read", ALLOW).await.expect("written");
    put("read", &ALLOW.replace(',', ", ")).await.expect("written over the one of the same name");
    let read = server.call("GetRolePolicy", of("READ")).await.expect("it exists");
    let Document::String(document) = member(&read, "PolicyDocument") else { panic!("a text") };
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C%20%22Statement"), "{document}");
    let page = [named("exec"), vec![("MaxItems", Document::Integer(1))]].concat();
    let listed = server.call("ListRolePolicies", page).await.expect("a page");
    assert_eq!(member(&listed, "PolicyNames"), Document::List(vec![text("read")]));
    assert_eq!(
        (member(&listed, "IsTruncated"), member(&listed, "Marker")),
        (Document::Bool(true), text("1"))
    );
    is_error(put("bad", "[]").await, Code::MalformedPolicyDocument, "This policy contains invalid Json");
    let large = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(10_240)));
    let message = "Maximum policy size of 10240 bytes exceeded for role exec";
    is_error(put("large", &large).await, Code::LimitExceeded, message);
    let message = "Cannot delete entity, must delete policies first.";
    is_error(server.call("DeleteRole", named("exec")).await, Code::DeleteConflict, message);
    for name in ["read", "write"] {
        server.call("DeleteRolePolicy", of(name)).await.expect("deleted");
    }
    let message = "The role policy with name read cannot be found.";
    is_error(server.call("GetRolePolicy", of("read")).await, Code::NoSuchEntity, message);
    is_error(server.call("DeleteRolePolicy", of("read")).await, Code::NoSuchEntity, message);
    server.call("DeleteRole", named("exec")).await.expect("deleted");
}

#[tokio::test]
async fn tags_come_and_go_one_by_one_and_their_case_does_not_count() {
    let server = Server::start();
    server.role("exec").await;
    let tag = |key: &str, value: &str| Document::Structure(vec![("Key", text(key)), ("Value", text(value))]);
    let add = |tags: Vec<Document>| {
        server.call("TagRole", [named("exec"), vec![("Tags", Document::List(tags))]].concat())
    };
    add(vec![tag("team", "a"), tag("stage", "")]).await.expect("tagged");
    add(vec![tag("Team", "b")]).await.expect("changed");
    let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    is_error(add(vec![tag("x", ""), tag("X", "")]).await, Code::InvalidInput, message);
    let gone = Document::List(vec![text("STAGE"), text("never there")]);
    server.call("UntagRole", [named("exec"), vec![("TagKeys", gone)]].concat()).await.expect("untagged");
    let listed = server.call("ListRoleTags", named("exec")).await.expect("listed");
    assert_eq!(member(&listed, "Tags"), Document::List(vec![tag("Team", "b")]));
}

#[tokio::test]
async fn a_role_can_be_changed_and_keeps_what_is_not_named() {
    let server = Server::start();
    server.role("exec").await;
    let changes = vec![("Description", text("runs")), ("MaxSessionDuration", Document::Integer(7_200))];
    server.call("UpdateRole", [named("exec"), changes].concat()).await.expect("changed");
    server.call("UpdateRole", named("exec")).await.expect("nothing to change");
    let other = TRUST.replace("lambda", "ec2");
    let trust = vec![("PolicyDocument", text(&other))];
    server.call("UpdateAssumeRolePolicy", [named("exec"), trust].concat()).await.expect("changed");
    let role = member(&server.call("GetRole", named("exec")).await.expect("it exists"), "Role");
    assert_eq!(
        (member(&role, "Description"), member(&role, "AssumeRolePolicyDocument")),
        (text("runs"), text(&super::super::shown::encoded(&other)))
    );
    assert_eq!(member(&role, "MaxSessionDuration"), Document::Integer(7_200));
    let long = vec![("PolicyDocument", text(&TRUST.replace("lambda", &"x".repeat(4_096))))];
    let message = "Cannot exceed quota for ACLSizePerRole: 4096";
    let answer = server.call("UpdateAssumeRolePolicy", [named("exec"), long].concat()).await;
    is_error(answer, Code::LimitExceeded, message);
    let spaces = vec![("PolicyDocument", text(&TRUST.replacen(':', &format!(":{}", " ".repeat(30_000)), 1)))];
    let answer = server.call("UpdateAssumeRolePolicy", [named("exec"), spaces].concat()).await;
    is_error(answer, Code::LimitExceeded, message);
}

#[tokio::test]
async fn a_role_has_no_instance_profiles() {
    let server = Server::start();
    server.role("exec").await;
    let listed = server.call("ListInstanceProfilesForRole", named("exec")).await.expect("listed");
    assert_eq!(member(&listed, "InstanceProfiles"), Document::List(vec![]));
    let message = "The role with name nobody cannot be found.";
    is_error(server.call("ListInstanceProfilesForRole", named("nobody")).await, Code::NoSuchEntity, message);
}

#[tokio::test]
async fn roles_are_listed_in_pages_in_the_order_of_their_names() {
    let server = Server::start();
    for name in ["c", "a", "b"] {
        server.role(name).await;
    }
    let first = server.call("ListRoles", [("MaxItems", Document::Integer(2))]).await.expect("a page");
    assert_eq!(names(&first), [text("a"), text("b")]);
    assert_eq!(member(&first, "IsTruncated"), Document::Bool(true));
    let rest = server.call("ListRoles", [("Marker", member(&first, "Marker"))]).await.expect("a page");
    assert_eq!((names(&rest), member(&rest, "Marker")), (vec![text("c")], Document::Null));
}

fn names(page: &Document) -> Vec<Document> {
    let Document::List(roles) = member(page, "Roles") else { panic!("a list") };
    roles.iter().map(|role| member(role, "RoleName")).collect()
}
