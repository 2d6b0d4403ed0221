use std::sync::Arc;

use hearth_store::{SqliteStore, transact};
use hearth_world::World;
use proptest::prelude::*;

use super::*;
use crate::records::Content;

#[derive(Clone, Copy, Debug)]
enum Event {
    Enable,
    Suspend,
    Put,
    Delete,
    /// The version at this place of all that there are.
    DeleteVersion(usize),
}

/// What versioning is: newest first, each with its id and whether it is an object.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    enabled: Option<bool>,
    versions: Vec<(String, Option<u64>)>,
}

impl Model {
    fn add(&mut self, id: Option<String>, object: Option<u64>) {
        let id = id.filter(|_| self.enabled == Some(true)).unwrap_or_else(|| NULL.to_owned());
        self.versions.retain(|(other, _)| *other != id);
        self.versions.insert(0, (id, object));
    }
}

fn bucket(enabled: Option<bool>) -> Bucket {
    Bucket {
        number: 1,
        name: "b".to_owned(),
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        created: 0,
        versioning: match enabled {
            None => Versioning::Never,
            Some(true) => Versioning::Enabled,
            Some(false) => Versioning::Suspended,
        },
    }
}

async fn act(store: &SqliteStore, event: Event, model: &mut Model, number: u64) {
    let bucket = bucket(model.enabled);
    let change = Change { random: number, grace: Duration::ZERO };
    let target = match event {
        Event::DeleteVersion(at) if !model.versions.is_empty() => {
            Some(model.versions[at % model.versions.len()].0.clone())
        }
        _ => None,
    };
    let wanted = target.clone();
    let changed = transact(store, move |tx| -> Result<Option<Changed>, Failure> {
        Ok(Some(match event {
            Event::Put => put(
                tx,
                &bucket,
                "k",
                Object { number, content: Content::Empty, ..Object::default() },
                change,
            )?,
            Event::Delete => delete(tx, &bucket, "k", change)?,
            Event::DeleteVersion(_) => match &wanted {
                Some(id) => delete_version(tx, &bucket, "k", id, change)?,
                None => return Ok(None),
            },
            Event::Enable | Event::Suspend => return Ok(None),
        }))
    });
    let changed = changed.await.expect("changed");
    match event {
        Event::Enable => model.enabled = Some(true),
        Event::Suspend => model.enabled = Some(false),
        Event::Put => model.add(changed.and_then(|changed| changed.id), Some(number)),
        Event::Delete if model.enabled.is_none() => model.versions.clear(),
        Event::Delete => model.add(changed.and_then(|changed| changed.id), None),
        Event::DeleteVersion(_) => model.versions.retain(|(id, _)| Some(id) != target.as_ref()),
    }
}

async fn check(store: &SqliteStore, model: &Model) {
    let (model, bucket) = (model.clone(), bucket(model.enabled));
    let checked = transact(store, move |tx| -> Result<(), Failure> {
        for (id, object) in &model.versions {
            let found = find(tx, 1, "k", id)?.unwrap_or_else(|| panic!("{id} of {model:?} is there"));
            assert_eq!(found.version.object.map(|object| object.number), *object, "{id} of {model:?}");
        }
        if !model.versions.iter().any(|(id, _)| id == NULL) {
            assert_eq!(find(tx, 1, "k", NULL)?, None, "{model:?}");
        }
        let latest = model.versions.first().and_then(|(_, object)| *object);
        let found = get(tx, &bucket, "k", None).map(|(_, object)| object.number).ok();
        assert_eq!(found, latest, "the newest of {model:?}");
        let listed = tx.get(&keys::listed(1).text("k"))?;
        assert_eq!(listed.is_some(), latest.is_some(), "what is listed of {model:?}");
        let mut count = 0;
        tx.scan(keys::versions(1).children(), Order::Ascending, 1_000, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        assert_eq!(count, model.versions.len(), "{model:?}");
        Ok(())
    });
    checked.await.expect("checked");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn versions_are_what_their_history_says(events in proptest::collection::vec(
        prop_oneof![
            1 => Just(Event::Enable),
            1 => Just(Event::Suspend),
            4 => Just(Event::Put),
            2 => Just(Event::Delete),
            3 => (0_usize..8).prop_map(Event::DeleteVersion),
        ],
        0..24,
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let store = Arc::new(SqliteStore::in_memory(&World::real()).expect("a store"));
            let mut model = Model::default();
            for (at, event) in events.into_iter().enumerate() {
                act(&store, event, &mut model, at as u64 + 1).await;
                check(&store, &model).await;
            }
        });
    }
}

#[test]
fn an_id_that_is_none_is_an_invalid_argument() {
    for id in ["", "abc", "zz34567890123456zz34567890123456", "né34567890123456zz3456789012345"] {
        assert_eq!(sequence_of(id).map_err(|failure| failure.code), Err("InvalidArgument"), "{id}");
    }
    assert_eq!(sequence_of("000000000000000a0000000000000001").ok(), Some(10));
}
