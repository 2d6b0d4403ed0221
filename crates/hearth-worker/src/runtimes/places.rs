//! Where interpreters are looked for on this host.
//!
//! Never: reads the process's environment except in [`Places::of_this_process`].

use std::path::PathBuf;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Directories of `PATH`.
    pub path: Vec<PathBuf>,
    /// Directories with one installation each below: pyenv's `versions`.
    pub installations: Vec<PathBuf>,
    /// Directories with one installation of Node.js each below: nvm's `versions/node`.
    pub node_installations: Vec<PathBuf>,
    /// The system's own directories, looked at last.
    pub system: Vec<PathBuf>,
    /// Where `hearth runtimes setup` puts what AWS's runtimes carry beside the interpreter. Shared by all data folders
    /// of a user: it is read-only, and some 100 MB.
    pub sdks: Option<PathBuf>,
}

impl Places {
    /// By `PATH`, `PYENV_ROOT`, `NVM_DIR`, `HEARTH_RUNTIMES`, `XDG_DATA_HOME` and `HOME` of this process.
    pub fn of_this_process() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
        let roots = [root, home.as_ref().map(|home| home.join(".pyenv"))];
        let nvm = [std::env::var_os("NVM_DIR").map(PathBuf::from), home.map(|home| home.join(".nvm"))];
        Self {
            path: std::env::split_paths(&path).filter(|place| place.is_absolute()).collect(),
            installations: roots.into_iter().flatten().map(|root| root.join("versions")).collect(),
            node_installations: nvm.into_iter().flatten().map(|root| root.join("versions/node")).collect(),
            sdks: sdks(),
            system: vec!["/usr/local/bin".into(), "/usr/bin".into()],
        }
    }
}

/// `$HEARTH_RUNTIMES`, else `runtimes` in the default data folder.
fn sdks() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data =
        || absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    absolute("HEARTH_RUNTIMES").or_else(|| data().map(|data| data.join("hearth/runtimes")))
}
