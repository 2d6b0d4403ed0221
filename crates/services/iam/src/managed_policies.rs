//! The policies that AWS manages and that deploy tools attach to roles.
//!
//! GAP(iam): their documents come with the evaluation of policies.

/// Path and name behind `arn:aws:iam::aws:policy/`.
const NAMES: [&str; 13] = [
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
];

/// The name of a managed policy, if this is the ARN of one.
pub(crate) fn name(arn: &str) -> Option<&'static str> {
    let path = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    let found = NAMES.iter().find(|known| **known == path)?;
    found.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_policy_is_found_by_its_whole_path_only() {
        let basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        assert_eq!(name(basic), Some("AWSLambdaBasicExecutionRole"));
        assert_eq!(name("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"), None);
        assert_eq!(name("arn:aws:iam::123456789012:policy/AdministratorAccess"), None);
    }
}
