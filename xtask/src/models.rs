//! `cargo xtask models`: the facts of AWS's service models, taken from one pinned botocore.
//!
//! Writes `models/*.json`: sorted, one operation or shape a line, so that a newer botocore is a readable diff.
//! Never: writes documentation text; needs the network to check.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared with the build script that reads the files"
)]
#[path = "../../crates/hearth-aws/build/file.rs"]
mod file;

use file::{Corrections, ModelFile};

/// The botocore release whose models ours are taken from.
const BOTOCORE: &str = "1.44.5";

/// Services that Hearth serves, with the version of the API that is meant.
const SERVICES: &[(&str, &str)] = &[
    ("cloudwatch", "2010-08-01"),
    ("dynamodb", "2012-08-10"),
    ("events", "2015-10-07"),
    ("iam", "2010-05-08"),
    ("kinesis", "2013-12-02"),
    ("lambda", "2015-03-31"),
    ("logs", "2014-03-28"),
    ("s3", "2006-03-01"),
    ("scheduler", "2021-06-30"),
    ("sns", "2010-03-31"),
    ("sqs", "2012-11-05"),
    ("sts", "2011-06-15"),
];

/// A wheel that lies on this machine, instead of the one that pip downloads.
const WHEEL_VARIABLE: &str = "BOTOCORE_WHEEL";

/// Writes every model, from the wheel that `BOTOCORE_WHEEL` names or the one that pip downloads.
pub(crate) fn run() -> Result<()> {
    write(std::env::var_os(WHEEL_VARIABLE).as_deref().map(Path::new))
}

fn write(wheel: Option<&Path>) -> Result<()> {
    let scratch = tempdir()?;
    let wheel = match wheel {
        Some(wheel) => wheel.to_owned(),
        None => download(&scratch)?,
    };
    let archive = File::open(&wheel).with_context(|| format!("open {}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(archive).context("read the wheel")?;
    for (service, version) in SERVICES {
        let name = format!("botocore/data/{service}/{version}/service-2.json.gz");
        let entry = archive.by_name(&name).with_context(|| format!("find {name} in the wheel"))?;
        let mut model: ModelFile = serde_json::from_reader(flate2::read::GzDecoder::new(entry))
            .with_context(|| format!("read {name}; a key that is new there must be placed in the format"))?;
        model.source = format!("botocore {BOTOCORE}, {name}");
        fs::write(model_path(service), render(&model)?)?;
        println!("models/{service}.json: {} operations", model.operations.len());
    }
    fs::remove_dir_all(scratch)?;
    check()
}

/// Checks, without the network, that every model is as this command writes it and every correction names
/// something that exists and says why.
pub(crate) fn check() -> Result<()> {
    for (service, _) in SERVICES {
        let path = model_path(service);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let model: ModelFile =
            serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
        ensure!(
            render(&model)? == text,
            "models/{service}.json was edited by hand: put it in models/corrections/"
        );
        ensure!(model.source.contains(BOTOCORE), "models/{service}.json is not of botocore {BOTOCORE}");
        check_corrections(service, &model)?;
    }
    Ok(())
}

fn check_corrections(service: &str, model: &ModelFile) -> Result<()> {
    let path = root().join("models/corrections").join(format!("{service}.json"));
    if !path.exists() {
        return Ok(());
    }
    let corrections: Corrections =
        serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("parse {}", path.display()))?;
    for correction in &corrections.response_code {
        let name = &correction.operation;
        let operation = model.operations.get(name).with_context(|| format!("no operation {name}"))?;
        ensure!(
            operation.http.response_code != Some(correction.status),
            "{name}: the model says so itself now"
        );
        ensure!(!correction.evidence.is_empty(), "{name}: a correction needs its evidence");
    }
    for correction in &corrections.enum_unchecked {
        let (name, member) = (&correction.structure, &correction.member);
        let members = model.shapes.get(name).and_then(|shape| shape.members.as_ref());
        let found = members.is_some_and(|members| members.0.iter().any(|(other, _)| other == member));
        ensure!(found, "{service}: no member {name}.{member}");
        ensure!(!correction.evidence.is_empty(), "{name}.{member}: a correction needs its evidence");
    }
    for added in &corrections.member_added {
        let (name, member) = (&added.structure, &added.member);
        let members = model.shapes.get(name).and_then(|shape| shape.members.as_ref());
        let members = members.with_context(|| format!("{service}: no structure {name}"))?;
        ensure!(
            !members.0.iter().any(|(other, _)| other == member),
            "{name}.{member}: the model has it itself now"
        );
        ensure!(!added.evidence.is_empty(), "{name}.{member}: a correction needs its evidence");
    }
    check_query_corrections(service, model, &corrections)
}

fn check_query_corrections(service: &str, model: &ModelFile, corrections: &Corrections) -> Result<()> {
    if let Some(correction) = &corrections.query {
        let speaks = std::iter::once(&model.metadata.protocol).chain(&model.metadata.protocols);
        ensure!(
            !speaks.into_iter().any(|spoken| spoken == "query"),
            "{service}: the model says so itself now"
        );
        ensure!(!correction.evidence.is_empty(), "{service}: a correction needs its evidence");
    }
    for correction in &corrections.query_map {
        let name = &correction.map;
        let shape = model.shapes.get(name).with_context(|| format!("{service}: no map {name}"))?;
        let key = shape.key.as_ref().with_context(|| format!("{service}: {name} is no map"))?;
        ensure!(key.location_name.is_none(), "{name}: the model says so itself now");
        ensure!(!correction.evidence.is_empty(), "{name}: a correction needs its evidence");
    }
    for correction in &corrections.query_name {
        let (name, member) = (&correction.structure, &correction.member);
        let members = model.shapes.get(name).and_then(|shape| shape.members.as_ref());
        let found = members.and_then(|members| members.0.iter().find(|(other, _)| other == member));
        let (_, reference) = found.with_context(|| format!("{service}: no member {name}.{member}"))?;
        ensure!(reference.location_name.is_none(), "{name}.{member}: the model says so itself now");
        ensure!(!correction.evidence.is_empty(), "{name}.{member}: a correction needs its evidence");
    }
    for correction in &corrections.query_code {
        let name = &correction.exception;
        let shape = model.shapes.get(name).with_context(|| format!("{service}: no exception {name}"))?;
        ensure!(shape.exception && shape.error.is_none(), "{name}: the model says so itself now");
        ensure!(!correction.evidence.is_empty(), "{name}: a correction needs its evidence");
    }
    Ok(())
}

/// One operation or shape a line.
fn render(model: &ModelFile) -> Result<String> {
    let mut out = String::from("{\n");
    writeln!(out, "\"source\": {},", serde_json::to_string(&model.source)?)?;
    writeln!(out, "\"metadata\": {},", serde_json::to_string(&model.metadata)?)?;
    lines(&mut out, "operations", &model.operations)?;
    out.push_str(",\n");
    lines(&mut out, "shapes", &model.shapes)?;
    out.push_str("\n}\n");
    Ok(out)
}

fn lines<T: serde::Serialize>(
    out: &mut String,
    title: &str,
    entries: &std::collections::BTreeMap<String, T>,
) -> Result<()> {
    writeln!(out, "\"{title}\": {{")?;
    for (at, (name, entry)) in entries.iter().enumerate() {
        let comma = if at == 0 { "" } else { ",\n" };
        write!(out, "{comma}{}: {}", serde_json::to_string(name)?, serde_json::to_string(entry)?)?;
    }
    out.push_str("\n}");
    Ok(())
}

fn download(folder: &Path) -> Result<PathBuf> {
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(folder)
        .arg(format!("botocore=={BOTOCORE}"))
        .status()
        .context("start python3 -m pip")?;
    ensure!(status.success(), "pip could not download botocore {BOTOCORE}: {status}");
    Ok(folder.join(format!("botocore-{BOTOCORE}-py3-none-any.whl")))
}

fn tempdir() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("hearth-models-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn model_path(service: &str) -> PathBuf {
    root().join("models").join(format!("{service}.json"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's root").to_owned()
}
