//! Configurations as requests ask for them.

use super::Served;

const CORS: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://a.com</AllowedOrigin>\
    <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";

#[tokio::test]
async fn a_new_bucket_has_what_aws_gives_it_and_404_for_the_rest() {
    let s3 = Served::start();
    s3.bucket("box").await;
    let absent = [
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("analytics&id=a", "NoSuchConfiguration"),
    ];
    for (name, code) in absent {
        // Terraform's requests have an empty value.
        for query in [name.to_owned(), name.replacen('&', "=&", 1), format!("{name}=")] {
            let answer = s3.get(&format!("/box?{query}")).await;
            answer.is_error(404, code);
            let bucket = if code == "NoSuchConfiguration" { "" } else { "box" };
            assert_eq!(answer.element("BucketName"), bucket, "{query}");
        }
    }
    let there = [
        ("encryption", "SSEAlgorithm", "AES256"),
        ("ownershipControls", "ObjectOwnership", "BucketOwnerEnforced"),
        ("publicAccessBlock", "RestrictPublicBuckets", "true"),
        ("requestPayment", "Payer", "BucketOwner"),
        ("acl", "Permission", "FULL_CONTROL"),
        ("accelerate", "Status", ""),
        ("logging", "LoggingEnabled", ""),
        ("notification", "Event", ""),
        ("inventory", "IsTruncated", "false"),
    ];
    for (name, element, value) in there {
        let answer = s3.get(&format!("/box?{name}=")).await;
        answer.is(200);
        assert_eq!(answer.element(element), value, "{name}");
    }
    s3.get("/nobody?tagging").await.is_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn a_body_that_is_no_configuration_changes_nothing() {
    let s3 = Served::start();
    s3.bucket("box").await;
    s3.ask("PUT /box?cors", &[], CORS).await.is(200);
    let deep = format!("{}{}", "<CORSConfiguration>".repeat(5_000), "</CORSConfiguration>".repeat(5_000));
    let bomb = format!("<!DOCTYPE a [<!ENTITY b \"{}\">]>{}", "c".repeat(100), CORS.replace("GET", "&b;"));
    let extra = CORS.replace("<CORSRule>", "<CORSRule><Extra/>");
    for body in ["", "no", "<A/>", "<CORSConfiguration/>", "<CORSConfiguration>", &deep, &bomb, &extra] {
        let answer = s3.ask("PUT /box?cors", &[], body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), 400, "{} {answer:?}", &body[..body.len().min(60)]);
    }
    assert_eq!(s3.get("/box?cors").await.element("AllowedOrigin"), "https://a.com");
    let refused = s3.ask("PUT /box?cors", &[], CORS.replace("GET", "MYMETHOD")).await;
    refused.is_error(400, "InvalidRequest");
    assert_eq!(
        refused.element("Message"),
        "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD"
    );
    s3.ask("DELETE /box?cors", &[], "").await.is(204);
    s3.get("/box?cors").await.is_error(404, "NoSuchCORSConfiguration");
}

#[tokio::test]
async fn a_configuration_of_many_rules_comes_back_whole_and_goes_with_its_bucket() {
    let s3 = Served::start();
    s3.bucket("box").await;
    let rule = |number: usize| {
        format!(
            "<Rule><ID>rule {number} {}</ID><Status>Enabled</Status><Filter><Prefix>ü{number}/</Prefix></Filter>\
             <Expiration><Days>1</Days></Expiration></Rule>",
            "x".repeat(100)
        )
    };
    let rules = |count: usize| (0..count).map(rule).collect::<String>();
    let document = |count| format!("<LifecycleConfiguration>{}</LifecycleConfiguration>", rules(count));
    for count in [1_000, 1, 700] {
        s3.ask("PUT /box?lifecycle", &[], document(count)).await.is(200);
        let ids = s3.get("/box?lifecycle").await.elements("ID");
        assert_eq!(ids.len(), count);
        assert!(ids[count - 1].starts_with(&format!("rule {} ", count - 1)));
    }
    s3.ask("PUT /box?lifecycle", &[], document(1_001)).await.is_error(400, "MalformedXML");
    s3.ask("DELETE /box", &[], "").await.is(204);
    s3.bucket("box").await;
    s3.get("/box?lifecycle").await.is_error(404, "NoSuchLifecycleConfiguration");
}

#[tokio::test]
async fn another_account_neither_reads_nor_writes_a_configuration() {
    let s3 = Served::start();
    s3.bucket("box").await;
    let other = super::authorization("111111111111", "us-east-1");
    for line in [
        "GET /box?cors",
        "PUT /box?cors",
        "DELETE /box?cors",
        "GET /box?acl",
        "DELETE /box?publicAccessBlock",
    ] {
        let answer = s3.ask(line, &[("authorization", &other)], CORS).await;
        answer.is_error(403, "AccessDenied");
    }
    let expects = [("x-amz-expected-bucket-owner", "111111111111")];
    s3.ask("GET /box?acl", &expects, "").await.is_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_signature_and_a_page_without_a_rule_is_refused() {
    let s3 = Served::start();
    s3.bucket("box").await;
    s3.put("/box/k", "x").await;
    s3.ask("PUT /box?cors", &[], CORS).await.is(200);
    let page = |origin: &str, method: &str| {
        let request = http::Request::builder().header("host", "127.0.0.1:4566").header("origin", origin);
        request.header("access-control-request-method", method)
    };
    let answer = s3.send("OPTIONS /box/k", page("https://a.com", "GET"), "".into()).await;
    answer.is(200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://a.com");
    for (origin, method) in [("https://b.com", "GET"), ("https://a.com", "PUT")] {
        let answer = s3.send("OPTIONS /box/k", page(origin, method), "".into()).await;
        answer.is_error(403, "AccessForbidden");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let got =
        s3.ask("GET /box/k", &[("origin", "https://a.com"), ("sec-fetch-site", "cross-site")], "").await;
    got.is(200);
    assert_eq!(got.header("access-control-allow-origin"), "https://a.com");
    for headers in [[("origin", "https://b.com")], [("sec-fetch-site", "cross-site")]] {
        s3.ask("GET /box/k", &headers, "").await.is_error(403, "AccessDenied");
    }
    s3.ask("DELETE /box/k", &[("origin", "https://a.com")], "").await.is_error(403, "AccessDenied");
    s3.get("/box/k").await.is(200);
    let rebound = [("origin", "https://a.com"), ("host", "evil.example.com")];
    s3.ask("GET /box/k", &rebound, "").await.is_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_bucket_is_made_with_its_tags_or_not_at_all() {
    let s3 = Served::start();
    let document =
        |tags: &str| format!("<CreateBucketConfiguration><Tags>{tags}</Tags></CreateBucketConfiguration>");
    let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>v + w</Value></Tag>");
    s3.ask("PUT /box", &[], document(&tag("aws:x"))).await.is_error(400, "InvalidTag");
    s3.get("/box?tagging").await.is_error(404, "NoSuchBucket");
    s3.ask("PUT /box", &[], document(&(tag("b") + &tag("a")))).await.is(200);
    let found = s3.get("/box?tagging").await;
    assert_eq!(
        (found.elements("Key"), found.elements("Value")),
        (vec!["a".to_owned(), "b".to_owned()], vec!["v + w".to_owned(); 2])
    );
    s3.ask("PUT /bare", &[], document("")).await.is(200);
    s3.get("/bare?tagging").await.is_error(404, "NoSuchTagSet");
}

#[tokio::test]
async fn every_configuration_minds_whose_bucket_is_expected() {
    let s3 = Served::start();
    s3.bucket("box").await;
    for query in ["intelligent-tiering", "intelligent-tiering&id=a", "analytics", "cors"] {
        let owner = [("x-amz-expected-bucket-owner", "111111111111")];
        s3.ask(&format!("GET /box?{query}"), &owner, "").await.is_error(403, "AccessDenied");
    }
}
