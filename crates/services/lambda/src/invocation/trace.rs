//! The trace header of an invocation: the caller's, or a new one.

use hearth_world::{Random, Timestamp};
use sha2::{Digest, Sha256};

/// `Root=…;Parent=…;Sampled=…;Lineage=…` for the function and for the caller's answer.
///
/// The root and the decision to sample are the caller's, where the caller sent them. Without active tracing nothing
/// is sampled on our own. Unknown parts are dropped. The lineage is the one that the call came with, or begins with
/// this function.
pub(crate) fn trace_id(
    received: Option<&str>,
    function_arn: &str,
    now: Timestamp,
    random: &Random,
) -> String {
    let part = |name: &str| {
        let pairs = received.unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(key, value)| *key == name && is_plain(value)).map(|(_, value)| value).next()
    };
    let root = part("Root").map(str::to_owned);
    let root = root.unwrap_or_else(|| format!("1-{:08x}-{}", now.as_millis() / 1_000, random.hex::<12>()));
    let parent = part("Parent").map_or_else(|| random.hex::<8>(), str::to_owned);
    let sampled = part("Sampled").filter(|sampled| *sampled == "1").unwrap_or("0");
    // GAP(recursion): the lineage is handed on, and not yet counted.
    let lineage = part("Lineage").map_or_else(
        || format!("1:{}:0", hex::encode(&Sha256::digest(function_arn)[..LINEAGE_NAME_BYTES])),
        str::to_owned,
    );
    format!("Root={root};Parent={parent};Sampled={sampled};Lineage={lineage}")
}

/// A function in a lineage is named by the first bytes of a digest.
const LINEAGE_NAME_BYTES: usize = 4;

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
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let trace = |received| trace_id(received, arn, Timestamp::from_millis(1_764_037_614_123), &random);
        let sent = "Self=x; Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:ab:0";
        let kept =
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:ab:0";
        assert_eq!(trace(Some(sent)), kept);
        let made = trace(None);
        assert!(made.starts_with("Root=1-692513ee-"), "{made}");
        let lineage = made.split_once(";Sampled=0;Lineage=1:").expect("not sampled, of one function").1;
        assert_eq!(lineage.len(), "24fb5dda:0".len(), "{made}");
        assert_eq!(
            trace(None).split_once("Lineage=").expect("there").1,
            made.split_once("Lineage=").expect("there").1
        );
        assert!(!trace(Some("Root=1-2\r\nX: y;Sampled=9")).contains('\n'));
    }
}
