//! `hearth backup FILE`: writes everything that Hearth remembers to one file, also while a server runs.
//!
//! ```text
//! copy of the database at one moment ─▶ a second name for every blob it needs ─▶ FILE.partial ─▶ FILE
//!        ▲                                       │ a blob was collected in between
//!        └───────────────────────────────────────┘
//! ```
//!
//! The second names are links: they take no room, and what has one stays whatever the server collects meanwhile.
//! Packages that lie elsewhere are copied instead.
//! Never: a FILE that is not whole; a change to anything of the server.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use hearth_store::garbage::{self, BlobInfo};
use hearth_store::{BlobDigest, BlobError, Blobs, SqliteView, StoreError, transact_read};
use hearth_world::World;

use crate::archive::{BLOBS, DATABASE, FORMAT, MANIFEST, Manifest};
use crate::commands::{block_on, print};
use crate::data_folder;
use crate::exit::Exit;
use crate::state;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth backup hearth.tar
  hearth backup --data ./state /mnt/backups/monday.tar --json

A server may run meanwhile. The file holds what functions were given as secrets: it is readable by its owner alone.";

/// How often the copy of the database is made anew because a blob that it needs was collected before it had its second
/// name: without `hearth disk --free` and with the usual grace, never.
const COPIES_MAX: u32 = 5;

/// Blobs that are read in one transaction.
const PAGE: u32 = 500;

/// What is written at a time.
const WRITE_BYTES: usize = 1024 * 1024;

/// How the names of folders begin in which a backup is prepared; the process's id follows.
const STAGING_PREFIX: &str = "backup-";

/// Options of `hearth backup`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The file to write
    file: PathBuf,
    /// Data folder [default: ~/.local/share/hearth]
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA")]
    data: Option<PathBuf>,
    /// Folder or bucket of packages, as the server was given it [default: in the data folder]
    #[arg(long, value_name = "PLACE", env = "HEARTH_BLOBS")]
    blobs: Option<String>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let data = arguments.data.clone().map_or_else(data_folder::default_path, Ok)?;
    ensure!(
        data.join(DATABASE).is_file(),
        "{} is no data folder: it has no {DATABASE} (a server with --store keeps its records in the database: back \
         that up with pg_dump, and the folder of --blobs after it)",
        data.display()
    );
    if arguments.file.exists() && !arguments.force {
        bail!("{} is there already (--force writes over it)", arguments.file.display());
    }
    let staging = Staging::make(&data)?;
    let blobs = block_on(async {
        let elsewhere = state::packages(arguments.blobs.as_deref()).await?;
        staging.copy(&data, elsewhere.as_ref()).await
    })?;
    let manifest = staging.manifest(&blobs)?;
    let bar = progress(manifest.database_bytes + manifest.blob_bytes, "backup");
    let partial = Partial::beside(&arguments.file)?;
    staging
        .write(&manifest, &blobs, &partial.path, &bar)
        .with_context(|| format!("write {}", partial.path.display()))?;
    partial.finish(&arguments.file)?;
    bar.finish_and_clear();
    let bytes = fs::metadata(&arguments.file).map_or(0, |found| found.len());
    print(&if arguments.json {
        json!({ "file": arguments.file, "bytes": bytes, "blobs": manifest.blobs, "time": manifest.time })
            .to_string()
    } else {
        format!(
            "{}: {bytes} bytes, {} packages, as of {}",
            arguments.file.display(),
            manifest.blobs,
            manifest.time
        )
    })?;
    Ok(Exit::Done)
}

/// A bar on a terminal, nothing elsewhere.
pub(super) fn progress(bytes: u64, what: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}");
    ProgressBar::new(bytes).with_style(style.expect("the template is right")).with_message(what)
}

/// A folder inside the data folder, so that links to blobs are possible. Removed when dropped.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn make(data: &Path) -> Result<Self> {
        remove_abandoned(data);
        let path = data.join(format!("{STAGING_PREFIX}{}", std::process::id()));
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.and_then(|()| fs::create_dir(path.join(BLOBS)))
            .with_context(|| format!("make {}", path.display()))?;
        Ok(Self { path })
    }

    /// Copies the database and links what it needs. Returns the blobs in the order of their digests.
    async fn copy(&self, data: &Path, elsewhere: Option<&Blobs>) -> Result<Vec<BlobInfo>> {
        let database = self.path.join(DATABASE);
        for _ in 0..COPIES_MAX {
            if database.exists() {
                fs::remove_file(&database).context("remove the former copy of the database")?;
            }
            SqliteView::copy(&data.join(DATABASE), &database)?;
            let blobs = needed(&database).await?;
            let all_there = match elsewhere {
                None => self.link(data, &blobs)?,
                Some(elsewhere) => self.fetch(elsewhere, &blobs).await?,
            };
            if all_there {
                return Ok(blobs);
            }
        }
        bail!(
            "packages are missing: they lie elsewhere (give --blobs as to the server), or are collected as garbage \
             faster than they can be kept (try again)"
        )
    }

    /// Links the blobs; `false` when one is not there any more.
    fn link(&self, data: &Path, blobs: &[BlobInfo]) -> Result<bool> {
        for BlobInfo { digest, .. } in blobs {
            let name = digest.to_string();
            match fs::hard_link(data.join(BLOBS).join(&name), self.path.join(BLOBS).join(&name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                other => other.with_context(|| format!("link the package {name}"))?,
            }
        }
        Ok(true)
    }

    /// Copies the blobs; `false` when one is not there any more.
    async fn fetch(&self, elsewhere: &Blobs, blobs: &[BlobInfo]) -> Result<bool> {
        for BlobInfo { digest, bytes, .. } in blobs {
            let to = self.path.join(BLOBS).join(digest.to_string());
            if to.exists() {
                continue;
            }
            let mut file = match elsewhere.file(digest, *bytes, &self.path).await {
                Err(BlobError::NotFound(_)) => return Ok(false),
                other => other?,
            };
            let copy = File::create_new(&to).and_then(|mut copy| io::copy(&mut file, &mut copy));
            copy.with_context(|| format!("copy the package {digest}"))?;
        }
        Ok(true)
    }

    fn manifest(&self, blobs: &[BlobInfo]) -> Result<Manifest> {
        let database = File::open(self.path.join(DATABASE)).and_then(BlobDigest::of_reader);
        let (digest, bytes) = database.context("read the copy of the database")?;
        Ok(Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time: World::real().physical().now().rfc3339_millis(),
            database_bytes: bytes,
            database_sha256: digest.to_string(),
            blobs: blobs.len() as u64,
            blob_bytes: blobs.iter().map(|blob| blob.bytes).sum(),
        })
    }

    fn write(&self, manifest: &Manifest, blobs: &[BlobInfo], to: &Path, bar: &ProgressBar) -> Result<()> {
        let file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
        let mut archive = tar::Builder::new(BufWriter::with_capacity(WRITE_BYTES, file));
        let text = serde_json::to_vec_pretty(manifest).context("write the manifest")?;
        append(&mut archive, MANIFEST, text.len() as u64, text.as_slice())?;
        let database = File::open(self.path.join(DATABASE))?;
        append(&mut archive, DATABASE, manifest.database_bytes, bar.wrap_read(database))?;
        for BlobInfo { digest, bytes, .. } in blobs {
            let name = format!("{BLOBS}/{digest}");
            let mut file = File::open(self.path.join(&name))?;
            // A backup that could not be restored must not look like one.
            let (found, _) = BlobDigest::of_reader(&file).with_context(|| format!("read {name}"))?;
            ensure!(
                found == *digest,
                "the package {digest} is damaged: upload it again or delete its functions"
            );
            file.rewind()?;
            append(&mut archive, &name, *bytes, bar.wrap_read(file)).with_context(|| name.clone())?;
        }
        let file = archive.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all().context("sync")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is removed by the next backup.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Folders of backups whose processes were killed.
fn remove_abandoned(data: &Path) {
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(STAGING_PREFIX));
        if process.is_some_and(|id| id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists()) {
            // Only a loss of room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The blobs that somebody holds.
async fn needed(database: &Path) -> Result<Vec<BlobInfo>> {
    let view = SqliteView::open(database, &World::real())?;
    if !hearth_service_lambda::is_migrated(&view).await? {
        bail!("an earlier release has written the functions: start the server once");
    }
    let (mut all, mut last) = (Vec::new(), None::<BlobDigest>);
    loop {
        let page = transact_read::<_, StoreError, _>(&view, move |tx| {
            let mut page = Vec::new();
            for blob in garbage::known(tx, last.as_ref(), PAGE)? {
                let held = garbage::is_held(tx, &blob.digest)?;
                page.push((blob, held));
            }
            Ok(page)
        });
        let page = page.await.context("read which packages are needed")?;
        match page.last() {
            Some((blob, _)) => last = Some(blob.digest),
            None => return Ok(all),
        }
        all.extend(page.into_iter().filter(|(_, held)| *held).map(|(blob, _)| blob));
    }
}

/// One file; an error when it has another size than it should.
fn append(archive: &mut tar::Builder<impl Write>, name: &str, bytes: u64, content: impl Read) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes);
    header.set_mode(0o600);
    let mut exact = Exact { content: content.take(bytes + 1), left: bytes };
    archive.append_data(&mut header, name, &mut exact)?;
    ensure!(exact.left == 0, "it is shorter than its record says");
    Ok(())
}

/// A reader that fails when there is more than was said.
struct Exact<R> {
    content: io::Take<R>,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(io::ErrorKind::InvalidData)?;
        Ok(read)
    }
}

/// The file under the name that it has until it is whole. Removed when dropped.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn beside(file: &Path) -> Result<Self> {
        let mut name = file.file_name().context("the backup needs a file name")?.to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        Ok(Self { path: file.with_file_name(name) })
    }

    fn finish(&self, file: &Path) -> Result<()> {
        fs::rename(&self.path, file).with_context(|| format!("write {}", file.display()))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("sync {}", folder.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone already when it was finished.
        let _ = fs::remove_file(&self.path);
    }
}
