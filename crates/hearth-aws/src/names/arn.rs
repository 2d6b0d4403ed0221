//! `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ARN, taken apart. Region and account may be empty, the resource may hold colons and slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `lambda`.
    pub service: String,
    /// `eu-west-1`, or empty (IAM).
    pub region: String,
    /// 12 digits, or empty (S3).
    pub account: String,
    /// All that follows: `function:my-function:1`.
    pub resource: String,
}

impl Arn {
    /// An ARN in the region's partition.
    pub fn new(service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: partition(region).to_owned(),
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.into(),
        }
    }

    /// Takes an ARN apart; `None` when it has fewer than six parts or an empty partition, service or resource.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':').map(str::to_owned);
        let mut part = || parts.next();
        let arn = Self {
            partition: part()?,
            service: part()?,
            region: part()?,
            account: part()?,
            resource: part()?,
        };
        let whole = !arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty();
        whole.then_some(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(out, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The partition that a region lies in.
pub fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_taken_apart_and_put_together_again() {
        for text in
            ["arn:aws:lambda:eu-west-1:123456789012:function:f:1", "arn:aws:s3:::bucket/key:with:colons"]
        {
            assert_eq!(Arn::parse(text).map(|arn| arn.to_string()).as_deref(), Some(text));
        }
        for text in
            ["", "arn:", "arn:aws:lambda:eu-west-1:123456789012", "arn:aws:lambda:r:a:", "urn:aws:a:b:c:d"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
        assert_eq!(Arn::new("lambda", "cn-north-1", "1", "function:f").partition, "aws-cn");
    }
}
