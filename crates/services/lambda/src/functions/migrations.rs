//! What brings the records of earlier releases to the newest format.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_aws::names::FunctionName;
use hearth_store::{Key, Migration, Order, StoreError, Tx, TxResult, garbage};

use super::function::Owner;
use super::stored;

/// In their order. One that a release carried never changes.
pub(crate) const MIGRATIONS: &[Migration] = &[
    // Until then a package stayed for ever, and nobody had to say who needs it.
    Migration { name: "every function holds its package", step: hold_packages },
    Migration { name: "functions have layers and updates", step: write_anew },
];

fn hold_packages(tx: &mut dyn Tx, after: Option<&Key>, limit: u32) -> TxResult<Option<Key>> {
    let mut page = page(tx, after, limit)?;
    for (key, record) in &page {
        let (owner, name) = named(key).ok_or_else(|| unreadable("a key", &"it names no function"))?;
        let function = stored::decode(record).map_err(|error| unreadable(name.as_str(), &error))?;
        garbage::adopt(tx, &function.code, "package", function.code_bytes, &owner.holder(&name))?;
    }
    Ok(page.pop().map(|(key, _)| key))
}

/// Brings every record to the version that this program writes.
fn write_anew(tx: &mut dyn Tx, after: Option<&Key>, limit: u32) -> TxResult<Option<Key>> {
    let mut page = page(tx, after, limit)?;
    for (key, record) in &page {
        let function = stored::decode(record).map_err(|error| unreadable("to write it anew", &error))?;
        let record = stored::encode(&function).map_err(|error| unreadable(function.name.as_str(), &error))?;
        tx.put(key, record)?;
    }
    Ok(page.pop().map(|(key, _)| key))
}

fn page(tx: &mut dyn Tx, after: Option<&Key>, limit: u32) -> TxResult<Vec<(Key, Bytes)>> {
    let all = Key::of("lambda/function");
    let range = after.map_or_else(|| all.children(), |last| all.children_after(last));
    let mut page = Vec::new();
    tx.scan(range, Order::Ascending, limit, &mut |key, value| {
        page.push((Key::from_bytes(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    Ok(page)
}

fn named(key: &Key) -> Option<(Owner, FunctionName)> {
    let mut parts = key.parts();
    parts.text()?;
    let owner = Owner { account: parts.text()?, region: parts.text()? };
    Some((owner, FunctionName::parse(&parts.text()?)?))
}

fn unreadable(what: &str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Engine(format!("read the function {what}: {reason}").into())
}
