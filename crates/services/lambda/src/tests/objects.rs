//! Packages in S3, and a bucket that has what a test put there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::{StreamExt, stream};
use hearth_aws::operation::BoxFuture;
use hearth_store::BlobDigest;

use super::*;
use crate::{Object, ObjectError, ObjectName, Objects};

const BUCKET: &str = "packages";

/// One bucket, with objects by key and version.
#[derive(Default)]
pub(super) struct FakeObjects {
    objects: Mutex<BTreeMap<(String, Option<String>), Pieces>>,
}

/// The size that an object says it has, and its pieces.
type Pieces = (u64, Vec<&'static [u8]>);

impl FakeObjects {
    fn put(&self, key: &str, version: Option<&str>, bytes: &'static [u8]) {
        self.put_pieces(key, version, bytes.len() as u64, vec![bytes]);
    }

    fn put_pieces(&self, key: &str, version: Option<&str>, bytes: u64, pieces: Vec<&'static [u8]>) {
        let key = (key.to_owned(), version.map(str::to_owned));
        self.objects.lock().expect("no test panics with it").insert(key, (bytes, pieces));
    }

    fn find(&self, name: &ObjectName) -> Result<Object, ObjectError> {
        let refused = |code: &str, message: &str| {
            Err(ObjectError::Refused { code: code.to_owned(), message: message.to_owned() })
        };
        if name.bucket != BUCKET {
            return refused("NoSuchBucket", "The specified bucket does not exist");
        }
        let objects = self.objects.lock().expect("no test panics with it");
        match objects.get(&(name.key.clone(), name.version.clone())) {
            Some((bytes, pieces)) => {
                let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
                Ok(Object { bytes: *bytes, content: stream::iter(pieces).boxed() })
            }
            None if name.version.is_some() => {
                refused("NoSuchVersion", "The specified version does not exist.")
            }
            None => refused("NoSuchKey", "The specified key does not exist."),
        }
    }
}

impl Objects for FakeObjects {
    fn open<'a>(
        &'a self,
        call: &'a Call,
        object: &'a ObjectName,
    ) -> BoxFuture<'a, Result<Object, ObjectError>> {
        assert_eq!((call.account.as_str(), call.region.as_str()), (ACCOUNT, "eu-west-1"));
        Box::pin(async move { self.find(object) })
    }
}

fn object(key: &str, version: Option<&str>) -> Members {
    let mut members = vec![("S3Bucket", text(BUCKET)), ("S3Key", text(key))];
    members.extend(version.map(|version| ("S3ObjectVersion", text(version))));
    members
}

fn update(key: &str, version: Option<&str>) -> Members {
    [named("thumbnail"), object(key, version)].concat()
}

#[tokio::test]
async fn functions_and_layers_are_copied_out_of_s3_and_keep_their_copy() {
    let server = Server::start();
    server.objects.put("a.zip", None, b"a zip");
    server.objects.put("a.zip", Some("v2"), b"another zip");
    let request = with(create_request("thumbnail"), "Code", Document::Structure(object("a.zip", None)));
    let created = server.call("CreateFunction", request).await.expect("created");
    assert_eq!(string(&created, "CodeSha256"), BlobDigest::of(b"a zip").base64());
    assert_eq!(member(&created, "CodeSize"), Document::Integer(5));
    assert_eq!(server.settled("thumbnail").await, "Active");

    server.objects.put("a.zip", None, b"what came later");
    server.invoke("thumbnail", "1").await.expect("it has its own copy");
    let updated = server.call("UpdateFunctionCode", update("a.zip", Some("v2"))).await.expect("updated");
    assert_eq!(string(&updated, "CodeSha256"), BlobDigest::of(b"another zip").base64());
    assert_eq!(server.updated("thumbnail").await, "Successful");

    let content = Document::Structure(object("a.zip", Some("v2")));
    let layer =
        server.call("PublishLayerVersion", [("LayerName", text("numbers")), ("Content", content)]).await;
    let content = member(&layer.expect("published"), "Content");
    assert_eq!(string(&content, "CodeSha256"), BlobDigest::of(b"another zip").base64());
    assert_eq!(member(&content, "CodeSize"), Document::Integer(11));
}

#[tokio::test]
async fn a_dry_run_reads_the_object_and_changes_nothing() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.objects.put("b.zip", None, b"another zip");
    let before = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    let dry = |key| with(update(key, None), "DryRun", Document::Bool(true));
    let shown = server.call("UpdateFunctionCode", dry("b.zip")).await.expect("a good package");
    assert_eq!(string(&shown, "CodeSha256"), BlobDigest::of(b"another zip").base64());
    assert!(server.call("UpdateFunctionCode", dry("nothing.zip")).await.is_err());
    let after = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(before, after);
}

#[tokio::test]
async fn what_s3_refuses_is_told_in_the_words_of_both() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.objects.put("empty.zip", None, b"");
    server.objects.put("folder.zip", None, b"PK\x05\x06\0\0");
    let error = |code: &str, message: &str| {
        format!("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")
    };
    let cases = [
        (update("nobody", None), error("NoSuchKey", "The specified key does not exist.")),
        (update("nobody", Some("v9")), error("NoSuchVersion", "The specified version does not exist.")),
        (
            with(update("a.zip", None), "S3Bucket", text("elsewhere")),
            error("NoSuchBucket", "The specified bucket does not exist"),
        ),
        (update("empty.zip", None), "Uploaded file must be a non-empty zip".to_owned()),
        (update("folder.zip", None), "Uploaded file must be a non-empty zip".to_owned()),
    ];
    for (request, message) in cases {
        is_error(server.call("UpdateFunctionCode", request).await, Code::InvalidParameterValue, &message);
    }
    let nowhere = Document::Structure(with(object("a.zip", None), "S3Bucket", text("elsewhere")));
    let message = error("NoSuchBucket", "The specified bucket does not exist");
    let create = with(create_request("other"), "Code", nowhere.clone());
    is_error(server.call("CreateFunction", create).await, Code::InvalidParameterValue, &message);
    let publish = [("LayerName", text("numbers")), ("Content", nowhere)];
    is_error(server.call("PublishLayerVersion", publish).await, Code::InvalidParameterValue, &message);
    assert!(server.call("GetFunction", named("other")).await.is_err(), "nothing was left of it");
}

#[tokio::test]
async fn an_object_is_taken_whole_or_not_at_all() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.objects.put_pieces("whole.zip", None, 11, vec![b"another", b" zip"]);
    server.objects.put_pieces("short.zip", None, 11, vec![b"another"]);
    server.objects.put_pieces("long.zip", None, 3, vec![b"another"]);
    server.objects.put_pieces("large.zip", None, 262_144_001, vec![b"another"]);
    let too_large = "Unzipped size must be smaller than 262144000 bytes";
    let answer = server.call("UpdateFunctionCode", update("large.zip", None)).await;
    is_error(answer, Code::InvalidParameterValue, too_large);
    for key in ["short.zip", "long.zip"] {
        let error = server.call("UpdateFunctionCode", update(key, None)).await.expect_err("broken");
        assert_eq!(error.code, Code::ServiceFailure, "{error:?}");
    }
    let updated = server.call("UpdateFunctionCode", update("whole.zip", None)).await.expect("updated");
    assert_eq!(string(&updated, "CodeSha256"), BlobDigest::of(b"another zip").base64());
}

#[tokio::test]
async fn of_two_updates_at_once_one_wins_and_the_other_is_told_so() {
    let server = Server::start();
    server.function("thumbnail").await;
    server.objects.put("one.zip", None, b"number one");
    server.objects.put("two.zip", None, b"number two");
    server.worker.hold_settling();
    let both = tokio::join!(
        server.call("UpdateFunctionCode", update("one.zip", None)),
        server.call("UpdateFunctionCode", update("two.zip", None)),
    );
    let (winner, loser) = match both {
        (Ok(winner), loser @ Err(_)) | (loser @ Err(_), Ok(winner)) => (winner, loser),
        both => panic!("one of them wins: {both:?}"),
    };
    assert_eq!(loser.expect_err("the other one").code, Code::ResourceConflict);
    server.worker.let_settle();
    assert_eq!(server.updated("thumbnail").await, "Successful");
    let after = server.call("GetFunctionConfiguration", named("thumbnail")).await.expect("it exists");
    assert_eq!(string(&after, "CodeSha256"), string(&winner, "CodeSha256"));
}
