use super::{Served, payload};

#[tokio::test]
async fn an_object_comes_back_with_all_that_was_said_of_it() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let headers = [
        ("content-type", "text/plain"),
        ("cache-control", "no-cache"),
        ("content-disposition", "inline"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("x-amz-meta-Colour", "red"),
        ("x-amz-tagging", "a=1&b=two+words"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ];
    s3.ask("PUT /abc/k", &headers, "hello").await.is(200);
    for method in ["GET", "HEAD"] {
        let found = s3.ask(&format!("{method} /abc/k"), &[], "").await;
        found.is(200);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "x-amz-tagging") {
            assert_eq!(found.header(name), *value, "{method} {name}");
        }
        assert_eq!(found.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
        assert_eq!(found.header("content-length"), "5");
        assert_eq!(found.header("accept-ranges"), "bytes");
        assert_eq!(found.text(), if method == "GET" { "hello" } else { "" });
    }
    assert_eq!(s3.get("/abc/k").await.header("x-amz-tagging-count"), "2");
    let head =
        s3.ask("HEAD /abc/k?response-expires=Fri%2C%2008%20Jan%202021%2012%3A10%3A10%20GMT", &[], "").await;
    assert_eq!(head.header("x-amz-tagging-count"), "2");
    assert_eq!(head.header("expires"), "Fri, 08 Jan 2021 12:10:10 GMT");
    assert_eq!(s3.get("/abc/k?tagging").await.elements("Value"), ["1", "two words"]);
    let overridden = s3.get("/abc/k?response-content-type=image%2Fpng").await;
    assert_eq!(overridden.header("content-type"), "image/png");
}

#[tokio::test]
async fn small_and_large_objects_have_ranges() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    for bytes in [1, 100, 16_384, 16_385, 300_000, 2_500_000] {
        let whole = payload(bytes);
        s3.put("/abc/k", whole.clone()).await;
        assert!(s3.get("/abc/k").await.body == whole, "{bytes}");
        let last = bytes - 1;
        for (range, expected, shown) in [
            (format!("bytes=0-{last}"), &whole[..], format!("bytes 0-{last}/{bytes}")),
            ("bytes=-1".to_owned(), &whole[last..], format!("bytes {last}-{last}/{bytes}")),
            (
                format!("bytes={}-", bytes / 2),
                &whole[bytes / 2..],
                format!("bytes {}-{last}/{bytes}", bytes / 2),
            ),
            ("bytes=0-99999999".to_owned(), &whole[..], format!("bytes 0-{last}/{bytes}")),
        ] {
            let found = s3.ask("GET /abc/k", &[("range", &range)], "").await;
            found.is(206);
            assert!(found.body == expected, "{range} of {bytes}");
            assert_eq!(found.header("content-range"), shown);
            s3.ask("HEAD /abc/k", &[("range", &range)], "").await.is(206);
        }
        let beyond = s3.ask("GET /abc/k", &[("range", &format!("bytes={bytes}-"))], "").await;
        beyond.is_error(416, "InvalidRange");
        assert_eq!(beyond.element("ActualObjectSize"), bytes.to_string());
    }
    s3.put("/abc/empty", "").await;
    s3.get("/abc/empty").await.is(200);
    s3.ask("GET /abc/empty", &[("range", "bytes=0-0")], "").await.is_error(416, "InvalidRange");
}

#[tokio::test]
async fn conditions_decide_what_is_read_and_written() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let none = [("if-none-match", "*")];
    s3.ask("PUT /abc/k", &none, "one").await.is(200);
    s3.ask("PUT /abc/k", &none, "two").await.is_error(412, "PreconditionFailed");
    assert_eq!(s3.get("/abc/k").await.text(), "one");
    let etag = s3.get("/abc/k").await.header("etag").to_owned();
    s3.ask("PUT /abc/k", &[("if-match", "\"wrong\"")], "two").await.is_error(412, "PreconditionFailed");
    s3.ask("PUT /abc/absent", &[("if-match", &etag)], "two").await.is_error(404, "NoSuchKey");
    let known = s3.ask("GET /abc/k", &[("if-none-match", &etag)], "").await;
    known.is(304);
    assert!(known.body.is_empty());
    assert_eq!(known.header("etag"), etag);
    s3.ask("GET /abc/k", &[("if-match", etag.trim_matches('"'))], "").await.is(200);
    s3.ask("GET /abc/k", &[("if-match", "\"wrong\"")], "").await.is_error(412, "PreconditionFailed");
    let past = "Sat, 01 Jan 2000 00:00:00 GMT";
    s3.ask("GET /abc/k", &[("if-unmodified-since", past)], "").await.is_error(412, "PreconditionFailed");
    s3.ask("GET /abc/k", &[("if-modified-since", past)], "").await.is(200);
    s3.ask("PUT /abc/k", &[("if-match", &etag)], "two").await.is(200);
    assert_eq!(s3.get("/abc/k").await.text(), "two");
}

#[tokio::test]
async fn keys_are_any_text() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let long = "k".repeat(1_024);
    let keys =
        ["/", "//", "a//b/", "../x", "..", "a b+c%d", "ünïcode/日本", "<&>\"'", "?#", "%2F", &long, "\u{7f}"];
    for key in keys {
        let encoded =
            percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string();
        s3.put(&format!("/abc/{encoded}"), key.to_owned()).await;
        assert_eq!(s3.get(&format!("/abc/{encoded}")).await.text(), key);
        let listed = s3.get(&format!("/abc?list-type=2&encoding-type=url&prefix={encoded}")).await;
        let shown = listed
            .elements("Key")
            .into_iter()
            .map(|shown| percent_encoding::percent_decode_str(&shown).decode_utf8_lossy().into_owned());
        assert!(shown.collect::<Vec<_>>().iter().any(|shown| shown == key), "{key}: {}", listed.text());
    }
    let deep = s3.get("/abc?delimiter=%2F").await;
    assert!(deep.elements("Prefix").contains(&"/".to_owned()), "{}", deep.text());
}

#[tokio::test]
async fn pages_of_keys_follow_each_other() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    for at in 0..7 {
        s3.put(&format!("/abc/a/{at}"), "x").await;
        s3.put(&format!("/abc/{at}"), "x").await;
    }
    let first = s3.get("/abc?list-type=2&delimiter=/&max-keys=3").await;
    assert_eq!(first.elements("Key"), ["0", "1", "2"]);
    assert_eq!(first.element("IsTruncated"), "true");
    assert_eq!(first.element("KeyCount"), "3");
    let token = first.element("NextContinuationToken");
    let second = s3.get(&format!("/abc?list-type=2&delimiter=/&max-keys=9&continuation-token={token}")).await;
    assert_eq!(second.elements("Key"), ["3", "4", "5", "6"]);
    assert!(
        second.text().contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"),
        "{}",
        second.text()
    );
    assert_eq!(second.element("IsTruncated"), "false");
    let v1 = s3.get("/abc?prefix=a/&marker=a/3&max-keys=2").await;
    assert_eq!(v1.elements("Key"), ["a/4", "a/5"]);
    let after = s3.get("/abc?list-type=2&start-after=5").await;
    assert_eq!(after.elements("Key").first().map(String::as_str), Some("6"));
    s3.get("/abc?list-type=2&continuation-token=%21").await.is_error(400, "InvalidArgument");
    s3.get("/abc?max-keys=-1").await.is_error(400, "InvalidArgument");
    assert!(s3.get("/abc?list-type=2&max-keys=0").await.elements("Key").is_empty());
}

#[tokio::test]
async fn many_keys_are_deleted_at_once() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    for key in ["a", "b", "c"] {
        s3.put(&format!("/abc/{key}"), "x").await;
    }
    let document = "<Delete><Object><Key>a</Key></Object><Object><Key>absent</Key></Object></Delete>";
    s3.ask("POST /abc?delete", &[], document).await.is_error(400, "InvalidRequest");
    let md5 = super::md5(document.as_bytes());
    let deleted = s3.ask("POST /abc?delete", &[("content-md5", &md5)], document).await;
    deleted.is(200);
    assert_eq!(deleted.elements("Key"), ["a", "absent"]);
    assert_eq!(s3.get("/abc").await.elements("Key"), ["b", "c"]);
    let wrong = s3.ask("POST /abc?delete", &[("content-md5", &super::md5(b"other"))], document).await;
    wrong.is_error(400, "BadDigest");
}
