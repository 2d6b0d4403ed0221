//! PublishLayerVersion: keeps a package under the next number of its layer. The first of a name begins the layer.

use bytes::Bytes;
use hearth_aws::{ApiError, Cx, Operation, shape};
use hearth_store::{garbage, transact};

use super::create_function::PUTS_MAX;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Owner};
use crate::layers::{self, LayerName, LayerVersion, Published};
use crate::parameters::{self, not_supported};

pub(crate) struct PublishLayerVersion;

shape! {
    pub(crate) struct Input {
        layer_name: String,
        description: Option<String>,
        content: Content,
        compatible_architectures: Option<Vec<String>>,
        compatible_runtimes: Option<Vec<String>>,
        license_info: Option<String>,
    }
    pub(crate) struct Content {
        s3_bucket: Option<String>,
        s3_key: Option<String>,
        s3_object_version: Option<String>,
        s3_object_storage_mode: Option<String>,
        zip_file: Option<Bytes>,
    }
}

impl Operation for PublishLayerVersion {
    const NAME: &'static str = "PublishLayerVersion";
    type State = Lambda;
    type Input = Input;
    type Output = Published;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Published, ApiError> {
        let name = LayerName::of(&cx.call, &input.layer_name)?;
        let zip = content(&input.content)?;
        let (owner, host) = (Owner::of(&cx.call), cx.call.host.clone());
        let published = cx.state().enduring(|lambda| async move {
            let layer = publish(&lambda, &owner, name, zip, input).await?;
            Ok::<_, FunctionError>(Published::of(&lambda, &owner, layer, &host))
        });
        Ok(published.await?)
    }
}

fn content(content: &Content) -> Result<Bytes, FunctionError> {
    let storage_mode = content.s3_object_storage_mode.as_ref();
    let unbuilt = [
        ("Content.S3Bucket", content.s3_bucket.is_some()),
        ("Content.S3Key", content.s3_key.is_some()),
        ("Content.S3ObjectVersion", content.s3_object_version.is_some()),
        ("Content.S3ObjectStorageMode", storage_mode.is_some_and(|mode| mode != "COPY")),
    ];
    if let Some((member, _)) = unbuilt.iter().find(|(_, asked)| *asked) {
        return Err(not_supported(member));
    }
    parameters::zip_file(content.zip_file.clone())
}

async fn publish(
    lambda: &Lambda,
    owner: &Owner,
    name: LayerName,
    zip: Bytes,
    input: Input,
) -> Result<LayerVersion, FunctionError> {
    for _ in 0..PUTS_MAX {
        let kept = lambda.blobs.put("layer", zip.clone()).await?;
        let layer = LayerVersion {
            unzipped_bytes: functions::unpack(lambda, name.as_str(), &kept.ticket.digest).await?,
            name: name.clone(),
            version: 0,
            description: input.description.clone().unwrap_or_default(),
            created: lambda.world.domain().now(),
            digest: kept.ticket.digest,
            bytes: zip.len() as u64,
            runtimes: input.compatible_runtimes.clone(),
            architectures: input.compatible_architectures.clone(),
            license: input.license_info.clone(),
        };
        let (owner, ticket) = (owner.clone(), kept.ticket);
        let room = lambda.options.code_storage_bytes_of(&owner.account);
        let written = transact(&*lambda.store, move |tx| {
            let version = layers::next_version(tx, &owner, &layer.name)?;
            let layer = LayerVersion { version, ..layer.clone() };
            functions::check_room(tx, &owner, room, 0, layer.bytes)?;
            if !garbage::hold(tx, &ticket, &layer.holder(&owner))? {
                return Ok(None);
            }
            layers::insert(tx, &owner, &layer)?;
            functions::charge(tx, &owner, 0, layer.bytes)?;
            Ok::<_, FunctionError>(Some(layer))
        });
        if let Some(layer) = written.await? {
            return Ok(layer);
        }
    }
    Err(FunctionError::Collected(PUTS_MAX))
}
