use super::*;

const GROUP: [(&str, &str); 1] = [("logGroupName", "g")];

#[tokio::test]
async fn a_group_reads_back_as_it_was_created() {
    let server = Server::start();
    server.ok("CreateLogGroup", texts(GROUP)).await;
    let again = server.call("CreateLogGroup", texts(GROUP)).await;
    let exists = Code::Modelled("ResourceAlreadyExistsException");
    is_error(again, exists, "The specified log group already exists");
    server
        .ok("PutRetentionPolicy", [texts(GROUP), vec![("retentionInDays", Document::Integer(7))]].concat())
        .await;
    let group = &items(&server.ok("DescribeLogGroups", []).await, "logGroups")[0];
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g";
    assert_eq!((string(group, "arn"), string(group, "logGroupArn")), (format!("{arn}:*"), arn.to_owned()));
    assert_eq!((integer(group, "retentionInDays"), integer(group, "storedBytes")), (7, 0));
    assert_eq!(
        (integer(group, "creationTime"), string(group, "logGroupClass")),
        (server.now(), "STANDARD".into())
    );
    server.ok("DeleteRetentionPolicy", texts(GROUP)).await;
    let group = &items(&server.ok("DescribeLogGroups", []).await, "logGroups")[0];
    assert_eq!(member(group, "retentionInDays"), Document::Null);
    let wrong = [texts(GROUP), vec![("retentionInDays", Document::Integer(2))]].concat();
    assert!(server.call("PutRetentionPolicy", wrong).await.is_err(), "two days are not offered");
}

#[tokio::test]
async fn groups_are_listed_by_prefix_and_pattern_in_pages() {
    let server = Server::start();
    for name in ["/aws/lambda/b", "/aws/lambda/a", "/aws/lambda", "other", "/aws/lambdas"] {
        server.ok("CreateLogGroup", texts([("logGroupName", name)])).await;
    }
    let names = |answer: &Document| each(answer, "logGroups", "logGroupName");
    let prefix = texts([("logGroupNamePrefix", "/aws/lambda/")]);
    assert_eq!(names(&server.ok("DescribeLogGroups", prefix).await), ["/aws/lambda/a", "/aws/lambda/b"]);
    let pattern = texts([("logGroupNamePattern", "da/")]);
    assert_eq!(names(&server.ok("DescribeLogGroups", pattern).await).len(), 2);
    let (mut all, mut token) = (Vec::new(), Document::Null);
    loop {
        let members = vec![("limit", Document::Integer(2)), ("nextToken", token)];
        let page = server.ok("DescribeLogGroups", members).await;
        all.extend(names(&page));
        token = member(&page, "nextToken");
        if token == Document::Null {
            break;
        }
    }
    assert_eq!(all, ["/aws/lambda", "/aws/lambda/a", "/aws/lambda/b", "/aws/lambdas", "other"]);
    let both = texts([("logGroupNamePrefix", "a"), ("logGroupNamePattern", "b")]);
    let text = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.";
    is_error(server.call("DescribeLogGroups", both).await, Code::Modelled("InvalidParameterException"), text);
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_their_last_events() {
    let server = Server::with_stream().await;
    let now = server.now();
    for (stream, time) in [("b", now - 10), ("a", now - 5), ("bb", now - 20)] {
        server.stream(stream).await;
        server.put(stream, [(time, "x".to_owned())]).await;
    }
    let list = async |members: Members| {
        let mut names = Vec::new();
        let mut token = Document::Null;
        loop {
            let page = [members.clone(), texts(GROUP)].concat();
            let page = [page, vec![("limit", Document::Integer(1)), ("nextToken", token)]].concat();
            let answer = server.ok("DescribeLogStreams", page).await;
            names.extend(each(&answer, "logStreams", "logStreamName"));
            token = member(&answer, "nextToken");
            if token == Document::Null {
                return names.join(" ");
            }
        }
    };
    let descending = ("descending", Document::Bool(true));
    let by_last = ("orderBy", text("LastEventTime"));
    assert_eq!(list(vec![]).await, "a b bb s");
    assert_eq!(list(vec![descending.clone()]).await, "s bb b a");
    assert_eq!(list(vec![by_last.clone(), descending.clone()]).await, "a b bb s");
    assert_eq!(list(vec![by_last.clone()]).await, "s bb b a");
    assert_eq!(list(texts([("logStreamNamePrefix", "b")])).await, "b bb");
    assert_eq!(list([texts([("logStreamNamePrefix", "b")]), vec![descending]].concat()).await, "bb b");
    let both = [texts(GROUP), texts([("logStreamNamePrefix", "b")]), vec![by_last]].concat();
    let text = "Cannot order by LastEventTime with a logStreamNamePrefix.";
    is_error(
        server.call("DescribeLogStreams", both).await,
        Code::Modelled("InvalidParameterException"),
        text,
    );
}

#[tokio::test]
async fn both_tag_apis_see_the_same_tags() {
    let server = Server::with_stream().await;
    let tag = |key: &str| ("tags", Document::Map(vec![(key.to_owned(), text("v"))]));
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:g";
    server.ok("TagLogGroup", [texts(GROUP), vec![tag("one")]].concat()).await;
    server.ok("TagResource", vec![("resourceArn", text(arn)), tag("two")]).await;
    let by_arn = server.ok("ListTagsForResource", texts([("resourceArn", arn)])).await;
    assert_eq!(by_arn, server.ok("ListTagsLogGroup", texts(GROUP)).await);
    let keys = Document::List(vec![text("one")]);
    server.ok("UntagResource", vec![("resourceArn", text(arn)), ("tagKeys", keys.clone())]).await;
    let Document::Map(left) = member(&server.ok("ListTagsLogGroup", texts(GROUP)).await, "tags") else {
        panic!()
    };
    assert_eq!(left, [("two".to_owned(), text("v"))]);
    let elsewhere = texts([("resourceArn", "arn:aws:logs:us-east-1:123456789012:log-group:g")]);
    let missing = "The specified log group does not exist.";
    is_error(server.call("ListTagsForResource", elsewhere).await, Code::ResourceNotFound, missing);
}

#[tokio::test]
async fn a_protected_group_is_not_deleted_and_a_deleted_one_leaves_nothing_on_disk() {
    let server = Server::with_stream().await;
    server.logs.keep_up(&server.tasks);
    let protect =
        |on| vec![("logGroupIdentifier", text("g")), ("deletionProtectionEnabled", Document::Bool(on))];
    server.put("s", (0..2_500).map(|at| (server.now() + at, "x".to_owned()))).await;
    server.ok("PutLogGroupDeletionProtection", protect(true)).await;
    let text = "The log group cannot be deleted because deletion protection is enabled.";
    let refused = server.call("DeleteLogGroup", texts(GROUP)).await;
    is_error(refused, Code::Modelled("ValidationException"), text);
    server.ok("PutLogGroupDeletionProtection", protect(false)).await;
    server.ok("DeleteLogGroup", texts(GROUP)).await;
    server.ok("CreateLogGroup", texts(GROUP)).await;
    assert_eq!(server.filter([]).await, [""; 0], "the new one has nothing of the old");
    server.until_keys(1).await;
    server.tasks.stop();
}
