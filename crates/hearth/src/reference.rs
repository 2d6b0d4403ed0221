//! docs/command-line.md and the table of docs/configuration.md, made of the command line itself.
//!
//! `UPDATE_GOLDEN=1 cargo test -p hearth reference` writes them.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command};

use crate::cli::command;
use crate::settings::COMMANDS;

const HEAD: &str = "# The command line

Generated from the program's own help; a test holds it. `hearth COMMAND --help` says the same, `hearth completions` and
`hearth man` make shells and `man` know it. Settings of `up` and `serve`: [configuration.md](configuration.md).
";

const TABLE: (&str, &str) = ("<!-- settings: generated -->\n", "<!-- end of settings -->\n");

#[test]
fn the_page_of_the_command_line_is_what_the_program_says() {
    let mut page = HEAD.to_owned();
    let whole = command();
    for command in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(&mut page, "hearth", command);
    }
    compare("command-line.md", &page);
}

#[test]
fn the_table_of_settings_is_what_the_program_reads() {
    let path = docs("configuration.md");
    let text = std::fs::read_to_string(&path).expect("docs/configuration.md");
    let (before, rest) = text.split_once(TABLE.0).expect("the table's begin");
    let (_, after) = rest.split_once(TABLE.1).expect("the table's end");
    compare("configuration.md", &format!("{before}{}{}{}{after}", TABLE.0, table(), TABLE.1));
}

fn describe(page: &mut String, parent: &str, command: &Command) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {name}\n\n{about}.\n");
    let positionals: Vec<&Arg> = command.get_positionals().collect();
    let flags: Vec<&Arg> = command.get_opts().filter(|argument| !argument.is_global_set()).collect();
    if !positionals.is_empty() || !flags.is_empty() {
        page.push_str("\n| Argument | Meaning |\n|---|---|\n");
    }
    for argument in positionals.into_iter().chain(flags) {
        let _ = writeln!(page, "| `{}` | {} |", spelled(argument), meaning(argument));
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = examples.split("\n\nExit codes:").next().unwrap_or_default();
    if !examples.is_empty() {
        let _ = write!(page, "\n```text\n{examples}\n```\n");
    }
    // `config up` has the flags of `up`.
    for below in command.get_subcommands().filter(|_| command.get_name() != "config") {
        describe(page, &name, below);
    }
}

fn spelled(argument: &Arg) -> String {
    let value = argument.get_value_names().unwrap_or_default().first().map(|name| name.to_string());
    let is_switch = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    match (argument.get_long(), argument.get_action().takes_values() && !is_switch, value) {
        (None, _, Some(value)) => value,
        (Some(long), true, Some(value)) => format!("--{long} {value}"),
        (Some(long), ..) => format!("--{long}"),
        (None, _, None) => argument.get_id().to_string().to_uppercase(),
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let default = default(argument).map(|default| format!(" [default: {default}]")).unwrap_or_default();
    format!("{help}{default}").replace('|', "\\|")
}

fn default(argument: &Arg) -> Option<String> {
    let shown = !argument.is_hide_default_value_set();
    let values = argument.get_default_values().iter().filter(|_| shown);
    let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn table() -> String {
    let mut text = String::from("| Setting | Variable | In | Default | Meaning |\n|---|---|---|---|---|\n");
    let whole = command();
    let of =
        |name: &str| whole.find_subcommand(name).expect("a command").get_arguments().collect::<Vec<&Arg>>();
    let (up, serve) = (of(COMMANDS[0]), of(COMMANDS[1]));
    let both: Vec<&Arg> = up.iter().chain(&serve).copied().collect();
    let mut seen = Vec::new();
    for argument in both {
        let Some(long) = argument.get_long().filter(|long| *long != "config" && !seen.contains(long)) else {
            continue;
        };
        seen.push(long);
        let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let value = |argument: &Arg| default(argument).unwrap_or_else(|| "-".to_owned());
        let (places, defaults) = match (named(&up, long), named(&serve, long)) {
            (Some(one), Some(other)) if value(one) == value(other) => ("both", value(one)),
            (Some(one), Some(other)) => ("both", format!("{}, in `serve` {}", value(one), value(other))),
            (Some(one), None) => ("`up`", value(one)),
            (None, other) => ("`serve`", other.map(value).unwrap_or_default()),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
        let help = help.replace('|', "\\|");
        let _ = writeln!(text, "| `{long}` | `{variable}` | {places} | {defaults} | {help} |");
    }
    text
}

fn named<'a>(list: &[&'a Arg], long: &str) -> Option<&'a Arg> {
    list.iter().find(|argument| argument.get_long() == Some(long)).copied()
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

#[track_caller]
fn compare(name: &str, wanted: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, wanted).expect("write the page");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == wanted,
        "docs/{name} is not what the program says: UPDATE_GOLDEN=1 cargo test -p hearth reference"
    );
}
