//! The examples of AWS's documentation of S3 ("Transferring Payload in Multiple Chunks" and "... with trailing
//! headers"), and what clients should not send.

use http::Request;
use http_body_util::{BodyExt as _, StreamBody};

use super::*;
use crate::error::Code;
use crate::sigv4::{Claim, verify};
use hearth_world::Timestamp;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// 2013-05-24T00:00:00Z.
const SIGNED_AT: Timestamp = Timestamp::from_millis(1_369_353_600_000);

struct Example {
    form: Form,
    headers: Vec<(&'static str, &'static str)>,
    seed: &'static str,
    chunks: [&'static str; 3],
    end: &'static str,
}

fn signed() -> Example {
    Example {
        form: Form::Signed,
        headers: vec![("content-length", "66824")],
        seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        chunks: [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ],
        end: "\r\n",
    }
}

fn with_trailer() -> Example {
    Example {
        form: Form::SignedTrailer,
        headers: vec![("x-amz-trailer", "x-amz-checksum-crc32c")],
        seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        chunks: [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ],
        end: "x-amz-checksum-crc32c:sOO8/Q==\r\n\
              x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    }
}

impl Example {
    fn parts(&self) -> Parts {
        let request = Request::builder()
            .method("PUT")
            .uri("/examplebucket/chunkObject.txt")
            .header("host", "s3.amazonaws.com")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-content-sha256", self.form.name())
            .header("x-amz-date", "20130524T000000Z")
            .header("x-amz-decoded-content-length", "66560")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY");
        let request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let parts = request.body(()).expect("a good request").into_parts().0;
        let mut names: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders={}, Signature={}",
            names.join(";"),
            self.seed
        );
        let mut parts = parts;
        parts.headers.insert("authorization", authorization.parse().expect("a header"));
        parts
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (signature, bytes) in self.chunks.iter().zip([65_536, 1_024, 0]) {
            body.extend_from_slice(format!("{bytes:x};chunk-signature={signature}\r\n").as_bytes());
            body.extend_from_slice(&vec![b'a'; bytes]);
            if bytes > 0 {
                body.extend_from_slice(b"\r\n");
            }
        }
        body.extend_from_slice(self.end.as_bytes());
        body
    }

    fn verify(&self, body: &[u8]) -> Result<(), Code> {
        let parts = self.parts();
        let claim = Claim::of(&parts.headers, "").expect("readable").expect("signed");
        verify::check(&claim, &parts, body, SECRET, SIGNED_AT).map_err(|error| error.code)
    }

    fn seed(&self) -> Seed {
        let parts = self.parts();
        let claim = Claim::of(&parts.headers, "").expect("readable").expect("signed");
        verify::head(&claim, &parts, self.form.name(), SECRET, SIGNED_AT).expect("a true head")
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(self.form, Some(self.seed()), &self.parts().headers).expect("good headers")
    }
}

#[test]
fn the_examples_of_aws_s_documentation_are_true() {
    assert_eq!(signed().body().len(), 66_824);
    assert_eq!(signed().verify(&signed().body()), Ok(()));
    assert_eq!(with_trailer().verify(&with_trailer().body()), Ok(()));
    // As the documentation prints it.
    let mut printed = with_trailer();
    printed.end = "x-amz-checksum-crc32c:sOO8/Q==\n\r\n\
         x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\n\r\n";
    assert_eq!(printed.verify(&printed.body()), Ok(()));
}

#[test]
fn no_byte_of_a_signed_body_may_change() {
    for example in [signed(), with_trailer()] {
        let body = example.body();
        // Each byte around the pieces' ends, and some within.
        let interesting = (0..90).chain((90..body.len()).step_by(4_099)).chain(body.len() - 400..body.len());
        for at in interesting {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert!(example.verify(&changed).is_err(), "{:?} byte {at}", example.form);
        }
    }
}

#[test]
fn a_body_that_is_cut_off_or_goes_on_is_refused() {
    for example in [signed(), with_trailer()] {
        let body = example.body();
        for end in (0..200).chain(body.len() - 300..body.len()) {
            assert!(example.verify(&body[..end]).is_err(), "{:?} after {end}", example.form);
        }
        assert!(example.verify(&[&body[..], b"\r\n"].concat()).is_err(), "{:?}", example.form);
    }
}

/// What the decoder says of an unsigned body, given at once, in every two parts, and byte by byte.
fn unsigned(length: &str, trailer: &str, body: &str) -> Result<Vec<u8>, ChunkError> {
    let headers = [("x-amz-decoded-content-length", length), ("x-amz-trailer", trailer)];
    let headers: HeaderMap = headers
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")))
        .collect();
    let read = |pieces: Vec<&[u8]>| {
        let mut decoder = Decoder::new(Form::UnsignedTrailer, None, &headers)?;
        let mut out = Vec::new();
        for piece in pieces {
            let mut piece = Bytes::copy_from_slice(piece);
            while let Some(bytes) = decoder.next(&mut piece)? {
                out.extend_from_slice(&bytes);
            }
        }
        decoder.finish().map(|()| out)
    };
    let whole = read(vec![body.as_bytes()]);
    assert_eq!(read(body.as_bytes().chunks(1).collect()), whole, "byte by byte");
    for middle in 0..body.len().min(200) {
        let (one, other) = body.as_bytes().split_at(middle);
        assert_eq!(read(vec![one, other]), whole, "in two at {middle}");
    }
    whole
}

const CRC64: &str = "x-amz-checksum-crc64nvme";

#[test]
fn an_unsigned_body_is_held_to_its_length_and_checksum() {
    let good = "5\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme:M3eFcAZSQlc=\r\n\r\n";
    assert_eq!(unsigned("5", CRC64, good), Ok(b"hello".to_vec()));
    let empty = "0\r\nX-Amz-Checksum-SHA1: 2jmj7l5rSw0yVb/vlWAYkK/YBwk=\r\n\r\n";
    assert_eq!(unsigned("0", "x-amz-checksum-sha1", empty), Ok(Vec::new()));

    let check = |length: &str, body: &str, why: ChunkError| {
        assert_eq!(unsigned(length, CRC64, body), Err(why), "{body:?}");
    };
    check("5", &good.replace("hello", "hallo"), ChunkError::Checksum(Algorithm::Crc64Nvme));
    check("6", good, ChunkError::Incomplete);
    check("4", good, ChunkError::Oversized);
    check("5", &good.replace("crc64nvme", "crc32"), ChunkError::Trailer);
    check("5", "5\r\nhello\r\n0\r\n\r\n", ChunkError::Trailer);
    check("5", &good.replace("x-amz", "x-amz-meta-a:b\r\nx-amz"), ChunkError::Trailer);
    check("5", &good.replace("nvme:", "nvme"), ChunkError::Trailer);
    check("5", "5\r\nhello0\r\n", ChunkError::Garbled);
    check("5", "5\nhello\r\n", ChunkError::Garbled);
    check("5", "+5\r\nhello\r\n", ChunkError::Garbled);
    check("5", "\r\n", ChunkError::Garbled);
    check("5", "g\r\n", ChunkError::Garbled);
    check("5", "ffffffffffffffff\r\n", ChunkError::Oversized);
    check("5", "10000000000000005\r\n", ChunkError::Garbled);
    check("5", "5;chunk-signature=0\r\nhello\r\n", ChunkError::Garbled);
    check("5", &"0".repeat(600), ChunkError::Garbled);
    check("5", &format!("5\r\nhello\r\n0\r\n{}", "a:b\r\n".repeat(1_000)), ChunkError::Trailer);
    check("5", "2\r\nhe\r\n3\r\nllo\r\n", ChunkError::SmallPiece);
    check("5", "", ChunkError::Incomplete);
}

#[test]
fn headers_say_how_long_the_payload_is_and_which_checksum_follows() {
    assert_eq!(unsigned("", CRC64, ""), Err(ChunkError::NoLength));
    assert_eq!(unsigned("-1", CRC64, ""), Err(ChunkError::NoLength));
    assert_eq!(unsigned("99999999999999999999", CRC64, ""), Err(ChunkError::NoLength));
    assert_eq!(unsigned("5", "", ""), Err(ChunkError::UnknownTrailer));
    assert_eq!(unsigned("5", "content-md5", ""), Err(ChunkError::UnknownTrailer));
}

#[tokio::test]
async fn a_body_of_a_gigabyte_passes_through_piece_by_piece() {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 1 << 10;
    let data = Bytes::from(vec![7; PIECE]);
    let mut checksum = Checksum::new(Algorithm::Crc32);
    for _ in 0..PIECES {
        checksum.update(&data);
    }
    let end = format!("0\r\nx-amz-checksum-crc32:{}\r\n\r\n", checksum.value());
    let piece = [Bytes::from(format!("{PIECE:x}\r\n")), data, Bytes::from_static(b"\r\n")];
    let pieces = (0..PIECES).flat_map(move |_| piece.clone()).chain([Bytes::from(end)]);
    let frames = pieces.map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(piece)));
    let headers = [("x-amz-decoded-content-length", "1073741824"), ("x-amz-trailer", "x-amz-checksum-crc32")];
    let headers = headers
        .into_iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")))
        .collect();
    let decoder = Decoder::new(Form::UnsignedTrailer, None, &headers).expect("good headers");
    let mut body = ChunkedBody::new(StreamBody::new(futures_util::stream::iter(frames)), decoder);
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let piece = frame.expect("good").into_data().expect("data");
        assert!(piece.len() <= PIECE, "a piece is handed on, not gathered");
        bytes += piece.len();
    }
    assert_eq!(bytes, PIECE * PIECES);
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_with_an_error() {
    let example = signed();
    let pieces = |body: Vec<u8>, broken: bool| {
        let end = broken.then(|| Err(std::io::Error::other("the line went dead")));
        let frames = vec![Ok(http_body::Frame::data(Bytes::from(body)))].into_iter().chain(end);
        StreamBody::new(futures_util::stream::iter(frames))
    };
    let body = example.body();
    let read = |body: Vec<u8>, broken: bool| {
        let decoder = example.decoder();
        async move {
            let collected = ChunkedBody::new(pieces(body, broken), decoder).collect().await;
            collected.map(|body| body.to_bytes().len()).map_err(|error| error.to_string())
        }
    };
    assert_eq!(read(body.clone(), false).await, Ok(66_560));
    assert_eq!(read(body.clone(), true).await, Err("the line went dead".to_owned()));
    let cut = read(body[..70_000.min(body.len() - 10)].to_vec(), false).await;
    assert!(cut.expect_err("cut off").starts_with("You did not provide the number of bytes"));
}
