use hearth_aws::sigv4::Algorithm;

use super::{Served, checksum, payload};

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
