//! Values of the file as the flags take them.

use std::any::TypeId;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use toml_edit::{Item, Value};

/// What kind of value a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Switch,
    Number,
    Path,
    Text,
}

/// The values of a setting as the flag would be given them; the error says what is wrong with them.
pub(super) fn of(argument: &Arg, item: &Item, folder: &Path) -> Result<Vec<String>, String> {
    let is_list = matches!(argument.get_action(), ArgAction::Append);
    let kind = kind(argument);
    match item.as_value() {
        Some(Value::Array(array)) if is_list => {
            array.iter().map(|value| one(argument, kind, value, folder)).collect()
        }
        Some(Value::Array(_)) => Err(format!("one value is wanted, not a list; {}", wanted(kind))),
        Some(value) => one(argument, kind, value, folder).map(|value| vec![value]),
        None => Err(format!("a table is not a value; {}", wanted(kind))),
    }
}

fn kind(argument: &Arg) -> Kind {
    let of = argument.get_value_parser().type_id();
    match () {
        () if of == TypeId::of::<bool>() => Kind::Switch,
        () if of == TypeId::of::<u32>() || of == TypeId::of::<u16>() => Kind::Number,
        () if of == TypeId::of::<PathBuf>() => Kind::Path,
        () => Kind::Text,
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "true or false is wanted",
        Kind::Number => "a number is wanted",
        Kind::Path | Kind::Text => "a text in quotes is wanted",
    }
}

fn one(argument: &Arg, kind: Kind, value: &Value, folder: &Path) -> Result<String, String> {
    let text = match (kind, value) {
        (Kind::Switch, Value::Boolean(value)) => value.value().to_string(),
        (Kind::Number, Value::Integer(value)) => value.value().to_string(),
        // Relative to the file, wherever the program was started.
        (Kind::Path, Value::String(text)) if !text.value().is_empty() && !text.value().contains("://") => {
            folder.join(text.value()).to_string_lossy().into_owned()
        }
        (Kind::Path | Kind::Text, Value::String(text)) => text.value().clone(),
        _ => return Err(format!("{} is wrong here; {}", name(value), wanted(kind))),
    };
    accepts(argument, &text).map(|()| text)
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a number with a point",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a table",
    }
}

/// Whether the flag would take it.
pub(super) fn accepts(argument: &Arg, text: &str) -> Result<(), String> {
    let probe = Arg::new("value").long("value").allow_hyphen_values(true);
    let probe = probe.action(ArgAction::Set).value_parser(argument.get_value_parser().clone());
    let command = Command::new("probe").no_binary_name(true).arg(probe);
    let Err(error) = command.try_get_matches_from([format!("--value={text}")]) else { return Ok(()) };
    Err(match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            format!("one of these is wanted: {}", values.join(", "))
        }
        _ => "a value is wanted".to_owned(),
    })
}
