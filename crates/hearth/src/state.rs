//! Where a server keeps what it must not lose: in its own data folder, or where other servers reach it too.
//!
//! ```text
//! nothing given                          hearth.db and blobs/ in the data folder
//! --store postgres://... --blobs DIR     a database and a folder that several servers share
//! --store postgres://... --blobs s3://…  a database and a bucket that they share
//! ```
//!
//! Never: shares functions without their packages; prints a password.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use hearth_outbound::{Outbound, Policy};
use hearth_store::{
    Blobs, NotAnAddress, PostgresAddress, PostgresStore, S3Place, S3Settings, SqliteStore, Store,
};
use hearth_world::{TaskGroup, World};
use rustix::fs::Access;

use crate::data_folder::{self, DataFolder};
use crate::folder_names::ELSEWHERE;
use crate::server;

/// The options that put state elsewhere.
const OPTIONS: [&str; 2] = ["--store", "--blobs"];

/// What the command line says of it.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "state")]
pub struct Options {
    /// Database that several servers share: postgres://USER:PASSWORD@HOST:PORT/DATABASE [default: a file in the
    /// data folder]
    #[arg(long, value_name = "URL", env = "HEARTH_STORE", hide_env_values = true)]
    pub store: Option<String>,
    /// Folder or bucket for packages, which all servers of the same --store see: DIR, or s3://BUCKET/PREFIX with
    /// AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY [default: in the data folder]
    #[arg(long, value_name = "PLACE", env = "HEARTH_BLOBS")]
    pub blobs: Option<String>,
}

/// Where `--blobs` leads.
#[derive(Debug, PartialEq, Eq)]
pub enum BlobsPlace {
    /// A folder that other servers may use as well.
    Folder(PathBuf),
    /// A bucket.
    Bucket(S3Place),
}

impl BlobsPlace {
    fn of(text: &str) -> Result<Self> {
        match text.split_once("://") {
            None => Ok(Self::Folder(text.into())),
            Some(("s3", _)) => Ok(Self::Bucket(text.parse().with_context(|| format!("--blobs {text}"))?)),
            // The text is not part of the error: a password may be in it.
            Some(_) => bail!("--blobs is a folder or s3://BUCKET/PREFIX"),
        }
    }
}

impl Options {
    /// Checks what can be checked before anything is made or bound.
    pub fn check(&self) -> Result<()> {
        if let Some(BlobsPlace::Bucket(_)) = self.place()? {
            s3_settings()?;
        }
        if self.address()?.is_some() && self.blobs.is_none() {
            bail!(
                "--store is shared with other servers, and they need the packages too: \
                 add --blobs with a folder or a bucket that all of them see"
            );
        }
        Ok(())
    }

    /// Whether all that is remembered lies in the data folder, and belongs to this server alone.
    pub fn is_own(&self) -> bool {
        self.store.is_none() && self.blobs.is_none()
    }

    /// Notes in the folder what is not in it, for who removes its state when no server runs.
    fn note_elsewhere(&self, folder: &DataFolder) -> Result<()> {
        let given = [self.store.is_some(), self.blobs.is_some()];
        let elsewhere: Vec<&str> =
            OPTIONS.into_iter().zip(given).filter_map(|(name, given)| given.then_some(name)).collect();
        let path = folder.join(ELSEWHERE);
        let noted = match fs::symlink_metadata(&path) {
            Ok(_) if elsewhere.is_empty() => fs::remove_file(&path),
            Err(error) if elsewhere.is_empty() && error.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => data_folder::write_note(folder.path(), ELSEWHERE, &elsewhere.join(" ")),
        };
        noted.with_context(|| format!("note in {} what lies elsewhere", path.display()))
    }

    fn place(&self) -> Result<Option<BlobsPlace>> {
        self.blobs.as_deref().map(BlobsPlace::of).transpose()
    }

    /// The text is not part of the error: a password may be in it.
    fn address(&self) -> Result<Option<PostgresAddress>> {
        let address: Option<Result<PostgresAddress, NotAnAddress>> = self.store.as_deref().map(str::parse);
        address.transpose().context("--store")
    }
}

/// By which options the last server of a folder had state that is not in it; nothing where all is there.
pub fn elsewhere(folder: &Path) -> Result<Vec<&'static str>> {
    match data_folder::read_note(folder, ELSEWHERE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", folder.join(ELSEWHERE).display())),
        Ok(note) => {
            Ok(OPTIONS.into_iter().filter(|name| note.split(' ').any(|noted| noted == *name)).collect())
        }
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
    /// Opens what the options name. A bucket is reached through `outbound`, which nothing else asks for: to read the
    /// system's certificates takes longer than a start should. What dials belongs to `dialled`.
    pub async fn open(
        options: &Options,
        folder: &DataFolder,
        world: &World,
        dialled: &TaskGroup,
        outbound: impl FnOnce() -> Result<Arc<Outbound>>,
    ) -> Result<Self> {
        options.note_elsewhere(folder)?;
        let engine = match options.address()? {
            None => Engine::Sqlite(Arc::new(SqliteStore::open(&folder.join("hearth.db"), world)?)),
            Some(address) => {
                let opened = PostgresStore::open(&address, world).await;
                Engine::Postgres(Arc::new(opened.context("open the shared store")?))
            }
        };
        let blobs = match options.place()? {
            None => Blobs::local(&folder.join("blobs"))?,
            Some(BlobsPlace::Folder(shared)) => shared_folder(&shared)?,
            Some(BlobsPlace::Bucket(place)) => {
                let blobs = Blobs::s3(&place, &s3_settings()?, outbound()?, dialled)?;
                let checked = blobs.check(world.random().uuid().as_u128()).await;
                checked.with_context(|| format!("--blobs {place}"))?;
                blobs
            }
        };
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

fn shared_folder(shared: &Path) -> Result<Blobs> {
    let blobs = Blobs::shared(shared)?;
    // Told now, and not to whom uploads the first package.
    rustix::fs::access(shared, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).with_context(|| {
        let user = rustix::process::geteuid().as_raw();
        format!("--blobs {}: user {user} must be able to read and write there", shared.display())
    })?;
    Ok(blobs)
}

/// The packages that lie at this place, for a command beside the server; `None` where no place is given.
pub async fn packages(place: Option<&str>) -> Result<Option<Blobs>> {
    Ok(match place.map(BlobsPlace::of).transpose()? {
        None => None,
        Some(BlobsPlace::Folder(folder)) => Some(Blobs::shared(&folder)?),
        Some(BlobsPlace::Bucket(place)) => {
            // The person at the command line says what is dialled.
            let dialled = TaskGroup::new();
            let outbound = server::outbound(Policy::open(), &dialled, &World::real())?;
            Some(Blobs::s3(&place, &s3_settings()?, Arc::new(outbound), &dialled)?)
        }
    })
}

fn s3_settings() -> Result<S3Settings> {
    Ok(S3Settings::of_variables(|name| std::env::var(name).ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(store: Option<&str>, blobs: Option<&str>) -> Options {
        Options { store: store.map(str::to_owned), blobs: blobs.map(str::to_owned) }
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
            (url, Some("https://ann:geheim@packages"), "--blobs is a folder or s3://"),
            (url, Some("s3://Packages"), "a place in a bucket"),
        ] {
            let refused = format!("{:#}", options(store, blobs).check().unwrap_err());
            assert!(refused.contains(says) && !refused.contains("geheim"), "{refused}");
        }
    }
}
