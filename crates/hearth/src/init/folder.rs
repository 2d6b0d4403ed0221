//! A package made of a folder, the same bytes for the same files, so that its digest tells whether something changed.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hearth_service_lambda::limits::{CODE_UNZIPPED_BYTES_MAX, CODE_ZIPPED_BYTES_MAX};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Files of one package.
const FILES_MAX: usize = 100_000;

/// The deployment package at a path: a zip as it is, a folder packed.
pub(super) fn package(path: &Path) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).with_context(|| format!("look at the code in {}", path.display()))?;
    if metadata.is_dir() {
        return pack(path).with_context(|| format!("pack the folder {}", path.display()));
    }
    if metadata.len() > CODE_ZIPPED_BYTES_MAX {
        bail!("{} is larger than a package may be", path.display());
    }
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

fn pack(folder: &Path) -> Result<Vec<u8>> {
    let files = files(folder)?;
    if files.is_empty() {
        bail!("there is no file in it");
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut bytes = 0;
    for path in &files {
        let name = path.strip_prefix(folder).unwrap_or(path);
        let name = name.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        let metadata = fs::metadata(path).with_context(|| format!("look at {name}"))?;
        bytes += metadata.len();
        if bytes > CODE_UNZIPPED_BYTES_MAX {
            bail!("it has more than {CODE_UNZIPPED_BYTES_MAX} bytes");
        }
        let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(mode);
        zip.start_file(name, options).with_context(|| format!("pack {name}"))?;
        let content = fs::read(path).with_context(|| format!("read {name}"))?;
        zip.write_all(&content).with_context(|| format!("pack {name}"))?;
    }
    Ok(zip.finish().context("finish the package")?.into_inner())
}

/// All files below, in order. Links to files are followed, as `zip` does; links to folders are not.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("read {}", folder.display()))?;
            let (path, kind) = (entry.path(), entry.file_type().context("look at a file")?);
            let followed = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
            match (kind.is_dir(), followed.is_file()) {
                (true, _) => folders.push(path),
                (false, true) => files.push(path),
                (false, false) => bail!("{} is neither a file nor a folder", path.display()),
            }
        }
        if files.len() + folders.len() > FILES_MAX {
            bail!("it has more than {FILES_MAX} files");
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_the_same_package_until_a_file_of_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("app.py"), "x").unwrap();
        fs::write(folder.path().join("lib/b.py"), "y").unwrap();
        let first = package(folder.path()).unwrap();
        fs::write(folder.path().join("app.py"), "x").unwrap();
        assert_eq!(package(folder.path()).unwrap(), first);
        fs::write(folder.path().join("app.py"), "z").unwrap();
        assert_ne!(package(folder.path()).unwrap(), first);

        let mut zip = zip::ZipArchive::new(Cursor::new(first)).unwrap();
        let names: Vec<String> =
            (0..zip.len()).map(|n| zip.by_index(n).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["app.py", "lib/b.py"]);
    }

    #[test]
    fn a_folder_without_a_file_is_no_package() {
        let folder = tempfile::tempdir().unwrap();
        assert!(format!("{:#}", package(folder.path()).unwrap_err()).contains("there is no file in it"));
        assert!(package(&folder.path().join("absent")).is_err());
    }
}
