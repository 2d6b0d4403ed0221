//! Which layer versions a function uses: the rules of `Layers`, in AWS's words.

use hearth_aws::Call;
use hearth_store::{Tx, garbage};

use super::names::{LayerVersionRef, denied};
use super::table;
use crate::error::FunctionError;
use crate::functions::{Function, LayerUse, Owner};
use crate::limits::{CODE_UNZIPPED_BYTES_MAX, LAYERS_MAX};

/// Checks what can be known of `Layers` without the store. Whether they exist comes in [`used`].
pub(crate) fn check_layers(call: &Call, layers: &[String]) -> Result<Vec<LayerVersionRef>, FunctionError> {
    if layers.len() > LAYERS_MAX {
        return Err(parameter(format!("Cannot reference more than {LAYERS_MAX} layers.")));
    }
    let mut checked: Vec<LayerVersionRef> = Vec::new();
    for arn in layers {
        let layer = LayerVersionRef::parse(arn).ok_or_else(|| missing(arn))?;
        if layer.region != call.region {
            return Err(parameter(format!(
                "Layers are not in the same region as the function. Layers are expected to be in region {}.",
                call.region
            )));
        }
        if layer.account != call.account {
            return Err(denied(call, layer.text));
        }
        checked.push(layer);
    }
    Ok(checked)
}

/// Finds the layers and holds their packages for the function, whose own package unpacks to `code_bytes`. In the
/// transaction that writes the function.
pub(crate) fn used(
    tx: &mut dyn Tx,
    owner: &Owner,
    function: &Function,
    layers: &[LayerVersionRef],
    code_bytes: u64,
) -> Result<Vec<LayerUse>, FunctionError> {
    let mut uses = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        let found = table::get(tx, owner, &layer.name, layer.version)?.ok_or_else(|| missing(&layer.text))?;
        if let Some(other) = layers[..at].iter().find(|other| other.name == layer.name) {
            return Err(parameter(format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. \
                 {} and {} are versions of the same layer.",
                other.text, layer.text
            )));
        }
        // The layer version holds it until here, so it is not being collected.
        garbage::adopt(tx, &found.digest, "layer", found.bytes, &owner.holder(&function.name))?;
        uses.push(LayerUse {
            arn: layer.text.clone(),
            digest: found.digest,
            bytes: found.bytes,
            unzipped_bytes: found.unzipped_bytes,
        });
    }
    check_size(code_bytes, &uses)?;
    Ok(uses)
}

/// A package and its layers share 250 MB.
pub(crate) fn check_size(code_bytes: u64, layers: &[LayerUse]) -> Result<(), FunctionError> {
    let all = layers.iter().fold(code_bytes, |sum, layer| sum.saturating_add(layer.unzipped_bytes));
    if all > CODE_UNZIPPED_BYTES_MAX { Err(FunctionError::UnzippedTooLarge) } else { Ok(()) }
}

fn missing(arn: &str) -> FunctionError {
    parameter(format!("Layer version {arn} does not exist."))
}

fn parameter(text: String) -> FunctionError {
    FunctionError::Parameter(text)
}
