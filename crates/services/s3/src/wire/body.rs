//! Documents in requests: read whole, bounded, verified.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hearth_aws::Payload;
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::S3;
use crate::content::{BODY_FRAME_TIME_MAX, Expected, verify};
use crate::error::Failure;

/// A document: 10,000 parts with their checksums, or 1,000 keys with every character escaped.
const DOCUMENT_BYTES_MAX: usize = 6_291_456;

/// Most documents.
const SMALL_BYTES_MAX: usize = 65_536;

/// Documents that are read at the same time and are not small.
const LARGE_DOCUMENTS_MAX: usize = 8;

/// Room for large documents.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LARGE_DOCUMENTS_MAX))
}

/// What the headers and the signature say of a payload.
pub(super) fn expected(headers: &HeaderMap, payload: &Payload) -> Result<Expected, Failure> {
    let mut expected = Expected::of(headers, payload.trailer.as_deref())?;
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
    let mut payload = std::pin::pin!(payload);
    let (mut document, mut permit) = (BytesMut::new(), None);
    loop {
        let next = s3.world.physical().timeout(BODY_FRAME_TIME_MAX, payload.frame()).await;
        let slow =
            || Failure::new(400, "RequestTimeout", "Your socket connection to the server was not read from.");
        let Some(frame) = next.map_err(|_| slow())? else { break };
        let Ok(bytes) = frame.map_err(|error| Failure::from(&error))?.into_data() else { continue };
        let length = document.len() + bytes.len();
        if length > DOCUMENT_BYTES_MAX {
            let text = "Your request was too big.";
            let failure = Failure::new(400, "MaxMessageLengthExceeded", text);
            return Err(failure.with("MaxMessageLengthBytes", DOCUMENT_BYTES_MAX.to_string()));
        }
        if length > SMALL_BYTES_MAX && permit.is_none() {
            let waits = s3.world.physical().timeout(BODY_FRAME_TIME_MAX, room.clone().acquire_owned());
            let taken = waits.await.ok().and_then(Result::ok);
            permit =
                Some(taken.ok_or_else(|| Failure::new(503, "SlowDown", "Please reduce your request rate."))?);
        }
        document.extend_from_slice(&bytes);
    }
    let document = document.freeze();
    verify(&document, expected)?;
    Ok((document, permit))
}
