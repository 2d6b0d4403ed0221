//! What brings the records of a service from one format to the next: once, at opening, in one place.
//!
//! ```text
//!   format n, no cursor ─▶ step ─▶ format n, cursor ─▶ step ─▶ … ─▶ format n + 1
//!                            └ a kill: the next opening goes on at the cursor
//! ```
//!
//! A space is the records of one service; its format is the number of migrations it has been through. A migration
//! goes through the records in batches, each in one transaction with its cursor.
//! Never: a migration changes once a release carried it; a later one is added instead. Never: opens a space of a newer
//! program.

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::records;
use crate::seam::{Store, StoreError, Tx, TxResult, transact, transact_read};

const VERSION_1: u8 = 1;

/// Records of one batch: some milliseconds of work.
pub const BATCH: u32 = 500;

/// Handles at most `limit` records that come after the key, and returns the last one's key; `None` when there are no
/// more. May run again for the same records.
pub type Step = fn(tx: &mut dyn Tx, after: Option<&Key>, limit: u32) -> TxResult<Option<Key>>;

/// One migration.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What it does, for the log and for errors: `every function holds its package`.
    pub name: &'static str,
    /// Its batches.
    pub step: Step,
}

/// Why a space could not be opened. Each is one line for the user.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MigrationError {
    /// A later release has written the records.
    #[error(
        "the records of {space} were written by a newer release (format {found}, this one knows up to {known})"
    )]
    Newer {
        /// Whose records.
        space: &'static str,
        /// Their format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// A batch failed. The next opening goes on there.
    #[error("cannot bring the records of {space} to a new format ({name}): {source}")]
    Failed {
        /// Whose records.
        space: &'static str,
        /// Which migration.
        name: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct FormatV1 {
    done: u32,
    cursor: Option<Vec<u8>>,
}

/// Brings the records of a space to the newest format.
pub async fn migrate(
    store: &dyn Store,
    space: &'static str,
    migrations: &'static [Migration],
) -> Result<(), MigrationError> {
    let newest = migrations.len() as u32;
    let failed = |name: &'static str| move |source| MigrationError::Failed { space, name, source };
    let mut format = transact_read(store, move |tx| read(tx, space)).await.map_err(failed("its format"))?;
    if format.done > newest {
        return Err(MigrationError::Newer { space, found: format.done, known: newest });
    }
    while let Some(migration) = migrations.get(format.done as usize) {
        let (step, name) = (migration.step, migration.name);
        if format.cursor.is_none() {
            tracing::info!(space, name, "records are brought to a new format");
        }
        // Each batch begins with what is on record, so that two servers that open at once do not go back.
        format = transact::<_, StoreError, _>(store, move |tx| {
            let current = read(tx, space)?;
            if migrations.get(current.done as usize).is_none_or(|migration| migration.name != name) {
                return Ok(current);
            }
            let after = current.cursor.as_deref().map(Key::from_bytes);
            let next = match step(tx, after.as_ref(), BATCH)? {
                Some(last) => FormatV1 { done: current.done, cursor: Some(last.as_bytes().to_vec()) },
                None => FormatV1 { done: current.done + 1, cursor: None },
            };
            tx.put(&Key::of("system/format").text(space), records::encode(VERSION_1, &next)?)?;
            Ok(next)
        })
        .await
        .map_err(failed(name))?;
    }
    Ok(())
}

/// Whether the records of a space are of the newest format.
pub async fn is_migrated(
    store: &dyn Store,
    space: &'static str,
    migrations: &'static [Migration],
) -> Result<bool, MigrationError> {
    let format = transact_read(store, move |tx| read(tx, space)).await;
    let format = format.map_err(|source| MigrationError::Failed { space, name: "its format", source })?;
    Ok(format.done as usize == migrations.len())
}

fn read(tx: &mut dyn Tx, space: &str) -> TxResult<FormatV1> {
    let record = tx.get(&Key::of("system/format").text(space))?;
    record.map_or_else(|| Ok(FormatV1::default()), |record| records::decode(VERSION_1, "a format", &record))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use hearth_world::World;
    use proptest::prelude::*;

    use super::*;
    use crate::{Faults, Order, SimulatedStore};

    /// Appends a letter to every record: twice would show.
    fn append(tx: &mut dyn Tx, after: Option<&Key>, letter: char) -> TxResult<Option<Key>> {
        let all = Key::of("test");
        let range = after.map_or_else(|| all.children(), |last| all.children_after(last));
        let mut page = Vec::new();
        tx.scan(range, Order::Ascending, 3, &mut |key, value| {
            page.push((Key::from_bytes(key), String::from_utf8_lossy(value).into_owned()));
            ControlFlow::Continue(())
        })?;
        for (key, text) in &page {
            tx.put(key, format!("{text}{letter}").into())?;
        }
        Ok(page.last().map(|(key, _)| key.clone()))
    }

    const FIRST: Migration = Migration { name: "an a", step: |tx, after, _| append(tx, after, 'a') };
    const SECOND: Migration = Migration { name: "a b", step: |tx, after, _| append(tx, after, 'b') };

    async fn values(store: &SimulatedStore) -> Vec<String> {
        let read = transact_read::<_, StoreError, _>(store, |tx| {
            let mut values = Vec::new();
            tx.scan(Key::of("test").children(), Order::Ascending, 100, &mut |_, value| {
                values.push(String::from_utf8_lossy(value).into_owned());
                ControlFlow::Continue(())
            })?;
            Ok(values)
        });
        read.await.unwrap()
    }

    async fn fill(store: &SimulatedStore, records: u64) {
        transact::<_, StoreError, _>(store, move |tx| {
            (0..records).try_for_each(|number| tx.put(&Key::of("test").number(number), "".into()))
        })
        .await
        .unwrap();
    }

    proptest! {
        #[test]
        fn every_record_is_migrated_once_wherever_the_power_goes(seed: u64, records in 0..12_u64, crashes in 0..6_u32) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let world = World::simulated(seed);
                let faults = Faults { reruns_per_mille: 200, failed_syncs_per_mille: 300, ..Faults::default() };
                let store = SimulatedStore::new(&world, Faults { failed_syncs_per_mille: 0, ..faults });
                fill(&store, records).await;
                let store = store.with_faults(faults);
                for _ in 0..crashes {
                    // A failure is the crash: what was committed before it stays.
                    let _ = migrate(&store, "test", &[FIRST, SECOND]).await;
                    store.crash();
                }
                let store = store.with_faults(Faults::default());
                migrate(&store, "test", &[FIRST, SECOND]).await.unwrap();
                assert_eq!(values(&store).await, vec!["ab".to_owned(); records as usize]);
            });
        }
    }

    #[tokio::test]
    async fn records_of_a_newer_program_are_refused_in_one_line() {
        let store = SimulatedStore::new(&World::simulated(7), Faults::default());
        migrate(&store, "test", &[FIRST, SECOND]).await.unwrap();
        let refused = migrate(&store, "test", &[FIRST]).await.unwrap_err().to_string();
        let text = "the records of test were written by a newer release (format 2, this one knows up to 1)";
        assert_eq!(refused, text);
    }
}
