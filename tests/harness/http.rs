//! One HTTP/1.1 request over one connection, written by hand so that a test can send what no client would.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::patience::patience;

/// Longer than any answer may take.
const ANSWER_SECONDS: u64 = 180;

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

/// The header of a signed call by this access key. `hearth up` verifies signatures of its own keys alone.
pub fn authorization(access_key: &str, service: &str) -> String {
    let scope = format!("{access_key}/20260101/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={:064}", 0)
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With one header more, or another value for it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signed for a service as any caller of `hearth up` may sign.
    #[must_use]
    pub fn signed(self, service: &str) -> Self {
        let signed = self.header("Authorization", &authorization("test", service));
        // S3 wants to know of every request what its signature says of the body.
        if service == "s3" { signed.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD") } else { signed }
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With every occurrence of a text in the body replaced.
    #[must_use]
    pub fn replaced(self, text: &str, by: &str) -> Self {
        let body = String::from_utf8_lossy(&self.body).replace(text, by);
        self.body(body)
    }

    /// Sends it to an address and reads the whole answer.
    pub fn send(&self, address: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience(ANSWER_SECONDS)))?;
        let has_host = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        if !has_host {
            head.push_str(&format!("Host: {address}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        stream.write_all(head.as_bytes())?;
        // A server that refuses early may close before it has read everything: its answer is what counts.
        let sent = stream.write_all(&self.body);
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        parse(&bytes)
            .ok_or_else(|| sent.and(read.map(drop)).err().unwrap_or(io::ErrorKind::UnexpectedEof.into()))
    }
}

impl Answer {
    /// A header's value, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts an AWS error of the JSON protocols.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.header("x-amzn-errortype")), (status, code), "{}", self.text());
    }

    /// Asserts that the request was refused before it reached any service.
    #[track_caller]
    pub fn is_refused(&self) {
        assert!(matches!(self.status, 400..=499), "{} {}", self.status, self.text());
    }

    /// The text of an error, whichever way its member is spelled.
    pub fn message(&self) -> String {
        let json = self.json();
        json["message"].as_str().or_else(|| json["Message"].as_str()).unwrap_or_default().to_owned()
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let rest = &bytes[end + 4..];
    let body = if chunked { unchunk(rest)? } else { rest.to_vec() };
    Some(Answer { status, headers, body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
