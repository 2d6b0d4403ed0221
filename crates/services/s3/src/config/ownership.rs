//! Who owns what others put into a bucket, and what public access is blocked: the two that decide about ACLs.

use s3s::dto::{ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration};

use super::error::ConfigError;

/// What becomes of ACLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// ACLs are off: what a new bucket has.
    BucketOwnerEnforced,
    /// ACLs are on; the bucket's owner owns what is put with `bucket-owner-full-control`.
    BucketOwnerPreferred,
    /// ACLs are on; who puts owns. Also what a bucket without controls has.
    ObjectWriter,
}

impl Ownership {
    /// By the name that S3 gives it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            ObjectOwnership::BUCKET_OWNER_ENFORCED => Some(Self::BucketOwnerEnforced),
            ObjectOwnership::BUCKET_OWNER_PREFERRED => Some(Self::BucketOwnerPreferred),
            ObjectOwnership::OBJECT_WRITER => Some(Self::ObjectWriter),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => ObjectOwnership::BUCKET_OWNER_ENFORCED,
            Self::BucketOwnerPreferred => ObjectOwnership::BUCKET_OWNER_PREFERRED,
            Self::ObjectWriter => ObjectOwnership::OBJECT_WRITER,
        }
    }

    /// The document with this one rule.
    pub(crate) fn controls(self) -> OwnershipControls {
        let object_ownership = ObjectOwnership::from_static(self.name());
        OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] }
    }
}

/// The one rule of the controls.
pub(crate) fn check(controls: &OwnershipControls) -> Result<Ownership, ConfigError> {
    match controls.rules.as_slice() {
        [rule] => Ownership::of(rule.object_ownership.as_str()).ok_or(ConfigError::MalformedXml),
        _ => Err(ConfigError::MalformedXml),
    }
}

/// The header of CreateBucket.
pub(crate) fn of_header(sent: Option<&str>) -> Result<Ownership, ConfigError> {
    let Some(sent) = sent else { return Ok(Ownership::BucketOwnerEnforced) };
    let refused = || {
        let message = format!("Invalid x-amz-object-ownership header: {sent}");
        ConfigError::argument(message, "x-amz-object-ownership", None)
    };
    Ownership::of(sent).ok_or_else(refused)
}

/// What public access is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) public_acls: bool,
    pub(crate) public_policy: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) restrict_public_buckets: bool,
}

impl Blocked {
    /// What a new bucket has.
    pub(crate) const ALL: Self = Self {
        public_acls: true,
        public_policy: true,
        ignore_public_acls: true,
        restrict_public_buckets: true,
    };

    /// Of a document: what it does not name is not blocked.
    pub(crate) fn of(config: &PublicAccessBlockConfiguration) -> Self {
        Self {
            public_acls: config.block_public_acls.unwrap_or(false),
            public_policy: config.block_public_policy.unwrap_or(false),
            ignore_public_acls: config.ignore_public_acls.unwrap_or(false),
            restrict_public_buckets: config.restrict_public_buckets.unwrap_or(false),
        }
    }

    /// The document with all four.
    pub(crate) fn document(self) -> PublicAccessBlockConfiguration {
        PublicAccessBlockConfiguration {
            block_public_acls: Some(self.public_acls),
            block_public_policy: Some(self.public_policy),
            ignore_public_acls: Some(self.ignore_public_acls),
            restrict_public_buckets: Some(self.restrict_public_buckets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::decode;

    #[test]
    fn ownership_is_one_of_three() {
        let parse = |rules: &str| {
            let xml = format!("<OwnershipControls>{rules}</OwnershipControls>");
            decode::<OwnershipControls>(xml.as_bytes()).and_then(|controls| check(&controls))
        };
        let rule = |name: &str| format!("<Rule><ObjectOwnership>{name}</ObjectOwnership></Rule>");
        for one in [Ownership::BucketOwnerEnforced, Ownership::BucketOwnerPreferred, Ownership::ObjectWriter]
        {
            assert_eq!(parse(&rule(one.name())), Ok(one));
            assert_eq!(check(&one.controls()), Ok(one));
        }
        for broken in [String::new(), rule("Mine"), "<Rule/>".to_owned(), rule("ObjectWriter").repeat(2)] {
            assert_eq!(parse(&broken), Err(ConfigError::MalformedXml), "{broken}");
        }
        assert_eq!(of_header(None), Ok(Ownership::BucketOwnerEnforced));
        assert_eq!(of_header(Some("ObjectWriter")), Ok(Ownership::ObjectWriter));
        let refused = of_header(Some("RandomValue")).unwrap_err();
        assert_eq!(refused.to_string(), "Invalid x-amz-object-ownership header: RandomValue");
    }

    #[test]
    fn what_a_block_does_not_name_is_not_blocked() {
        let xml = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
        let blocked = Blocked::of(&decode(xml.as_bytes()).unwrap());
        assert_eq!(blocked, Blocked { public_acls: true, ..Blocked::default() });
        assert_eq!(Blocked::of(&Blocked::ALL.document()), Blocked::ALL);
    }
}
