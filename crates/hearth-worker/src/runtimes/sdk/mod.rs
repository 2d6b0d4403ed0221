//! What AWS's runtimes carry beside the interpreter: boto3 for Python, the SDK's clients for Node.js.
//!
//! ```text
//! lock files (in this program) ── pip, npm ──▶ sdk-NAME-DIGEST.partial ── rename ──▶ sdk-NAME-DIGEST
//!                                                                                    └ shown read-only inside
//! ```
//!
//! A folder's name is the digest of its lock files, so one that is there is whole, and another version of this
//! program with other pins has a folder of its own.
//!
//! Never: downloads anything while functions run; takes a package whose hash is not the pinned one.

mod install;
mod setup;

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use setup::{SdkOutcome, SdkSetup, SetupError, set_up};

/// Changes when the same lock files would make another folder.
const LAYOUT: &str = "1";

/// One language's SDK, as data.
#[derive(Debug)]
pub(crate) struct Sdk {
    /// `python`, `nodejs`
    pub(crate) name: &'static str,
    /// The package that people know it by.
    pub(crate) package: &'static str,
    /// The version of that package.
    pub(crate) version: &'static str,
    /// The lock files: names and texts.
    pub(crate) sources: &'static [(&'static str, &'static str)],
    /// The part of the folder that functions see; empty for all of it.
    pub(crate) shown: &'static str,
}

/// boto3, botocore, s3transfer, urllib3, jmespath, dateutil, six.
pub(crate) const PYTHON: Sdk = Sdk {
    name: "python",
    package: "boto3",
    version: "1.42.97",
    sources: &[("requirements.txt", include_str!("python/requirements.txt"))],
    shown: "",
};

/// `@aws-sdk/client-*` of the services that Hearth serves, `@aws-sdk/lib-*`, and what they need.
pub(crate) const NODEJS: Sdk = Sdk {
    name: "nodejs",
    package: "@aws-sdk",
    version: "3.928.0",
    sources: &[
        ("package.json", include_str!("nodejs/package.json")),
        ("package-lock.json", include_str!("nodejs/package-lock.json")),
    ],
    shown: "node_modules",
};

impl Sdk {
    /// Where it lies below the folder for runtimes, whether it is there or not.
    pub(crate) fn folder(&self, runtimes: &Path) -> PathBuf {
        let mut hash = Sha256::new();
        for part in
            [LAYOUT, self.name].into_iter().chain(self.sources.iter().flat_map(|(name, text)| [*name, text]))
        {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        runtimes.join(format!("sdk-{}-{}", self.name, &hex::encode(hash.finalize())[..16]))
    }

    /// What functions see of it, when it is there.
    pub(crate) fn tree(&self, runtimes: &Path) -> Option<PathBuf> {
        let tree = self.folder(runtimes).join(self.shown);
        tree.is_dir().then_some(tree)
    }

    /// As `hearth runtimes` prints it: `boto3 1.42.97`.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_and_has_a_hash_and_no_file_names_a_registry() {
        let requirements = PYTHON.sources[0].1;
        let packages = requirements.lines().filter(|line| !line.starts_with('#'));
        assert!(packages.clone().all(|line| line.contains("==") && line.contains(" --hash=sha256:")));
        assert!(requirements.contains(&format!("boto3=={} ", PYTHON.version)));
        let lock: serde_json::Value = serde_json::from_str(NODEJS.sources[1].1).expect("npm wrote it");
        let packages = lock["packages"].as_object().expect("packages by path");
        let unpinned: Vec<_> = packages
            .iter()
            .filter(|(path, package)| !path.is_empty() && !package["integrity"].is_string())
            .collect();
        assert!(unpinned.is_empty(), "{unpinned:?}");
        assert_eq!(packages["node_modules/@aws-sdk/client-s3"]["version"], NODEJS.version);
        assert!(packages.values().all(|package| package.get("resolved").is_none()));
    }

    #[test]
    fn a_folder_is_named_by_what_it_is_made_from() {
        let (python, nodejs) = (PYTHON.folder(Path::new("/r")), NODEJS.folder(Path::new("/r")));
        assert_ne!(python, nodejs);
        assert!(python.to_string_lossy().starts_with("/r/sdk-python-"), "{}", python.display());
        assert_eq!(PYTHON.tree(Path::new("/nothing")), None);
    }
}
