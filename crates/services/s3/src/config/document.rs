//! The configurations of a bucket: what each is called in the store, and how S3 says that it is not there.
//!
//! They are kept as the XML of S3's own published schema (the policy as its JSON): a format that does not change.

use s3s::xml;

use super::error::ConfigError;

/// One configuration of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Document {
    Accelerate,
    Acl,
    Cors,
    Encryption,
    Lifecycle,
    /// The header `x-amz-transition-default-minimum-object-size` of the lifecycle: text.
    LifecycleMinimum,
    ObjectLock,
    Ownership,
    Policy,
    PublicAccessBlock,
    Replication,
    Tagging,
    Website,
}

impl Document {
    /// Its name in the store; never changes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accelerate => "accelerate",
            Self::Acl => "acl",
            Self::Cors => "cors",
            Self::Encryption => "encryption",
            Self::Lifecycle => "lifecycle",
            Self::LifecycleMinimum => "lifecycle-minimum",
            Self::ObjectLock => "object-lock",
            Self::Ownership => "ownership",
            Self::Policy => "policy",
            Self::PublicAccessBlock => "public-access-block",
            Self::Replication => "replication",
            Self::Tagging => "tagging",
            Self::Website => "website",
        }
    }

    /// Code and message of 404 for one that is not there. Those that always are there, if only empty, have none of
    /// their own.
    pub(crate) fn absent(self) -> (&'static str, &'static str) {
        match self {
            Self::Cors => ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
            Self::Encryption => (
                "ServerSideEncryptionConfigurationNotFoundError",
                "The server side encryption configuration was not found",
            ),
            Self::Lifecycle | Self::LifecycleMinimum => {
                ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
            }
            Self::ObjectLock => (
                "ObjectLockConfigurationNotFoundError",
                "Object Lock configuration does not exist for this bucket",
            ),
            Self::Ownership => {
                ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
            }
            Self::Policy => ("NoSuchBucketPolicy", "The bucket policy does not exist"),
            Self::PublicAccessBlock => (
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            ),
            Self::Replication => {
                ("ReplicationConfigurationNotFoundError", "The replication configuration was not found")
            }
            Self::Tagging => ("NoSuchTagSet", "The TagSet does not exist"),
            Self::Website => {
                ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
            }
            Self::Accelerate | Self::Acl => {
                ("NoSuchConfiguration", "The specified configuration does not exist.")
            }
        }
    }
}

/// A configuration as it is kept.
pub(crate) fn encode(config: &impl xml::Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let written = config.serialize(&mut xml::Serializer::new(&mut bytes));
    written.expect("writing into memory does not fail");
    bytes
}

/// A configuration as it was kept, or sent.
pub(crate) fn decode<T>(bytes: &[u8]) -> Result<T, ConfigError>
where
    T: for<'xml> xml::Deserialize<'xml>,
{
    let mut reader = xml::Deserializer::new(bytes);
    let config = T::deserialize(&mut reader).map_err(|_| ConfigError::MalformedXml)?;
    reader.expect_eof().map_err(|_| ConfigError::MalformedXml)?;
    Ok(config)
}
