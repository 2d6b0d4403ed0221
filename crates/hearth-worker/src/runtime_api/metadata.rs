//! The metadata endpoint (`spec/runtime-api.md` section 1): in which availability zone an environment runs.
//!
//! Never: tells anything without the environment's own token.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use super::answer::{Answer, refused, with};

pub(super) const PATH: &str = "/2026-01-15/metadata/execution-environment";

/// An environment does not move: what it is told may be kept for the twelve hours that AWS gives.
const KEPT: &str = "private, max-age=43200, immutable";

/// Answers as AWS's own handler does: the method is looked at before the token.
pub(super) fn answer(request: &Parts, token: &str, region: &str) -> Answer {
    if request.method != Method::GET {
        return refused(StatusCode::METHOD_NOT_ALLOWED);
    }
    let given = request.headers.get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    if given.strip_prefix(b"Bearer ") != Some(token.as_bytes()) {
        return refused(StatusCode::UNAUTHORIZED);
    }
    // Region names are letters, digits and hyphens: nothing to escape.
    let body = format!(r#"{{"AvailabilityZoneID":"{}"}}"#, zone(region));
    let mut answer = with(StatusCode::OK, "application/json", Bytes::from(body));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    answer
}

/// The first zone of a region, as AWS abbreviates them: one host is one zone.
fn zone(region: &str) -> String {
    let mut words = region.split('-');
    let area = words.next().unwrap_or_default();
    let rest: String = words.map(abbreviated).collect();
    format!("{area}{rest}-az1")
}

fn abbreviated(word: &str) -> &str {
    match word {
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        "isob" => "ib",
        number if number.starts_with(|first: char| first.is_ascii_digit()) => number,
        // north, south, east, west, central, gov, iso.
        other => other.get(..1).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http_body_util::BodyExt as _;

    use super::*;

    #[test]
    fn zones_are_named_as_aws_names_them() {
        for (region, wanted) in [
            ("us-east-1", "use1-az1"),
            ("us-west-2", "usw2-az1"),
            ("us-gov-west-1", "usgw1-az1"),
            ("eu-central-1", "euc1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("ap-northeast-3", "apne3-az1"),
            ("cn-northwest-1", "cnnw1-az1"),
            ("ca-central-1", "cac1-az1"),
        ] {
            assert_eq!(zone(region), wanted);
        }
    }

    #[tokio::test]
    async fn only_the_token_opens_it_and_only_get_asks() {
        for (method, given, status, body) in [
            ("GET", Some("Bearer t"), 200, r#"{"AvailabilityZoneID":"use1-az1"}"#),
            ("GET", None, 401, "Unauthorized\n"),
            ("GET", Some("t"), 401, "Unauthorized\n"),
            ("GET", Some("Bearer "), 401, "Unauthorized\n"),
            ("GET", Some("Basic t"), 401, "Unauthorized\n"),
            ("GET", Some("Bearer tt"), 401, "Unauthorized\n"),
            ("POST", Some("Bearer t"), 405, "Method Not Allowed\n"),
            ("POST", None, 405, "Method Not Allowed\n"),
        ] {
            let mut request = Request::builder().method(method).uri(PATH);
            if let Some(given) = given {
                request = request.header(AUTHORIZATION, given);
            }
            let (head, ()) = request.body(()).expect("a request").into_parts();
            let (answer, bytes) = answer(&head, "t", "us-east-1").into_parts();
            let told = bytes.collect().await.expect("it is in memory").to_bytes();
            assert_eq!((answer.status.as_u16(), &told[..]), (status, body.as_bytes()), "{method} {given:?}");
            let kept = answer.headers.get(CACHE_CONTROL).map(HeaderValue::as_bytes);
            assert_eq!(kept, (status == 200).then_some(KEPT.as_bytes()));
        }
    }
}
