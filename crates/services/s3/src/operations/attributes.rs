//! GetObjectAttributes: what is known of an object without its bytes.

use s3s::dto::*;

use super::get_object::shown_id;
use super::shown::{checksum_type, etag, length, time, with_checksums};
use super::{Cx, expect_owner, read};
use crate::error::Failure;
use crate::listing::limit;
use crate::records::{Content, Part};
use crate::{buckets, uploads, versions};

/// What can be asked for.
const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// Answers a call.
pub(crate) async fn get(
    cx: Cx,
    input: GetObjectAttributesInput,
) -> Result<GetObjectAttributesOutput, Failure> {
    let names = input.object_attributes.iter().flat_map(|names| names.as_str().split(','));
    let wanted: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    if wanted.is_empty() || wanted.iter().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Failure::argument(
            "x-amz-object-attributes",
            &wanted.join(","),
            "Invalid attribute name specified.",
        ));
    }
    let most = limit("max-parts", input.max_parts)?;
    let after = u32::try_from(input.part_number_marker.unwrap_or(0)).unwrap_or(0);
    let account = cx.account().to_owned();
    let (version, modified, object, parts) = read(&cx, move |tx| {
        let bucket = buckets::get(tx, &account, &input.bucket)?;
        expect_owner(&bucket, input.expected_bucket_owner.as_deref())?;
        let (version, object) = versions::get(tx, &bucket, &input.key, input.version_id.as_deref())?;
        let parts = match object.content {
            Content::Parts(upload) => uploads::parts(tx, upload)?,
            _ => Vec::new(),
        };
        Ok((shown_id(&bucket, version.clone()), version.modified, object, parts))
    })
    .await?;
    let asks = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let checksum = object.checksum.as_ref().map(|stored| {
        let shown = Checksum { checksum_type: Some(checksum_type(stored)), ..Checksum::default() };
        with_checksums!(shown, Some(stored))
    });
    Ok(GetObjectAttributesOutput {
        e_tag: etag(&object.etag).filter(|_| asks("ETag")),
        checksum: checksum.filter(|_| asks("Checksum")),
        object_parts: object.parts.filter(|_| asks("ObjectParts")).map(|_| shown_parts(&parts, after, most)),
        object_size: Some(length(object.bytes)).filter(|_| asks("ObjectSize")),
        storage_class: Some(object.storage_class.unwrap_or_else(|| "STANDARD".to_owned()).into())
            .filter(|_| asks("StorageClass")),
        last_modified: Some(time(modified)),
        version_id: version,
        ..GetObjectAttributesOutput::default()
    })
}

fn shown_parts(parts: &[(u32, Part)], after: u32, most: usize) -> GetObjectAttributesParts {
    let rest: Vec<&(u32, Part)> = parts.iter().filter(|(number, _)| *number > after).collect();
    let page = &rest[..rest.len().min(most)];
    let shown = page.iter().map(|(number, part)| {
        let shown = ObjectPart {
            part_number: i32::try_from(*number).ok(),
            size: Some(length(part.bytes)),
            ..ObjectPart::default()
        };
        with_checksums!(shown, part.checksum.as_ref())
    });
    GetObjectAttributesParts {
        is_truncated: Some(rest.len() > page.len()),
        max_parts: i32::try_from(most).ok(),
        next_part_number_marker: page.last().and_then(|(number, _)| i32::try_from(*number).ok()),
        part_number_marker: i32::try_from(after).ok(),
        parts: Some(shown.collect::<Vec<_>>()),
        total_parts_count: i32::try_from(parts.len()).ok(),
    }
}
