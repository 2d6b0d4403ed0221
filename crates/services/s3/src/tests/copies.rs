use super::{Served, payload};

#[tokio::test]
async fn a_copy_has_the_bytes_and_what_was_said_of_them() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    s3.bucket("other").await;
    for bytes in [0, 10, 50_000] {
        let body = payload(bytes);
        let headers = [("content-type", "text/plain"), ("x-amz-meta-a", "1"), ("x-amz-tagging", "t=1")];
        s3.ask("PUT /abc/a%20b", &headers, body.clone()).await.is(200);
        let copied = s3.ask("PUT /other/k", &[("x-amz-copy-source", "/abc/a%20b")], "").await;
        copied.is(200);
        s3.ask("DELETE /abc/a%20b", &[], "").await.is(204);
        let found = s3.get("/other/k").await;
        assert!(found.body == body, "{bytes}");
        assert_eq!((found.header("content-type"), found.header("x-amz-meta-a")), ("text/plain", "1"));
        assert_eq!(s3.get("/other/k?tagging").await.elements("Value"), ["1"]);
    }
}

#[tokio::test]
async fn a_copy_may_replace_what_is_said() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    s3.ask("PUT /abc/k", &[("x-amz-meta-a", "1")], "x").await.is(200);
    let source = ("x-amz-copy-source", "abc/k");
    s3.ask("PUT /abc/k", &[source], "").await.is_error(400, "InvalidRequest");
    let replace = [source, ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-b", "2")];
    s3.ask("PUT /abc/k", &replace, "").await.is(200);
    let found = s3.get("/abc/k").await;
    assert_eq!(
        (found.header("x-amz-meta-a"), found.header("x-amz-meta-b"), found.text()),
        ("", "2", "x".to_owned())
    );
    let condition = [source, ("x-amz-copy-source-if-match", "wrong")];
    s3.ask("PUT /abc/n", &condition, "").await.is_error(412, "PreconditionFailed");
    s3.ask("PUT /abc/n", &[("x-amz-copy-source", "abc/absent")], "").await.is_error(404, "NoSuchKey");
    s3.ask("PUT /abc/n", &[("x-amz-copy-source", "absent/k")], "").await.is_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn a_part_may_be_a_range_of_an_object_and_its_copy_is_one_piece() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let body = payload(100_000);
    s3.put("/abc/source", body.clone()).await;
    let id = s3.ask("POST /abc/k?uploads", &[], "").await.element("UploadId");
    let range = [("x-amz-copy-source", "abc/source"), ("x-amz-copy-source-range", "bytes=10-59999")];
    let copied = s3.ask(&format!("PUT /abc/k?partNumber=1&uploadId={id}"), &range, "").await;
    copied.is(200);
    let beyond = [("x-amz-copy-source", "abc/source"), ("x-amz-copy-source-range", "bytes=10-100000")];
    s3.ask(&format!("PUT /abc/k?partNumber=1&uploadId={id}"), &beyond, "")
        .await
        .is_error(400, "InvalidArgument");
    let etag = copied.element("ETag");
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    s3.ask(&format!("POST /abc/k?uploadId={id}"), &[], document).await.is(200);
    assert!(s3.get("/abc/k").await.body == body[10..60_000]);
    s3.ask("PUT /abc/whole", &[("x-amz-copy-source", "abc/k")], "").await.is(200);
    let whole = s3.get("/abc/whole").await;
    assert!(whole.body == body[10..60_000]);
    assert!(!whole.header("etag").contains('-'), "{}", whole.header("etag"));
}

#[tokio::test]
async fn a_copy_looks_at_what_it_would_replace() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let etag = s3.put("/abc/k", "before").await.header("etag").to_owned();
    s3.put("/abc/source", "after").await;
    let source = ("x-amz-copy-source", "abc/source");
    let copy = async |key: &str, condition: (&str, &str)| {
        s3.ask(&format!("PUT /abc/{key}"), &[source, condition], "").await
    };
    copy("k", ("if-none-match", "*")).await.is_error(412, "PreconditionFailed");
    copy("k", ("if-match", "\"0123\"")).await.is_error(412, "PreconditionFailed");
    copy("absent", ("if-match", &etag)).await.is_error(404, "NoSuchKey");
    copy("k", ("if-none-match", &etag)).await.is_error(501, "NotImplemented");
    assert_eq!(s3.get("/abc/k").await.text(), "before");
    s3.get("/abc/absent").await.is_error(404, "NoSuchKey");
    copy("absent", ("if-none-match", "*")).await.is(200);
    copy("k", ("if-match", etag.trim_matches('"'))).await.is(200);
    assert_eq!(s3.get("/abc/k").await.text(), "after");
}
