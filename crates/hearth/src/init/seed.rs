//! The seed file: what must be there when the server calls itself ready.
//!
//! ```toml
//! region = "us-east-1"
//! [[roles]]
//! name = "worker"
//! policies = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
//! [[buckets]]
//! name = "uploads"
//! [[log-groups]]
//! name = "/app/worker"
//! retention-days = 7
//! [[functions]]
//! name = "hello"
//! runtime = "python3.12"
//! handler = "app.handler"
//! code = "functions/hello"      # a folder or a zip, relative to this file
//! ```
//!
//! Made in this order. What is there already is brought up to date, so the same file may be applied at every start.
//!
//! Never: deletes anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hearth_world::World;
use serde::Deserialize;

use super::Place;
use super::folder::package;
use super::seed_calls::Calls;
use crate::text_file;

/// Bytes of a seed file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A seed file that was read.
#[derive(Debug)]
pub(super) struct Seed {
    name: String,
    folder: PathBuf,
    wanted: Wanted,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Wanted {
    region: Option<String>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    buckets: Vec<Bucket>,
    #[serde(default)]
    log_groups: Vec<LogGroup>,
    #[serde(default)]
    functions: Vec<Function>,
}

/// A role that Lambda may assume.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Role {
    pub(super) name: String,
    /// ARNs of managed policies.
    #[serde(default)]
    pub(super) policies: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Bucket {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LogGroup {
    pub(super) name: String,
    pub(super) retention_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) runtime: String,
    pub(super) handler: String,
    /// A folder or a zip.
    pub(super) code: PathBuf,
    /// A name of the same account, or an ARN.
    pub(super) role: Option<String>,
    /// MB.
    pub(super) memory: Option<u32>,
    /// Seconds.
    pub(super) timeout: Option<u32>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) layers: Vec<String>,
}

impl Seed {
    /// Reads the file, and looks whether the code is where it says.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).context("find the seed")?;
        let read = std::fs::File::open(&path).and_then(|file| text_file::read(file, FILE_BYTES_MAX));
        let text = read.with_context(|| format!("--seed: read {}", path.display()))?;
        let wanted = parse(&text).map_err(|reason| anyhow::anyhow!("--seed {}:{reason}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        for function in &wanted.functions {
            let code = folder.join(&function.code);
            std::fs::metadata(&code)
                .with_context(|| format!("--seed: the code of {} in {}", function.name, code.display()))?;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, folder, wanted })
    }

    /// Its file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Makes what is missing, and brings the rest up to date. The first failure ends it.
    pub(super) async fn apply(&self, place: &Place, world: &World) -> Result<()> {
        let region = self.wanted.region.clone().unwrap_or_else(super::region);
        let calls = Calls::new(place, region, world)?;
        for role in &self.wanted.roles {
            calls.role(role).await.with_context(|| format!("role {}", role.name))?;
        }
        for bucket in &self.wanted.buckets {
            calls.bucket(bucket).await.with_context(|| format!("bucket {}", bucket.name))?;
        }
        for group in &self.wanted.log_groups {
            calls.log_group(group).await.with_context(|| format!("log group {}", group.name))?;
        }
        for function in &self.wanted.functions {
            let code = self.folder.join(&function.code);
            let packed = tokio::task::spawn_blocking(move || package(&code)).await;
            let code = packed.context("pack the code")?;
            let made = async { calls.function(function, &code?).await };
            made.await.with_context(|| format!("function {}", function.name))?;
        }
        Ok(())
    }
}

/// The error begins with the line.
fn parse(text: &str) -> Result<Wanted, String> {
    toml_edit::de::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.as_bytes().iter().take(start).filter(|byte| **byte == b'\n').count() + 1;
        format!("{line}: {}", error.message().trim().replace('\n', ", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_what_is_wanted_and_nothing_else() {
        let text = "[[functions]]\nname = 'f'\nruntime = 'python3.12'\nhandler = 'app.handler'\ncode = 'f'\n\
                    [functions.environment]\nA = 'b'\n[[log-groups]]\nname = 'g'\nretention-days = 7\n";
        let wanted = parse(text).unwrap();
        assert_eq!(wanted.functions[0].environment["A"], "b");
        assert_eq!(wanted.log_groups[0].retention_days, Some(7));
        for (text, says) in [
            ("[[function]]\nname = 'f'\n", "1: unknown field `function`, expected one of"),
            ("\n[[log-groups]]\nname = 'g'\nretention = 7\n", "4: unknown field `retention`"),
            ("[[buckets]]\nname = 7\n", "2: invalid type: integer `7`, expected a string"),
            ("[[buckets]]\n", "1: missing field `name`"),
            ("x", "1: "),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
