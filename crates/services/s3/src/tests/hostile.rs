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

#[tokio::test]
async fn what_is_not_built_is_refused_and_changes_nothing() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    s3.put("/abc/k", "before").await;
    let locks = [
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"),
        ("x-amz-object-lock-legal-hold", "ON"),
    ];
    for lock in locks {
        let copy = ("x-amz-copy-source", "abc/k");
        for (line, headers) in [
            ("PUT /abc/k", vec![lock]),
            ("PUT /abc/n", vec![lock, copy]),
            ("POST /abc/k?uploads", vec![lock]),
        ] {
            let answer = s3.ask(line, &headers, "after").await;
            answer.is_error(400, "InvalidRequest");
            assert_eq!(
                answer.element("Message"),
                "Bucket is missing ObjectLockConfiguration",
                "{line} {lock:?}"
            );
        }
    }
    s3.ask("PUT /abc/k", &[("x-amz-write-offset-bytes", "6")], "after").await.is_error(501, "NotImplemented");
    for header in
        [("x-amz-if-match-size", "5"), ("x-amz-if-match-last-modified-time", "Sat, 21 Nov 2026 00:00:00 GMT")]
    {
        s3.ask("DELETE /abc/k", &[header], "").await.is_error(501, "NotImplemented");
    }
    for element in ["<Size>5</Size>", "<LastModifiedTime>Sat, 21 Nov 2026 00:00:00 GMT</LastModifiedTime>"] {
        let body = format!("<Delete><Object><Key>k</Key>{element}</Object></Delete>");
        let answer = s3.ask("POST /abc?delete", &[("content-md5", &md5(body.as_bytes()))], body).await;
        answer.is_error(501, "NotImplemented");
    }
    assert_eq!(s3.get("/abc/k").await.text(), "before");
    s3.get("/abc/n").await.is_error(404, "NoSuchKey");
    assert!(s3.get("/abc?uploads").await.elements("UploadId").is_empty());
}

#[tokio::test]
async fn a_key_is_deleted_with_others_only_while_it_is_what_was_said() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let etag = s3.put("/abc/k", "x").await.header("etag").trim_matches('"').to_owned();
    for (tag, left) in [("0123", 200), (etag.as_str(), 404)] {
        let body = format!("<Delete><Object><Key>k</Key><ETag>\"{tag}\"</ETag></Object></Delete>");
        s3.ask("POST /abc?delete", &[("content-md5", &md5(body.as_bytes()))], body).await.is(200);
        s3.get("/abc/k").await.is(left);
    }
}

#[tokio::test]
async fn what_the_shapes_have_no_member_for_is_refused() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let source = ("x-amz-copy-source", "abc/k");
    s3.put("/abc/k", "x").await;
    for checksum in ["sha512", "md5", "xxhash64", "xxhash3", "xxhash128"] {
        let name = format!("x-amz-checksum-{checksum}");
        s3.ask("PUT /abc/n", &[(&name, "AAAA")], "x").await.is_error(501, "NotImplemented");
    }
    s3.ask("PUT /abc/n", &[("x-amz-object-lock-event-hold", "ON")], "x")
        .await
        .is_error(501, "NotImplemented");
    s3.ask("PUT /abc/n", &[source, ("x-amz-object-annotation-directive", "COPY")], "")
        .await
        .is_error(501, "NotImplemented");
    s3.get("/abc/n").await.is_error(404, "NoSuchKey");
    let namespace = [("x-amz-bucket-namespace", "account-regional")];
    s3.ask("PUT /def", &namespace, "").await.is_error(501, "NotImplemented");
    s3.ask("PUT /def", &[("x-amz-bucket-namespace", "global")], "").await.is(200);
    let encryption = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>\
                      AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes>\
                      <EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>\
                      </ServerSideEncryptionConfiguration>";
    s3.ask("PUT /abc?encryption", &[], encryption).await.is_error(501, "NotImplemented");
}
