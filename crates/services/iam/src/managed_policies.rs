//! The policies that AWS manages and that deploy tools attach: `managed_policies/policies.json` has their documents.

use std::sync::LazyLock;

use hearth_aws::credentials::unique_id;
use hearth_world::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// One policy of AWS's.
#[derive(Debug, Deserialize)]
pub(crate) struct AwsPolicy {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// The version in force; earlier ones are not known here.
    pub(crate) version: &'static str,
    /// Microseconds since 1970.
    created: i64,
    updated: i64,
    #[serde(borrow)]
    document: &'static RawValue,
}

/// Constant, read once.
static POLICIES: LazyLock<Vec<AwsPolicy>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("managed_policies/policies.json")).expect("a test reads the file")
});

impl AwsPolicy {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.path, self.name)
    }

    pub(crate) fn document(&self) -> &'static str {
        self.document.get()
    }

    pub(crate) fn created(&self) -> Timestamp {
        Timestamp::from_micros(self.created)
    }

    pub(crate) fn updated(&self) -> Timestamp {
        Timestamp::from_micros(self.updated)
    }

    /// Of the form of AWS's ids, and always the same; AWS's own is another one.
    pub(crate) fn id(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.arn()).into();
        let (bytes, _) = digest.split_first_chunk::<17>().expect("a digest has 32 bytes");
        unique_id("ANPA", *bytes)
    }
}

/// All of them, in the order of the file.
pub(crate) fn all() -> &'static [AwsPolicy] {
    &POLICIES
}

/// The policy with this ARN.
pub(crate) fn find(arn: &str) -> Option<&'static AwsPolicy> {
    let path = arn.strip_prefix("arn:aws:iam::aws:policy")?;
    all().iter().find(|policy| path.strip_prefix(policy.path).is_some_and(|name| name == policy.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents;

    #[test]
    fn a_managed_policy_is_found_by_its_whole_path_only() {
        let basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        let found = find(basic).expect("it is in the file");
        assert_eq!((found.name, found.arn().as_str()), ("AWSLambdaBasicExecutionRole", basic));
        assert_eq!(found.created().to_string(), "2015-04-09T15:03:43.000Z");
        for other in [
            "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole",
            "arn:aws:iam::123456789012:policy/AdministratorAccess",
        ] {
            assert!(find(other).is_none(), "{other}");
        }
    }

    #[test]
    fn every_document_passes_the_check_that_customers_documents_pass() {
        for policy in all() {
            documents::check_managed(policy.document())
                .unwrap_or_else(|error| panic!("{}: {error}", policy.name));
        }
    }

    #[test]
    fn the_policies_that_deploy_tools_name_are_there() {
        for path in [
            "service-role/AWSLambdaBasicExecutionRole",
            "service-role/AWSLambdaSQSQueueExecutionRole",
            "service-role/AWSLambdaDynamoDBExecutionRole",
            "service-role/AWSLambdaKinesisExecutionRole",
            "service-role/AWSLambdaVPCAccessExecutionRole",
            "AWSXRayDaemonWriteAccess",
            "AmazonS3FullAccess",
            "AmazonS3ReadOnlyAccess",
            "AmazonDynamoDBFullAccess",
            "AmazonSQSFullAccess",
            "AdministratorAccess",
            "PowerUserAccess",
            "ReadOnlyAccess",
        ] {
            assert!(find(&format!("arn:aws:iam::aws:policy/{path}")).is_some(), "{path}");
        }
    }
}
