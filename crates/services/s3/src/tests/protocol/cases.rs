//! The restXml cases of botocore's own tests, each with the members of S3 that carry the same, or why S3 has none.
//!
//! The cases are of services that nobody serves, and ours are S3's shapes: what a case is about is shown on S3's own
//! members, which the round trips fill and compare. A case that is not here fails the test.

use std::collections::BTreeSet;

use serde_json::Value;

use super::package;

/// Who carries what a case is about.
pub(super) enum By {
    /// Members of S3, each of which must have been read as it was meant.
    Members(&'static [&'static str]),
    /// S3 has none.
    Nothing(&'static str),
}

use By::{Members, Nothing};

pub(super) type Cases = (By, &'static [&'static str]);

const NO_FLOAT: By = Nothing("No member of S3's is a float.");
const NO_MAP: By = Nothing("S3 has no map in a document.");
const NO_UNION: By = Nothing("S3's model has no union.");
const NO_SECONDS: By = Nothing("S3 writes no time as seconds.");
const NO_BLOB: By = Nothing("S3 has no blob in a document.");

/// The same in both directions.
const UNIONS: [&str; 6] = [
    "RestXmlHttpPayloadWithUnion",
    "RestXmlHttpPayloadWithUnsetUnion",
    "XmlUnionsWithStructMember",
    "XmlUnionsWithStringMember",
    "XmlUnionsWithBooleanMember",
    "XmlUnionsWithUnionMember",
];

pub(super) const INPUT: &[Cases] = &[
    (
        Members(&[
            "ListObjectsV2.Prefix",
            "ListObjectsV2.MaxKeys",
            "ListObjectsV2.FetchOwner",
            "ListObjectsV2.EncodingType",
            "GetObject.ResponseExpires",
        ]),
        &["AllQueryStringTypes"],
    ),
    (Members(&["ListObjectsV2.Prefix"]), &["RestXmlQueryStringEscaping", "RestXmlSerializesEmptyString"]),
    (Members(&["ListObjectsV2.MaxKeys", "ListObjectsV2.FetchOwner"]), &["RestXmlZeroAndFalseQueryValues"]),
    (
        Members(&["GetBucketAnalyticsConfiguration.Id", "ListObjectsV2.Delimiter"]),
        &[
            "ConstantAndVariableQueryStringMissingOneValue",
            "ConstantAndVariableQueryStringAllValues",
            "RestXmlOmitsNullQuery",
        ],
    ),
    (Members(&["GetBucketAcl.Bucket"]), &["ConstantQueryString"]),
    (
        Nothing("No query of S3's is a map."),
        &["RestXmlQueryStringMap", "RestXmlQueryParamsStringListMap", "RestXmlQueryPrecedence"],
    ),
    (Members(&["ListBuckets"]), &["EmptyInputAndEmptyOutput", "NoInputAndNoOutput", "NoInputAndOutput"]),
    (
        Members(&[
            "CompleteMultipartUpload.MultipartUpload.Parts",
            "PutBucketCors.CORSConfiguration.CORSRules",
        ]),
        &["BodyWithXmlName", "HttpPayloadWithXmlName", "HttpPayloadWithMemberXmlName"],
    ),
    (
        Members(&["PutBucketVersioning.VersioningConfiguration.Status", "PutBucketTagging.Tagging.TagSet"]),
        &["HttpPayloadWithStructure", "HttpPayloadWithXmlNamespace", "XmlNamespaces"],
    ),
    (
        Members(&["PutBucketAcl.AccessControlPolicy.Grants.*.Grantee.Type"]),
        &["HttpPayloadWithXmlNamespaceAndPrefix", "XmlAttributes", "XmlAttributesOnPayload"],
    ),
    (
        Nothing("S3's only attribute is one of three names, which have nothing to escape."),
        &["XmlAttributesWithEscaping"],
    ),
    (
        Members(&["PutObject.Body", "UploadPart.Body"]),
        &["HttpPayloadTraitsWithBlob", "HttpPayloadTraitsWithNoBlobBody"],
    ),
    (Members(&["PutBucketPolicy.Policy"]), &["RestXmlStringPayloadRequest"]),
    (Nothing("No payload of S3's is one of several words."), &["RestXmlEnumPayloadRequest"]),
    (
        Members(&["PutObject.Metadata", "CopyObject.Metadata"]),
        &["HttpPrefixHeadersArePresent", "HttpPrefixHeadersAreNotPresent", "HttpPrefixEmptyHeaders"],
    ),
    (
        Members(&["PutObject.Key", "PutObject.Bucket"]),
        &["HttpRequestWithGreedyLabelInPath", "InputWithHeadersAndAllParams", "HttpRequestLabelEscaping"],
    ),
    (Nothing("S3's labels are texts."), &["HttpRequestWithLabelsAndTimestampFormat"]),
    (
        Members(&["PutObject.CacheControl", "GetObjectAttributes.ObjectAttributes"]),
        &["InputAndOutputWithStringHeaders", "NullAndEmptyHeaders"],
    ),
    (
        Members(&["CompleteMultipartUpload.MpuObjectSize", "PutObject.WriteOffsetBytes"]),
        &["InputAndOutputWithNumericHeaders"],
    ),
    (Members(&["PutObject.BucketKeyEnabled"]), &["InputAndOutputWithBooleanHeaders"]),
    (
        Members(&["GetObject.IfModifiedSince", "PutObject.ObjectLockRetainUntilDate"]),
        &["InputAndOutputWithTimestampHeaders", "TimestampFormatHeaders"],
    ),
    (
        Members(&["PutObject.StorageClass", "GetObjectAttributes.ObjectAttributes"]),
        &["InputAndOutputWithEnumHeaders"],
    ),
    (
        Members(&[
            "DeleteObjects.Delete.Objects.*.Key",
            "DeleteObjects.Delete.Quiet",
            "PutObjectTagging.Tagging",
        ]),
        &[
            "SimpleScalarProperties",
            "SimpleScalarPropertiesWithEscapedCharacter",
            "SimpleScalarPropertiesWithWhiteSpace",
            "SimpleScalarPropertiesPureWhiteSpace",
            "XmlEmptyStrings",
        ],
    ),
    (
        Members(&[
            "PutBucketTagging.Tagging.TagSet",
            "DeleteObjects.Delete.Objects",
            "PutBucketCors.CORSConfiguration.CORSRules.*.AllowedHeaders",
        ]),
        &["XmlLists", "XmlEmptyLists"],
    ),
    (Members(&["PutBucketVersioning.VersioningConfiguration.Status"]), &["XmlEnums"]),
    (
        Members(&["PutBucketLifecycleConfiguration.LifecycleConfiguration.Rules.*.Expiration.Date"]),
        &["XmlTimestamps", "XmlTimestampsWithDateTimeFormat", "XmlTimestampsWithDateTimeOnTargetFormat"],
    ),
    (
        Members(&["DeleteObjects.Delete.Objects.*.LastModifiedTime"]),
        &["XmlTimestampsWithHttpDateFormat", "XmlTimestampsWithHttpDateOnTargetFormat"],
    ),
    (NO_SECONDS, &["XmlTimestampsWithEpochSecondsFormat", "XmlTimestampsWithEpochSecondsOnTargetFormat"]),
    (
        NO_FLOAT,
        &[
            "RestXmlSupportsNaNFloatQueryValues",
            "RestXmlSupportsInfinityFloatQueryValues",
            "RestXmlSupportsNegativeInfinityFloatQueryValues",
            "RestXmlSupportsNaNFloatLabels",
            "RestXmlSupportsInfinityFloatLabels",
            "RestXmlSupportsNegativeInfinityFloatLabels",
            "RestXmlSupportsNaNFloatHeaderInputs",
            "RestXmlSupportsInfinityFloatHeaderInputs",
            "RestXmlSupportsNegativeInfinityFloatHeaderInputs",
            "RestXmlSupportsNaNFloatInputs",
            "RestXmlSupportsInfinityFloatInputs",
            "RestXmlSupportsNegativeInfinityFloatInputs",
        ],
    ),
    (
        NO_MAP,
        &[
            "FlattenedXmlMap",
            "FlattenedXmlMapWithXmlName",
            "NestedXmlMapRequest",
            "FlatNestedXmlMapRequest",
            "NestedXmlMapWithXmlNameSerializes",
            "XmlEmptyMaps",
            "XmlMaps",
            "XmlMapsXmlName",
            "RestXmlXmlMapWithXmlNamespace",
        ],
    ),
    (NO_UNION, &UNIONS),
    (NO_BLOB, &["XmlBlobs"]),
    (Nothing("S3's enums are words."), &["XmlIntEnums"]),
    (Nothing("No shape of S3's holds itself."), &["RecursiveShapes"]),
    (
        Nothing(
            "The host's front is told by the model for WriteGetObjectResponse alone, which is not served.",
        ),
        &[
            "RestXmlEndpointTrait",
            "RestXmlEndpointTraitWithHostLabelAndHttpBinding",
            "RestXmlEndpointTraitWithHostLabel",
        ],
    ),
    (
        Nothing("No client compresses what it sends to S3."),
        &["SDKAppliedContentEncoding_restXml", "SDKAppendedGzipAfterProvidedEncoding_restXml"],
    ),
    (
        Nothing("No operation that is served has a token."),
        &["QueryIdempotencyTokenAutoFill", "QueryIdempotencyTokenAutoFillIsSet"],
    ),
];

pub(super) const OUTPUT: &[Cases] = &[
    (
        Members(&["GetBucketEncryption.ServerSideEncryptionConfiguration", "ListParts.Parts"]),
        &[
            "BodyWithXmlName",
            "HttpPayloadWithXmlName",
            "HttpPayloadWithMemberXmlName",
            "HttpPayloadWithStructure",
        ],
    ),
    (Members(&["GetBucketTagging.TagSet"]), &["HttpPayloadWithXmlNamespace", "XmlNamespaces"]),
    (
        Members(&["GetBucketAcl.Grants.*.Grantee.Type"]),
        &["HttpPayloadWithXmlNamespaceAndPrefix", "XmlAttributes", "XmlAttributesOnPayload"],
    ),
    (
        Members(&["DeleteBucket", "PutBucketTagging", "DeleteObject.VersionId"]),
        &["EmptyInputAndEmptyOutput", "NoInputAndNoOutput", "NoInputAndOutput", "GreetingWithErrors"],
    ),
    (Members(&["Failure.Error.Code", "Failure.Error.Message"]), &["InvalidGreetingError"]),
    (Members(&["Failure.Error.Method", "Failure.Error.ResourceType"]), &["ComplexError"]),
    (Members(&["GetObject.Body"]), &["HttpPayloadTraitsWithBlob", "HttpPayloadTraitsWithNoBlobBody"]),
    (Members(&["GetBucketPolicy.Policy"]), &["RestXmlStringPayloadResponse"]),
    (Nothing("No payload of S3's is one of several words."), &["RestXmlEnumPayloadResponse"]),
    (
        Members(&["GetObject.Metadata", "HeadObject.Metadata"]),
        &["HttpPrefixHeadersArePresent", "HttpPrefixHeadersAreNotPresent"],
    ),
    (Members(&["GetObject.CacheControl"]), &["InputAndOutputWithStringHeaders"]),
    (Members(&["GetObject.ContentLength", "GetObject.TagCount"]), &["InputAndOutputWithNumericHeaders"]),
    (Members(&["GetObject.DeleteMarker"]), &["InputAndOutputWithBooleanHeaders"]),
    (
        Members(&["GetObject.LastModified", "GetObject.ObjectLockRetainUntilDate"]),
        &["InputAndOutputWithTimestampHeaders", "TimestampFormatHeaders"],
    ),
    (Members(&["GetObject.StorageClass"]), &["InputAndOutputWithEnumHeaders"]),
    (
        Members(&["ListObjectsV2.Contents.*.Key", "ListObjectsV2.KeyCount", "ListObjectsV2.IsTruncated"]),
        &[
            "SimpleScalarProperties",
            "SimpleScalarPropertiesComplexEscapes",
            "SimpleScalarPropertiesWithEscapedCharacter",
            "SimpleScalarPropertiesWithWhiteSpace",
            "SimpleScalarPropertiesPureWhiteSpace",
        ],
    ),
    (Members(&["GetObjectTagging.TagSet.*.Value"]), &["XmlEmptyStrings"]),
    (
        Members(&[
            "GetBucketTagging.TagSet",
            "ListObjectsV2.Contents",
            "GetBucketCors.CORSRules.*.AllowedHeaders",
        ]),
        &["XmlLists", "XmlEmptyLists"],
    ),
    (Members(&["GetBucketVersioning.Status"]), &["XmlEnums"]),
    (
        Members(&[
            "ListBuckets.Buckets.*.CreationDate",
            "GetBucketLifecycleConfiguration.Rules.*.Expiration.Date",
        ]),
        &[
            "XmlTimestamps",
            "XmlTimestampsWithDateTimeFormat",
            "XmlTimestampsWithDateTimeOnTargetFormat",
            "RestXmlDateTimeWithFractionalSeconds",
        ],
    ),
    (
        Nothing("Another way to write a time, which clients must read: we write UTC."),
        &["RestXmlDateTimeWithNegativeOffset", "RestXmlDateTimeWithPositiveOffset"],
    ),
    (
        Nothing("No time in a document that S3 answers has this form."),
        &["XmlTimestampsWithHttpDateFormat", "XmlTimestampsWithHttpDateOnTargetFormat"],
    ),
    (NO_SECONDS, &["XmlTimestampsWithEpochSecondsFormat", "XmlTimestampsWithEpochSecondsOnTargetFormat"]),
    (
        Nothing("Another way to write the same, which clients must read."),
        &["SimpleScalarPropertiesWithXMLPreamble", "XmlEmptySelfClosedStrings"],
    ),
    (
        NO_FLOAT,
        &[
            "RestXmlSupportsNaNFloatHeaderOutputs",
            "RestXmlSupportsInfinityFloatHeaderOutputs",
            "RestXmlSupportsNegativeInfinityFloatHeaderOutputs",
            "RestXmlSupportsNaNFloatOutputs",
            "RestXmlSupportsInfinityFloatOutputs",
            "RestXmlSupportsNegativeInfinityFloatOutputs",
        ],
    ),
    (
        NO_MAP,
        &[
            "FlattenedXmlMap",
            "FlattenedXmlMapWithXmlName",
            "RestXmlFlattenedXmlMapWithXmlNamespace",
            "NestedXmlMapResponse",
            "FlatNestedXmlMapResponse",
            "NestedXmlMapWithXmlNameDeserializes",
            "XmlEmptyMaps",
            "XmlEmptySelfClosedMaps",
            "XmlMaps",
            "XmlMapsXmlName",
            "RestXmlXmlMapWithXmlNamespace",
        ],
    ),
    (NO_UNION, &UNIONS),
    (NO_BLOB, &["XmlBlobs", "XmlEmptyBlobs", "XmlEmptySelfClosedBlobs"]),
    (Nothing("S3's enums are words."), &["XmlIntEnums"]),
    (Nothing("No shape of S3's holds itself."), &["RecursiveShapes"]),
    (Nothing("No output of S3's holds its status."), &["RestXmlHttpResponseCode"]),
    (Nothing("No output of S3's has a member of a query."), &["IgnoreQueryParamsInResponse"]),
];

/// Fails unless the table has every case of the file, and every member of the table was compared and found the same.
pub(super) fn check(file: &str, table: &[Cases], compared: &BTreeSet<String>, told: &[String]) {
    let suites: Vec<Value> = serde_json::from_slice(&package::cases(file)).expect("JSON");
    let cases = suites.iter().flat_map(|suite| suite["cases"].as_array().expect("cases"));
    let ids: BTreeSet<&str> = cases.map(|case| case["id"].as_str().expect("an id")).collect();
    let listed: Vec<&str> = table.iter().flat_map(|(_, ids)| *ids).copied().collect();
    let unique: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(listed.len(), unique.len(), "a case stands in one line");
    assert_eq!(ids, unique, "the cases of {file}, and those of the table");
    for (by, ids) in table {
        match by {
            Members(members) => {
                for member in *members {
                    let place = format!(" {member}");
                    let is_wrong = |told: &&String| {
                        told.contains(&format!("{place} ")) || told.contains(&format!("{place}."))
                    };
                    assert_eq!(told.iter().find(is_wrong), None, "for {ids:?}");
                    assert!(compared.contains(*member), "{member} was never compared, for {ids:?}");
                }
            }
            Nothing(why) => assert!(why.ends_with('.')),
        }
    }
}
