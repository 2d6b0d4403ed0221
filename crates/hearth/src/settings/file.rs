//! `hearth.toml`: found, read, and every line of it checked by the flag that it stands for.
//!
//! ```toml
//! [up]                      # flags of `hearth up` by their names
//! [serve]                   # flags of `hearth serve`
//! [quotas.123456789012]     # what one account may use
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command};
use toml_edit::{Document, Item, Table};

use super::names::nearest;
use super::{ACCOUNT_QUOTA, COMMANDS, LOG, NOT_IN_FILE, found, is_said, values};
use crate::exit::{Exit, Refusal};
use crate::text_file;

/// What the file is called where nobody names one.
const NAME: &str = "hearth.toml";

/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The table of what accounts may use.
const QUOTAS: &str = "quotas";

/// A file of settings that was read and is TOML.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    document: Document<String>,
}

/// A setting of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The flag's name.
    pub key: String,
    /// As the flag would be given them.
    pub values: Vec<String>,
    /// Where it stands.
    pub line: usize,
}

/// All settings of a file, by command.
#[derive(Debug, Default)]
pub struct Checked {
    path: PathBuf,
    settings: BTreeMap<&'static str, Vec<Given>>,
    quotas: Option<Given>,
}

impl File {
    /// The file that was named, else `hearth.toml` of the working folder, else the user's own, else none.
    pub fn find(named: Option<PathBuf>) -> Result<Option<Self>> {
        if let Some(path) = named {
            return Self::open(path).map(Some);
        }
        let here = PathBuf::from(NAME);
        if here.symlink_metadata().is_ok() {
            let path = std::path::absolute(here).context("find the working folder")?;
            return Self::open_found(path).map(Some);
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        let own = folder.map(|folder| folder.join("hearth").join(NAME)).filter(|path| path.exists());
        own.map(Self::open).transpose()
    }

    fn open(path: PathBuf) -> Result<Self> {
        let path = std::path::absolute(&path).with_context(|| format!("find {}", path.display()))?;
        let opened = std::fs::File::open(&path);
        Self::read(opened.with_context(|| format!("read the settings in {}", path.display()))?, path)
    }

    /// One that nobody named. What was opened is looked at, and not what has its name later.
    fn open_found(path: PathBuf) -> Result<Self> {
        let file = match text_file::open(&path) {
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return Err(not_obeyed(&path, &error.to_string()));
            }
            opened => opened.with_context(|| format!("read the settings in {}", path.display()))?,
        };
        is_ours(&path, &file)?;
        Self::read(file, path)
    }

    fn read(file: std::fs::File, path: PathBuf) -> Result<Self> {
        let text = text_file::read(file, FILE_BYTES_MAX);
        Self::of(path.clone(), text.with_context(|| format!("read the settings in {}", path.display()))?)
    }

    /// A file with this text.
    pub fn of(path: PathBuf, text: String) -> Result<Self> {
        match Document::parse(text.clone()) {
            Ok(document) => Ok(Self { path, document }),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(&text, span.start));
                let message = error.message().trim().replace('\n', ", ");
                Err(wrong(&path, line, format!("this is not TOML: {message}")))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All its settings, checked by the flags of these commands.
    pub fn check(&self, command: &Command) -> Result<Checked> {
        let mut checked = Checked { path: self.path.clone(), ..Checked::default() };
        for (key, item) in self.document.as_table().iter() {
            let line = self.line(self.document.as_table(), key);
            let known = COMMANDS.into_iter().find(|name| *name == key);
            match (known, key, item.as_table()) {
                (Some(name), _, Some(table)) => {
                    checked.settings.insert(name, self.settings(command, name, table)?);
                }
                (None, QUOTAS, Some(table)) => checked.quotas = self.quotas(command, table)?,
                (Some(_), ..) | (None, QUOTAS, None) => {
                    return Err(wrong(
                        &self.path,
                        line,
                        format!("{key} is a table: write [{key}] above its settings"),
                    ));
                }
                (None, _, Some(_)) => {
                    let meant = nearest(key, [COMMANDS[0], COMMANDS[1], QUOTAS]);
                    return Err(wrong(&self.path, line, format!("unknown table [{key}]{}", Meant(meant))));
                }
                (None, _, None) => {
                    let text = format!("{key} stands outside of a table: write [up] or [serve] above it");
                    return Err(wrong(&self.path, line, text));
                }
            }
        }
        Ok(checked)
    }

    fn settings(&self, command: &Command, name: &str, table: &Table) -> Result<Vec<Given>> {
        let of_command = found(command, &[name]).into_iter().flat_map(Command::get_arguments);
        let of_program = command.get_arguments().filter(|argument| argument.get_long() == Some(LOG));
        let known: BTreeMap<&str, &Arg> = of_command
            .chain(of_program)
            .filter_map(|argument| Some((argument.get_long()?, argument)))
            .collect();
        let known: BTreeMap<&str, &Arg> =
            known.into_iter().filter(|(name, _)| !NOT_IN_FILE.contains(name)).collect();
        let mut settings = Vec::new();
        for (key, item) in table.iter() {
            let line = self.line(table, key);
            let Some(argument) = known.get(key) else {
                let meant = Meant(nearest(key, known.keys().copied()));
                return Err(wrong(&self.path, line, format!("unknown setting {key} in [{name}]{meant}")));
            };
            let values = values::of(argument, item, self.folder());
            let values = values.map_err(|reason| wrong(&self.path, line, format!("{key}: {reason}")))?;
            settings.push(Given { key: key.to_owned(), values, line });
        }
        Ok(settings)
    }

    /// `[quotas.ACCOUNT]` as values of the flag that it stands for.
    fn quotas(&self, command: &Command, table: &Table) -> Result<Option<Given>> {
        let flag = found(command, &[COMMANDS[0]]).into_iter().flat_map(Command::get_arguments);
        let flag = flag.into_iter().find(|argument| argument.get_long() == Some(ACCOUNT_QUOTA));
        let flag = flag.expect("both commands have the flag");
        let mut quotas = Vec::new();
        for (account, item) in table.iter() {
            let line = self.line(table, account);
            let Some(of_account) = item.as_table_like() else {
                let text = format!(
                    "{account}: quotas stand in [quotas.ACCOUNT], those of all accounts in [up] or [serve]"
                );
                return Err(wrong(&self.path, line, text));
            };
            for (name, item) in of_account.iter() {
                let line = self.line_of_key(of_account.key(name)).unwrap_or(line);
                let value = match item.as_value() {
                    Some(toml_edit::Value::Integer(number)) => number.value().to_string(),
                    Some(toml_edit::Value::String(text)) => text.value().clone(),
                    _ => {
                        return Err(wrong(&self.path, line, format!("{name}: a number or a size is wanted")));
                    }
                };
                let text = format!("{account}:{name}={value}");
                values::accepts(flag, &text).map_err(|reason| wrong(&self.path, line, reason))?;
                quotas.push(text);
            }
        }
        let line = self.line(self.document.as_table(), QUOTAS);
        let some = !quotas.is_empty();
        Ok(some.then(|| Given { key: ACCOUNT_QUOTA.to_owned(), values: quotas, line }))
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// The line where a key of a table stands, or the table of its name.
    fn line(&self, table: &Table, key: &str) -> usize {
        let of_item = || match table.get(key) {
            Some(Item::Table(table)) => table.span(),
            Some(item) => item.span(),
            None => None,
        };
        let of_key = self.line_of_key(table.key(key));
        of_key.or_else(|| Some(line_of(self.document.raw(), of_item()?.start))).unwrap_or(1)
    }

    fn line_of_key(&self, key: Option<&toml_edit::Key>) -> Option<usize> {
        Some(line_of(self.document.raw(), key?.span()?.start))
    }
}

impl Checked {
    /// The settings for this command that no flag and no variable overrides.
    pub fn of(&self, name: &str, said: &ArgMatches, command: &Command) -> Result<Vec<Given>> {
        let all = self.settings.get(name).into_iter().flatten().chain(&self.quotas);
        let Some(of_command) = found(command, &[name]) else { return Ok(Vec::new()) };
        let long_of = |given: &Given| {
            of_command.get_arguments().find(|argument| argument.get_long() == Some(&given.key))
        };
        let mut wanted: Vec<Given> = Vec::new();
        for given in all {
            let Some(argument) = long_of(given) else {
                wanted.push(given.clone()); // the program's own: a flag counts more than a default anyhow
                continue;
            };
            let rivals = rivals(of_command, argument);
            let is_on = |given: &Given| given.values != ["false"];
            if rivals.iter().any(|rival| is_said(said, rival.get_id().as_str())) {
                continue; // what was said on the command line excludes what the file says
            }
            let rival = wanted.iter().find(|other| {
                is_on(other) && rivals.iter().any(|rival| rival.get_long() == Some(&other.key))
            });
            if let Some(rival) = rival.filter(|_| is_on(given)) {
                let text =
                    format!("{} and {} (line {}) exclude each other", given.key, rival.key, rival.line);
                return Err(wrong(&self.path, given.line, text));
            }
            wanted.push(given.clone());
        }
        Ok(wanted)
    }
}

/// The flags that exclude this one, whichever of the two says so.
fn rivals<'c>(command: &'c Command, argument: &'c Arg) -> Vec<&'c Arg> {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|rival| rival.get_id() == other.get_id())
    };
    let all = command.get_arguments();
    all.filter(|other| excludes(argument, other) || excludes(other, argument)).collect()
}

/// `; did you mean X?`, if something was.
struct Meant<'n>(Option<&'n str>);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(out, "; did you mean {name}?"),
            None => write!(out, " (`hearth config --toml` prints all that there are)"),
        }
    }
}

fn wrong(path: &Path, line: usize, text: String) -> anyhow::Error {
    Refusal::new(Exit::Usage, format!("{}:{line}: {text}", path.display())).into()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// A file that was not named but found: it says what root runs, so only root or whoever runs us may have written it.
fn is_ours(path: &Path, file: &std::fs::File) -> Result<()> {
    let metadata = file.metadata().with_context(|| format!("look at {}", path.display()))?;
    let me = rustix::process::geteuid().as_raw();
    let writable = metadata.mode() & 0o022 != 0;
    if [0, me].contains(&metadata.uid()) && !writable {
        return Ok(());
    }
    let text = if writable { "others may write to it" } else { "it belongs to another user" };
    Err(not_obeyed(path, text))
}

fn not_obeyed(path: &Path, why: &str) -> anyhow::Error {
    let text = format!("{}: {why}, so it is not obeyed unless it is named: --config {NAME}", path.display());
    Refusal::new(Exit::Usage, text).into()
}
