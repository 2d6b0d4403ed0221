use super::*;

const OURS: &str = "arn:aws:iam::123456789012:policy/app/reader";

async fn with_policy() -> Server {
    let server = Server::start();
    let tag = Document::List(vec![Document::Structure(texts([("Key", "team"), ("Value", "a")]))]);
    let mut members = texts([
        ("PolicyName", "reader"),
        ("Path", "/app/"),
        ("PolicyDocument", ALLOW),
        ("Description", "reads"),
    ]);
    members.push(("Tags", tag));
    server.ok("CreatePolicy", members).await;
    server
}

fn policy(arn: &str) -> Members {
    texts([("PolicyArn", arn)])
}

fn version(arn: &str, version: &str) -> Members {
    texts([("PolicyArn", arn), ("VersionId", version)])
}

#[tokio::test]
async fn a_policy_reads_back_as_it_was_created() {
    let server = with_policy().await;
    let read = member(&server.ok("GetPolicy", policy(OURS)).await, "Policy");
    assert_eq!((string(&read, "Arn"), string(&read, "Path")), (OURS.into(), "/app/".into()));
    assert_eq!(
        (string(&read, "DefaultVersionId"), string(&read, "Description")),
        ("v1".into(), "reads".into())
    );
    assert!(string(&read, "PolicyId").starts_with("ANPA"));
    assert_eq!(member(&read, "AttachmentCount"), Document::Integer(0));
    assert_eq!(each(&read, "Tags", "Key"), ["team"]);
    let document = member(&server.ok("GetPolicyVersion", version(OURS, "v1")).await, "PolicyVersion");
    assert_eq!(string(&document, "Document"), super::super::shown::encoded(ALLOW));
    assert_eq!(member(&document, "IsDefaultVersion"), Document::Bool(true));
    let again =
        server.call("CreatePolicy", texts([("PolicyName", "READER"), ("PolicyDocument", ALLOW)])).await;
    is_error(
        again,
        Code::EntityAlreadyExists,
        "A policy called READER already exists. Duplicate names are not allowed.",
    );
    for missing in ["arn:aws:iam::123456789012:policy/reader", "arn:aws:iam::210987654321:policy/app/reader"]
    {
        let message = format!("Policy {missing} was not found.");
        is_error(server.call("GetPolicy", policy(missing)).await, Code::NoSuchEntity, &message);
    }
    let odd = server.call("GetPolicy", policy("arn:aws:iam::123456789012:role/x")).await;
    is_error(odd, Code::InvalidInput, "ARN arn:aws:iam::123456789012:role/x is not valid.");
}

#[tokio::test]
async fn a_policy_has_five_versions_and_a_number_is_never_given_twice() {
    let server = with_policy().await;
    let create = |default: bool| {
        let mut members = texts([("PolicyArn", OURS), ("PolicyDocument", ALLOW)]);
        members.push(("SetAsDefault", Document::Bool(default)));
        server.call("CreatePolicyVersion", members)
    };
    for number in 2..=5 {
        let made = member(&create(number == 3).await.expect("made"), "PolicyVersion");
        assert_eq!(string(&made, "VersionId"), format!("v{number}"));
    }
    let error = create(false).await.expect_err("a sixth one");
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.starts_with("A managed policy can have up to 5 versions."), "{error}");
    let listed = server.ok("ListPolicyVersions", policy(OURS)).await;
    assert_eq!(each(&listed, "Versions", "VersionId"), ["v5", "v4", "v3", "v2", "v1"]);
    let message = "Cannot delete the default version of a policy.";
    is_error(server.call("DeletePolicyVersion", version(OURS, "v3")).await, Code::DeleteConflict, message);
    server.ok("SetDefaultPolicyVersion", version(OURS, "v5")).await;
    server.ok("DeletePolicyVersion", version(OURS, "v3")).await;
    let message = format!("Policy {OURS} version v3 does not exist or is not attachable.");
    for operation in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
        is_error(server.call(operation, version(OURS, "v3")).await, Code::NoSuchEntity, &message);
    }
    let made = member(&create(false).await.expect("there is room again"), "PolicyVersion");
    assert_eq!(string(&made, "VersionId"), "v6");
    let error = server.call("DeletePolicy", policy(OURS)).await.expect_err("it has versions");
    assert!(error.message.starts_with("This policy has more than one version."), "{error}");
}

#[tokio::test]
async fn who_has_a_policy_is_counted_listed_and_in_the_way_of_its_deletion() {
    let server = with_policy().await;
    server.role("exec").await;
    server.ok("CreateUser", texts([("UserName", "alice")])).await;
    server.ok("CreateGroup", texts([("GroupName", "devs")])).await;
    for (operation, who, name) in [
        ("AttachRolePolicy", "RoleName", "exec"),
        ("AttachUserPolicy", "UserName", "alice"),
        ("AttachGroupPolicy", "GroupName", "devs"),
    ] {
        server.ok(operation, texts([(who, name), ("PolicyArn", OURS)])).await;
    }
    let boundary = texts([("RoleName", "exec"), ("PermissionsBoundary", OURS)]);
    server.ok("PutRolePermissionsBoundary", boundary).await;
    let read = member(&server.ok("GetPolicy", policy(OURS)).await, "Policy");
    assert_eq!(member(&read, "AttachmentCount"), Document::Integer(3));
    assert_eq!(member(&read, "PermissionsBoundaryUsageCount"), Document::Integer(1));
    let role = member(&server.ok("GetRole", named("exec")).await, "Role");
    assert_eq!(string(&member(&role, "PermissionsBoundary"), "PermissionsBoundaryArn"), OURS);
    let entities = server.ok("ListEntitiesForPolicy", policy(OURS)).await;
    assert_eq!(each(&entities, "PolicyRoles", "RoleName"), ["exec"]);
    assert_eq!(each(&entities, "PolicyUsers", "UserName"), ["alice"]);
    assert_eq!(each(&entities, "PolicyGroups", "GroupName"), ["devs"]);
    let users = [policy(OURS), texts([("EntityFilter", "User")])].concat();
    let users = server.ok("ListEntitiesForPolicy", users).await;
    assert_eq!(member(&users, "PolicyRoles"), Document::List(vec![]));
    let one = [policy(OURS), vec![("MaxItems", Document::Integer(1))]].concat();
    assert_eq!(member(&server.ok("ListEntitiesForPolicy", one).await, "IsTruncated"), Document::Bool(true));
    let refused = async || {
        let message = "Cannot delete a policy attached to entities.";
        is_error(server.call("DeletePolicy", policy(OURS)).await, Code::DeleteConflict, message);
    };
    refused().await;
    for (operation, who, name) in [
        ("DetachRolePolicy", "RoleName", "exec"),
        ("DetachUserPolicy", "UserName", "alice"),
        ("DetachGroupPolicy", "GroupName", "devs"),
    ] {
        server.ok(operation, texts([(who, name), ("PolicyArn", OURS)])).await;
    }
    refused().await;
    server.ok("DeleteRole", named("exec")).await;
    server.ok("DeletePolicy", policy(OURS)).await;
    is_error(
        server.call("GetPolicy", policy(OURS)).await,
        Code::NoSuchEntity,
        &format!("Policy {OURS} was not found."),
    );
}

#[tokio::test]
async fn aws_has_policies_that_are_read_and_not_changed() {
    let server = Server::start();
    let read = member(&server.ok("GetPolicy", policy(BASIC)).await, "Policy");
    assert_eq!(
        (string(&read, "PolicyName"), string(&read, "DefaultVersionId")),
        ("AWSLambdaBasicExecutionRole".into(), "v1".into())
    );
    let document = member(&server.ok("GetPolicyVersion", version(BASIC, "v1")).await, "PolicyVersion");
    assert!(string(&document, "Document").contains("logs%3ACreateLogStream"));
    let message = format!("Policy {BASIC} version v2 does not exist or is not attachable.");
    is_error(server.call("GetPolicyVersion", version(BASIC, "v2")).await, Code::NoSuchEntity, &message);
    assert_eq!(
        server.call("DeletePolicy", policy(BASIC)).await.expect_err("it is AWS's").code,
        Code::AccessDenied
    );
}

#[tokio::test]
async fn policies_are_listed_by_scope_and_use_in_pages_that_miss_none() {
    let server = with_policy().await;
    server.ok("CreatePolicy", texts([("PolicyName", "another"), ("PolicyDocument", ALLOW)])).await;
    let local = server.ok("ListPolicies", texts([("Scope", "Local")])).await;
    assert_eq!(each(&local, "Policies", "PolicyName"), ["another", "reader"]);
    let by_path = server.ok("ListPolicies", texts([("Scope", "Local"), ("PathPrefix", "/app/")])).await;
    assert_eq!(each(&by_path, "Policies", "PolicyName"), ["reader"]);
    server.role("exec").await;
    server.ok("AttachRolePolicy", attachment("exec", BASIC)).await;
    let attached = server.ok("ListPolicies", [("OnlyAttached", Document::Bool(true))]).await;
    assert_eq!(each(&attached, "Policies", "Arn"), [BASIC]);

    let whole = server.ok("ListPolicies", [("MaxItems", Document::Integer(1_000))]).await;
    let whole = each(&whole, "Policies", "Arn");
    for size in [1, 2, 7] {
        let (mut found, mut marker) = (Vec::new(), Document::Null);
        loop {
            let page = [("MaxItems", Document::Integer(size)), ("Marker", marker)];
            let page = server.ok("ListPolicies", page).await;
            found.extend(each(&page, "Policies", "Arn"));
            marker = member(&page, "Marker");
            if marker == Document::Null {
                break;
            }
        }
        assert_eq!(found, whole, "in pages of {size}");
    }
    let odd = server.call("ListPolicies", texts([("Marker", "/aws/x")])).await;
    is_error(odd, Code::InvalidInput, "Invalid Marker.");
}

#[tokio::test]
async fn a_document_that_is_no_policy_or_too_large_is_refused() {
    let server = Server::start();
    let create = |document: &str| {
        server.call("CreatePolicy", texts([("PolicyName", "p"), ("PolicyDocument", document)]))
    };
    is_error(create("{}").await, Code::MalformedPolicyDocument, "Syntax errors in policy.");
    let large = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(6_144)));
    is_error(create(&large).await, Code::LimitExceeded, "Cannot exceed quota for PolicySize: 6144");
    let spaces = ALLOW.replace(',', &format!(",{}", " ".repeat(3_000)));
    create(&spaces).await.expect("white space does not count");
}
