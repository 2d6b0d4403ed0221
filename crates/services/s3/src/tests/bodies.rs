use std::fmt::Write as _;

use hearth_aws::sigv4::Algorithm;
use hearth_store::BlobDigest;

use super::{Served, checksum, md5, payload};

#[tokio::test]
async fn a_body_that_is_not_what_it_said_changes_nothing() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    s3.put("/abc/k", "before").await;
    for bytes in [5, 100_000, 3_000_000] {
        let body = payload(bytes);
        let other = payload(7);
        let check = async |headers: &[(&str, &str)], code: &str| {
            let answer = s3.ask("PUT /abc/k", headers, body.clone()).await;
            answer.is_error(400, code);
        };
        check(&[("content-md5", &md5(&other))], "BadDigest").await;
        check(&[("content-md5", "bm90IGFuIE1ENQ==")], "InvalidDigest").await;
        for algorithm in Algorithm::ALL {
            check(&[(algorithm.header(), &checksum(algorithm, &other))], "BadDigest").await;
        }
        check(&[("x-amz-checksum-crc32", "no base64")], "InvalidRequest").await;
        let sha256 = "0".repeat(64);
        check(&[("x-amz-content-sha256", &sha256)], "XAmzContentSHA256Mismatch").await;
        check(&[("content-length", "9999999")], "IncompleteBody").await;
    }
    assert_eq!(s3.get("/abc/k").await.text(), "before");
    s3.leaves_no_file().await;
}

#[tokio::test]
async fn a_body_of_any_size_has_the_digest_that_its_signature_names() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    for bytes in [0, 5, 100_000, 1_048_576, 3_000_000] {
        let body = payload(bytes);
        let sha256 = BlobDigest::of(&body).to_string();
        s3.ask("PUT /abc/k", &[("x-amz-content-sha256", &sha256)], body.clone()).await.is(200);
        assert!(s3.get("/abc/k").await.body == body, "{bytes}");
    }
}

#[tokio::test]
async fn every_kind_of_checksum_is_verified_and_kept() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let body = payload(70_000);
    for algorithm in Algorithm::ALL {
        let value = checksum(algorithm, &body);
        let answer = s3.ask("PUT /abc/k", &[(algorithm.header(), &value)], body.clone()).await;
        answer.is(200);
        assert_eq!(answer.header(algorithm.header()), value);
        let found = s3.ask("HEAD /abc/k", &[("x-amz-checksum-mode", "ENABLED")], "").await;
        assert_eq!(found.header(algorithm.header()), value);
        assert_eq!(found.header("x-amz-checksum-type"), "FULL_OBJECT");
        assert_eq!(s3.ask("HEAD /abc/k", &[], "").await.header(algorithm.header()), "");
    }
    let plain = s3.put("/abc/k", body.clone()).await;
    assert_eq!(plain.header("x-amz-checksum-crc64nvme"), checksum(Algorithm::Crc64Nvme, &body));
    let two = [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")];
    s3.ask("PUT /abc/k", &two, body).await.is_error(400, "InvalidRequest");
}

/// A body in unsigned pieces with a checksum after them.
fn pieces(body: &[u8], trailer: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(65_536) {
        let mut head = String::new();
        write!(head, "{:x}\r\n", piece.len()).expect("a text");
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("0\r\nx-amz-checksum-crc32:{trailer}\r\n\r\n").as_bytes());
    out
}

#[tokio::test]
async fn a_body_in_pieces_is_taken_apart_and_its_trailer_verified() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    for bytes in [0, 10, 100_000, 2_500_000] {
        let body = payload(bytes);
        let length = bytes.to_string();
        let headers = [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", length.as_str()),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
            ("content-encoding", "aws-chunked"),
        ];
        let value = checksum(Algorithm::Crc32, &body);
        let answer = s3.ask("PUT /abc/k", &headers, pieces(&body, &value)).await;
        answer.is(200);
        assert_eq!(answer.header("x-amz-checksum-crc32"), value);
        let found = s3.get("/abc/k").await;
        assert!(found.body == body, "{bytes}");
        assert_eq!(found.header("content-encoding"), "");
        let wrong = s3.ask("PUT /abc/other", &headers, pieces(&body, "AAAAAQ==")).await;
        wrong.is_error(400, "BadDigest");
        s3.get("/abc/other").await.is_error(404, "NoSuchKey");
        let mut cut = pieces(&body, &value);
        cut.truncate(cut.len() - 20);
        s3.ask("PUT /abc/other", &headers, cut).await.is(400);
    }
}

#[tokio::test]
async fn a_body_over_five_gigabytes_is_refused_before_it_comes() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let answer = s3.ask("PUT /abc/k", &[("content-length", "5368709121")], "x").await;
    answer.is_error(400, "EntityTooLarge");
    assert_eq!(answer.element("MaxSizeAllowed"), "5368709120");
}
