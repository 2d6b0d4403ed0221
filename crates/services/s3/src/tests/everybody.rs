//! Requests without a signature, and queries whose names are written in another way.

use super::{Answer, Served};

const VERSIONED: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";

/// Opens the objects of a bucket to everybody for these actions.
async fn open(s3: &Served, actions: &str) {
    s3.ask("DELETE /box?publicAccessBlock", &[], "").await.is(204);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":[{actions}],
        "Resource":["arn:aws:s3:::box/*"]}}]}}"#
    );
    s3.ask("PUT /box?policy", &[], policy).await.is(204);
}

async fn unsigned(s3: &Served, target: &str) -> Answer {
    let request = http::Request::builder().header("host", "127.0.0.1:4566");
    s3.send(&format!("GET {target}"), request, "".into()).await
}

#[tokio::test]
async fn who_may_read_an_object_may_not_read_its_versions_however_the_query_is_written() {
    let s3 = Served::start();
    s3.bucket("box").await;
    s3.put("/box/k", "old").await;
    s3.ask("PUT /box?versioning", &[], VERSIONED).await.is(200);
    let new = s3.put("/box/k", "new").await.header("x-amz-version-id").to_owned();
    open(&s3, r#""s3:GetObject""#).await;
    assert_eq!(unsigned(&s3, "/box/k").await.text(), "new");
    for name in ["versionId", "version%49d", "%76ersionId", "%76%65%72%73%69%6f%6e%49%64"] {
        unsigned(&s3, &format!("/box/k?{name}=null")).await.is_error(403, "AccessDenied");
        unsigned(&s3, &format!("/box/k?x-id=GetObject&{name}=null")).await.is_error(403, "AccessDenied");
    }
    unsigned(&s3, "/box/k?acl").await.is_error(403, "AccessDenied");
    unsigned(&s3, "/box/k?%61cl").await.is_error(403, "AccessDenied");
    open(&s3, r#""s3:GetObjectVersion""#).await;
    for id in ["null", &new] {
        unsigned(&s3, &format!("/box/k?version%49d={id}")).await.is(200);
    }
    // Which of two is meant is nothing to guess at: neither may open what the other does not.
    for target in ["/box/k", "/box/k?versionId=null&versionId=null", "/box/k?versionId=null&version%49d=null"]
    {
        let answer = unsigned(&s3, target).await;
        assert!(answer.status.is_client_error(), "{target}: {answer:?}");
    }
}

#[tokio::test]
async fn a_sub_resource_is_the_same_however_it_is_written() {
    let s3 = Served::start();
    s3.bucket("box").await;
    s3.put("/box/k", "x").await;
    s3.ask("PUT /box/k?%74agging", &[], "<Tagging><TagSet/></Tagging>").await.is(200);
    assert_eq!(s3.get("/box/k").await.text(), "x", "a document of tags is no object");
    s3.ask("DELETE /box/k?%74agging", &[], "").await.is(204);
    s3.get("/box/k").await.is(200);
    assert_eq!(s3.get("/box?list%2Dtype=%32").await.element("KeyCount"), "1");
    assert_eq!(s3.get("/box?list-type=2&prefix=%6B").await.element("KeyCount"), "1");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_found_by_anybody() {
    let s3 = Served::start();
    for target in ["/nobody", "/nobody/k", "/nobody?list-type=2"] {
        let answer = unsigned(&s3, target).await;
        answer.is_error(404, "NoSuchBucket");
        assert_eq!(answer.element("BucketName"), "nobody");
    }
}
