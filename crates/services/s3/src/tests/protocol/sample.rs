//! Outputs with a value in every member. The lists of members are s3s's: one that is missing does not compile.

use std::collections::HashMap;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use s3s::dto::*;
use time::OffsetDateTime;

use super::compare::is_same_name;

/// The bytes of every object.
pub(super) const BODY: &str = "a body";

/// The most alternatives of an enum.
pub(super) const ALTERNATIVES: usize = 4;

/// What an output is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Every member, another value in each.
    Each,
    /// With everything that has to be escaped, and white space alone.
    Odd,
    /// Texts with nothing in them, and zero.
    Empty,
    /// Lists with nothing in them.
    None,
    /// What s3s cannot leave out.
    Least,
}

/// A place in an output.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    way: Way,
    /// Which of the alternatives of an enum.
    alternative: usize,
    /// Members that are headers.
    headers: &'a [String],
    path: Vec<String>,
}

impl<'a> At<'a> {
    pub(crate) fn root(way: Way, alternative: usize, headers: &'a [String]) -> Self {
        Self { way, alternative, headers, path: Vec::new() }
    }

    fn then(&self, name: &str) -> Self {
        let mut at = self.clone();
        at.path.push(name.to_owned());
        at
    }

    fn text(&self) -> String {
        let text = self.path.join(".");
        let is_header = self.headers.iter().any(|name| is_same_name(name, &self.path[0]));
        match (self.way, is_header) {
            (Way::Odd, true) => format!("{text}, \"q\" \\ ; a=b  c%20+"),
            (Way::Odd, false) if self.path.iter().rev().take(2).any(|name| name == "1") => {
                " \t\n ".to_owned()
            }
            (Way::Odd, false) => format!(" \t<{text}> & \"q\" 'a' ]]> &amp; é😀\r\n\n "),
            (Way::Empty, _) => String::new(),
            _ => text,
        }
    }

    /// Another number at every place.
    fn number(&self) -> u16 {
        if self.way == Way::Empty {
            return 0;
        }
        let digest = Md5::digest(self.path.join("."));
        u16::from_be_bytes([digest[0], digest[1]])
    }
}

/// Made for a place.
pub(crate) trait Sample: Sized {
    fn sample(at: &At<'_>) -> Self;
}

impl<T: Sample> Sample for Option<T> {
    fn sample(at: &At<'_>) -> Self {
        (at.way != Way::Least).then(|| T::sample(at))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(at: &At<'_>) -> Self {
        let count = match at.way {
            Way::Each | Way::Odd => 2,
            Way::Empty => 1,
            Way::None | Way::Least => 0,
        };
        (0..count).map(|index| T::sample(&at.then(&index.to_string()))).collect()
    }
}

impl Sample for HashMap<String, String> {
    fn sample(at: &At<'_>) -> Self {
        match at.way {
            Way::None => Self::new(),
            _ => ["one", "two-three"].map(|key| (key.to_owned(), at.then(key).text())).into(),
        }
    }
}

impl Sample for bool {
    fn sample(at: &At<'_>) -> Self {
        at.way != Way::Odd
    }
}

impl Sample for i32 {
    fn sample(at: &At<'_>) -> Self {
        i32::from(at.number())
    }
}

impl Sample for i64 {
    fn sample(at: &At<'_>) -> Self {
        i64::from(at.number()) << 32 | 1
    }
}

impl Sample for Timestamp {
    fn sample(at: &At<'_>) -> Self {
        let noon = 1_600_000_000 + i64::from(at.number()) * 1_000;
        OffsetDateTime::from_unix_timestamp(noon).expect("a time").into()
    }
}

impl Sample for ETag {
    fn sample(at: &At<'_>) -> Self {
        Self::Strong(at.number().to_string())
    }
}

impl Sample for StreamingBlob {
    fn sample(_: &At<'_>) -> Self {
        s3s::Body::from(Bytes::from_static(BODY.as_bytes())).into()
    }
}

impl Sample for AnalyticsFilter {
    fn sample(at: &At<'_>) -> Self {
        match at.alternative % 3 {
            0 => Self::And(Sample::sample(&at.then("and"))),
            1 => Self::Tag(Sample::sample(&at.then("tag"))),
            _ => Self::Prefix(Sample::sample(&at.then("prefix"))),
        }
    }
}

impl Sample for MetricsFilter {
    fn sample(at: &At<'_>) -> Self {
        match at.alternative % ALTERNATIVES {
            0 => Self::And(Sample::sample(&at.then("and"))),
            1 => Self::Tag(Sample::sample(&at.then("tag"))),
            2 => Self::Prefix(Sample::sample(&at.then("prefix"))),
            _ => Self::AccessPointArn(Sample::sample(&at.then("access_point_arn"))),
        }
    }
}

macro_rules! texts {
    ($($name:ident)*) => {
        $(impl Sample for $name {
            fn sample(at: &At<'_>) -> Self {
                Self::from(at.text())
            }
        })*
    };
}

texts! {
    String Event
    AnalyticsS3ExportFileFormat ArchiveStatus BucketAccelerateStatus BucketLocationConstraint
    BucketLogsPermission BucketVersioningStatus ChecksumAlgorithm ChecksumType
    DeleteMarkerReplicationStatus EncodingType ExistingObjectReplicationStatus ExpirationStatus
    FilterRuleName IntelligentTieringAccessTier IntelligentTieringStatus InventoryFormat
    InventoryFrequency InventoryIncludedObjectVersions InventoryOptionalField LocationType
    MFADeleteStatus MetricsStatus ObjectLockEnabled ObjectLockLegalHoldStatus ObjectLockMode
    ObjectLockRetentionMode ObjectOwnership ObjectStorageClass ObjectVersionStorageClass OwnerOverride
    PartitionDateSource Payer Permission Protocol ReplicaModificationsStatus ReplicationRuleStatus
    ReplicationStatus ReplicationTimeStatus RequestCharged ServerSideEncryption
    SseKmsEncryptedObjectsStatus StorageClass StorageClassAnalysisSchemaVersion
    TransitionDefaultMinimumObjectSize TransitionStorageClass Type
}

macro_rules! structures {
    ($($name:ident: $($member:ident)* $(, not $none:ident)?;)*) => {
        $(impl Sample for $name {
            #[allow(unused_variables, reason = "some have no members")]
            fn sample(at: &At<'_>) -> Self {
                Self { $($member: Sample::sample(&at.then(stringify!($member))),)* $($none: None)? }
            }
        })*
    };
}

mod structures;
