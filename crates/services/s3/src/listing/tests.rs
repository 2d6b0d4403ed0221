use std::collections::BTreeSet;

use hearth_store::{SqliteStore, transact, transact_read};
use hearth_world::World;
use proptest::prelude::*;

use super::*;
use crate::keys;

/// What a listing is: all keys in order, those of one common prefix as one.
fn oracle(
    all: &BTreeSet<String>,
    query: &Query,
    after: Option<&str>,
) -> (Vec<String>, Vec<String>, Option<String>) {
    let mut shown: Vec<(String, bool)> = Vec::new();
    for key in all.iter().filter(|key| key.starts_with(&query.prefix)) {
        let entry = match common_prefix(key, query) {
            Some(common) => (common.to_owned(), true),
            None => (key.clone(), false),
        };
        if Some(entry.0.as_str()) > after && shown.last() != Some(&entry) {
            shown.push(entry);
        }
    }
    let more = shown.len() > query.limit;
    shown.truncate(query.limit);
    let next = shown.last().filter(|_| more).map(|(name, _)| name.clone());
    let of = |wanted| shown.iter().filter(|(_, is)| *is == wanted).map(|(name, _)| name.clone()).collect();
    (of(false), of(true), next)
}

async fn listed(
    store: &SqliteStore,
    query: &Query,
    after: Option<&str>,
) -> (Vec<String>, Vec<String>, Option<String>) {
    let (query, after) = (query.clone(), after.map(str::to_owned));
    let page = transact_read(store, move |tx| {
        let space = keys::listed(7);
        let start = after.as_deref().map_or_else(Vec::new, |after| after_key(&space, after));
        page(tx, &space, &Query { after: after.clone(), ..query.clone() }, start)
    });
    let page = page.await.expect("a page");
    (page.entries.into_iter().map(|entry| entry.key).collect(), page.prefixes, page.next)
}

fn key() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![Just("a"), Just("b"), Just("/"), Just("\0"), Just("é"), Just("\u{10ffff}")],
        1..6,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_show_what_the_definition_says_whatever_the_keys(
        all in proptest::collection::btree_set(key(), 0..25),
        prefix in prop_oneof![Just(String::new()), key()],
        delimiter in prop_oneof![Just(None), Just(Some("/".to_owned())), Just(Some("ab".to_owned()))],
        limit in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let store = SqliteStore::in_memory(&World::real()).expect("a store");
            let stored = all.clone();
            let written = transact(&store, move |tx| -> Result<(), Failure> {
                for key in &stored {
                    tx.put(&keys::listed(7).text(key), Bytes::new())?;
                    tx.put(&keys::listed(8).text(key), Bytes::new())?;
                }
                Ok(())
            });
            written.await.expect("written");
            let query = Query { prefix, delimiter, after: None, limit };
            let mut after: Option<String> = None;
            for _ in 0..60 {
                let found = listed(&store, &query, after.as_deref()).await;
                assert_eq!(found, oracle(&all, &query, after.as_deref()), "{query:?} after {after:?}");
                after = found.2;
                if after.is_none() {
                    return;
                }
            }
            panic!("the pages of {all:?} do not end");
        });
    }
}

#[tokio::test]
async fn a_hundred_thousand_keys_are_paged_and_those_of_one_prefix_passed_over() {
    let store = SqliteStore::in_memory(&World::real()).expect("a store");
    for start in (0..100_000).step_by(10_000) {
        let written = transact(&store, move |tx| -> Result<(), Failure> {
            for at in start..start + 10_000 {
                tx.put(&keys::listed(7).text(&format!("many/{at:06}")), Bytes::new())?;
            }
            tx.put(&keys::listed(7).text("zebra"), Bytes::new())?;
            Ok(())
        });
        written.await.expect("written");
    }
    let query = Query { limit: 1_000, ..Query::default() };
    let (mut count, mut after, mut pages) = (0, None, 0);
    loop {
        let (keys, _, next) = listed(&store, &query, after.as_deref()).await;
        count += keys.len();
        pages += 1;
        let Some(next) = next else { break };
        after = Some(next);
    }
    assert_eq!((count, pages), (100_001, 101));
    let query = Query { delimiter: Some("/".to_owned()), limit: 1_000, ..Query::default() };
    let scans = transact_read(&store, move |tx| {
        let mut counted = Counted { tx, scanned: 0 };
        let found = page(&mut counted, &keys::listed(7), &query, Vec::new())?;
        assert_eq!((found.prefixes, found.entries.len()), (vec!["many/".to_owned()], 1));
        Ok::<_, Failure>(counted.scanned)
    });
    assert!(scans.await.expect("a page") <= 4);
}

/// Counts the entries that a listing looks at.
struct Counted<'t> {
    tx: &'t mut dyn Tx,
    scanned: usize,
}

impl Tx for Counted<'_> {
    fn now(&self) -> hearth_world::Timestamp {
        self.tx.now()
    }

    fn get_many(&mut self, keys: &[Key]) -> hearth_store::TxResult<Vec<Option<Bytes>>> {
        self.tx.get_many(keys)
    }

    fn put(&mut self, key: &Key, value: Bytes) -> hearth_store::TxResult<()> {
        self.tx.put(key, value)
    }

    fn delete(&mut self, key: &Key) -> hearth_store::TxResult<()> {
        self.tx.delete(key)
    }

    fn scan(
        &mut self,
        range: KeyRange,
        order: Order,
        limit: u32,
        each: &mut hearth_store::Each<'_>,
    ) -> hearth_store::TxResult<()> {
        let scanned = &mut self.scanned;
        self.tx.scan(range, order, limit, &mut |key, value| {
            *scanned += 1;
            each(key, value)
        })
    }

    fn take(&mut self, range: KeyRange, n: u32) -> hearth_store::TxResult<Vec<(Key, Bytes)>> {
        self.tx.take(range, n)
    }
}
