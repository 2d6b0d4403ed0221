//! Documents in requests: read whole, bounded, verified.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hearth_aws::{ApiError, Payload};
use hearth_world::World;
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::S3;
use crate::content::{BODY_FRAME_TIME_MAX, Expected, too_slow, verify};
use crate::error::Failure;

/// A document: 10,000 parts with their checksums, or 1,000 keys with every character escaped.
const DOCUMENT_BYTES_MAX: usize = 6_291_456;

/// Most documents.
const SMALL_BYTES_MAX: usize = 65_536;

/// Documents that are read at the same time and are not small.
const LARGE_DOCUMENTS_MAX: usize = 8;

/// How long a document may take to come: 6 MB in this time are 420 kbit/s. Room for large ones is held so long.
const DOCUMENT_TIME_MAX: Duration = Duration::from_secs(120);

/// Room for large documents.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LARGE_DOCUMENTS_MAX))
}

/// What the headers and the signature say of a payload.
pub(super) fn expected(operation: &str, headers: &HeaderMap, payload: &Payload) -> Result<Expected, Failure> {
    let mut expected = match operation {
        "CompleteMultipartUpload" => Expected::of_completion(headers)?,
        _ => Expected::of(headers, payload.trailer.as_deref())?,
    };
    expected.bytes = payload.bytes;
    expected.sha256 = payload.sha256.clone();
    Ok(expected)
}

/// A document, and the right to the memory that it takes.
pub(super) async fn read(
    s3: &S3,
    room: &Arc<Semaphore>,
    payload: Payload,
    expected: &Expected,
    operation: &str,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Failure> {
    if operation == "DeleteObjects" && expected.md5.is_none() && expected.checksum.is_none() {
        let text = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
        return Err(Failure::request(text));
    }
    let (document, permit) = within(DOCUMENT_TIME_MAX, &s3.world, collect(&s3.world, room, payload)).await?;
    verify(&document, expected)?;
    Ok((document, permit))
}

async fn within<T>(
    limit: Duration,
    world: &World,
    reading: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    world.physical().timeout(limit, reading).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn collect<B>(
    world: &World,
    room: &Arc<Semaphore>,
    payload: B,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Failure>
where
    B: Body<Data = Bytes, Error = ApiError>,
{
    let mut payload = std::pin::pin!(payload);
    let (mut document, mut permit) = (BytesMut::new(), None);
    loop {
        let next = world.physical().timeout(BODY_FRAME_TIME_MAX, payload.frame()).await;
        let Some(frame) = next.map_err(|_| too_slow())? else { break };
        let Ok(bytes) = frame.map_err(|error| Failure::from(&error))?.into_data() else { continue };
        let length = document.len() + bytes.len();
        if length > DOCUMENT_BYTES_MAX {
            let text = "Your request was too big.";
            let failure = Failure::new(400, "MaxMessageLengthExceeded", text);
            return Err(failure.with("MaxMessageLengthBytes", DOCUMENT_BYTES_MAX.to_string()));
        }
        if length > SMALL_BYTES_MAX && permit.is_none() {
            let waits = world.physical().timeout(BODY_FRAME_TIME_MAX, room.clone().acquire_owned());
            let taken = waits.await.ok().and_then(Result::ok);
            permit =
                Some(taken.ok_or_else(|| Failure::new(503, "SlowDown", "Please reduce your request rate."))?);
        }
        document.extend_from_slice(&bytes);
    }
    Ok((document.freeze(), permit))
}

#[cfg(test)]
mod tests {
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn a_document_that_never_ends_gives_its_room_back() {
        let (world, room) = (World::real(), room());
        // Each piece comes in time, and the next one always follows.
        let pieces = futures_util::stream::unfold(SMALL_BYTES_MAX + 1, |bytes| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok(Frame::data(Bytes::from(vec![b' '; bytes]))), 1))
        });
        let reading = collect(&world, &room, StreamBody::new(pieces));
        let read = within(Duration::from_millis(300), &world, reading).await;
        assert_eq!(read.map(drop).map_err(|failure| failure.code), Err("RequestTimeout"));
        assert_eq!(room.available_permits(), LARGE_DOCUMENTS_MAX);
    }
}
