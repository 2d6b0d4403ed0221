//! The trace header of an invocation: the caller's, or a new one.

use hearth_world::{Random, Timestamp};

/// `Root=…;Parent=…;Sampled=…` for the function, with the lineage that it came with.
///
/// The root and the decision to sample are the caller's, where the caller sent them. Without active tracing nothing
/// is sampled on our own. Unknown parts are dropped.
pub(crate) fn trace_id(received: Option<&str>, now: Timestamp, random: &Random) -> String {
    let part = |name: &str| {
        let pairs = received.unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(key, value)| *key == name && is_plain(value)).map(|(_, value)| value).next()
    };
    let root = part("Root").map(str::to_owned);
    let root = root.unwrap_or_else(|| format!("1-{:08x}-{}", now.as_millis() / 1_000, random.hex::<12>()));
    let parent = part("Parent").map_or_else(|| random.hex::<8>(), str::to_owned);
    let sampled = part("Sampled").filter(|sampled| *sampled == "1").unwrap_or("0");
    // GAP(recursion): the lineage is handed on, and not yet counted.
    let lineage = part("Lineage").map(|lineage| format!(";Lineage={lineage}")).unwrap_or_default();
    format!("Root={root};Parent={parent};Sampled={sampled}{lineage}")
}

/// What may stand in a header that the function's runtime reads.
fn is_plain(value: &str) -> bool {
    value.len() <= 128
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'|'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_root_is_kept_and_unknown_parts_are_dropped() {
        let random = Random::seeded(1);
        let trace = |received| trace_id(received, Timestamp::from_millis(1_764_037_614_123), &random);
        let sent = "Self=x; Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:ab:0";
        let kept =
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:ab:0";
        assert_eq!(trace(Some(sent)), kept);
        let made = trace(None);
        assert!(made.starts_with("Root=1-692513ee-"), "{made}");
        assert!(made.ends_with(";Sampled=0"), "{made}");
        assert!(!trace(Some("Root=1-2\r\nX: y;Sampled=9")).contains('\n'));
    }
}
