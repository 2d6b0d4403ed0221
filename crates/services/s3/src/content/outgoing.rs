//! An object's bytes on their way out, a piece at a time.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use hearth_store::{BlobDigest, BlobReader, Tx};
use tracing::error;

use crate::S3;
use crate::error::Failure;
use crate::records::{Content, Object};
use crate::{keys, uploads};

/// What is read at a time: all that an answer has in memory before it is sent.
const PIECE_BYTES: u64 = 262_144;

/// Some of an object's bytes that lie together.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    source: Source,
    range: Range<u64>,
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Bytes),
    Blob(BlobDigest),
}

/// The pieces of a range of an object, found in the transaction that read its record.
pub(crate) fn pieces(tx: &mut dyn Tx, object: &Object, range: &Range<u64>) -> Result<Vec<Piece>, Failure> {
    let mut found = Vec::new();
    match object.content {
        Content::Parts(upload) => {
            let parts = uploads::parts(tx, upload)?;
            let mut start = 0;
            for (_, part) in parts {
                add(tx, &mut found, (part.number, part.content), start..start + part.bytes, range)?;
                start += part.bytes;
            }
        }
        content => add(tx, &mut found, (object.number, content), 0..object.bytes, range)?,
    }
    Ok(found)
}

fn add(
    tx: &mut dyn Tx,
    found: &mut Vec<Piece>,
    (number, content): (u64, Content),
    lies: Range<u64>,
    wanted: &Range<u64>,
) -> Result<(), Failure> {
    let (from, to) = (lies.start.max(wanted.start), lies.end.min(wanted.end));
    if from >= to {
        return Ok(());
    }
    let source = match content {
        Content::Blob(digest) => Source::Blob(digest),
        Content::Inline => Source::Bytes(tx.get(&keys::bytes(number))?.ok_or_else(lost)?),
        Content::Empty | Content::Parts(_) => return Err(lost()),
    };
    found.push(Piece { source, range: from - lies.start..to - lies.start });
    Ok(())
}

fn lost() -> Failure {
    Failure::internal(std::io::Error::other("the bytes of an object are not in the store"))
}

/// Pieces, and how far they are read.
pub(crate) struct Outgoing {
    s3: Arc<S3>,
    pieces: std::vec::IntoIter<Piece>,
    open: Option<(BlobReader, Range<u64>)>,
}

impl Outgoing {
    /// Opens the first piece, so that what is not there is told before an answer begins.
    pub(crate) async fn open(s3: &Arc<S3>, pieces: Vec<Piece>) -> Result<Self, Failure> {
        let mut this = Self { s3: s3.clone(), pieces: pieces.into_iter(), open: None };
        if let Some(Piece { source: Source::Blob(digest), range }) = this.pieces.as_slice().first().cloned() {
            this.open = Some((s3.blobs.blobs().reader(&digest).await?, range));
            this.pieces.next();
        }
        Ok(this)
    }

    /// The next bytes; `None` after the last. As they lie on the disk: the digest is of the whole blob, and the head of
    /// the answer has left before its end is read. Clients have the checksum to compare.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some((reader, range)) = &mut self.open {
                if range.is_empty() {
                    self.open = None;
                    continue;
                }
                let bytes = PIECE_BYTES.min(range.end - range.start);
                let read = reader.read(range.start, usize::try_from(bytes).unwrap_or(0)).await?;
                range.start += bytes;
                return Ok(Some(read));
            }
            let Some(piece) = self.pieces.next() else { return Ok(None) };
            let Range { start, end } = piece.range;
            match piece.source {
                Source::Bytes(bytes) => {
                    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
                    if range.end > bytes.len() {
                        return Err(lost());
                    }
                    return Ok(Some(bytes.slice(range)));
                }
                Source::Blob(digest) => {
                    self.open = Some((self.s3.blobs.blobs().reader(&digest).await?, start..end));
                }
            }
        }
    }
}

/// The bytes as a stream. What fails in the middle ends it, before the length that the answer announced.
pub(crate) fn stream(outgoing: Outgoing) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    stream::unfold(Some(outgoing), |outgoing| async move {
        let mut outgoing = outgoing?;
        match outgoing.next().await {
            Ok(None) => None,
            Ok(Some(bytes)) => Some((Ok(bytes), Some(outgoing))),
            Err(failure) => {
                error!(error = ?failure, "an object cannot be read to its end");
                Some((Err(failure), None))
            }
        }
    })
}
