use object_store::memory::InMemory;
use tempfile::TempDir;

use super::*;

fn blobs(folder: &TempDir) -> Blobs {
    Blobs::local(&folder.path().join("state").join("blobs")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_digest_is_shown_as_hexadecimal_digits_and_as_code_sha256() {
    let digest = BlobDigest::of(b"");
    let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest.to_string(), text);
    assert_eq!(digest.base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(text.parse(), Ok(digest));
    for wrong in ["", "e3", &text[1..], &format!("{text}00"), &text.replace('e', "g")] {
        assert_eq!(wrong.parse::<BlobDigest>(), Err(NotADigest));
    }
}

#[tokio::test]
async fn a_blob_is_kept_under_its_digest_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [Bytes::new(), "small".into(), vec![7; HASH_INLINE_BYTES + 1].into()] {
        for blobs in [blobs(&folder), Blobs::over(Arc::new(InMemory::new()))] {
            let digest = blobs.put(bytes.clone()).await.unwrap();
            assert_eq!(digest, BlobDigest::of(&bytes));
            assert_eq!(blobs.get(&digest).await.unwrap(), bytes);
            assert_eq!(blobs.size(&digest).await.unwrap(), Some(bytes.len() as u64));
            assert!(blobs.exists(&digest).await.unwrap());
        }
    }
}

#[tokio::test]
async fn the_path_of_a_local_blob_leads_to_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs(&folder);
    let digest = blobs.put("code".into()).await.unwrap();
    assert_eq!(fs::read(blobs.path(&digest).unwrap()).unwrap(), b"code");
    assert_eq!(Blobs::over(Arc::new(InMemory::new())).path(&digest), None);
}

#[tokio::test]
async fn the_same_bytes_are_kept_once_however_many_put_them_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs(&folder);
    let puts = (0..16).map(|_| blobs.put(vec![7; 100_000].into()));
    let digests = futures_util::future::join_all(puts).await;
    let digest = BlobDigest::of(&[7; 100_000]);
    assert!(digests.into_iter().all(|put| put.unwrap() == digest));
    assert_eq!(names(blobs.path(&digest).unwrap().parent().unwrap()), [digest.to_string()]);
}

#[tokio::test]
async fn an_absent_blob_is_not_found_and_may_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs(&folder);
    let digest = BlobDigest::of(b"absent");
    assert!(!blobs.exists(&digest).await.unwrap());
    assert!(matches!(blobs.get(&digest).await, Err(BlobError::NotFound(absent)) if absent == digest));
    blobs.delete(&digest).await.unwrap();
    let kept = blobs.put("kept".into()).await.unwrap();
    blobs.delete(&kept).await.unwrap();
    assert!(!blobs.exists(&kept).await.unwrap());
}

#[tokio::test]
async fn a_damaged_blob_is_not_handed_out_and_is_mended_by_a_put() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs(&folder);
    let digest = blobs.put("the code".into()).await.unwrap();
    let path = blobs.path(&digest).unwrap();
    fs::write(&path, "the c0de").unwrap();
    assert!(matches!(blobs.get(&digest).await, Err(BlobError::Damaged(damaged)) if damaged == digest));
    for damage in ["the", "", "the c0de"] {
        fs::write(&path, damage).unwrap();
        blobs.put("the code".into()).await.unwrap();
        assert_eq!(blobs.get(&digest).await.unwrap(), "the code");
    }
}

#[tokio::test]
async fn what_an_interrupted_put_left_is_removed_and_the_blobs_and_running_puts_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let digest = blobs(&folder).put("kept".into()).await.unwrap();
    let place = folder.path().join("state").join("blobs");
    fs::write(place.join(format!("{}#1", BlobDigest::of(b"lost"))), "lo").unwrap();
    let blobs = blobs(&folder);
    let (past, now) = (Timestamp::from_millis(0), hearth_world::World::real().physical().now());
    assert_eq!(blobs.remove_drafts(past, now).await.unwrap(), 0, "it was written later");
    let future = now.after(Duration::from_secs(60));
    assert_eq!(blobs.remove_drafts(future, now).await.unwrap(), 1);
    assert_eq!(names(&place), [digest.to_string()]);
    let listed: Vec<_> = blobs.list().map(Result::unwrap).collect().await;
    assert_eq!(listed, [(digest, 4)]);
    assert_eq!(blobs.get(&digest).await.unwrap(), "kept");
}

#[tokio::test]
async fn a_server_that_starts_leaves_the_drafts_of_another_in_a_shared_folder() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| Blobs::shared(folder.path()).unwrap());
    let mut draft = Draft::begin(&one, 1).await.unwrap();
    draft.write("written by one".into()).await.unwrap();
    let completed = draft.complete().await.unwrap();
    let now = hearth_world::World::real().physical().now().after(Duration::from_secs(60));
    assert_eq!(other.remove_drafts(now, now).await.unwrap(), 0);
    completed.publish().await.unwrap();
    fs::write(folder.path().join("draft-2"), "of a server that was killed").unwrap();
    let later = now.after(Duration::from_secs(2 * 86_400));
    assert_eq!(other.remove_drafts(now, later).await.unwrap(), 1);
    assert_eq!(names(folder.path()), [BlobDigest::of(b"written by one").to_string()]);
}

#[tokio::test]
async fn a_refusal_of_the_file_system_is_an_error_and_a_failed_sync_is_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = blobs(&folder);
    fs::remove_dir(folder.path().join("state").join("blobs")).unwrap();
    fs::write(folder.path().join("state").join("blobs"), "in the way").unwrap();
    assert!(matches!(blobs.put("lost".into()).await, Err(BlobError::Storage { .. })));

    let failed = io::Error::from_raw_os_error(EIO);
    let failed = object_store::Error::Generic { store: "local", source: Box::new(failed) };
    assert!(matches!(blobs.put_failed(&BlobDigest::of(b"lost"), &failed), BlobError::Poisoned(_)));
    assert!(matches!(blobs.put("lost".into()).await, Err(BlobError::Poisoned(_))));
}
