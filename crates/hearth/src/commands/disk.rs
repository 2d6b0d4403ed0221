//! `hearth disk`: what uses the data folder, and what garbage waits in it until when.
//!
//! Looks at the files themselves and reads the store beside the server, so it works whether one runs or not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use futures_util::TryStreamExt;
use http::Method;
use serde_json::json;

use hearth_store::garbage::{self, COLLECT};
use hearth_store::{Blobs, SqliteView, StoreError, timers, transact_read};
use hearth_world::{Timestamp, World};

use crate::cli::Target;
use crate::client::Client;
use crate::commands::{block_on, print};
use crate::data_folder;
use crate::exit::Exit;
use crate::state;
use crate::table::size;

/// Examples in the help.
pub const EXAMPLES: &str = "Examples:
  hearth disk
  hearth disk --json
  hearth disk --free";

/// Blobs that are read in one transaction.
const PAGE: u32 = 1_000;

/// Bytes of a block, as `stat` counts them.
const BLOCK_BYTES: u64 = 512;

/// Options of `hearth disk`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Print one JSON object, sizes in bytes
    #[arg(long)]
    json: bool,
    /// Let the running server remove its garbage now, and not only after its grace
    #[arg(long)]
    free: bool,
    /// Folder or bucket of packages, as the server was given it: it is counted too
    #[arg(long, value_name = "PLACE", env = "HEARTH_BLOBS")]
    blobs: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// What lies under one heading.
#[derive(Debug, Default, PartialEq, Eq)]
struct Use {
    files: u64,
    bytes: u64,
}

/// Garbage that waits.
#[derive(Debug, Default)]
struct Waiting {
    blobs: u64,
    bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// The heading of packages that do not lie in the data folder.
const ELSEWHERE: &str = "elsewhere";

/// Headings in their order, by what their files are called.
const HEADINGS: [(&str, &str); 7] = [
    ("database", "what Hearth remembers"),
    ("blobs", "packages as they were uploaded"),
    (ELSEWHERE, "packages outside of the data folder, at --blobs"),
    ("code", "packages unpacked; made again when needed"),
    ("run", "images for /tmp and the spawner's locks"),
    ("runtimes", "bootstraps, compiled; made again when needed"),
    ("other", "names, locks, the token"),
];

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit> {
    let data = arguments.target.data.clone().map_or_else(data_folder::default_path, Ok)?;
    block_on(async {
        if arguments.free {
            free(arguments.target).await?;
        }
        let mut uses = uses(&data)?;
        if let Some(elsewhere) = state::packages(arguments.blobs.as_deref()).await? {
            uses.insert(ELSEWHERE, count(&elsewhere).await?);
        }
        let database = data.join("hearth.db");
        let waiting = if database.exists() { waiting(&database).await? } else { Waiting::default() };
        print(&if arguments.json {
            as_json(&data, &uses, &waiting)
        } else {
            for_people(&data, &uses, &waiting)
        })
    })?;
    Ok(Exit::Done)
}

async fn free(target: Target) -> Result<()> {
    Client::new(target)?.own(Method::POST, "/_hearth/garbage").await.map(drop)
}

fn heading(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("hearth.db") => "database",
        "blobs" | "code" | "run" | "runtimes" => {
            HEADINGS.iter().find(|(heading, _)| *heading == name).map_or("other", |(heading, _)| heading)
        }
        _ => "other",
    }
}

fn uses(data: &Path) -> Result<BTreeMap<&'static str, Use>> {
    let entries = fs::read_dir(data).with_context(|| {
        format!("read the data folder {} (`hearth up` makes it, --data names another one)", data.display())
    })?;
    let mut uses: BTreeMap<&'static str, Use> = BTreeMap::new();
    for entry in entries {
        let entry = entry.context("read the data folder")?;
        let under = uses.entry(heading(&entry.file_name().to_string_lossy())).or_default();
        measure(entry.path(), under).with_context(|| format!("measure {}", entry.path().display()))?;
    }
    Ok(uses)
}

/// What the files below take on disk: sparse ones less than their length. A running server may remove some meanwhile.
fn measure(path: PathBuf, sum: &mut Use) -> io::Result<()> {
    let mut pending = vec![path];
    while let Some(path) = pending.pop() {
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        sum.bytes += found.blocks() * BLOCK_BYTES;
        if !found.is_dir() {
            sum.files += 1;
            continue;
        }
        match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            entries => {
                for entry in entries? {
                    pending.push(entry?.path());
                }
            }
        }
    }
    Ok(())
}

/// What the packages have in bytes; what they take where they lie is not known.
async fn count(blobs: &Blobs) -> Result<Use> {
    let mut sum = Use::default();
    let mut all = blobs.list();
    while let Some((_, bytes)) = all.try_next().await.context("list the packages")? {
        sum.files += 1;
        sum.bytes += bytes;
    }
    Ok(sum)
}

async fn waiting(database: &Path) -> Result<Waiting> {
    let view = SqliteView::open(database, &World::real())?;
    let (mut sum, mut last) = (Waiting::default(), None::<String>);
    loop {
        let after = last.clone();
        let page = transact_read::<_, StoreError, _>(&view, move |tx| {
            let page = timers::waiting(tx, COLLECT, after.as_deref(), PAGE)?;
            let with_size = |timer: timers::Waiting| {
                let info = timer.id.parse().ok().map(|digest| garbage::info(tx, &digest)).transpose()?;
                Ok((timer.id, timer.due, info.flatten().map_or(0, |info| info.bytes)))
            };
            page.into_iter().map(with_size).collect::<Result<Vec<_>, StoreError>>()
        });
        let page = page.await.context("read what garbage waits")?;
        for (_, due, bytes) in &page {
            sum.blobs += 1;
            sum.bytes += bytes;
            sum.first = Some(sum.first.map_or(*due, |first| first.min(*due)));
            sum.last = sum.last.max(Some(*due));
        }
        match page.into_iter().next_back() {
            Some((id, ..)) => last = Some(id),
            None => return Ok(sum),
        }
    }
}

fn as_json(data: &Path, uses: &BTreeMap<&'static str, Use>, waiting: &Waiting) -> String {
    let one = |(heading, sum): (&&str, &Use)| {
        ((*heading).to_owned(), json!({ "files": sum.files, "bytes": sum.bytes }))
    };
    let time = |time: Option<Timestamp>| time.map(Timestamp::rfc3339_millis);
    json!({
        "folder": data,
        "bytes": uses.values().map(|sum| sum.bytes).sum::<u64>(),
        "uses": serde_json::Map::from_iter(uses.iter().map(one)),
        "garbage": {
            "blobs": waiting.blobs,
            "bytes": waiting.bytes,
            "first_goes": time(waiting.first),
            "last_goes": time(waiting.last),
        },
    })
    .to_string()
}

fn for_people(data: &Path, uses: &BTreeMap<&'static str, Use>, waiting: &Waiting) -> String {
    let mut lines = vec![format!("{}", data.display())];
    for (heading, what) in HEADINGS {
        if let Some(sum) = uses.get(heading) {
            lines.push(format!("{heading:<9} {:>10} {:>7} files  {what}", size(sum.bytes), sum.files));
        }
    }
    lines.push(format!("{:<9} {:>10}", "all", size(uses.values().map(|sum| sum.bytes).sum())));
    lines.push(match (waiting.first, waiting.last) {
        (Some(first), Some(last)) => format!(
            "garbage   {:>10} {:>7} blobs  without a function; goes from {first} to {last}, or as soon as nothing uses it (at once: hearth disk --free)",
            size(waiting.bytes),
            waiting.blobs
        ),
        _ => "garbage   none".to_owned(),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_data_folder_has_a_heading_and_the_log_is_part_of_the_database() {
        assert_eq!(heading("hearth.db-wal"), "database");
        assert_eq!(heading("code"), "code");
        assert_eq!(heading("token"), "other");
    }
}
