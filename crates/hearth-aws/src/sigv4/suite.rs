//! AWS's test suite of signatures, as botocore's source package carries it: what is recorded there is what we compute,
//! accept and write ourselves, and with one thing changed refuse.

use std::fs;
use std::path::{Path, PathBuf};

use hearth_world::Timestamp;
use http::Request;
use http::header::{AUTHORIZATION, HeaderName};
use http::request::Parts;

use super::canonical::{self, Rules};
use super::sign::{SigningKey, sign};
use super::{Claim, verify};
use crate::protocols::cases::package;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// 2015-08-30T12:36:00Z.
const SIGNED_AT: Timestamp = Timestamp::from_millis(1_440_938_160_000);

/// The suite of 2019. Fewer would mean that we do not find them.
const CASES: usize = 34;

/// A space in a request's line: no client can send it, and no server reads it. Only its parts are compared.
const UNSENDABLE: &str = "get-space";

struct Case {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    canonical: String,
    to_sign: String,
    authorization: String,
}

fn cases() -> Vec<Case> {
    let mut found = Vec::new();
    find(&package::signatures(), &mut found);
    found.sort();
    let cases: Vec<Case> = found.iter().map(|path| Case::read(path)).collect();
    assert_eq!(cases.len(), CASES);
    cases
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "req") {
            found.push(path);
        }
    }
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = |extension: &str| {
            let path = path.with_extension(extension);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            text.replace('\r', "")
        };
        let request = text("req");
        let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
        // A header that goes on in the next line.
        let head = head.replace("\n ", " ");
        let mut lines = head.lines();
        let line = lines.next().expect("a request line");
        let (method, rest) = line.split_once(' ').expect("a method");
        let path_and_query = rest.strip_suffix(" HTTP/1.1").expect("HTTP/1.1");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_owned(), value.trim().to_owned())
        });
        Self {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            method: method.to_owned(),
            path: path_and_query.to_owned(),
            headers: headers.collect(),
            body: body.to_owned(),
            canonical: text("creq"),
            to_sign: text("sts"),
            authorization: text("authz"),
        }
    }

    /// The request, without what signing adds.
    fn parts(&self) -> Parts {
        let request = Request::builder().method(self.method.as_str()).uri(self.path.as_str());
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.body(()).expect("a good request").into_parts().0
    }

    /// The request as it is sent.
    fn signed(&self) -> Parts {
        let mut parts = self.parts();
        if let (Some(token), None) = (self.token(), parts.headers.get("x-amz-security-token")) {
            parts.headers.insert("x-amz-security-token", token.parse().expect("a token"));
        }
        parts.headers.insert(AUTHORIZATION, self.authorization.parse().expect("a header"));
        parts
    }

    fn token(&self) -> Option<&str> {
        self.canonical.lines().find_map(|line| line.strip_prefix("x-amz-security-token:"))
    }

    fn is_sendable(&self) -> bool {
        self.name != UNSENDABLE
    }

    fn verify(&self, parts: &Parts, body: &[u8], secret: &str) -> Result<(), String> {
        let claim = Claim::of(&parts.headers, parts.uri.query().unwrap_or_default());
        let claim = claim.map_err(|error| error.message)?.ok_or("no claim")?;
        verify::check(&claim, parts, body, secret, SIGNED_AT).map_err(|error| error.message)
    }
}

#[test]
fn every_canonical_request_and_every_text_to_sign_is_the_recorded_one() {
    for case in cases() {
        let name = &case.name;
        if case.is_sendable() {
            let parts = case.signed();
            let claim = Claim::of(&parts.headers, "").expect(name).expect(name);
            let digest = canonical::sha256_hex(case.body.as_bytes());
            let canonical = canonical::request(Rules::General, &parts, None, &claim.signed_headers, &digest);
            assert_eq!(String::from_utf8(canonical).expect(name), case.canonical, "{name}");
        } else {
            let path = case.canonical.lines().nth(1).expect(name);
            assert_eq!(Rules::General.path(&case.path), path, "{name}");
        }
        let headers = [(AUTHORIZATION, case.authorization.parse().expect(name))].into_iter().collect();
        let claim = Claim::of(&headers, "").expect(name).expect(name);
        let to_sign = canonical::to_sign("20150830T123600Z", &claim.scope(), case.canonical.as_bytes());
        assert_eq!(to_sign, case.to_sign, "{name}");
    }
}

#[test]
fn every_recorded_signature_is_true_with_its_secret_alone() {
    for case in cases().iter().filter(|case| case.is_sendable()) {
        let verify = |secret| case.verify(&case.signed(), case.body.as_bytes(), secret);
        assert_eq!(verify(SECRET), Ok(()), "{}", case.name);
        assert!(verify("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ").is_err(), "{}", case.name);
    }
}

#[test]
fn with_one_thing_changed_every_recorded_signature_is_refused() {
    type Change = fn(&mut Parts, &mut Vec<u8>);
    let changes: &[(&str, Change)] = &[
        ("the method", |parts, _| parts.method = http::Method::PUT),
        ("the path", |parts, _| {
            let path = format!("/x{}", parts.uri);
            parts.uri = path.parse().expect("a path");
        }),
        ("the query", |parts, _| {
            let separator = if parts.uri.query().is_some() { '&' } else { '?' };
            let path = format!("{}{separator}x=y", parts.uri);
            parts.uri = path.parse().expect("a path");
        }),
        ("the host", |parts, _| {
            parts.headers.insert("host", "example.amazonaws.com.example".parse().expect("a host"));
        }),
        ("one more value of a header", |parts, _| {
            parts.headers.append("x-amz-date", "20150830T123600Z".parse().expect("a date"));
        }),
        ("the date", |parts, _| {
            parts.headers.insert("x-amz-date", "20150830T123601Z".parse().expect("a date"));
        }),
        ("a signed header's absence", |parts, _| {
            let name: HeaderName =
                parts.headers.keys().find(|name| *name != AUTHORIZATION).expect("one").clone();
            parts.headers.remove(name);
        }),
        ("the body", |_, body| body.push(b' ')),
        ("the region", |parts, _| replace(parts, "us-east-1", "us-east-2")),
        ("the service", |parts, _| replace(parts, "/service/", "/services/")),
        ("the scope's date", |parts, _| replace(parts, "/20150830/", "/20150831/")),
        ("the signature", |parts, _| {
            let text = parts.headers[AUTHORIZATION].to_str().expect("text").to_owned();
            let (head, last) = text.split_at(text.len() - 1);
            let last = if last == "0" { "1" } else { "0" };
            parts.headers.insert(AUTHORIZATION, format!("{head}{last}").parse().expect("a header"));
        }),
        ("a shorter signature", |parts, _| {
            let text = parts.headers[AUTHORIZATION].to_str().expect("text").to_owned();
            parts.headers.insert(AUTHORIZATION, text[..text.len() - 2].parse().expect("a header"));
        }),
        ("another list of headers", |parts, _| replace(parts, "host;", "host;;")),
    ];
    for case in cases().iter().filter(|case| case.is_sendable()) {
        for (what, change) in changes {
            let (mut parts, mut body) = (case.signed(), case.body.clone().into_bytes());
            change(&mut parts, &mut body);
            let verified = case.verify(&parts, &body, SECRET);
            assert!(verified.is_err(), "{}: {what}", case.name);
        }
    }
}

fn replace(parts: &mut Parts, from: &str, to: &str) {
    let text = parts.headers[AUTHORIZATION].to_str().expect("text");
    let text = text.replacen(from, to, 1).parse().expect("a header");
    parts.headers.insert(AUTHORIZATION, text);
}

#[test]
fn what_we_sign_is_what_is_recorded() {
    for case in cases().iter().filter(|case| case.is_sendable()) {
        let mut parts = case.parts();
        let key = SigningKey {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret: SECRET.to_owned(),
            session_token: case.token().map(str::to_owned),
        };
        let digest = super::body_sha256(case.body.as_bytes());
        sign(&mut parts, &digest, &key, "us-east-1", "service", SIGNED_AT).expect("signed");
        assert_eq!(parts.headers[AUTHORIZATION], case.authorization, "{}", case.name);
    }
}
