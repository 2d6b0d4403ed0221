//! A payload on its way in: digested as it comes, kept as its size allows, and kept only when it is what it said.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hearth_aws::sigv4::Algorithm;
use hearth_store::{BlobDraft, Kept, Tx, garbage};

use super::digests::{Digests, Expected};
use crate::S3;
use crate::error::Failure;
use crate::records::{Content, StoredChecksum};
use crate::{keys, reclaim};

/// What one request may bring: 5 GB, AWS's limit for PutObject and a part.
pub(crate) const OBJECT_BYTES_MAX: u64 = 5 * 1_024 * 1_024 * 1_024;

/// A client that sends nothing for so long is gone.
pub(crate) const BODY_FRAME_TIME_MAX: Duration = Duration::from_secs(30);

/// Objects of this size lie in the store: one commit instead of a file.
const INLINE_BYTES_MAX: usize = 16_384;

/// What is gathered before it is digested and written: all that an upload has in memory.
const PIECE_BYTES: usize = 1_048_576;

/// What blobs of objects are for.
const KIND: &str = "object";

/// A payload that is kept, to be held in the transaction that writes its record.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: u64,
    /// MD5 in hexadecimal digits.
    pub(crate) md5: String,
    pub(crate) checksum: Option<StoredChecksum>,
    kept: Keeping,
}

#[derive(Debug)]
enum Keeping {
    Nothing,
    Bytes(Bytes),
    Blob(Kept),
}

/// Takes a payload whole, or nothing of it.
pub(crate) async fn receive<S, E>(s3: &S3, payload: S, mut expected: Expected) -> Result<Received, Failure>
where
    S: Stream<Item = Result<Bytes, E>>,
    Failure: From<E>,
{
    if expected.bytes.is_some_and(|bytes| bytes > OBJECT_BYTES_MAX) {
        return Err(too_large(expected.bytes.unwrap_or_default()));
    }
    // What S3 computes of its own accord since 2025.
    expected.checksum.get_or_insert((Algorithm::Crc64Nvme, None));
    let mut payload = std::pin::pin!(payload);
    let mut digests = Digests::new(&expected);
    // Of the size that was announced: growing to it would copy what is there again and again.
    let announced = usize::try_from(expected.bytes.unwrap_or_default()).unwrap_or(PIECE_BYTES);
    let mut gathered = BytesMut::with_capacity(announced.min(PIECE_BYTES));
    let (mut draft, mut bytes) = (None, 0u64);
    loop {
        let next = s3.world.physical().timeout(BODY_FRAME_TIME_MAX, payload.next()).await;
        let Some(frame) = next.map_err(|_| too_slow())? else { break };
        let frame = frame?;
        bytes += frame.len() as u64;
        if bytes > OBJECT_BYTES_MAX {
            return Err(too_large(bytes));
        }
        gathered.extend_from_slice(&frame);
        if gathered.len() >= PIECE_BYTES {
            digests = flush(s3, &mut draft, digests, gathered.split().freeze()).await?;
        }
    }
    let rest = gathered.freeze();
    let Some(mut draft) = draft else {
        let (digests, rest) = digested(digests, rest).await;
        let computed = digests.finish(&expected, None)?;
        let kept = match rest.len() {
            0 => Keeping::Nothing,
            1..=INLINE_BYTES_MAX => Keeping::Bytes(rest),
            _ => Keeping::Blob(s3.blobs.put(KIND, rest).await?),
        };
        return Ok(received(computed, kept));
    };
    if !rest.is_empty() {
        let (updated, rest) = digested(digests, rest).await;
        digests = updated;
        draft.write(rest).await?;
    }
    let computed = digests.finish(&expected, Some(*draft.digest().as_bytes()))?;
    Ok(received(computed, Keeping::Blob(draft.finish().await?)))
}

fn received(computed: super::digests::Computed, kept: Keeping) -> Received {
    let super::digests::Computed { bytes, md5, checksum } = computed;
    Received { bytes, md5: hex::encode(md5), checksum, kept }
}

async fn flush(
    s3: &S3,
    draft: &mut Option<BlobDraft>,
    mut digests: Digests,
    piece: Bytes,
) -> Result<Digests, Failure> {
    let draft = match draft {
        Some(draft) => draft,
        None => {
            // Nothing has been digested before the first piece.
            digests = digests.without_sha256();
            draft.insert(s3.blobs.draft(KIND).await?)
        }
    };
    let (digested, written) = tokio::join!(digested(digests, piece.clone()), draft.write(piece));
    written?;
    Ok(digested.0)
}

/// Digests on a thread of its own, unless there is little to do.
async fn digested(mut digests: Digests, bytes: Bytes) -> (Digests, Bytes) {
    if bytes.len() <= INLINE_BYTES_MAX {
        digests.update(&bytes);
        return (digests, bytes);
    }
    let work = tokio::task::spawn_blocking(move || {
        digests.update(&bytes);
        (digests, bytes)
    });
    match work.await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Holds what was received for the object or part with this number, in the transaction that writes it.
pub(crate) fn hold(tx: &mut dyn Tx, received: &Received, number: u64) -> Result<Content, Failure> {
    match &received.kept {
        Keeping::Nothing => Ok(Content::Empty),
        Keeping::Bytes(bytes) => {
            tx.put(&keys::bytes(number), bytes.clone())?;
            Ok(Content::Inline)
        }
        Keeping::Blob(kept) => {
            if garbage::hold(tx, &kept.ticket, &reclaim::holder(number))? {
                return Ok(Content::Blob(kept.ticket.digest));
            }
            // A collector of another server took it: the grace there is shorter than this upload was long.
            Err(Failure::new(503, "ServiceUnavailable", "Service is unable to handle request."))
        }
    }
}

/// The same bytes for another object, in the transaction that saw them held. `None` where they must be copied.
pub(crate) fn copy_of(
    tx: &mut dyn Tx,
    number: u64,
    content: Content,
    bytes: u64,
    copy: u64,
) -> Result<Option<Content>, Failure> {
    match content {
        Content::Empty => {}
        Content::Inline => {
            let Some(bytes) = tx.get(&keys::bytes(number))? else { return Ok(None) };
            tx.put(&keys::bytes(copy), bytes)?;
        }
        Content::Blob(digest) => garbage::adopt(tx, &digest, KIND, bytes, &reclaim::holder(copy))?,
        Content::Parts(_) => return Ok(None),
    }
    Ok(Some(content))
}

fn too_large(bytes: u64) -> Failure {
    let text = "Your proposed upload exceeds the maximum allowed size";
    let failure = Failure::new(400, "EntityTooLarge", text).with("ProposedSize", bytes.to_string());
    failure.with("MaxSizeAllowed", OBJECT_BYTES_MAX.to_string())
}

pub(crate) fn too_slow() -> Failure {
    let text = "Your socket connection to the server was not read from or written to within the timeout period. Idle \
                connections will be closed.";
    Failure::new(400, "RequestTimeout", text)
}
