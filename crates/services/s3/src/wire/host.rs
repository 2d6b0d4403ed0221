//! Where a request names its bucket: in the host or in the path.

use hearth_aws::front_door::is_under;

/// What AWS's host names end with.
const AWS: [&str; 2] = ["amazonaws.com", "amazonaws.com.cn"];

/// Whether a host is one of S3's by its name alone: `s3.localhost`, `bucket.s3.eu-west-1.amazonaws.com`.
pub(super) fn is_s3(host: &str, names: &[String]) -> bool {
    before(host, names).is_some_and(|(front, _)| marker(front).is_some())
}

/// The bucket that a host names.
pub(super) fn bucket<'h>(host: &'h str, names: &[String]) -> Option<&'h str> {
    let (front, is_aws) = before(host, names)?;
    let bucket = match marker(front) {
        Some(at) => front[..at].strip_suffix('.').unwrap_or_default(),
        // `s3` may be left out on a name of ours; on one of AWS's that is another service.
        None if is_aws => "",
        None => front,
    };
    Some(bucket).filter(|bucket| !bucket.is_empty())
}

/// What stands before a name of this endpoint, and whether that is one of AWS's.
fn before<'h>(host: &'h str, names: &[String]) -> Option<(&'h str, bool)> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let domain = |domain: &str| {
        let at = host.len().checked_sub(domain.len()).filter(|_| is_under(host, domain))?;
        Some(host[..at].strip_suffix('.').unwrap_or_default())
    };
    let aws = AWS.iter().find_map(|name| Some((domain(name)?, true)));
    // Of two configured names that fit, the longer one is meant.
    let ours = names.iter().map(String::as_str).chain(["localhost"]).filter_map(domain);
    aws.or_else(|| ours.min_by_key(|front| front.len()).map(|front| (front, false)))
}

/// Where `s3`, `s3.eu-west-1`, `s3-eu-west-1` or `s3.dualstack.eu-west-1` begins at the end of a name.
fn marker(front: &str) -> Option<usize> {
    let mut at = front.len();
    for (count, label) in front.rsplit('.').enumerate() {
        at -= label.len() + usize::from(count > 0);
        let start = if at == 0 { 0 } else { at };
        if label == "s3" || label.strip_prefix("s3-").is_some_and(is_region) && count == 0 {
            return Some(start);
        }
        if count > 1 || !(is_region(label) || label == "dualstack") {
            return None;
        }
    }
    None
}

/// `eu-west-1`, `us-gov-east-1`.
fn is_region(label: &str) -> bool {
    let mut parts = label.rsplit('-');
    let number = parts.next().unwrap_or_default();
    parts.count() >= 2 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_stand_before_every_name_of_the_endpoint() {
        let names = ["hearth.corp".to_owned()];
        let check = |host: &str, expected: Option<&str>, is_ours: bool| {
            assert_eq!(bucket(host, &names), expected, "{host}");
            assert_eq!(is_s3(host, &names), is_ours, "{host}");
        };
        check("localhost", None, false);
        check("127.0.0.1", None, false);
        check("s3.localhost", None, true);
        check("b.localhost", Some("b"), false);
        check("my.bucket.s3.localhost", Some("my.bucket"), true);
        check("b.s3.eu-west-1.localhost", Some("b"), true);
        check("s3.amazonaws.com", None, true);
        check("s3.eu-west-1.amazonaws.com", None, true);
        check("b.s3.amazonaws.com", Some("b"), true);
        check("my.bucket.s3.eu-west-1.amazonaws.com", Some("my.bucket"), true);
        check("b.s3-eu-west-1.amazonaws.com", Some("b"), true);
        check("b.s3.dualstack.us-gov-east-1.amazonaws.com", Some("b"), true);
        check("lambda.eu-west-1.amazonaws.com", None, false);
        check("hearth.corp", None, false);
        check("b.hearth.corp", Some("b"), false);
        check("b.s3.hearth.corp.", Some("b"), true);
        check("s3.s3.localhost", Some("s3"), true);
    }
}
