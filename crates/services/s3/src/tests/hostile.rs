use super::{Served, md5};

#[tokio::test]
async fn documents_that_are_bombs_are_refused() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let entities = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
                    <Delete><Object><Key>&b;</Key></Object></Delete>";
    let deep = format!("<Delete>{}", "<Object>".repeat(200_000));
    let unknown = format!("<Delete><X>{}{}</X></Delete>", "<a>".repeat(50_000), "</a>".repeat(50_000));
    for document in
        [entities, &deep, &unknown, "", "<", "\0", "<Delete/>", "<Other/>", "<Delete><Object/></Delete>"]
    {
        let answer = s3
            .ask("POST /abc?delete", &[("content-md5", &md5(document.as_bytes()))], document.to_owned())
            .await;
        assert!(answer.status.is_client_error(), "{} for {:.60}", answer.text(), document);
        assert!(!answer.element("Code").is_empty(), "{document:.60}");
    }
    let large = " ".repeat(7_000_000);
    let answer = s3.ask("POST /abc?delete", &[("content-md5", &md5(large.as_bytes()))], large).await;
    answer.is_error(400, "MaxMessageLengthExceeded");
}

#[tokio::test]
async fn headers_and_queries_that_are_nonsense_are_refused_or_ignored() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    s3.put("/abc/k", "x").await;
    for target in [
        "/abc?max-keys=x",
        "/abc?max-keys=99999999999999999999",
        "/abc/k?partNumber=0",
        "/abc/k?versionId=%00",
    ] {
        let answer = s3.get(target).await;
        assert!(answer.status.is_client_error(), "{target}: {}", answer.text());
    }
    for target in ["/abc/k?a=%ff", "/abc/k?&&&=&", "/abc/k?partNumber=1&partNumber=2"] {
        assert!(!s3.get(target).await.status.is_server_error(), "{target}");
    }
    let many = "x".repeat(3_000);
    s3.ask("PUT /abc/k", &[("x-amz-meta-a", &many)], "x").await.is_error(400, "MetadataTooLarge");
    s3.ask("PUT /abc/k", &[("x-amz-tagging", "a=1&a=2")], "x").await.is_error(400, "InvalidArgument");
    s3.ask("PUT /abc/k", &[("x-amz-storage-class", "NONE")], "x").await.is_error(400, "InvalidStorageClass");
    s3.ask("PUT /abc/k?partNumber=0&uploadId=x", &[], "x").await.is_error(400, "InvalidArgument");
    s3.ask("PUT /abc/k?partNumber=1&uploadId=x", &[], "x").await.is_error(404, "NoSuchUpload");
    let unsigned = [("x-amz-content-sha256", "nonsense")];
    s3.ask("PUT /abc/k", &unsigned, "x").await.is_error(400, "InvalidArgument");
    assert_eq!(s3.get("/abc/k").await.text(), "x");
}
