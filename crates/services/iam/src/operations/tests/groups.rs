use super::*;

fn group(name: &str) -> Members {
    texts([("GroupName", name)])
}

#[tokio::test]
async fn a_group_keeps_its_members_under_another_name() {
    let server = Server::start();
    let made =
        member(&server.ok("CreateGroup", texts([("GroupName", "devs"), ("Path", "/x/")])).await, "Group");
    assert_eq!(string(&made, "Arn"), "arn:aws:iam::123456789012:group/x/devs");
    assert!(string(&made, "GroupId").starts_with("AGPA"));
    for name in ["a", "b", "c"] {
        server.ok("CreateUser", texts([("UserName", name)])).await;
        for _ in 0..2 {
            server.ok("AddUserToGroup", texts([("GroupName", "devs"), ("UserName", name)])).await;
        }
    }
    server.ok("UpdateGroup", texts([("GroupName", "devs"), ("NewGroupName", "people")])).await;
    let first =
        server.ok("GetGroup", [group("people"), vec![("MaxItems", Document::Integer(2))]].concat()).await;
    let rest =
        server.ok("GetGroup", [group("people"), vec![("Marker", member(&first, "Marker"))]].concat()).await;
    let mut members = [each(&first, "Users", "UserName"), each(&rest, "Users", "UserName")].concat();
    members.sort();
    assert_eq!(members, ["a", "b", "c"]);
    assert_eq!(
        each(&server.ok("ListGroupsForUser", texts([("UserName", "a")])).await, "Groups", "GroupName"),
        ["people"]
    );
    assert_eq!(each(&server.ok("ListGroups", []).await, "Groups", "GroupName"), ["people"]);
    let message = "The group with name devs cannot be found.";
    is_error(server.call("GetGroup", group("devs")).await, Code::NoSuchEntity, message);
    let message = "Cannot delete entity, must remove users from group first.";
    is_error(server.call("DeleteGroup", group("people")).await, Code::DeleteConflict, message);
    for name in ["a", "b", "c", "c"] {
        server.ok("RemoveUserFromGroup", texts([("GroupName", "people"), ("UserName", name)])).await;
    }
    server.ok("DeleteGroup", group("people")).await;
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let server = Server::start();
    server.ok("CreateUser", texts([("UserName", "a")])).await;
    for at in 0..10 {
        server.ok("CreateGroup", group(&format!("g{at}"))).await;
        server.ok("AddUserToGroup", texts([("GroupName", &format!("g{at}")), ("UserName", "a")])).await;
    }
    server.ok("CreateGroup", group("more")).await;
    let eleventh = server.call("AddUserToGroup", texts([("GroupName", "more"), ("UserName", "a")])).await;
    is_error(eleventh, Code::LimitExceeded, "Cannot exceed quota for GroupsPerUser: 10");
    server.ok("AddUserToGroup", texts([("GroupName", "g3"), ("UserName", "a")])).await;
}

#[tokio::test]
async fn policies_of_groups_are_written_read_and_in_the_way_of_deletion() {
    let server = Server::start();
    server.ok("CreateGroup", group("devs")).await;
    let inline = texts([("GroupName", "devs"), ("PolicyName", "p"), ("PolicyDocument", ALLOW)]);
    server.ok("PutGroupPolicy", inline.clone()).await;
    let read = server.ok("GetGroupPolicy", inline[..2].to_vec()).await;
    assert_eq!((string(&read, "GroupName"), string(&read, "PolicyName")), ("devs".into(), "p".into()));
    let attachment = texts([("GroupName", "devs"), ("PolicyArn", BASIC)]);
    server.ok("AttachGroupPolicy", attachment.clone()).await;
    let message = "Cannot delete entity, must delete policies first.";
    is_error(server.call("DeleteGroup", group("devs")).await, Code::DeleteConflict, message);
    server.ok("DeleteGroupPolicy", inline[..2].to_vec()).await;
    let message = "The group policy with name p cannot be found.";
    is_error(server.call("GetGroupPolicy", inline[..2].to_vec()).await, Code::NoSuchEntity, message);
    let message = "Cannot delete entity, must detach all policies first.";
    is_error(server.call("DeleteGroup", group("devs")).await, Code::DeleteConflict, message);
    server.ok("DetachGroupPolicy", attachment).await;
    server.ok("DeleteGroup", group("devs")).await;
    let large = ALLOW.replace("s3:*", &format!("s3:{}", "x".repeat(5_120)));
    server.ok("CreateGroup", group("devs")).await;
    let put = texts([("GroupName", "devs"), ("PolicyName", "p"), ("PolicyDocument", &large)]);
    let message = "Maximum policy size of 5120 bytes exceeded for group devs";
    is_error(server.call("PutGroupPolicy", put).await, Code::LimitExceeded, message);
}
