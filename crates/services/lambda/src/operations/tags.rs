//! TagResource, UntagResource and ListTags: the tags of functions, the only resources here that can have some.

use std::collections::BTreeMap;

use hearth_aws::names::FunctionRef;
use hearth_aws::{ApiError, Call, Cx, Operation, shape};
use hearth_store::{transact, transact_read};

use crate::Lambda;
use crate::error::FunctionError;
use crate::functions::{self, Tags, Update};
use crate::parameters;
use crate::reference::Asked;

pub(crate) struct TagResource;
pub(crate) struct UntagResource;
pub(crate) struct ListTags;

shape! {
    pub(crate) struct TagInput {
        resource: String,
        tags: BTreeMap<String, String>,
    }
    pub(crate) struct UntagInput {
        resource: String,
        tag_keys: Vec<String>,
    }
    pub(crate) struct ListInput {
        resource: String,
    }
    pub(crate) struct Nothing {}
    pub(crate) struct ListOutput {
        tags: Tags,
    }
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    type State = Lambda;
    type Input = TagInput;
    type Output = Nothing;

    async fn call(cx: &Cx<Lambda>, input: TagInput) -> Result<Nothing, ApiError> {
        let asked = tagged(&cx.call, &input.resource)?;
        transact(&*cx.store, move |tx| {
            let function = functions::get(tx, &asked.owner, &asked.name)?.ok_or_else(|| asked.not_found())?;
            if input.tags.is_empty() {
                let text = "An error occurred and the request cannot be processed.";
                return Err(FunctionError::Parameter(text.to_owned()));
            }
            if matches!(function.update, Update::InProgress { .. }) {
                return Err(FunctionError::UpdateInProgress(asked.arn()));
            }
            let mut all = functions::tags(tx, &asked.owner, &asked.name)?;
            all.extend(input.tags.clone());
            parameters::check_tags(&all)?;
            functions::set_tags(tx, &asked.owner, &asked.name, &input.tags)
        })
        .await?;
        Ok(Nothing {})
    }
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    type State = Lambda;
    type Input = UntagInput;
    type Output = Nothing;

    async fn call(cx: &Cx<Lambda>, input: UntagInput) -> Result<Nothing, ApiError> {
        let asked = tagged(&cx.call, &input.resource)?;
        parameters::check_tag_keys(input.tag_keys.iter())?;
        transact(&*cx.store, move |tx| {
            functions::get(tx, &asked.owner, &asked.name)?.ok_or_else(|| asked.not_found())?;
            let there = functions::tags(tx, &asked.owner, &asked.name)?;
            for key in there.keys().filter(|key| input.tag_keys.contains(key)) {
                functions::delete_tag(tx, &asked.owner, &asked.name, key)?;
            }
            Ok::<_, FunctionError>(())
        })
        .await?;
        Ok(Nothing {})
    }
}

impl Operation for ListTags {
    const NAME: &'static str = "ListTags";
    type State = Lambda;
    type Input = ListInput;
    type Output = ListOutput;

    async fn call(cx: &Cx<Lambda>, input: ListInput) -> Result<ListOutput, ApiError> {
        let asked = tagged(&cx.call, &input.resource)?;
        let tags = transact_read(&*cx.store, move |tx| {
            functions::get(tx, &asked.owner, &asked.name)?.ok_or_else(|| asked.not_found())?;
            functions::tags(tx, &asked.owner, &asked.name)
        });
        Ok(ListOutput { tags: tags.await? })
    }
}

/// The function whose ARN this is. The model has checked that it is the ARN of something that can have tags.
fn tagged(call: &Call, resource: &str) -> Result<Asked, FunctionError> {
    let kind = resource.split(':').nth(5).unwrap_or_default();
    match kind {
        "function" => {}
        "event-source-mapping" => return missing(format!("Event source mapping not found: {resource}")),
        "capacity-provider" => return missing(format!("Capacity provider not found: {resource}")),
        "code-signing-config" => {
            return missing(format!("The Lambda code signing configuration {resource} can not be found."));
        }
        _ => return Err(FunctionError::NothingThere),
    }
    let name = FunctionRef::parse(resource).ok_or(FunctionError::NothingThere)?;
    let asked = Asked::of(call, &name, None)?;
    if asked.qualifier.is_some() {
        let text = "Tags on function aliases and versions are not supported. Please specify a function ARN.";
        return Err(FunctionError::Parameter(text.to_owned()));
    }
    Ok(asked)
}

fn missing<T>(text: String) -> Result<T, FunctionError> {
    Err(FunctionError::Missing(text))
}
