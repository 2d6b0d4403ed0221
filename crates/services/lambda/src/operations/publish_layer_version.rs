//! PublishLayerVersion: keeps a package under the next number of its layer. The first of a name begins the layer.

use bytes::Bytes;
use hearth_aws::{ApiError, Call, Cx, Operation, shape};
use hearth_store::{garbage, transact};

use super::create_function::PUTS_MAX;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Owner};
use crate::layers::{self, LayerName, LayerVersion, Published};
use crate::objects::{Given, Package, Source};
use crate::parameters::not_supported;

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
        let source = content(&cx.call, &input.content)?;
        let (owner, host) = (Owner::of(&cx.call), cx.call.host.clone());
        let published = cx.state().enduring(|lambda| async move {
            let layer = publish(&lambda, &owner, name, source, input).await?;
            Ok::<_, FunctionError>(Published::of(&lambda, &owner, layer, &host))
        });
        Ok(published.await?)
    }
}

fn content(call: &Call, content: &Content) -> Result<Source, FunctionError> {
    let storage_mode = content.s3_object_storage_mode.as_ref();
    if storage_mode.is_some_and(|mode| mode != "COPY") {
        return Err(not_supported("Content.S3ObjectStorageMode"));
    }
    let given = Given {
        zip_file: content.zip_file.clone(),
        bucket: content.s3_bucket.clone(),
        key: content.s3_key.clone(),
        version: content.s3_object_version.clone(),
    };
    given.source(call)
}

async fn publish(
    lambda: &Lambda,
    owner: &Owner,
    name: LayerName,
    source: Source,
    input: Input,
) -> Result<LayerVersion, FunctionError> {
    for _ in 0..PUTS_MAX {
        let Package { kept, bytes } = source.keep(lambda, "layer").await?;
        let layer = LayerVersion {
            unzipped_bytes: functions::unpack(lambda, name.as_str(), &kept.ticket.digest).await?,
            name: name.clone(),
            version: 0,
            description: input.description.clone().unwrap_or_default(),
            created: lambda.world.domain().now(),
            digest: kept.ticket.digest,
            bytes,
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
