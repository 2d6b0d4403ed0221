//! The command line's own credentials: of the environment, or of a profile, as the AWS CLI has them.
//!
//! Never: prints a secret; runs a program or calls a service to get one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hearth_aws::sigv4::SigningKey;

/// Bytes of a credentials file that are read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The key of `--profile`, else of the environment, else none.
pub fn signing_key(profile: Option<&str>) -> Result<Option<SigningKey>> {
    match profile {
        Some(profile) => of_file(&file()?, profile).map(Some),
        None => Ok(of_environment(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))),
    }
}

fn of_environment(variable: &dyn Fn(&str) -> Option<String>) -> Option<SigningKey> {
    Some(SigningKey {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

fn file() -> Result<PathBuf> {
    let named = std::env::var_os("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".aws/credentials"));
    named.or_else(usual).context("HOME is not set: name the file in AWS_SHARED_CREDENTIALS_FILE")
}

fn of_file(path: &Path, profile: &str) -> Result<SigningKey> {
    let metadata = std::fs::metadata(path).with_context(|| format!("read {}", path.display()))?;
    if metadata.len() > FILE_BYTES_MAX {
        bail!("{} is too large for a file of credentials", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    of_text(&text, profile)
        .with_context(|| format!("{} has no access key for profile {profile}", path.display()))
}

fn of_text(text: &str, profile: &str) -> Option<SigningKey> {
    let lines = text.lines().map(str::trim);
    let section: Vec<&str> = lines
        .skip_while(|line| section_name(line) != Some(profile))
        .skip(1)
        .take_while(|line| section_name(line).is_none())
        .collect();
    let value = |name: &str| {
        let mut pairs = section.iter().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    Some(SigningKey {
        access_key_id: value("aws_access_key_id")?,
        secret: value("aws_secret_access_key")?,
        session_token: value("aws_session_token"),
    })
}

fn section_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_the_aws_cli_writes_it() {
        let text = "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = one\n\n\
                    [ops]\n# a note\naws_access_key_id=AKIA2\naws_secret_access_key=t=wo\naws_session_token = three\n";
        let read =
            |profile| of_text(text, profile).map(|key| (key.access_key_id, key.secret, key.session_token));
        assert_eq!(read("default"), Some(("AKIA1".into(), "one".into(), None)));
        assert_eq!(read("ops"), Some(("AKIA2".into(), "t=wo".into(), Some("three".into()))));
        assert_eq!(read("other"), None);
    }

    #[test]
    fn the_environment_counts_when_it_has_both_halves_of_a_key() {
        let key = of_environment(&|name| (name == "AWS_ACCESS_KEY_ID").then(|| "AKIA".to_owned()));
        assert!(key.is_none());
        assert!(of_environment(&|name| Some(name.to_owned())).is_some());
    }
}
