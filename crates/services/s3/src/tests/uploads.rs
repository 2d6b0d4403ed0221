use hearth_aws::sigv4::Algorithm;

use super::{Served, checksum, md5, payload};
use crate::content::composite;
use crate::records::{Content, Part};

const PART: usize = 5 * 1_024 * 1_024;

async fn start(s3: &Served, headers: &[(&str, &str)]) -> String {
    let started = s3.ask("POST /abc/k?uploads", headers, "").await;
    started.is(200);
    started.element("UploadId")
}

async fn part(s3: &Served, id: &str, number: u32, body: Vec<u8>) -> String {
    let answer = s3.ask(&format!("PUT /abc/k?partNumber={number}&uploadId={id}"), &[], body).await;
    answer.is(200);
    answer.header("etag").to_owned()
}

fn document(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    format!(
        "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
        parts.iter().map(part).collect::<String>()
    )
}

#[tokio::test]
async fn parts_become_an_object() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let id = start(&s3, &[("content-type", "text/plain"), ("x-amz-meta-a", "1")]).await;
    let (one, two) = (payload(PART), payload(1_000));
    let replaced = part(&s3, &id, 1, payload(20_000)).await;
    let (first, last) = (part(&s3, &id, 1, one.clone()).await, part(&s3, &id, 7, two.clone()).await);
    let unused = part(&s3, &id, 9, payload(3)).await;
    let listed = s3.get(&format!("/abc/k?uploadId={id}&max-parts=2")).await;
    assert_eq!(listed.elements("PartNumber"), ["1", "7"]);
    assert_eq!(listed.element("NextPartNumberMarker"), "7");
    assert_eq!(s3.get("/abc?uploads").await.elements("UploadId"), std::slice::from_ref(&id));
    let complete = async |parts: &[(u32, &str)]| {
        s3.ask(&format!("POST /abc/k?uploadId={id}"), &[], document(parts)).await
    };
    complete(&[]).await.is_error(400, "MalformedXML");
    complete(&[(1, &replaced)]).await.is_error(400, "InvalidPart");
    complete(&[(7, &last), (1, &first)]).await.is_error(400, "InvalidPartOrder");
    complete(&[(7, &last), (9, &unused)]).await.is_error(400, "EntityTooSmall");
    complete(&[(2, &first)]).await.is_error(400, "InvalidPart");
    let done = complete(&[(1, &first), (7, &last)]).await;
    done.is(200);
    assert!(done.element("ETag").ends_with("-2&quot;") || done.element("ETag").ends_with("-2\""), "{done:?}");
    let whole = [one.as_slice(), two.as_slice()].concat();
    assert_eq!(done.element("ChecksumCRC64NVME"), checksum(Algorithm::Crc64Nvme, &whole));
    let found = s3.get("/abc/k").await;
    assert!(found.body == whole);
    assert_eq!((found.header("content-type"), found.header("x-amz-meta-a")), ("text/plain", "1"));
    let across = s3.ask("GET /abc/k", &[("range", &format!("bytes={}-{}", PART - 10, PART + 9))], "").await;
    assert!(across.body == whole[PART - 10..PART + 10]);
    let second = s3.get("/abc/k?partNumber=2").await;
    second.is(206);
    assert!(second.body == two);
    assert_eq!(second.header("x-amz-mp-parts-count"), "2");
    s3.get("/abc/k?partNumber=3").await.is_error(416, "InvalidPartNumber");
    complete(&[(1, &first)]).await.is_error(404, "NoSuchUpload");
    assert!(s3.get("/abc?uploads").await.elements("UploadId").is_empty());
    let known = s3
        .ask("GET /abc/k?attributes", &[("x-amz-object-attributes", "ETag,ObjectParts,ObjectSize")], "")
        .await;
    known.is(200);
    assert_eq!(known.element("ObjectSize"), whole.len().to_string());
    assert_eq!(known.element("PartsCount"), "2", "{}", known.text());
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let id = start(&s3, &[]).await;
    let etag = part(&s3, &id, 1, payload(30_000)).await;
    s3.ask(&format!("DELETE /abc/k?uploadId={id}"), &[], "").await.is(204);
    s3.ask(&format!("DELETE /abc/k?uploadId={id}"), &[], "").await.is_error(404, "NoSuchUpload");
    let late = s3.ask(&format!("PUT /abc/k?partNumber=2&uploadId={id}"), &[], "x").await;
    late.is_error(404, "NoSuchUpload");
    let late = s3.ask(&format!("POST /abc/k?uploadId={id}"), &[], document(&[(1, &etag)])).await;
    late.is_error(404, "NoSuchUpload");
    let tasks = hearth_world::TaskGroup::new();
    s3.s3.keep_up(&tasks);
    let space = crate::keys::parts(u64::from_str_radix(&id[16..], 16).expect("a number"));
    for _ in 0..600 {
        let space = space.clone();
        let left = hearth_store::transact_read(&*s3.s3.store, move |tx| -> Result<bool, crate::Failure> {
            let mut found = false;
            tx.scan(space.children(), hearth_store::Order::Ascending, 1, &mut |_, _| {
                found = true;
                std::ops::ControlFlow::Break(())
            })?;
            Ok(found)
        });
        if !left.await.expect("read") {
            return;
        }
        s3.s3.world.physical().sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the parts of an aborted upload stay");
}

#[tokio::test]
async fn checksums_of_parts_make_that_of_the_object() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let (one, two) = (payload(PART), payload(77));
    let whole = [one.as_slice(), two.as_slice()].concat();
    for (algorithm, kind) in [
        (Algorithm::Crc32, "FULL_OBJECT"),
        (Algorithm::Crc32C, "FULL_OBJECT"),
        (Algorithm::Crc64Nvme, "FULL_OBJECT"),
        (Algorithm::Crc32, "COMPOSITE"),
        (Algorithm::Sha256, "COMPOSITE"),
    ] {
        let name = algorithm.to_string();
        let id = start(&s3, &[("x-amz-checksum-algorithm", &name), ("x-amz-checksum-type", kind)]).await;
        let (first, last) = (part(&s3, &id, 1, one.clone()).await, part(&s3, &id, 2, two.clone()).await);
        let listed = s3.get(&format!("/abc/k?uploadId={id}")).await;
        let element = format!("Checksum{name}");
        assert_eq!(listed.elements(&element), [checksum(algorithm, &one), checksum(algorithm, &two)]);
        let document = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{first}</ETag><{element}>{}</{element}></Part>\
             <Part><PartNumber>2</PartNumber><ETag>{last}</ETag><{element}>{}</{element}></Part></CompleteMultipartUpload>",
            checksum(algorithm, &one),
            checksum(algorithm, &two)
        );
        let done = s3.ask(&format!("POST /abc/k?uploadId={id}"), &[], document).await;
        done.is(200);
        let value = done.element(&element);
        assert_eq!(done.element("ChecksumType"), kind);
        match kind {
            "COMPOSITE" => assert!(value.ends_with("-2"), "{value}"),
            _ => assert_eq!(value, checksum(algorithm, &whole)),
        }
    }
    let wrong = [("x-amz-checksum-algorithm", "SHA256"), ("x-amz-checksum-type", "FULL_OBJECT")];
    s3.ask("POST /abc/k?uploads", &wrong, "").await.is_error(400, "InvalidRequest");
}

/// Two parts in an upload of this kind: the upload's id, and the document that completes it.
async fn ready(s3: &Served, (algorithm, kind): (Algorithm, &str)) -> (String, String) {
    let name = algorithm.to_string();
    let id = start(s3, &[("x-amz-checksum-algorithm", &name), ("x-amz-checksum-type", kind)]).await;
    let mut parts = String::new();
    for (number, body) in [(1, payload(PART)), (2, payload(77))] {
        let value = checksum(algorithm, &body);
        let etag = part(s3, &id, number, body).await;
        parts.push_str(&format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Checksum{name}>{value}</Checksum{name}></Part>"
        ));
    }
    (id, format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"))
}

#[tokio::test]
async fn a_checksum_in_the_head_of_a_completion_is_that_of_the_object() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let whole = [payload(PART), payload(77)].concat();
    for (algorithm, kind) in [
        (Algorithm::Crc32, "FULL_OBJECT"),
        (Algorithm::Crc64Nvme, "FULL_OBJECT"),
        (Algorithm::Crc32C, "COMPOSITE"),
        (Algorithm::Sha256, "COMPOSITE"),
    ] {
        let one = checksum(algorithm, &payload(PART));
        let parts = [one.clone(), checksum(algorithm, &payload(77))];
        let right = match kind {
            "COMPOSITE" => composite(algorithm, &[&parts[0], &parts[1]]).expect("a checksum"),
            _ => checksum(algorithm, &whole),
        };
        let short = right.strip_suffix("-2").unwrap_or(&right).to_owned();
        for right in [right, short.clone()] {
            let (id, document) = ready(&s3, (algorithm, kind)).await;
            let complete = async |headers: &[(&str, &str)]| {
                s3.ask(&format!("POST /abc/k?uploadId={id}"), headers, document.clone()).await
            };
            let header = algorithm.header();
            let wrong = complete(&[(header, &one)]).await;
            wrong.is_error(400, "BadDigest");
            assert_eq!(
                wrong.element("Message"),
                format!("The {algorithm} you specified did not match the calculated checksum.")
            );
            // What is true of the document is not what is asked.
            let of_document = checksum(algorithm, document.as_bytes());
            complete(&[(header, &of_document)]).await.is_error(400, "BadDigest");
            for invalid in ["nonsense", "AAAA", &format!("{short}-x"), &format!("{short}--2")] {
                let answer = complete(&[(header, invalid)]).await;
                answer.is_error(400, "InvalidRequest");
                assert_eq!(answer.element("Message"), format!("Value for {header} header is invalid."));
            }
            let other = if kind == "COMPOSITE" { "FULL_OBJECT" } else { "COMPOSITE" };
            complete(&[("x-amz-checksum-type", other)]).await.is_error(400, "InvalidRequest");
            complete(&[("content-md5", &md5(b"other"))]).await.is_error(400, "BadDigest");
            let of_body = md5(document.as_bytes());
            let right = [(header, right.as_str()), ("content-md5", &of_body), ("x-amz-checksum-type", kind)];
            let done = complete(&right).await;
            done.is(200);
            assert_eq!(done.element("ChecksumType"), kind);
            assert!(s3.get("/abc/k").await.body == whole);
        }
    }
}

/// Writes parts of an upload that are named in no completion.
async fn leave_out(s3: &Served, upload: u64, numbers: std::ops::Range<u32>) {
    let write = move |tx: &mut dyn hearth_store::Tx| -> Result<(), crate::Failure> {
        for number in numbers.clone() {
            let own = upload.wrapping_add(number.into());
            tx.put(&crate::keys::bytes(own), "x".into())?;
            let (content, etag) = (Content::Inline, "0".repeat(32));
            let part = Part { number: own, content, bytes: 1, etag, checksum: None, modified: 0 };
            crate::uploads::put_part(tx, upload, number, &part, std::time::Duration::ZERO)?;
        }
        Ok(())
    };
    hearth_store::transact(&*s3.s3.store, write).await.expect("written");
}

#[tokio::test]
async fn parts_that_a_completion_leaves_out_are_gone_however_many_they_are() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let id = start(&s3, &[]).await;
    let etag = part(&s3, &id, 1, payload(30_000)).await;
    let upload = u64::from_str_radix(&id[16..], 16).expect("a number");
    leave_out(&s3, upload, 2..2_600).await;
    let wrong = [("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")];
    let complete = async |headers: &[(&str, &str)]| {
        s3.ask(&format!("POST /abc/k?uploadId={id}"), headers, document(&[(1, &etag)])).await
    };
    complete(&wrong).await.is_error(400, "BadDigest");
    let listed = s3.get(&format!("/abc/k?uploadId={id}&max-parts=1000")).await;
    assert_eq!(listed.elements("PartNumber").len(), 1_000, "what is refused deletes nothing");
    complete(&[]).await.is(200);
    assert!(s3.get("/abc/k").await.body == payload(30_000));
    let look = move |tx: &mut dyn hearth_store::Tx| -> Result<_, crate::Failure> {
        let bytes = tx.get(&crate::keys::bytes(upload.wrapping_add(2_599)))?;
        Ok((crate::uploads::parts(tx, upload)?.len(), bytes))
    };
    let left = hearth_store::transact_read(&*s3.s3.store, look).await.expect("read");
    assert_eq!(left, (1, None));
}

#[tokio::test]
async fn a_completion_that_is_repeated_has_the_same_answer_while_its_object_is_there() {
    let s3 = Served::start();
    s3.bucket("abc").await;
    let id = start(&s3, &[]).await;
    let etag = part(&s3, &id, 1, payload(30_000)).await;
    let complete = async |parts: &[(u32, &str)]| {
        s3.ask(&format!("POST /abc/k?uploadId={id}"), &[], document(parts)).await
    };
    let first = complete(&[(1, &etag)]).await;
    first.is(200);
    for _ in 0..2 {
        let again = complete(&[(1, &etag)]).await;
        again.is(200);
        assert_eq!(again.text(), first.text());
    }
    // S3 takes the same parts alone; the upload itself is none any more.
    complete(&[(2, &etag)]).await.is_error(404, "NoSuchUpload");
    let late = s3.ask(&format!("PUT /abc/k?partNumber=2&uploadId={id}"), &[], "x").await;
    late.is_error(404, "NoSuchUpload");
    assert!(s3.get("/abc?uploads").await.elements("UploadId").is_empty());
    s3.put("/abc/k", "another").await;
    complete(&[(1, &etag)]).await.is_error(404, "NoSuchUpload");
}
