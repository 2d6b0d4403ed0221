//! Interns every `models/*.json`, corrected, into one compact blob that the crate contains.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with the command that writes the files")]
mod file;
mod intern;

#[allow(unreachable_pub, reason = "shared with the crate that reads the blob")]
#[path = "../src/model/facts.rs"]
mod facts;

fn main() -> Result<(), Box<dyn Error>> {
    let models = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../models");
    let out = env::var("OUT_DIR")?;
    println!("cargo::rerun-if-changed={}", models.display());
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/model/facts.rs");

    let mut blobs = BTreeMap::new();
    for entry in fs::read_dir(&models)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let service = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a model's name is not UTF-8")?;
        let corrections = models.join("corrections").join(format!("{service}.json"));
        let corrections = match corrections.exists() {
            true => serde_json::from_slice(&fs::read(corrections)?)?,
            false => file::Corrections::default(),
        };
        let facts = intern::intern(service, &serde_json::from_slice(&fs::read(&path)?)?, &corrections)?;
        let blob = Path::new(&out).join(format!("{service}.bin"));
        fs::write(&blob, postcard::to_stdvec(&facts)?)?;
        blobs.insert(service.to_owned(), blob);
    }

    let mut table = String::from("&[\n");
    for (service, blob) in blobs {
        writeln!(table, "({service:?}, include_bytes!({:?})),", blob.display().to_string())?;
    }
    table.push(']');
    fs::write(Path::new(&out).join("blobs.rs"), table)?;
    Ok(())
}
