//! Values of other types than their members have.

use crate::document::Document;
use crate::model::{Kind, Model, ShapeId};

/// Values of other types, and what reading JSON says to them (recorded: see `protocols/mismatch.rs`).
pub(super) fn wrong_types(model: &Model, shape: ShapeId) -> Vec<(&'static str, Document, &'static str)> {
    let list = |text| ("list", Document::List(Vec::new()), text);
    let map = |text| ("structure", Document::Structure(Vec::new()), text);
    let number = |text| ("number", Document::Integer(7), text);
    let truth = |text| ("boolean", Document::Bool(true), text);
    let string = |text| ("string", Document::String("text".to_owned()), text);
    let is_dynamodb = model.facts().service == "dynamodb";
    let (no_list, no_map) = match is_dynamodb {
        true => ("Unrecognized collection type", "Start of structure or map found where not expected"),
        false => {
            ("Start of list found where not expected", "Start of structure or map found where not expected.")
        }
    };
    match &model.shape(shape).kind {
        Kind::String { .. } if is_dynamodb => vec![
            number("NUMBER_VALUE cannot be converted to String"),
            truth("TRUE_VALUE cannot be converted to String"),
            list("Unrecognized collection type class java.lang.String"),
            map(no_map),
        ],
        Kind::String { .. } => vec![
            number("NUMBER_VALUE can not be converted to a String"),
            truth("TRUE_VALUE can not be converted to a String"),
            list(no_list),
            map(no_map),
        ],
        Kind::Integer(_) if is_dynamodb => vec![
            string("STRING_VALUE cannot be converted to Integer"),
            truth("TRUE_VALUE cannot be converted to Integer"),
            map(no_map),
        ],
        Kind::Integer(_) => vec![
            string("STRING_VALUE can not be converted to an Integer"),
            truth("TRUE_VALUE can not be converted to an Integer"),
            list(no_list),
            map(no_map),
        ],
        Kind::List { .. } => {
            let text = if is_dynamodb { "Unexpected field type" } else { "Expected list or null" };
            vec![number(text), string(text), truth(text), map(no_map)]
        }
        Kind::Structure(_) => {
            let text = if is_dynamodb { "Unexpected field type" } else { "Expected null" };
            vec![number(text), string(text), list(no_list)]
        }
        Kind::Map { .. } => {
            let text = if is_dynamodb { "Unexpected field type" } else { "Expected map or null" };
            vec![number(text), string(text), list(no_list)]
        }
        Kind::Boolean | Kind::Float(_) | Kind::Blob(_) | Kind::Timestamp(_) => vec![map(no_map)],
    }
}
