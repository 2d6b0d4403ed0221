//! UpdateFunctionCode: another package for a function, which runs its old one until the new one is ready.

use bytes::Bytes;
use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Call, Cx, Document, Operation, shape};
use hearth_store::garbage;
use hearth_store::{transact, transact_read};

use super::create_function::PUTS_MAX;
use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Configuration, Detail, Function};
use crate::layers;
use crate::objects::{Given, Package, Source};
use crate::parameters::not_supported;
use crate::reference::Asked;
use crate::runtimes;

pub(crate) struct UpdateFunctionCode;

shape! {
    pub(crate) struct Input {
        function_name: FunctionRef,
        zip_file: Option<Bytes>,
        s3_bucket: Option<String>,
        s3_key: Option<String>,
        s3_object_version: Option<String>,
        s3_object_storage_mode: Option<String>,
        image_uri: Option<String>,
        architectures: Option<Vec<String>>,
        publish: Option<bool>,
        publish_to: Document,
        dry_run: Option<bool>,
        revision_id: Option<String>,
        source_kms_key_arn as "SourceKMSKeyArn": Option<String>,
    }
}

/// What is asked for, checked.
#[derive(Clone)]
struct Wanted {
    source: Source,
    architecture: Option<String>,
    dry_run: bool,
    revision: Option<String>,
}

impl Operation for UpdateFunctionCode {
    const NAME: &'static str = "UpdateFunctionCode";
    type State = Lambda;
    type Input = Input;
    type Output = Configuration;

    async fn call(cx: &Cx<Lambda>, input: Input) -> Result<Configuration, ApiError> {
        let asked = Asked::of(&cx.call, &input.function_name, None)?;
        // Seen again in the writing transaction; here it comes before everything about the package.
        let (key, revision) = (asked.clone(), input.revision_id.clone());
        transact_read(&*cx.store, move |tx| functions::changeable(tx, &key, revision.as_deref())).await?;
        let wanted = wanted(&cx.call, input)?;
        let updated = cx.state().enduring(|lambda| async move {
            let dry_run = wanted.dry_run;
            let function = update(&lambda, &asked, wanted).await?;
            if !dry_run {
                functions::activate(&lambda, asked.owner.clone(), function.clone());
            }
            let (worker, qualifier) = (&*lambda.worker, asked.qualifier.as_deref());
            Ok::<_, FunctionError>(Configuration::of(
                worker,
                &asked.owner,
                function,
                qualifier,
                Detail::Whole,
            ))
        });
        Ok(updated.await?)
    }
}

fn wanted(call: &Call, input: Input) -> Result<Wanted, FunctionError> {
    if input.image_uri.is_some() {
        let text = "Please don't provide ImageUri when updating a function with packageType Zip.";
        return Err(FunctionError::Parameter(text.to_owned()));
    }
    let asks = |member: &Option<String>, default: &str| member.as_ref().is_some_and(|value| value != default);
    let unbuilt = [
        ("S3ObjectStorageMode", asks(&input.s3_object_storage_mode, "COPY")),
        ("SourceKMSKeyArn", asks(&input.source_kms_key_arn, "")),
        ("Publish", input.publish == Some(true)),
        ("PublishTo", input.publish_to != Document::Null),
    ];
    if let Some((member, _)) = unbuilt.iter().find(|(_, asked)| *asked) {
        return Err(not_supported(member));
    }
    let given = Given {
        zip_file: input.zip_file,
        bucket: input.s3_bucket,
        key: input.s3_key,
        version: input.s3_object_version,
    };
    Ok(Wanted {
        source: given.source(call)?,
        architecture: input.architectures.and_then(|list| list.into_iter().next()),
        dry_run: input.dry_run == Some(true),
        revision: input.revision_id,
    })
}

/// The function with its new package: InProgress, or, in a dry run, as it would be.
async fn update(lambda: &Lambda, asked: &Asked, wanted: Wanted) -> Result<Function, FunctionError> {
    for _ in 0..PUTS_MAX {
        let package = wanted.source.keep(lambda, "package").await?;
        let unzipped_bytes =
            functions::unpack(lambda, asked.name.as_str(), &package.kept.ticket.digest).await?;
        if let Some(function) = write(lambda, asked, &wanted, &package, unzipped_bytes).await? {
            return Ok(function);
        }
    }
    Err(FunctionError::Collected(PUTS_MAX))
}

/// `None` when the package was collected meanwhile.
async fn write(
    lambda: &Lambda,
    asked: &Asked,
    wanted: &Wanted,
    package: &Package,
    unzipped_bytes: u64,
) -> Result<Option<Function>, FunctionError> {
    let (asked, wanted) = (asked.clone(), wanted.clone());
    let (ticket, code_bytes) = (package.kept.ticket, package.bytes);
    let (deprecated, today) = (lambda.options.deprecated_runtimes, lambda.world.domain().now());
    let (now, revision_id) = (lambda.world.domain().now(), lambda.world.random().uuid());
    let room = lambda.options.code_storage_bytes_of(&asked.owner.account);
    transact(&*lambda.store, move |tx| {
        let old = functions::changeable(tx, &asked, wanted.revision.as_deref())?;
        runtimes::check_update_date(&old.runtime, deprecated, today)
            .map_err(|error| FunctionError::Parameter(error.to_string()))?;
        layers::check_size(unzipped_bytes, &old.layers)?;
        let new = Function {
            code: ticket.digest,
            code_bytes,
            architecture: wanted.architecture.clone().unwrap_or_else(|| old.architecture.clone()),
            ..old.clone()
        };
        functions::check_room(tx, &asked.owner, room, old.code_bytes, new.code_bytes)?;
        if wanted.dry_run {
            return Ok(Some(new));
        }
        if !garbage::hold(tx, &ticket, &asked.owner.holder(&asked.name))? {
            return Ok(None);
        }
        functions::begin(tx, &asked.owner, old, Function { last_modified: now, revision_id, ..new }).map(Some)
    })
    .await
}
