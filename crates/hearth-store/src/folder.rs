//! Folders that are there after a loss of power: a file is no safer than the way to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes the folder and the missing ones above it, each one's entry synced. Returns its full path.
///
/// The folder's own entry is synced in any case: whoever made it may have been killed before they could. Only where
/// it is there already and the folder above is not ours to open, that is left to its owner.
pub(crate) fn create(folder: &Path) -> io::Result<PathBuf> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists()).count();
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let synced = folder.ancestors().skip(1).take(missing.max(1)).try_for_each(sync);
    match synced {
        Err(error) if missing == 0 && error.kind() == io::ErrorKind::PermissionDenied => Ok(folder),
        synced => synced.map(|()| folder),
    }
}

/// Puts the names in the folder on stable storage.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_with_all_above_it_and_may_be_there_already() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a").join("b").join("c");
        let made = create(&deep).unwrap();
        assert!(made.is_absolute() && made.is_dir());
        assert_eq!(create(&deep).unwrap(), made);
        fs::write(root.path().join("file"), "").unwrap();
        assert!(create(&root.path().join("file").join("below")).is_err());
    }
}
