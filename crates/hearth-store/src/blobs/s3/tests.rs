use std::collections::BTreeSet;
use std::fs;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use hearth_outbound::{OutboundDeps, Policy, Roots, SystemResolver};
use hearth_world::{TaskGroup, Timestamp, World, within};

use super::fake::{BUCKET, Fake, Fault, KEY};
use super::*;
use crate::blobs::files::FETCHES_AT_ONCE;
use crate::blobs::remote::PART_BYTES;
use crate::blobs::{BlobDigest, Draft};

struct Remote {
    blobs: Blobs,
    fake: Arc<Fake>,
    endpoint: String,
    tasks: TaskGroup,
}

impl Remote {
    async fn start() -> Self {
        let tasks = TaskGroup::new();
        let (fake, endpoint) = Fake::serve(&tasks).await;
        let blobs = blobs(&endpoint, &format!("s3://{BUCKET}/hearth/blobs"), Policy::open(), &tasks);
        Self { blobs, fake, endpoint, tasks }
    }
}

fn blobs(endpoint: &str, place: &str, policy: Policy, tasks: &TaskGroup) -> Blobs {
    let key = S3Key { id: KEY.to_owned(), secret: "geheim".to_owned(), session_token: None };
    let settings =
        S3Settings { endpoint: Some(endpoint.to_owned()), key: Some(key), ..S3Settings::default() };
    let outbound = Outbound::new(OutboundDeps {
        policy,
        roots: Roots::none(),
        resolver: Arc::new(SystemResolver),
        tasks: tasks.clone(),
        world: World::real(),
    });
    Blobs::s3(&place.parse().unwrap(), &settings, Arc::new(outbound), tasks).unwrap()
}

#[tokio::test]
async fn blobs_of_every_size_come_back_from_a_bucket_and_are_listed_in_pages() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    blobs.check(1).await.unwrap();
    let mut kept = BTreeSet::new();
    for size in [0, 1, 70_000, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12_345] {
        let bytes = Bytes::from(vec![7; size]);
        let digest = blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(blobs.put(bytes.clone()).await.unwrap(), digest, "again");
        assert_eq!(blobs.get(&digest).await.unwrap(), bytes);
        assert_eq!(blobs.size(&digest).await.unwrap(), Some(size as u64));
        assert!(fake.objects.lock().unwrap().contains_key(&format!("hearth/blobs/{digest}")));
        kept.insert((digest, size as u64));
    }
    fake.objects.lock().unwrap().insert("hearth/blobs/notes.txt".to_owned(), "not ours".into());
    fake.objects.lock().unwrap().insert("other/file".to_owned(), "not ours".into());
    assert_eq!(blobs.list().try_collect::<BTreeSet<_>>().await.unwrap(), kept);
    for (digest, _) in &kept {
        blobs.delete(digest).await.unwrap();
        blobs.delete(digest).await.unwrap();
        assert!(!blobs.exists(digest).await.unwrap());
        assert!(matches!(blobs.get(digest).await, Err(BlobError::NotFound(_))));
    }
    assert_eq!(fake.objects.lock().unwrap().len(), 2, "what is not ours stays");
    assert_eq!(fake.uploads(), 0);
    assert!(fake.connections.load(std::sync::atomic::Ordering::SeqCst) < 20, "connections are used again");
}

#[tokio::test]
async fn a_blob_whose_bytes_come_in_pieces_is_whole_in_a_bucket_too() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    for (number, pieces) in [0, 1, 3, 20].into_iter().enumerate() {
        let mut draft = Draft::begin(&blobs, number as u128).await.unwrap();
        let mut whole = Vec::new();
        for piece in 0..pieces {
            let bytes = vec![piece as u8; 1_000_000];
            whole.extend_from_slice(&bytes);
            draft.write(bytes.into()).await.unwrap();
        }
        let completed = draft.complete().await.unwrap();
        let digest = completed.digest;
        completed.publish().await.unwrap();
        assert_eq!(digest, BlobDigest::of(&whole));
        assert_eq!(blobs.get(&digest).await.unwrap(), whole);
        if pieces > 0 {
            let reader = blobs.reader(&digest).await.unwrap();
            assert_eq!(reader.read(999_999, 1).await.unwrap(), whole[999_999..1_000_000]);
        }
    }
    // What servers that were killed left; the store says that it is of January.
    for name in ["draft-00000000000000000000000000000063", "hearth-was-here-7"] {
        fake.objects.lock().unwrap().insert(format!("hearth/blobs/{name}"), "left".into());
    }
    let began = Timestamp::from_millis(0);
    let january: Timestamp = Timestamp::from_millis(1_767_225_600_000);
    let a_day = Duration::from_secs(86_400);
    assert_eq!(
        blobs.remove_drafts(began, january.after(a_day)).await.unwrap(),
        0,
        "another may write it yet"
    );
    assert_eq!(blobs.remove_drafts(began, january.after(a_day * 2)).await.unwrap(), 2);
    assert_eq!(blobs.list().try_collect::<Vec<_>>().await.unwrap().len(), 4);
}

/// Bytes of two parts, so that one is sent before the end.
fn two_parts() -> Bytes {
    vec![3; PART_BYTES + 1].into()
}

#[tokio::test]
async fn what_is_broken_off_leaves_neither_parts_nor_objects_in_a_bucket() {
    let Remote { blobs, fake, tasks, .. } = Remote::start().await;
    let mut written = Draft::begin(&blobs, 1).await.unwrap();
    written.write(two_parts()).await.unwrap();
    let completed = Draft::begin(&blobs, 2).await.unwrap().complete().await.unwrap();
    assert_eq!((fake.uploads(), fake.objects.lock().unwrap().len()), (1, 1));
    drop((written, completed));
    // A put whose caller goes away while it runs.
    tokio::select! {
        put = blobs.put(two_parts()) => panic!("nothing is answered: {put:?}"),
        () = within("its parts are on their way", async {
            while fake.begun() < 3 {
                tokio::task::yield_now().await;
            }
            fake.hold(true);
            while fake.held() == 0 {
                tokio::task::yield_now().await;
            }
        }) => fake.hold(false),
    }
    within("nothing is left", async {
        while fake.uploads() > 0 || fake.objects.lock().unwrap().keys().any(|key| key.contains("draft")) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // One that went well is left alone.
    let mut draft = Draft::begin(&blobs, 3).await.unwrap();
    draft.write(two_parts()).await.unwrap();
    let completed = draft.complete().await.unwrap();
    let digest = completed.digest;
    completed.publish().await.unwrap();
    assert_eq!(blobs.get(&digest).await.unwrap(), two_parts());
    drop(tasks);
}

/// Each of them writes, reads and deletes.
#[tokio::test]
async fn servers_that_start_together_on_one_bucket_all_start() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    for round in 0..10_u128 {
        let checks = (0..8).map(|server| {
            let blobs = blobs.clone();
            async move { blobs.check(round * 8 + server).await }
        });
        for checked in join_all(checks).await {
            checked.unwrap();
        }
    }
    assert!(fake.objects.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_bucket_that_has_more_than_a_blob_may_have_fills_no_disk() {
    let Remote { blobs, .. } = Remote::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let digest = blobs.put(vec![1; 1_000].into()).await.unwrap();
    assert!(blobs.file(&digest, 1_000, scratch.path()).await.is_ok());
    let refused = blobs.file(&digest, 999, scratch.path()).await.unwrap_err().to_string();
    assert!(refused.contains("999"), "{refused}");
}

#[tokio::test]
async fn only_some_blobs_are_fetched_at_the_same_time() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let digest = blobs.put(vec![1; 1_000].into()).await.unwrap();
    fake.hold(true);
    let fetches = (0..20).map(|_| blobs.file(&digest, 1_000, scratch.path()));
    let mut fetches = pin!(join_all(fetches));
    tokio::select! {
        _ = &mut fetches => panic!("nothing is answered"),
        () = within("as many as may have asked", async {
            while fake.held() < FETCHES_AT_ONCE {
                tokio::task::yield_now().await;
            }
        }) => {}
    }
    tokio::select! {
        biased;
        _ = &mut fetches => panic!("nothing is answered"),
        () = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(fake.held(), FETCHES_AT_ONCE);
    fake.hold(false);
    for fetched in within("each has its turn", fetches).await {
        fetched.unwrap();
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_blob_of_a_bucket_becomes_a_file_that_leaves_nothing_behind() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let bytes = Bytes::from(vec![9; 300_000]);
    let digest = blobs.put(bytes.clone()).await.unwrap();
    let file = blobs.file(&digest, 300_000, scratch.path()).await.unwrap();
    assert_eq!(BlobDigest::of_reader(file).unwrap(), (digest, 300_000));
    fake.fail(Fault::WrongBytes, 1);
    assert!(matches!(blobs.file(&digest, 300_000, scratch.path()).await, Err(BlobError::Damaged(_))));
    let absent = BlobDigest::of(b"absent");
    assert!(matches!(blobs.file(&absent, 300_000, scratch.path()).await, Err(BlobError::NotFound(_))));
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_store_that_stumbles_is_asked_again_and_one_that_is_away_is_told() {
    let Remote { blobs, fake, endpoint, tasks } = Remote::start().await;
    let large = Bytes::from(vec![5; PART_BYTES + 1]);
    for fault in [Fault::Status(503), Fault::Status(500), Fault::Closed] {
        fake.fail(fault, 2);
        let digest = blobs.put("stumbles".into()).await.unwrap();
        fake.fail(fault, 2);
        assert_eq!(blobs.get(&digest).await.unwrap(), "stumbles", "{fault:?}");
        fake.fail(fault, 2);
        let digest = blobs.put(large.clone()).await.unwrap();
        assert_eq!(blobs.get(&digest).await.unwrap(), large, "{fault:?}");
        blobs.delete(&digest).await.unwrap();
    }
    fake.fail(Fault::Status(403), 1);
    assert!(matches!(blobs.put("forbidden".into()).await, Err(BlobError::Storage { .. })));
    let elsewhere = self::blobs(&endpoint, "s3://no-such-bucket", Policy::open(), &tasks);
    let error = elsewhere.check(1).await.unwrap_err().to_string();
    assert!(error.contains("NoSuchBucket") && !error.contains("geheim"), "{error}");
}

#[tokio::test]
async fn wrong_bytes_are_never_handed_out_and_are_mended_by_a_put() {
    let Remote { blobs, fake, .. } = Remote::start().await;
    let digest = blobs.put("the code".into()).await.unwrap();
    fake.fail(Fault::WrongBytes, 1);
    assert!(matches!(blobs.get(&digest).await, Err(BlobError::Damaged(_))));
    assert_eq!(blobs.get(&digest).await.unwrap(), "the code");
    for damage in ["the c0de", "the", ""] {
        fake.objects.lock().unwrap().insert(format!("hearth/blobs/{digest}"), damage.into());
        blobs.put("the code".into()).await.unwrap();
        assert_eq!(blobs.get(&digest).await.unwrap(), "the code");
    }
}

#[tokio::test]
async fn a_private_address_is_dialled_where_it_is_allowed_alone() {
    let Remote { fake, endpoint, tasks, .. } = Remote::start().await;
    let place = format!("s3://{BUCKET}");
    let refused = blobs(&endpoint, &place, Policy::public(vec![]), &tasks);
    let error = refused.check(1).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1") && error.contains("not allowed"), "{error}");
    assert_eq!(fake.connections.load(std::sync::atomic::Ordering::SeqCst), 0);
    let allowed = vec!["127.0.0.0/8".parse().unwrap()];
    blobs(&endpoint, &place, Policy::public(allowed), &tasks).check(1).await.unwrap();
}

#[test]
fn a_place_is_a_bucket_and_a_prefix_that_no_path_leads_out_of() {
    for (text, shown) in [
        ("s3://packages", "s3://packages"),
        ("s3://packages/", "s3://packages"),
        ("s3://my.bucket-1/hearth/blobs/", "s3://my.bucket-1/hearth/blobs"),
    ] {
        assert_eq!(text.parse::<S3Place>().map(|place| place.to_string()), Ok(shown.to_owned()), "{text}");
    }
    for wrong in [
        "",
        "packages",
        "s3://",
        "s3://ab",
        "s3://Packages",
        "s3://a/b",
        "s3://abc/../d",
        "s3://abc/d//e",
        "s3://abc/d?e",
        "s3://user:pass@abc",
        "https://abc/d",
    ] {
        assert_eq!(wrong.parse::<S3Place>(), Err(NotAPlace), "{wrong}");
    }
}

#[test]
fn settings_are_those_of_aws_tools_and_show_no_secret() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "geheim"),
        ("AWS_SESSION_TOKEN", "geheimer"),
        ("AWS_ENDPOINT_URL", "https://all.example"),
        ("AWS_ENDPOINT_URL_S3", "https://s3.example"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", ""),
    ];
    let look_up = |wanted: &str| {
        variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
    };
    let settings = S3Settings::of_variables(look_up).unwrap();
    assert_eq!(settings.endpoint.as_deref(), Some("https://s3.example"));
    assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
    let shown = format!("{settings:?}");
    assert!(shown.contains("AKIA") && !shown.contains("geheim"), "{shown}");
    let half = |wanted: &str| look_up(wanted).filter(|_| wanted != "AWS_SECRET_ACCESS_KEY");
    assert_eq!(S3Settings::of_variables(half).unwrap_err(), HalfAKey);
}
