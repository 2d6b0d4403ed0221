//! The files that people write: every check reads them from here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold what machines write.
const SKIPPED: &[&str] = &["target", ".git", ".hearth", "__pycache__", ".pytest_cache", "node_modules"];

/// Endings of files that hold code.
const ENDINGS: &[&str] = &["rs", "py", "sh"];

/// A file of code.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Whether the file is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Every file of code, in the order of their paths.
pub(crate) fn all() -> Result<Vec<Source>> {
    let mut found = Vec::new();
    collect(&root(), &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            collect(&path, found)?;
        } else if kind.is_file()
            && path.extension().is_some_and(|ending| ENDINGS.iter().any(|e| ending == *e))
        {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            found.push(Source { path: relative(&path), text });
        }
    }
    Ok(())
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}
