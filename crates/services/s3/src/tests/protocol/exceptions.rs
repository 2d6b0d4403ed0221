//! What does not travel, and why. The lists may only shrink: one that is not needed fails the test.

/// A reason, and the places: pieces of what is told, in their order, with anything before, between and after.
pub(super) type Exception = (&'static str, &'static [&'static str]);

pub(super) const INPUT: &[Exception] = &[
    (
        "The operation reads it beside its shape, which has no member for it; tests/copies.rs and tests/settings.rs.",
        &[
            "* CopyObject.IfMatch is not there",
            "* CopyObject.IfNoneMatch is not there",
            "* CreateBucket.CreateBucketConfiguration.Tags is not there",
            "* GetBucketIntelligentTieringConfiguration.ExpectedBucketOwner is not there",
            "* ListBucketIntelligentTieringConfigurations.ExpectedBucketOwner is not there",
        ],
    ),
    (
        "The headers of checksums are read for every operation alike, before its shape (content/digests.rs).",
        &[".ChecksumAlgorithm is not there"],
    ),
    (
        "S3 refuses it without an entry, or with no document at all.",
        &[
            "least CompleteMultipartUpload is refused*MalformedXML",
            "none DeleteObjects is refused*MalformedXML",
            "none GetObjectAttributes is refused*InvalidRequest",
            "none PutBucketCors is refused*MalformedXML",
            "none PutBucketEncryption is refused*MalformedXML",
            "none PutBucketLifecycleConfiguration is refused*MalformedXML",
            "none PutBucketOwnershipControls is refused*MalformedXML",
        ],
    ),
    ("S3 demands a digest of it.", &["least DeleteObjects is refused*Content-MD5 OR x-amz-checksum-*"]),
];

pub(super) const OUTPUT: &[Exception] = &[
    (
        "Such a checksum is refused on the way in, so that nothing has one.",
        &[
            "ChecksumMD5 is never written",
            "ChecksumSHA512 is never written",
            "ChecksumXXHASH64 is never written",
            "ChecksumXXHASH3 is never written",
            "ChecksumXXHASH128 is never written",
        ],
    ),
    (
        "Refused on the way in, so that nothing has one.",
        &[
            "ServerSideEncryptionConfiguration.Rules.*.BlockedEncryptionTypes",
            "DefaultRetention.DefaultEventHold",
            "ObjectLockEventHold is never written",
            "ObjectLockEventHoldDurationDays is never written",
            "ObjectLockEventHoldDurationYears is never written",
        ],
    ),
    (
        "An attribute, which is one of three names: what would have to be escaped in one is not.",
        &["Odd * differs*grantee.type_>"],
    ),
    ("botocore reads an empty place as none.", &["Empty GetBucketLocation.location_constraint is not there"]),
    ("Only directory buckets have it, of which there are none.", &["BucketArn is never written"]),
    (
        "The operation writes it beside its shape, which has no member for it.",
        &["HeadObject.TagCount is never written"],
    ),
    (
        "An upload has no version before it is complete, and its shape no member for one.",
        &[
            "AbortMultipartUpload.VersionId is never written",
            "CreateMultipartUpload.VersionId is never written",
            "ListMultipartUploads.Uploads.*.VersionId is never written",
            "ListParts.VersionId is never written",
            "UploadPart.VersionId is never written",
            "UploadPartCopy.VersionId is never written",
        ],
    ),
];

/// Fails for what is told without being excepted, and for what is excepted without being told.
pub(super) fn check(exceptions: &[Exception], told: &[String]) {
    let all: Vec<&str> = exceptions.iter().flat_map(|(_, places)| *places).copied().collect();
    let mut wrong: Vec<String> =
        told.iter().filter(|told| !all.iter().any(|place| fits(told, place))).cloned().collect();
    let needless = all.iter().filter(|place| !told.iter().any(|told| fits(told, place)));
    wrong.extend(needless.map(|place| format!("{place}: is no exception")));
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

fn fits(told: &str, place: &str) -> bool {
    let mut rest = told;
    place.split('*').filter(|piece| !piece.is_empty()).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}
