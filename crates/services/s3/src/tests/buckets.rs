use super::{Served, authorization};

#[tokio::test]
async fn a_bucket_is_made_found_listed_and_deleted() {
    let s3 = Served::start();
    let made = s3.ask("PUT /photos", &[], "").await;
    made.is(200);
    assert_eq!(made.header("location"), "/photos");
    // us-east-1 alone answers the owner's second call like the first.
    s3.ask("PUT /photos", &[], "").await.is(200);
    let head = s3.ask("HEAD /photos", &[], "").await;
    head.is(200);
    assert_eq!(head.header("x-amz-bucket-region"), "us-east-1");
    let listed = s3.get("/").await;
    assert_eq!(listed.elements("Name"), ["photos"]);
    assert!(s3.get("/photos?location").await.text().contains("LocationConstraint"));
    s3.put("/photos/key", "bytes").await;
    s3.ask("DELETE /photos", &[], "").await.is_error(409, "BucketNotEmpty");
    s3.ask("DELETE /photos/key", &[], "").await.is(204);
    s3.ask("DELETE /photos", &[], "").await.is(204);
    let gone = s3.ask("HEAD /photos", &[], "").await;
    gone.is(404);
    assert!(gone.body.is_empty());
    let gone = s3.ask("DELETE /photos", &[], "").await;
    gone.is_error(404, "NoSuchBucket");
    assert_eq!(gone.element("Message"), "The specified bucket does not exist");
    assert_eq!(gone.element("BucketName"), "photos");
    assert_eq!(gone.element("RequestId"), gone.header("x-amz-request-id"));
    assert_eq!(gone.element("HostId"), gone.header("x-amz-id-2"));
    assert_eq!(gone.header("server"), "AmazonS3");
}

#[tokio::test]
async fn names_are_of_all_accounts_and_regions() {
    let s3 = Served::start();
    let configuration = |region: &str| {
        format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
    };
    s3.ask("PUT /west", &[], configuration("eu-west-1")).await.is(200);
    let again = s3.ask("PUT /west", &[], configuration("eu-west-1")).await;
    again.is_error(409, "BucketAlreadyOwnedByYou");
    assert_eq!(s3.get("/west?location").await.text().matches("eu-west-1").count(), 1);
    let other = authorization("123456789012", "us-east-1");
    let other = [("authorization", other.as_str())];
    s3.ask("PUT /west", &other, "").await.is_error(409, "BucketAlreadyExists");
    s3.ask("GET /west", &other, "").await.is_error(403, "AccessDenied");
    assert!(s3.ask("GET /", &other, "").await.elements("Name").is_empty());
    s3.ask("PUT /North", &[], "").await.is_error(400, "InvalidBucketName");
    s3.ask("PUT /north", &[], configuration("us-east-1")).await.is_error(400, "InvalidLocationConstraint");
    let wrong = [("x-amz-expected-bucket-owner", "123456789012")];
    s3.ask("GET /west?location", &wrong, "").await.is_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_bucket_may_stand_in_the_host() {
    let s3 = Served::start();
    s3.bucket("photos").await;
    let hosts = [
        "photos.localhost:4566",
        "photos.s3.localhost:4566",
        "photos.s3.amazonaws.com",
        "photos.s3.us-east-1.amazonaws.com",
        "photos.hearth.corp",
    ];
    for host in hosts {
        s3.ask("PUT /a/b", &[("host", host)], host.to_owned()).await.is(200);
        let found = s3.get("/photos/a/b").await;
        assert_eq!(found.text(), host);
        let listed = s3.ask("GET /", &[("host", host)], "").await;
        assert_eq!(listed.elements("Key"), ["a/b"], "{host}");
    }
    let foreign = s3.ask("GET /", &[("host", "photos.example.com")], "").await;
    foreign.is_error(403, "AccessDenied");
}

#[tokio::test]
async fn what_is_not_built_says_so_and_does_nothing() {
    let s3 = Served::start();
    s3.bucket("photos").await;
    for line in [
        "DELETE /photos?metadataConfiguration",
        "DELETE /photos?metadataTable",
        "PUT /photos/key?renameObject",
    ] {
        let answer = s3.ask(line, &[], "").await;
        answer.is_error(501, "NotImplemented");
    }
    s3.ask("HEAD /photos", &[], "").await.is(200);
}

#[tokio::test]
async fn a_request_without_a_signature_is_refused_in_xml() {
    let s3 = Served::start();
    s3.bucket("photos").await;
    let anonymous = http::Request::builder().header("host", "localhost:4566");
    s3.send("GET /photos/key", anonymous, bytes::Bytes::new()).await.is_error(403, "AccessDenied");
    let old = "GET /photos/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20200101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let link = http::Request::builder().header("host", "localhost:4566");
    let answer = s3.send(old, link, bytes::Bytes::new()).await;
    answer.is_error(403, "AccessDenied");
    assert_eq!(answer.element("Message"), "Request has expired");
}
