//! Settings as `hearth config` shows them: value, default, and where the value comes from.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::file::{File, Given};
use super::{COMMANDS, LOG, NOT_IN_FILE, found};

/// A setting with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The flag without its hyphens.
    pub name: String,
    /// As the flag would be given them; empty when it is not set. A password is not among them.
    pub values: Vec<String>,
    /// What they are when nobody says anything.
    pub default: Vec<String>,
    /// `default`, `flag`, `environment`, or the file.
    pub source: &'static str,
    /// The variable, or the line of the file.
    pub place: Option<String>,
}

/// All settings of a command. `command` is as it was before the file's values became defaults.
pub(super) fn settings(
    command: &Command,
    path: &[&str],
    matches: &ArgMatches,
    file: Option<(&File, &[Given])>,
) -> Vec<Setting> {
    let of_command = found(command, path).into_iter().flat_map(Command::get_arguments);
    let of_program = command.get_arguments().filter(|argument| argument.get_long() == Some(LOG));
    let all = of_command.chain(of_program).filter(|argument| argument.get_long() != Some("config"));
    all.filter_map(|argument| setting(argument, matches, file)).collect()
}

fn setting(argument: &Arg, matches: &ArgMatches, file: Option<(&File, &[Given])>) -> Option<Setting> {
    let name = argument.get_long()?.to_owned();
    let id = argument.get_id().as_str();
    let is_secret = argument.is_hide_env_values_set();
    let values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
    let values = values.map(|value| value.to_string_lossy().into_owned());
    let values = values.map(|value| if is_secret { without_password(&value) } else { value }).collect();
    let given = file.and_then(|(file, given)| {
        let given = given.iter().find(|given| given.key == name)?;
        Some(format!("{}:{}", file.path().display(), given.line))
    });
    let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
    let (source, place) = match (matches.value_source(id), given) {
        (Some(ValueSource::CommandLine), _) => ("flag", None),
        (Some(ValueSource::EnvVariable), _) => ("environment", variable),
        (_, Some(place)) => ("hearth.toml", Some(place)),
        _ => ("default", None),
    };
    let default = argument.get_default_values().iter();
    let default = default.map(|value| value.to_string_lossy().into_owned()).collect();
    Some(Setting { name, values, default, source, place })
}

/// An address with `***` for what is secret in it.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return "***".to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let shown = match rest.rsplit_once('@') {
        Some((user, host)) => format!("{}:***@{host}", user.split(':').next().unwrap_or_default()),
        None => rest.to_owned(),
    };
    format!("{scheme}://{shown}{query}")
}

/// A `hearth.toml` to start from: every setting with its default, as a comment.
pub fn template(command: &Command) -> String {
    let mut text = String::from(
        "# Settings of Hearth. Every line that begins with # is a comment; what stands here are the defaults.\n\
         # A flag or a variable (HEARTH_LISTEN for `listen`) counts more than this file.\n\
         # Paths are relative to this file.\n",
    );
    for name in COMMANDS {
        let of_command = found(command, &[name]).into_iter().flat_map(Command::get_arguments);
        let of_program = command.get_arguments().filter(|argument| argument.get_long() == Some(LOG));
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[{name}]\n");
        for argument in of_command.chain(of_program) {
            let Some(long) = argument.get_long().filter(|long| !NOT_IN_FILE.contains(long)) else { continue };
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let _ = write!(text, "\n# {}\n# {long} = {}\n", help.replace('\n', " "), as_toml(argument));
        }
    }
    text.push_str(
        "\n# What one account may use in each region, where it differs from the settings above.\n\
         # [quotas.123456789012]\n# concurrent-executions = 100\n# code-storage = \"1GB\"\n",
    );
    text
}

/// The default as TOML, or an empty value that shows its kind.
fn as_toml(argument: &Arg) -> String {
    let is_list = matches!(argument.get_action(), clap::ArgAction::Append);
    let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let is_bare = |text: &str| matches!(text, "true" | "false") || text.parse::<u32>().is_ok();
    // Numbers that are texts to their flag do not occur among the defaults: an account has 12 digits.
    let is_number = |text: &str| is_bare(text) && !text.starts_with("00");
    match default {
        _ if is_list => "[]".to_owned(),
        Some(text) if is_number(&text) => text,
        Some(text) => format!("\"{text}\""),
        None => format!("\"\"          # {}", example(argument)),
    }
}

fn example(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let name = names.first().map_or("VALUE", |name| name.as_str());
    format!("not set; wants {name}")
}

/// The file's path, for people.
pub fn file_line(file: Option<&PathBuf>) -> String {
    match file {
        Some(path) => format!("settings of {}", path.display()),
        None => "no hearth.toml (`hearth config --toml` prints one to start from)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (address, shown) in [
            ("postgres://ann:geheim@host:5432/x", "postgres://ann:***@host:5432/x"),
            ("postgres://ann:ge@heim@host/x", "postgres://ann:***@host/x"),
            ("postgres://host/x?password=geheim", "postgres://host/x?***"),
            ("geheim", "***"),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }
}
