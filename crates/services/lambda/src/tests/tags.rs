use super::*;

const FN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:thumbnail";

fn map(entries: &[(&str, &str)]) -> Document {
    Document::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
}

fn tag_request(resource: &str, tags: Document) -> Members {
    vec![("Resource", text(resource)), ("Tags", tags)]
}

async fn tags(server: &Server) -> Document {
    let answer = server.call("ListTags", vec![("Resource", text(FN))]).await.expect("tags");
    member(&answer, "Tags")
}

#[tokio::test]
async fn tags_are_added_changed_and_taken_away() {
    let server = Server::start();
    server.function("thumbnail").await;
    assert_eq!(tags(&server).await, map(&[]));
    let first = map(&[("empty", ""), ("team", "pictures")]);
    server.call("TagResource", tag_request(FN, first)).await.expect("tagged");
    server
        .call("TagResource", tag_request(FN, map(&[("team", "videos"), ("x", "y")])))
        .await
        .expect("tagged");
    assert_eq!(tags(&server).await, map(&[("empty", ""), ("team", "videos"), ("x", "y")]));
    let keys = Document::List(vec![text("x"), text("never was")]);
    server.call("UntagResource", vec![("Resource", text(FN)), ("TagKeys", keys)]).await.expect("untagged");
    let whole = server.call("GetFunction", named("thumbnail")).await.expect("it exists");
    assert_eq!(member(&whole, "Tags"), map(&[("empty", ""), ("team", "videos")]));
}

#[tokio::test]
async fn a_resource_has_50_tags_at_most() {
    let server = Server::start();
    server.function("thumbnail").await;
    let keys: Vec<String> = (0..51).map(|number| format!("key-{number:02}")).collect();
    let some = |range: std::ops::Range<usize>| {
        Document::Map(keys[range].iter().map(|key| (key.clone(), text("v"))).collect())
    };
    server.call("TagResource", tag_request(FN, some(0..50))).await.expect("50 of them");
    server.call("TagResource", tag_request(FN, some(0..1))).await.expect("one that is there");
    let more = server.call("TagResource", tag_request(FN, some(50..51))).await;
    is_error(more, Code::InvalidParameterValue, "Number of tags exceeds resource tag limit.");
}

#[tokio::test]
async fn what_cannot_be_tagged_is_told_in_the_words_of_aws() {
    let server = Server::start();
    let one = || map(&[("team", "pictures")]);
    let missing = format!("Function not found: {FN}");
    is_error(server.call("TagResource", tag_request(FN, one())).await, Code::ResourceNotFound, &missing);
    is_error(server.call("ListTags", vec![("Resource", text(FN))]).await, Code::ResourceNotFound, &missing);
    server.function("thumbnail").await;
    let version = server.call("TagResource", tag_request(&format!("{FN}:1"), one())).await;
    let message = "Tags on function aliases and versions are not supported. Please specify a function ARN.";
    is_error(version, Code::InvalidParameterValue, message);
    let message = "An error occurred and the request cannot be processed.";
    let empty = server.call("TagResource", tag_request(FN, map(&[]))).await;
    is_error(empty, Code::InvalidParameterValue, message);
    for key in ["aws:team", "AWS:team"] {
        let reserved = server.call("TagResource", tag_request(FN, map(&[(key, "v")]))).await;
        assert_eq!(reserved.expect_err("reserved").code, Code::InvalidParameterValue);
        let created = with(create_request("other"), "Tags", map(&[(key, "v")]));
        let created = server.call("CreateFunction", created).await;
        assert_eq!(created.expect_err("reserved").code, Code::InvalidParameterValue);
    }
    let mapping =
        "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:0b9cbb49-6d3a-4d2f-b3c1-1f3f4a5b6c7d";
    let message = format!("Event source mapping not found: {mapping}");
    is_error(
        server.call("ListTags", vec![("Resource", text(mapping))]).await,
        Code::ResourceNotFound,
        &message,
    );
}
