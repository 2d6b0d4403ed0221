//! A hundred thousand objects, ten thousand parts.

use hearth_store::{Stored, Tx, transact};

use super::Served;
use crate::error::Failure;
use crate::records::{Content, Listed, Object, Part};
use crate::{buckets, keys, uploads};

const OBJECTS: u32 = 100_000;
const FOLDERS: u32 = 500;

/// Records that one transaction writes.
const AT_ONCE: u32 = 5_000;

/// Every part but the last has 5 MB.
const PART_BYTES: u64 = 5 << 20;

fn key(number: u32) -> String {
    format!("folder-{:03}/{number:06}", number / (OBJECTS / FOLDERS))
}

#[tokio::test]
async fn a_hundred_thousand_objects_are_listed_page_by_page() {
    let s3 = Served::start();
    s3.bucket("box").await;
    // What is listed of objects, as putting them writes it.
    for first in (0..OBJECTS).step_by(AT_ONCE as usize) {
        let fill = move |tx: &mut dyn Tx| -> Result<(), Failure> {
            let bucket = buckets::find(tx, "box")?.expect("it was made").number;
            for number in first..first + AT_ONCE {
                let entry =
                    Listed::of(&Object { bytes: number.into(), ..Object::default() }, 1, 0).encode()?;
                tx.put(&keys::listed(bucket).text(&key(number)), entry)?;
            }
            Ok(())
        };
        transact(&*s3.s3.store, fill).await.expect("it is written");
    }
    let (mut number, mut token) = (0, String::new());
    loop {
        let page = s3.get(&format!("/box?list-type=2{token}")).await;
        for found in page.elements("Key") {
            assert_eq!(found, key(number));
            number += 1;
        }
        if page.element("IsTruncated") == "false" {
            break;
        }
        token = format!("&continuation-token={}", page.element("NextContinuationToken"));
    }
    assert_eq!(number, OBJECTS);
    let folders = s3.get("/box?list-type=2&delimiter=/").await;
    assert_eq!((folders.elements("Key").len(), folders.element("KeyCount")), (0, FOLDERS.to_string()));
    let last = s3.get("/box?list-type=2&start-after=folder-499/099997").await;
    assert_eq!(last.elements("Key"), [key(OBJECTS - 2), key(OBJECTS - 1)]);
    let middle = s3.get("/box?list-type=2&prefix=folder-250/&max-keys=2").await;
    assert_eq!(middle.elements("Key"), [key(50_000), key(50_001)]);
}

#[tokio::test]
async fn ten_thousand_parts_are_listed_and_become_one_object() {
    let s3 = Served::start();
    s3.bucket("box").await;
    let id = s3.ask("POST /box/k?uploads", &[], "").await.element("UploadId");
    let upload = id.clone();
    let fill = move |tx: &mut dyn Tx| -> Result<(), Failure> {
        let bucket = buckets::find(tx, "box")?.expect("it was made").number;
        let number = uploads::get(tx, bucket, "k", &upload)?.number;
        for part in 1..=uploads::PARTS_MAX {
            let record = Part {
                number: part.into(),
                content: Content::Empty,
                bytes: PART_BYTES,
                etag: format!("{part:032x}"),
                checksum: None,
                modified: 0,
            };
            tx.put(&keys::part(number, part), record.encode()?)?;
        }
        Ok(())
    };
    transact(&*s3.s3.store, fill).await.expect("it is written");
    let (mut seen, mut marker) = (Vec::new(), String::from("0"));
    loop {
        let page = s3.get(&format!("/box/k?uploadId={id}&part-number-marker={marker}")).await;
        seen.extend(page.elements("PartNumber"));
        if page.element("IsTruncated") == "false" {
            break;
        }
        marker = page.element("NextPartNumberMarker");
    }
    let wanted: Vec<String> = (1..=uploads::PARTS_MAX).map(|part| part.to_string()).collect();
    assert_eq!(seen, wanted);
    let part = |part: u32| format!("<Part><PartNumber>{part}</PartNumber><ETag>{part:032x}</ETag></Part>");
    let all: String = (1..=uploads::PARTS_MAX).map(part).collect();
    let body = format!("<CompleteMultipartUpload>{all}</CompleteMultipartUpload>");
    let done = s3.ask(&format!("POST /box/k?uploadId={id}"), &[], body).await;
    done.is(200);
    assert!(done.element("ETag").contains("-10000"), "{done:?}");
    let head = s3.ask("HEAD /box/k", &[], "").await;
    assert_eq!(head.header("content-length"), (PART_BYTES * u64::from(uploads::PARTS_MAX)).to_string());
}
