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
