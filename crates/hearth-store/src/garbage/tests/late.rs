//! Deletions that come too late, or may.

use std::fmt;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as ObjectResult,
};

use super::*;

#[tokio::test]
async fn a_collector_that_was_paused_past_its_claim_deletes_nothing() {
    let server = Server::new(7, Faults::default());
    let ticket = server.put("code").await;
    let past = server.world.physical().now();
    assert!(server.collector.before(past, server.blobs.delete(&ticket.digest)).await.is_none());
    assert!(server.blobs.exists(&ticket.digest).await.unwrap());
}

/// A store of objects that takes deletions and never says that one is done.
#[derive(Debug, Default)]
struct Silent {
    objects: InMemory,
}

impl fmt::Display for Silent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Silent")
    }
}

#[async_trait]
impl ObjectStore for Silent {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, how: PutOptions) -> ObjectResult<PutResult> {
        self.objects.put_opts(at, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> ObjectResult<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(at, how).await
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> ObjectResult<GetResult> {
        self.objects.get_opts(at, how).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, ObjectResult<Path>>,
    ) -> BoxStream<'static, ObjectResult<Path>> {
        stream::pending().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> ObjectResult<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> ObjectResult<()> {
        self.objects.copy_opts(from, to, how).await
    }
}

#[tokio::test]
async fn a_deletion_that_was_given_up_is_waited_for_before_anybody_brings_the_blob_back() {
    let mut server = Server::over(7, Faults::default(), Blobs::over(Arc::new(Silent::default())));
    server.collector.deletion_max = Duration::from_millis(100);
    let digest = server.put("code").await.digest;
    server.world.domain().advance(GRACE);
    let fired = claim(&server).await.remove(0);
    let claimed = fired.clone();
    let fate = server.collector.collect(fired).await;
    let Ok(Fate::Again(wait)) = fate else { panic!("{fate:?}") };
    assert!(wait >= Duration::from_secs(60), "the request may live for {wait:?}");
    let announced = server.write(move |tx| announce(tx, &digest, "package", 1, 1, GRACE)).await.unwrap();
    assert_eq!(announced, Announced::Collecting);
    // The same when its server dies now. A claim that is renewed as others are becomes no shorter.
    server.write(move |tx| claimed.renew(tx, CLAIM)).await.unwrap();
    server.world.domain().advance(Duration::from_secs(60));
    assert!(claim(&server).await.is_empty(), "another deletes it too early");
    server.world.domain().advance(CLAIM);
    let fired = claim(&server).await.remove(0);
    let due = server.world.domain().now().after(GRACE);
    server.write(move |tx| fired.again(tx, due)).await.unwrap();
    server.write(|tx| hasten(tx, None, 100)).await.unwrap();
    assert!(claim(&server).await.is_empty(), "it is told to go, and waits");
}
