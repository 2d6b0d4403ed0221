//! `hearth restore FILE`: makes a data folder of a backup.
//!
//! Everything is unpacked beside the folder, checked against the manifest, and then given its name: a folder that is
//! there is whole. It gets a name and a token of its own at its first start, so that two servers side by side never
//! clean up each other's sandboxes.
//! Never: touches a folder that has something in it; keeps anything of a backup that is damaged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use hearth_store::BlobDigest;

use crate::archive::{self, BLOBS, DATABASE, Manifest, Member};
use crate::commands::backup::progress;
use crate::commands::print;
use crate::data_folder;
use crate::exit::Exit;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth restore hearth.tar
  hearth restore monday.tar --data ./copy && hearth up --data ./copy --listen 127.0.0.1:0";

/// What is read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// Options of `hearth restore`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The backup to read
    file: PathBuf,
    /// Data folder to make: absent or empty [default: ~/.local/share/hearth]
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<Exit> {
    let data = arguments.data.clone().map_or_else(data_folder::default_path, Ok)?;
    let data = std::path::absolute(&data).with_context(|| format!("find {}", data.display()))?;
    check_empty(&data)?;
    let file = File::open(&arguments.file).with_context(|| format!("open {}", arguments.file.display()))?;
    let draft = Draft::beside(&data)?;
    let manifest = unpack(file, &draft.path)
        .with_context(|| format!("{} is no whole backup", arguments.file.display()))?;
    draft.publish(&data)?;
    print(&if arguments.json {
        json!({ "folder": data, "blobs": manifest.blobs, "time": manifest.time }).to_string()
    } else {
        format!("{}: {} packages, as of {}", data.display(), manifest.blobs, manifest.time)
    })?;
    Ok(Exit::Done)
}

/// The folder of a running server has something in it too.
fn check_empty(data: &Path) -> Result<()> {
    match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("look into {}", data.display())),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => {
                bail!("{} is not empty: a backup is restored into a folder of its own", data.display())
            }
        },
    }
}

/// Unpacks and checks everything. On stable storage when it returns.
fn unpack(mut file: File, to: &Path) -> Result<Manifest> {
    let manifest = {
        let mut archive = tar::Archive::new(BufReader::new(&file));
        let first = archive.entries()?.next().context("it is empty")??;
        Manifest::read(first)?
    };
    file.seek(SeekFrom::Start(0))?;
    let bar = progress(manifest.database_bytes + manifest.blob_bytes, "restore");
    let mut archive = tar::Archive::new(BufReader::with_capacity(READ_BYTES, file));
    let (mut blobs, mut bytes_left, mut has_database) = (BTreeSet::new(), manifest.blob_bytes, false);
    for entry in archive.entries()?.skip(1) {
        let entry = entry.context("read it to its end")?;
        match archive::member(&entry)? {
            Member::Database => {
                ensure!(
                    !has_database && entry.size() == manifest.database_bytes,
                    "its database has another size"
                );
                let digest = write(entry, &to.join(DATABASE), &bar)?;
                ensure!(digest.to_string() == manifest.database_sha256, "its database is damaged");
                has_database = true;
            }
            Member::Blob(digest) => {
                let left = bytes_left.checked_sub(entry.size());
                bytes_left = left.context("it holds more than its manifest says")?;
                let found = write(entry, &to.join(BLOBS).join(digest.to_string()), &bar)?;
                ensure!(found == digest, "its package {digest} is damaged");
                blobs.insert(digest);
            }
        }
    }
    ensure!(has_database, "it ends before its database");
    ensure!(blobs.len() as u64 == manifest.blobs && bytes_left == 0, "it ends before its last package");
    for folder in [to.join(BLOBS), to.to_owned()] {
        File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("sync {}", folder.display()))?;
    }
    bar.finish_and_clear();
    Ok(manifest)
}

/// Writes one file and returns the digest of what was written, as it was read.
fn write(entry: tar::Entry<'_, impl Read>, to: &Path, bar: &ProgressBar) -> Result<BlobDigest> {
    let size = entry.size();
    let file = File::options().write(true).create_new(true).mode(0o600).open(to);
    let file = file.with_context(|| format!("write {}", to.display()))?;
    let copied = BlobDigest::of_reader(Copying { from: bar.wrap_read(entry), to: &file });
    let (digest, bytes) = copied.context("read it to its end")?;
    ensure!(bytes == size, "it ends in the middle of a file");
    file.sync_all().with_context(|| format!("sync {}", to.display()))?;
    Ok(digest)
}

/// A reader that writes down what it reads.
struct Copying<'f, R> {
    from: R,
    to: &'f File,
}

impl<R: Read> Read for Copying<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        io::Write::write_all(&mut self.to, &buffer[..read])?;
        Ok(read)
    }
}

/// The folder under the name that it has until it is whole. Removed when dropped.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn beside(data: &Path) -> Result<Self> {
        let mut name = data.file_name().context("the data folder needs a name")?.to_owned();
        name.push(format!(".restoring-{}", std::process::id()));
        let path = data.with_file_name(name);
        let folder =
            || fs::DirBuilder::new().recursive(true).mode(0o700).create(path.join(BLOBS)).map(|()| &path);
        folder().with_context(|| format!("make {}", path.display()))?;
        Ok(Self { path })
    }

    /// An empty folder of that name is replaced; one that has something in it by now is not.
    fn publish(&self, data: &Path) -> Result<()> {
        let renamed = fs::rename(&self.path, data).with_context(|| format!("make {}", data.display()));
        renamed?;
        let above = data.parent().unwrap_or(Path::new("/"));
        File::open(above)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("sync {}", above.display()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already when it was published.
        let _ = fs::remove_dir_all(&self.path);
    }
}
