use super::*;

fn profile(name: &str) -> Members {
    texts([("InstanceProfileName", name)])
}

#[tokio::test]
async fn an_instance_profile_holds_one_role_and_the_role_is_held() {
    let server = Server::start();
    server.role("exec").await;
    let made = member(&server.ok("CreateInstanceProfile", profile("Web")).await, "InstanceProfile");
    assert_eq!(member(&made, "Roles"), Document::List(vec![]));
    assert!(string(&made, "InstanceProfileId").starts_with("AIPA"));
    let add = texts([("InstanceProfileName", "web"), ("RoleName", "exec")]);
    server.ok("AddRoleToInstanceProfile", add.clone()).await;
    let message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
    is_error(server.call("AddRoleToInstanceProfile", add.clone()).await, Code::LimitExceeded, message);
    let read = member(&server.ok("GetInstanceProfile", profile("web")).await, "InstanceProfile");
    assert_eq!(each(&read, "Roles", "RoleName"), ["exec"]);
    for (operation, members) in
        [("ListInstanceProfiles", vec![]), ("ListInstanceProfilesForRole", named("exec"))]
    {
        let listed = server.ok(operation, members).await;
        assert_eq!(each(&listed, "InstanceProfiles", "InstanceProfileName"), ["Web"]);
    }
    let message = "Cannot delete entity, must remove roles from instance profile first.";
    is_error(server.call("DeleteRole", named("exec")).await, Code::DeleteConflict, message);
    is_error(server.call("DeleteInstanceProfile", profile("web")).await, Code::DeleteConflict, message);
    server.ok("RemoveRoleFromInstanceProfile", add.clone()).await;
    let message = "The role with name exec cannot be found.";
    is_error(server.call("RemoveRoleFromInstanceProfile", add).await, Code::NoSuchEntity, message);
    server.ok("DeleteInstanceProfile", profile("web")).await;
    let message = "Instance Profile web cannot be found.";
    is_error(server.call("GetInstanceProfile", profile("web")).await, Code::NoSuchEntity, message);
}

#[tokio::test]
async fn everything_that_has_tags_has_them_in_the_same_way() {
    let server = Server::start();
    server.role("x").await;
    server.ok("CreateUser", texts([("UserName", "x")])).await;
    server.ok("CreateInstanceProfile", profile("x")).await;
    server.ok("CreatePolicy", texts([("PolicyName", "x"), ("PolicyDocument", ALLOW)])).await;
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/x");
    for (who, name, tag, untag, list) in [
        ("RoleName", "x", "TagRole", "UntagRole", "ListRoleTags"),
        ("UserName", "x", "TagUser", "UntagUser", "ListUserTags"),
        ("InstanceProfileName", "x", "TagInstanceProfile", "UntagInstanceProfile", "ListInstanceProfileTags"),
        ("PolicyArn", &arn, "TagPolicy", "UntagPolicy", "ListPolicyTags"),
    ] {
        let add = |keys: Vec<String>| {
            let tag_of = |key: &String| Document::Structure(texts([("Key", key), ("Value", "v")]));
            let tags = Document::List(keys.iter().map(tag_of).collect());
            server.call(tag, [texts([(who, name)]), vec![("Tags", tags)]].concat())
        };
        add((0..49).map(|at| format!("k{at}")).collect()).await.expect("tagged");
        add(vec!["K0".into(), "last".into()]).await.expect("one is known in another case");
        let message = "The number of tags has reached the maximum limit.";
        is_error(add(vec!["more".into()]).await, Code::InvalidInput, message);
        assert_eq!(add(vec!["aws:x".into()]).await.expect_err("it is AWS's").code, Code::InvalidInput);
        let gone = Document::List((1..49).map(|at| text(&format!("K{at}"))).collect());
        server.ok(untag, [texts([(who, name)]), vec![("TagKeys", gone)]].concat()).await;
        let listed = server.ok(list, texts([(who, name)])).await;
        assert_eq!(each(&listed, "Tags", "Key"), ["K0", "last"], "{list}");
    }
}

#[tokio::test]
async fn an_alias_belongs_to_one_account() {
    let server = Server::start();
    let alias = |name: &str| texts([("AccountAlias", name)]);
    let aliases = async || member(&server.ok("ListAccountAliases", []).await, "AccountAliases");
    assert_eq!(aliases().await, Document::List(vec![]));
    server.ok("CreateAccountAlias", alias("ours")).await;
    server.ok("CreateAccountAlias", alias("ours-too")).await;
    assert_eq!(aliases().await, Document::List(vec![text("ours-too")]));
    let taken = server.call_as("000000000000", "CreateAccountAlias", alias("ours-too")).await;
    is_error(taken, Code::EntityAlreadyExists, "The account alias ours-too already exists.");
    server.call_as("000000000000", "CreateAccountAlias", alias("ours")).await.expect("it was given up");
    let message = "The account alias ours cannot be found.";
    is_error(server.call("DeleteAccountAlias", alias("ours")).await, Code::NoSuchEntity, message);
    server.ok("DeleteAccountAlias", alias("ours-too")).await;
    assert_eq!(aliases().await, Document::List(vec![]));
}

#[tokio::test]
async fn the_summary_counts() {
    let server = Server::start();
    server.role("exec").await;
    server.ok("CreateUser", texts([("UserName", "alice")])).await;
    server.iam.root_key_once(ACCOUNT).await.expect("made");
    let Document::Map(map) = member(&server.ok("GetAccountSummary", []).await, "SummaryMap") else {
        panic!("a map")
    };
    let of = |name: &str| map.iter().find(|(known, _)| known == name).map(|(_, number)| number.clone());
    for (name, number) in
        [("Roles", 1), ("Users", 1), ("Groups", 0), ("AccountAccessKeysPresent", 1), ("RolesQuota", 1_000)]
    {
        assert_eq!(of(name), Some(Document::Integer(number)), "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_here_is_an_empty_list_or_missing() {
    let server = Server::start();
    server.ok("CreateUser", texts([("UserName", "alice")])).await;
    let user = texts([("UserName", "alice")]);
    for (operation, list) in [
        ("ListMFADevices", "MFADevices"),
        ("ListSigningCertificates", "Certificates"),
        ("ListSSHPublicKeys", "SSHPublicKeys"),
        ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ] {
        assert_eq!(member(&server.ok(operation, user.clone()).await, list), Document::List(vec![]));
        let nobody = server.call(operation, texts([("UserName", "bob")])).await;
        is_error(nobody, Code::NoSuchEntity, "The user with name bob cannot be found.");
    }
    for (operation, list) in [
        ("ListVirtualMFADevices", "VirtualMFADevices"),
        ("ListServerCertificates", "ServerCertificateMetadataList"),
        ("ListOpenIDConnectProviders", "OpenIDConnectProviderList"),
        ("ListSAMLProviders", "SAMLProviderList"),
    ] {
        assert_eq!(member(&server.ok(operation, []).await, list), Document::List(vec![]));
    }
    let message = "Login Profile for User alice cannot be found.";
    is_error(server.call("GetLoginProfile", user).await, Code::NoSuchEntity, message);
    assert_eq!(server.call("GetAccountPasswordPolicy", []).await.expect_err("none").code, Code::NoSuchEntity);
}

#[tokio::test]
async fn roles_of_aws_services_are_made_by_their_service_and_changed_by_nobody_else() {
    let server = Server::start();
    let service = texts([("AWSServiceName", "replicator.lambda.amazonaws.com")]);
    let made = member(&server.ok("CreateServiceLinkedRole", service.clone()).await, "Role");
    let name = string(&made, "RoleName");
    assert_eq!(name, "AWSServiceRoleForReplicatorLambda");
    assert_eq!(string(&made, "Path"), "/aws-service-role/replicator.lambda.amazonaws.com/");
    let again = server.call("CreateServiceLinkedRole", service).await.expect_err("it is there");
    assert_eq!(again.code, Code::InvalidInput);
    let message = format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    );
    let protected = Code::Modelled("UnmodifiableEntityException");
    is_error(server.call("DeleteRole", named(&name)).await, protected, &message);
    is_error(server.call("AttachRolePolicy", attachment(&name, BASIC)).await, protected, &message);
    let task = server.ok("DeleteServiceLinkedRole", named(&name)).await;
    let status = texts([("DeletionTaskId", &string(&task, "DeletionTaskId"))]);
    assert_eq!(string(&server.ok("GetServiceLinkedRoleDeletionStatus", status).await, "Status"), "SUCCEEDED");
    server.call("GetRole", named(&name)).await.expect_err("it is gone");
}
