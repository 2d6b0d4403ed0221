//! `aws-chunked`: a body in pieces, each with its length, some with signatures, some with a checksum at the end.
//!
//! ```text
//!            size > 0            all of it           size = 0              empty line
//!   Head ──────────────▶ Data ─────────────▶ Head ─────────────▶ Trailers ────────────▶ Done
//! ```
//!
//! The decoder holds one line and no payload: an object of any size passes through it in constant memory. What it
//! hands on of a signed piece is verified when the piece ends. Nothing is to be kept before the body has ended well.

use bytes::{Buf as _, Bytes};
use hmac::Mac as _;
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::canonical;
use super::checksum::{Algorithm, Checksum};
use crate::error::ApiError;

mod body;
mod error;

pub use body::ChunkedBody;
pub use error::{BodyError, ChunkError};

/// `10000;chunk-signature=` and 64 digits, or a checksum's name and value: 120 bytes at most.
const LINE_BYTES_MAX: usize = 512;

/// All trailers together.
const TRAILERS_BYTES_MAX: usize = 4_096;

/// S3: every piece but the last has so many bytes at least.
const PIECE_BYTES_MIN: u64 = 8_192;

/// How the pieces of a body are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: each piece is signed.
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: each piece and the checksum after them are signed.
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: a checksum comes after the pieces.
    UnsignedTrailer,
}

impl Form {
    /// The form of this name in `x-amz-content-sha256`.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer]
            .into_iter()
            .find(|form| form.name() == name)
    }

    /// Its name in `x-amz-content-sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        }
    }

    fn has_trailer(self) -> bool {
        self != Self::Signed
    }

    fn is_signed(self) -> bool {
        self != Self::UnsignedTrailer
    }
}

/// A verified head: what the signatures of its body's pieces go on from. It holds a secret and is never printed.
#[derive(Clone)]
pub struct Seed {
    pub(super) key: [u8; 32],
    pub(super) time: String,
    pub(super) scope: String,
    /// The signature before, in lower case.
    pub(super) signature: String,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Seed").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Seed {
    /// Takes one step of the chain: `what` is the rest of the text that was signed.
    fn verify(&mut self, kind: &str, what: &str, given: &str) -> Result<(), ChunkError> {
        let to_sign = format!("{kind}\n{}\n{}\n{}\n{what}", self.time, self.scope, self.signature);
        let bytes = hex::decode(given).unwrap_or_default();
        let verified = canonical::hmac(&self.key, &to_sign).verify_slice(&bytes);
        verified.map_err(|_| ChunkError::Signature)?;
        self.signature = given.to_ascii_lowercase();
        Ok(())
    }
}

#[derive(Debug)]
enum State {
    Head,
    Data {
        left: u64,
    },
    /// The line end after a piece.
    DataEnd,
    Trailers,
    Done,
}

/// Takes an `aws-chunked` body apart.
#[derive(Debug)]
pub struct Decoder {
    form: Form,
    /// Where signatures are verified: a key that Hearth did not make has none.
    seed: Option<Seed>,
    state: State,
    line: Vec<u8>,
    /// What the client says the payload has.
    expected: u64,
    decoded: u64,
    /// Of the piece that is being read.
    digest: Sha256,
    signature: String,
    had_small_piece: bool,
    checksum: Option<Checksum>,
    trailers: Vec<(String, String)>,
    trailers_bytes: usize,
}

impl Decoder {
    /// A decoder for a request with these headers. Without a seed no signature is verified; lengths and checksums are
    /// all the same.
    ///
    /// # Errors
    /// When the headers do not say how long the payload is, or name a trailer that is no checksum.
    pub fn new(form: Form, seed: Option<Seed>, headers: &HeaderMap) -> Result<Self, ChunkError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let expected = text("x-amz-decoded-content-length").ok_or(ChunkError::NoLength)?;
        let expected = expected.parse().map_err(|_| ChunkError::NoLength)?;
        let checksum = match text("x-amz-trailer") {
            Some(name) if form.has_trailer() => {
                let algorithm = Algorithm::of_header(name).ok_or(ChunkError::UnknownTrailer)?;
                Some(Checksum::new(algorithm))
            }
            None if form.has_trailer() => return Err(ChunkError::UnknownTrailer),
            _ => None,
        };
        Ok(Self {
            form,
            seed,
            state: State::Head,
            line: Vec::new(),
            expected,
            decoded: 0,
            digest: Sha256::new(),
            signature: String::new(),
            had_small_piece: false,
            checksum,
            trailers: Vec::new(),
            trailers_bytes: 0,
        })
    }

    /// What the client says the payload has, in bytes.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// Takes bytes of the body and gives the next ones of the payload; `None` when it needs more.
    ///
    /// # Errors
    /// When the body is not what its headers and signatures say. The decoder must not be used after that.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Head => {
                    if let Some(line) = self.line(input)? {
                        self.head(&line)?;
                    }
                }
                State::Data { left } => {
                    let bytes = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let piece = input.split_to(bytes);
                    return Ok(Some(self.data(piece, left)));
                }
                State::DataEnd => {
                    if let Some(line) = self.line(input)? {
                        if line != b"\r" {
                            return Err(ChunkError::Garbled);
                        }
                        self.end_piece()?;
                        self.state = State::Head;
                    }
                }
                State::Trailers => {
                    if let Some(line) = self.line(input)? {
                        self.trailer(&line)?;
                    }
                }
                State::Done => return Err(ChunkError::Garbled),
            }
        }
        Ok(None)
    }

    /// The body has ended.
    ///
    /// # Errors
    /// When it had to go on.
    pub fn finish(&self) -> Result<(), ChunkError> {
        match self.state {
            State::Done => Ok(()),
            _ => Err(ChunkError::Incomplete),
        }
    }

    /// A line without its `\n`, when it is whole.
    fn line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, ChunkError> {
        let end = input.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n');
        let taken = end.unwrap_or_else(|| input.len().min(LINE_BYTES_MAX));
        if self.line.len() + taken >= LINE_BYTES_MAX {
            return Err(ChunkError::Garbled);
        }
        self.line.extend_from_slice(&input[..taken]);
        input.advance(taken + usize::from(end.is_some()));
        Ok(end.is_some().then(|| std::mem::take(&mut self.line)))
    }

    /// `10000;chunk-signature=…`.
    fn head(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\r'));
        let line = line.ok_or(ChunkError::Garbled)?;
        let (size, extension) = line.split_once(';').map_or((line, None), |(size, rest)| (size, Some(rest)));
        let is_hex =
            !size.is_empty() && size.len() <= 16 && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = u64::from_str_radix(size, 16).ok().filter(|_| is_hex).ok_or(ChunkError::Garbled)?;
        let signature = extension.and_then(|extension| extension.strip_prefix("chunk-signature="));
        self.signature = match (signature, self.form.is_signed()) {
            (Some(signature), true) => signature.to_owned(),
            (None, false) if extension.is_none() => String::new(),
            _ => return Err(ChunkError::Garbled),
        };
        if size > self.expected - self.decoded {
            return Err(ChunkError::Oversized);
        }
        if size > 0 {
            if self.had_small_piece {
                return Err(ChunkError::SmallPiece);
            }
            self.had_small_piece = size < PIECE_BYTES_MIN;
            self.state = State::Data { left: size };
            return Ok(());
        }
        if self.decoded < self.expected {
            return Err(ChunkError::Incomplete);
        }
        self.end_piece()?;
        self.state = State::Trailers;
        Ok(())
    }

    fn data(&mut self, piece: Bytes, left: u64) -> Bytes {
        let bytes = piece.len() as u64;
        self.decoded += bytes;
        if self.seed.is_some() && self.form.is_signed() {
            self.digest.update(&piece);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&piece);
        }
        self.state = match left - bytes {
            0 => State::DataEnd,
            left => State::Data { left },
        };
        piece
    }

    fn end_piece(&mut self) -> Result<(), ChunkError> {
        let digest = std::mem::take(&mut self.digest).finalize();
        let Some(seed) = self.seed.as_mut().filter(|_| self.form.is_signed()) else { return Ok(()) };
        let what = format!("{EMPTY_SHA256}\n{}", hex::encode(digest));
        seed.verify("AWS4-HMAC-SHA256-PAYLOAD", &what, &self.signature)
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        self.trailers_bytes += line.len() + 1;
        if self.trailers_bytes > TRAILERS_BYTES_MAX {
            return Err(ChunkError::Trailer);
        }
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::Trailer)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            // AWS's documentation shows an empty line before the trailers' signature too, SDKs send none.
            let is_last = !self.form.has_trailer()
                || !self.form.is_signed()
                || self.trailers.iter().any(|(name, _)| name == TRAILER_SIGNATURE);
            return if is_last { self.end() } else { Ok(()) };
        }
        let (name, value) = line.split_once(':').ok_or(ChunkError::Trailer)?;
        let value = value.trim_matches([' ', '\t']);
        self.trailers.push((name.to_ascii_lowercase(), value.to_owned()));
        Ok(())
    }

    fn end(&mut self) -> Result<(), ChunkError> {
        let mut trailers = std::mem::take(&mut self.trailers);
        if let Some(seed) = self.seed.as_mut().filter(|_| self.form == Form::SignedTrailer) {
            let at = trailers.iter().position(|(name, _)| name == TRAILER_SIGNATURE);
            let (_, given) = trailers.remove(at.ok_or(ChunkError::Trailer)?);
            trailers.sort_unstable();
            let lines: String = trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            seed.verify("AWS4-HMAC-SHA256-TRAILER", &canonical::sha256_hex(lines.as_bytes()), &given)?;
        }
        trailers.retain(|(name, _)| name != TRAILER_SIGNATURE);
        match (&self.checksum, trailers.as_slice()) {
            (None, []) => {}
            (Some(checksum), [(name, value)]) if *name == checksum.algorithm().header() => {
                if !checksum.is(value) {
                    return Err(ChunkError::Checksum(checksum.algorithm()));
                }
            }
            _ => return Err(ChunkError::Trailer),
        }
        self.state = State::Done;
        Ok(())
    }
}

const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// The digest of nothing.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Checks a body that is in memory.
pub(super) fn check(form: Form, seed: Seed, parts: &Parts, body: &[u8]) -> Result<(), ApiError> {
    let mut decoder = Decoder::new(form, Some(seed), &parts.headers)?;
    let mut rest = Bytes::copy_from_slice(body);
    while decoder.next(&mut rest)?.is_some() {}
    Ok(decoder.finish()?)
}

#[cfg(test)]
mod tests;
