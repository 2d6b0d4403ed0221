//! Layers in the store. Everything here runs inside a transaction.
//!
//! ```text
//! lambda/layer          account region name               ─▶ the last number that was given; stays for ever
//! lambda/layer-version  account region name newest-first  ─▶ one version
//! ```

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::{Key, KeyRange, Order, Tx};

use super::layer::LayerVersion;
use super::names::LayerName;
use super::stored;
use crate::error::FunctionError;
use crate::functions::{Owner, RecordError};

/// Versions that are read at once where only some are wanted.
const BATCH: u32 = 100;

/// Which versions a list shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) runtime: Option<String>,
    pub(crate) architecture: Option<String>,
}

impl Filter {
    fn lets_pass(&self, version: &LayerVersion) -> bool {
        let among = |wanted: &Option<String>, given: &Option<Vec<String>>| match wanted {
            Some(wanted) => given.iter().flatten().any(|given| given == wanted),
            None => true,
        };
        among(&self.runtime, &version.runtimes) && among(&self.architecture, &version.architectures)
    }
}

/// The number of a layer's next version, from now on taken. The first of a name begins the layer.
pub(crate) fn next_version(tx: &mut dyn Tx, owner: &Owner, name: &LayerName) -> Result<u64, FunctionError> {
    let key = layers_key(owner).text(name.as_str());
    let last = match tx.get(&key)? {
        Some(record) => stored::decode_layer(&record).map_err(|source| unreadable(name, source))?.1,
        None => 0,
    };
    let record = stored::encode_layer(name, last + 1).map_err(|source| unreadable(name, source))?;
    tx.put(&key, record)?;
    Ok(last + 1)
}

pub(crate) fn insert(tx: &mut dyn Tx, owner: &Owner, version: &LayerVersion) -> Result<(), FunctionError> {
    let record = stored::encode(version).map_err(|source| unreadable(&version.name, source))?;
    Ok(tx.put(&version_key(owner, &version.name, version.version), record)?)
}

pub(crate) fn get(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &LayerName,
    version: u64,
) -> Result<Option<LayerVersion>, FunctionError> {
    let Some(record) = tx.get(&version_key(owner, name, version))? else { return Ok(None) };
    Ok(Some(stored::decode(&record).map_err(|source| unreadable(name, source))?))
}

pub(crate) fn delete(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &LayerName,
    version: u64,
) -> Result<(), FunctionError> {
    Ok(tx.delete(&version_key(owner, name, version))?)
}

/// At most `limit` versions that the filter lets pass and that are older than `before`, newest first.
pub(crate) fn versions(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &LayerName,
    before: Option<u64>,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<LayerVersion>, FunctionError> {
    let all = versions_key(owner, name);
    let (mut found, mut last) = (Vec::new(), before);
    loop {
        let range = match last {
            Some(version) => all.children_after(&version_key(owner, name, version)),
            None => all.children(),
        };
        let records = values(tx, range, BATCH)?;
        let is_end = records.len() < BATCH as usize;
        for record in records {
            let version = stored::decode(&record).map_err(|source| unreadable(name, source))?;
            last = Some(version.version);
            if filter.lets_pass(&version) {
                found.push(version);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
        if is_end {
            return Ok(found);
        }
    }
}

/// The newest version that the filter lets pass.
pub(crate) fn latest(
    tx: &mut dyn Tx,
    owner: &Owner,
    name: &LayerName,
    filter: &Filter,
) -> Result<Option<LayerVersion>, FunctionError> {
    Ok(versions(tx, owner, name, None, filter, 1)?.pop())
}

/// At most `limit` names of layers, those without a version too, in their order after `after`.
pub(crate) fn names(
    tx: &mut dyn Tx,
    owner: &Owner,
    after: Option<&LayerName>,
    limit: u32,
) -> Result<Vec<LayerName>, FunctionError> {
    let all = layers_key(owner);
    let range = match after {
        Some(name) => all.children_after(&layers_key(owner).text(name.as_str())),
        None => all.children(),
    };
    let name = |record: &Bytes| {
        let source =
            |source| FunctionError::Unreadable { name: "of a layer in a listing".to_owned(), source };
        Ok(stored::decode_layer(record).map_err(source)?.0)
    };
    values(tx, range, limit)?.iter().map(name).collect()
}

fn values(tx: &mut dyn Tx, range: KeyRange, limit: u32) -> Result<Vec<Bytes>, FunctionError> {
    let mut values = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |_, value| {
        values.push(Bytes::copy_from_slice(value));
        ControlFlow::Continue(())
    })?;
    Ok(values)
}

fn unreadable(name: &LayerName, source: RecordError) -> FunctionError {
    FunctionError::Unreadable { name: format!("layer {name}"), source }
}

fn layers_key(owner: &Owner) -> Key {
    Key::of("lambda/layer").text(&owner.account).text(&owner.region)
}

fn versions_key(owner: &Owner, name: &LayerName) -> Key {
    Key::of("lambda/layer-version").text(&owner.account).text(&owner.region).text(name.as_str())
}

/// Counted downwards, so that the newest comes first.
fn version_key(owner: &Owner, name: &LayerName, version: u64) -> Key {
    versions_key(owner, name).number(u64::MAX - version)
}
