//! Where a server keeps what it must not lose: in its own data folder, or where other servers reach it too.
//!
//! ```text
//! nothing given                        hearth.db and blobs/ in the data folder
//! --store postgres://... --blobs DIR   a database and a folder that several servers share
//! ```
//!
//! Never: shares functions without their packages; prints a password.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use hearth_store::{Blobs, NotAnAddress, PostgresAddress, PostgresStore, SqliteStore, Store};
use hearth_world::World;
use rustix::fs::Access;

use crate::data_folder::DataFolder;

/// What the command line says of it.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "state")]
pub struct Options {
    /// Database that several servers share: postgres://USER:PASSWORD@HOST:PORT/DATABASE [default: a file in the
    /// data folder]
    #[arg(long, value_name = "URL", env = "HEARTH_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// Folder for packages, which all servers of the same --store see [default: in the data folder]
    #[arg(long, value_name = "DIR", env = "HEARTH_BLOBS")]
    pub blobs: Option<PathBuf>,
}

impl Options {
    /// Checks what can be checked before anything is made or bound.
    pub fn check(&self) -> Result<()> {
        // GAP(store): blobs in an S3-compatible store.
        if self.blobs.as_ref().is_some_and(|blobs| blobs.to_string_lossy().contains("://")) {
            bail!("--blobs is a folder; an object store is not built yet");
        }
        if self.address()?.is_some() && self.blobs.is_none() {
            bail!(
                "--store is shared with other servers, and they need the packages too: \
                 add --blobs with a folder that all of them see"
            );
        }
        Ok(())
    }

    /// Whether all that is remembered lies in the data folder, and belongs to this server alone.
    pub fn is_own(&self) -> bool {
        self.store.is_none() && self.blobs.is_none()
    }

    /// The text is not part of the error: a password may be in it.
    fn address(&self) -> Result<Option<PostgresAddress>> {
        let address: Option<Result<PostgresAddress, NotAnAddress>> = self.store.as_deref().map(str::parse);
        address.transpose().context("--store")
    }
}

/// The opened store and blobs.
pub struct State {
    /// The blobs.
    pub blobs: Blobs,
    engine: Engine,
}

enum Engine {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl State {
    /// Opens what the options name.
    pub async fn open(options: &Options, folder: &DataFolder, world: &World) -> Result<Self> {
        let engine = match options.address()? {
            None => Engine::Sqlite(Arc::new(SqliteStore::open(&folder.join("hearth.db"), world)?)),
            Some(address) => {
                let opened = PostgresStore::open(&address, world).await;
                Engine::Postgres(Arc::new(opened.context("open the shared store")?))
            }
        };
        let blobs = match &options.blobs {
            None => Blobs::local(&folder.join("blobs")),
            Some(shared) => Blobs::shared(shared),
        };
        let blobs = blobs?;
        if let Some(shared) = &options.blobs {
            // Told now, and not to whom uploads the first package.
            rustix::fs::access(shared, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).with_context(
                || {
                    let user = rustix::process::geteuid().as_raw();
                    format!("--blobs {}: user {user} must be able to read and write there", shared.display())
                },
            )?;
        }
        Ok(Self { blobs, engine })
    }

    /// The store, whichever it is.
    pub fn store(&self) -> Arc<dyn Store> {
        match &self.engine {
            Engine::Sqlite(store) => store.clone(),
            Engine::Postgres(store) => store.clone(),
        }
    }

    /// Commits what was queued and lets go.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(store) => store.close().await,
            Engine::Postgres(store) => store.close().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(store: Option<&str>, blobs: Option<&str>) -> Options {
        Options { store: store.map(str::to_owned), blobs: blobs.map(PathBuf::from) }
    }

    #[test]
    fn a_shared_store_needs_shared_packages_and_no_refusal_shows_a_password() {
        let url = Some("postgres://ann:geheim@host/x");
        assert!(options(None, None).check().is_ok());
        assert!(options(None, Some("/shared")).check().is_ok());
        assert!(options(url, Some("/shared")).check().is_ok());
        for (store, blobs, says) in [
            (url, None, "add --blobs"),
            (Some("ann:geheim@host/x"), Some("/shared"), "a store is postgres://"),
            (Some("postgres://ann:geheim@host:x/x"), Some("/shared"), "cannot be read"),
            (url, Some("s3://packages"), "--blobs is a folder"),
        ] {
            let refused = format!("{:#}", options(store, blobs).check().unwrap_err());
            assert!(refused.contains(says) && !refused.contains("geheim"), "{refused}");
        }
    }
}
