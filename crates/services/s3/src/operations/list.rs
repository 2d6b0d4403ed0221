//! ListObjects, ListObjectsV2 and ListObjectVersions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearth_store::{Stored, Tx};
use s3s::dto::*;

use super::shown::{etag, length, owner, time};
use super::{Cx, expect_owner, read};
use crate::error::Failure;
use crate::listing::{Entry, Page, Query, after_key, limit, page, shown};
use crate::records::{Bucket, Listed, NULL, Version};
use crate::{buckets, keys, versions};

/// What the lists have in common.
struct Asked {
    bucket: String,
    owner: Option<String>,
    query: Query,
    is_encoded: bool,
}

fn asked(
    bucket: String,
    owner: Option<String>,
    (prefix, delimiter): (Option<String>, Option<String>),
    max_keys: Option<i32>,
    encoding: Option<&EncodingType>,
) -> Result<Asked, Failure> {
    let is_encoded = match encoding.map(EncodingType::as_str) {
        None => false,
        Some(EncodingType::URL) => true,
        Some(other) => {
            return Err(Failure::argument(
                "encoding-type",
                other,
                "Invalid Encoding Method specified in Request",
            ));
        }
    };
    let limit = limit("max-keys", max_keys)?;
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty());
    let query = Query { prefix: prefix.unwrap_or_default(), delimiter, after: None, limit };
    Ok(Asked { bucket, owner, query, is_encoded })
}

/// What a list asks: their shapes are types of their own with members of the same names.
macro_rules! asked {
    ($input:expr) => {
        asked(
            $input.bucket,
            $input.expected_bucket_owner,
            ($input.prefix, $input.delimiter),
            $input.max_keys,
            $input.encoding_type.as_ref(),
        )?
    };
}

/// The page of keys after this one.
async fn keys_after(cx: &Cx, asked: &Asked, after: Option<String>) -> Result<(Bucket, Page), Failure> {
    let (account, name, owner) = (cx.account().to_owned(), asked.bucket.clone(), asked.owner.clone());
    let query = Query { after, ..asked.query.clone() };
    read(cx, move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, owner.as_deref())?;
        let space = keys::listed(bucket.number);
        let start = query.after.as_deref().map_or_else(Vec::new, |after| after_key(&space, after));
        let page = page(tx, &space, &query, start)?;
        Ok((bucket, page))
    })
    .await
}

fn objects(
    entries: Vec<Entry>,
    account: Option<&str>,
    is_encoded: bool,
) -> Result<Vec<s3s::dto::Object>, Failure> {
    let object = |entry: Entry| {
        let listed = Listed::decode(&entry.record)?;
        Ok(s3s::dto::Object {
            checksum_algorithm: listed.algorithm.clone().map(|name| vec![ChecksumAlgorithm::from(name)]),
            checksum_type: listed.algorithm.map(|_| kind(listed.is_composite)),
            e_tag: etag(&listed.etag),
            key: Some(shown(&entry.key, is_encoded)),
            last_modified: Some(time(listed.modified)),
            owner: account.map(owner),
            size: Some(length(listed.bytes)),
            storage_class: Some(class(listed.storage_class).into()),
            ..s3s::dto::Object::default()
        })
    };
    entries.into_iter().map(object).collect()
}

fn class(stored: Option<String>) -> String {
    stored.unwrap_or_else(|| "STANDARD".to_owned())
}

fn kind(is_composite: bool) -> ChecksumType {
    ChecksumType::from_static(if is_composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
}

fn prefixes(names: Vec<String>, is_encoded: bool) -> Option<Vec<CommonPrefix>> {
    let shown = names.into_iter().map(|name| CommonPrefix { prefix: Some(shown(&name, is_encoded)) });
    Some(shown.collect::<Vec<_>>()).filter(|all| !all.is_empty())
}

fn encoding(is_encoded: bool) -> Option<EncodingType> {
    is_encoded.then(|| EncodingType::from_static(EncodingType::URL))
}

/// ListObjectsV2.
pub(crate) async fn objects_v2(cx: Cx, input: ListObjectsV2Input) -> Result<ListObjectsV2Output, Failure> {
    let asked = asked!(input);
    let token = input.continuation_token.as_deref().map(|token| {
        let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = "The continuation token provided is incorrect";
        decoded.ok_or_else(|| Failure::argument("continuation-token", token, text))
    });
    let after = token.transpose()?.or_else(|| input.start_after.clone()).filter(|after| !after.is_empty());
    let (bucket, page) = keys_after(&cx, &asked, after).await?;
    cx.exchange.header("x-amz-bucket-region", &bucket.region);
    let is_encoded = asked.is_encoded;
    let text = |text: Option<String>| text.map(|text| shown(&text, is_encoded));
    let account = input.fetch_owner.unwrap_or(false).then_some(bucket.account.as_str());
    let count = page.entries.len() + page.prefixes.len();
    Ok(ListObjectsV2Output {
        name: Some(bucket.name.clone()),
        prefix: Some(shown(&asked.query.prefix, is_encoded)),
        max_keys: i32::try_from(asked.query.limit).ok(),
        key_count: i32::try_from(count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|next| URL_SAFE_NO_PAD.encode(next)),
        contents: Some(objects(page.entries, account, is_encoded)?),
        common_prefixes: prefixes(page.prefixes, is_encoded),
        delimiter: text(asked.query.delimiter),
        encoding_type: encoding(is_encoded),
        start_after: text(input.start_after),
        ..ListObjectsV2Output::default()
    })
}

/// ListObjects, the first form.
pub(crate) async fn objects_v1(cx: Cx, input: ListObjectsInput) -> Result<ListObjectsOutput, Failure> {
    let asked = asked!(input);
    let marker = input.marker.filter(|marker| !marker.is_empty());
    let (bucket, page) = keys_after(&cx, &asked, marker.clone()).await?;
    cx.exchange.header("x-amz-bucket-region", &bucket.region);
    let is_encoded = asked.is_encoded;
    // Without a delimiter the last key says where to go on.
    let next = page.next.clone().filter(|_| asked.query.delimiter.is_some());
    Ok(ListObjectsOutput {
        name: Some(bucket.name.clone()),
        prefix: Some(shown(&asked.query.prefix, is_encoded)),
        marker: Some(shown(&marker.unwrap_or_default(), is_encoded)),
        max_keys: i32::try_from(asked.query.limit).ok(),
        is_truncated: Some(page.next.is_some()),
        contents: Some(objects(page.entries, Some(&bucket.account), is_encoded)?),
        common_prefixes: prefixes(page.prefixes, is_encoded),
        delimiter: asked.query.delimiter.map(|delimiter| shown(&delimiter, is_encoded)),
        next_marker: next.map(|next| shown(&next, is_encoded)),
        encoding_type: encoding(is_encoded),
        ..ListObjectsOutput::default()
    })
}

/// ListObjectVersions: all of them, newest first in each key.
pub(crate) async fn versions(
    cx: Cx,
    input: ListObjectVersionsInput,
) -> Result<ListObjectVersionsOutput, Failure> {
    let asked = asked!(input);
    let key_marker = input.key_marker.filter(|marker| !marker.is_empty());
    let id_marker = input.version_id_marker.filter(|marker| !marker.is_empty());
    if id_marker.is_some() && key_marker.is_none() {
        let text = "A version-id marker cannot be specified without a key marker.";
        return Err(Failure::argument("version-id-marker", &id_marker.unwrap_or_default(), text));
    }
    let (account, name, expected) = (cx.account().to_owned(), asked.bucket.clone(), asked.owner.clone());
    let (key, id) = (key_marker.clone(), id_marker.clone());
    let query = asked.query.clone();
    let (bucket, page, is_inside) = read(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &name)?;
        expect_owner(&bucket, expected.as_deref())?;
        let space = keys::versions(bucket.number);
        let mut query = Query { after: key.clone(), ..query.clone() };
        let start = match (&key, &id) {
            (None, _) => Start::of(Vec::new()),
            (Some(key), None) => Start::of(after_key(&space, key)),
            (Some(key), Some(id)) => {
                // In the middle of a key: what begins with it has not been shown.
                query.after = None;
                after_version(tx, bucket.number, key, id)?
            }
        };
        let page = page(tx, &space, &query, start.place)?;
        Ok((bucket, page, start.is_inside))
    })
    .await?;
    cx.exchange.header("x-amz-bucket-region", &bucket.region);
    let is_encoded = asked.is_encoded;
    let mut output = ListObjectVersionsOutput {
        name: Some(bucket.name.clone()),
        prefix: Some(shown(&asked.query.prefix, is_encoded)),
        key_marker: Some(shown(key_marker.as_deref().unwrap_or_default(), is_encoded)),
        version_id_marker: Some(id_marker.clone().unwrap_or_default()),
        max_keys: i32::try_from(asked.query.limit).ok(),
        is_truncated: Some(page.next.is_some()),
        common_prefixes: prefixes(page.prefixes.clone(), is_encoded),
        delimiter: asked.query.delimiter.clone().map(|delimiter| shown(&delimiter, is_encoded)),
        encoding_type: encoding(is_encoded),
        ..ListObjectVersionsOutput::default()
    };
    // The rest of a key whose newest versions were on the page before.
    let before = key_marker.filter(|_| is_inside);
    let last = add_versions(&mut output, &page, &bucket, before.as_deref(), is_encoded)?;
    if let Some(next) = &page.next {
        output.next_key_marker = Some(shown(next, is_encoded));
        output.next_version_id_marker = last.filter(|(key, _)| key == next).map(|(_, id)| id);
    }
    Ok(output)
}

/// Where a page of versions begins.
struct Start {
    place: Vec<u8>,
    /// The newest versions of its key were on the page before.
    is_inside: bool,
}

impl Start {
    fn of(place: Vec<u8>) -> Self {
        Self { place, is_inside: false }
    }
}

fn after_version(tx: &mut dyn Tx, bucket: u64, key: &str, id: &str) -> Result<Start, Failure> {
    let sequence = match versions::find(tx, bucket, key, id)? {
        Some(standing) => standing.sequence,
        // The id `null` does not say where its version stood: rather all of the key again than some of them never.
        None if id == NULL => return Ok(Start::of(keys::versions(bucket).text(key).children().from)),
        // One that was deleted since still says where it stood.
        None => versions::sequence_of(id)?,
    };
    let mut place = keys::version(bucket, key, sequence).as_bytes().to_vec();
    place.push(0);
    Ok(Start { place, is_inside: true })
}

fn add_versions(
    output: &mut ListObjectVersionsOutput,
    page: &Page,
    bucket: &Bucket,
    before: Option<&str>,
    is_encoded: bool,
) -> Result<Option<(String, String)>, Failure> {
    let (mut found, mut markers) = (Vec::new(), Vec::new());
    let mut last: Option<(String, String)> = None;
    for entry in &page.entries {
        let version = Version::decode(&entry.record)?;
        let is_first = last.as_ref().is_none_or(|(key, _)| *key != entry.key);
        let is_latest = is_first && before != Some(entry.key.as_str());
        last = Some((entry.key.clone(), version.id.clone()));
        let (key, owner) = (Some(shown(&entry.key, is_encoded)), Some(owner(&bucket.account)));
        let (version_id, last_modified) = (Some(version.id), Some(time(version.modified)));
        match version.object {
            None => markers.push(DeleteMarkerEntry {
                is_latest: Some(is_latest),
                key,
                last_modified,
                owner,
                version_id,
            }),
            Some(object) => found.push(ObjectVersion {
                checksum_algorithm: object
                    .checksum
                    .as_ref()
                    .map(|checksum| vec![ChecksumAlgorithm::from(checksum.algorithm.clone())]),
                checksum_type: object.checksum.as_ref().map(|checksum| kind(checksum.is_composite)),
                e_tag: etag(&object.etag),
                is_latest: Some(is_latest),
                key,
                last_modified,
                owner,
                size: Some(length(object.bytes)),
                storage_class: Some(class(object.storage_class).into()),
                version_id,
                ..ObjectVersion::default()
            }),
        }
    }
    output.versions = Some(found);
    output.delete_markers = Some(markers);
    Ok(last)
}
