//! Headers in the form that s3s reads, where S3 takes others too.

use http::header::{IF_MATCH, IF_NONE_MATCH, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::dto::Range;

/// Headers that are lists: s3s takes every header for one entry.
const LISTS: [&str; 2] = ["x-amz-object-attributes", "x-amz-optional-object-attributes"];

/// ETags get their quotes, lists their entries, and a range that S3 does not understand is none.
pub(super) fn normalise(headers: &mut HeaderMap) {
    let copied =
        ["x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"].map(HeaderName::from_static);
    for name in [IF_MATCH, IF_NONE_MATCH].into_iter().chain(copied) {
        let Some(value) = headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
        let value = value.trim();
        let is_quoted = value == "*" || value.starts_with('"') || value.starts_with("W/");
        if !is_quoted && let Ok(quoted) = HeaderValue::from_str(&format!("\"{value}\"")) {
            headers.insert(name, quoted);
        }
    }
    for name in LISTS.map(HeaderName::from_static) {
        let given: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
        headers.remove(&name);
        let entries = given.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
            if let Ok(entry) = HeaderValue::from_str(entry) {
                headers.append(&name, entry);
            }
        }
    }
    let range = headers.get(RANGE).map(|value| value.to_str().is_ok_and(|text| Range::parse(text).is_ok()));
    if range == Some(false) {
        headers.remove(RANGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_quoted_and_a_range_understood_or_none() {
        let check = |name: HeaderName, given: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(&name, HeaderValue::from_str(given).expect("a header"));
            normalise(&mut headers);
            assert_eq!(headers.get(&name).and_then(|value| value.to_str().ok()), expected, "{given}");
        };
        check(IF_MATCH, "abc", Some("\"abc\""));
        check(IF_MATCH, "\"abc\"", Some("\"abc\""));
        check(IF_NONE_MATCH, "*", Some("*"));
        check(RANGE, "bytes=0-1", Some("bytes=0-1"));
        check(RANGE, "bytes=-5", Some("bytes=-5"));
        check(RANGE, "bytes=0-1,5-6", None);
        check(RANGE, "bytes=5-1", None);
        check(RANGE, "lines=1-2", None);
    }
}
