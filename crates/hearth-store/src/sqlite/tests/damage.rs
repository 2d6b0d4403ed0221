//! What is on the disk is not what we left there.

use rusqlite::Connection;

use super::*;

/// The one line that the user sees.
fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(_) => panic!("{} must not be opened", path.display()),
        Err(error) => error.to_string(),
    }
}

/// A closed store with a megabyte in it.
async fn filled(folder: &TempDir) -> PathBuf {
    let path = database(folder);
    let store = open(&path).unwrap();
    let fill = transact::<_, StoreError, _>(&store, |tx| {
        (0..20).try_for_each(|number| tx.put(&numbered(number), vec![7; 50_000].into()))
    });
    fill.await.unwrap();
    path
}

#[tokio::test]
async fn a_second_store_on_the_same_file_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let first = open(&path).unwrap();
    let expected = format!("{} is in use by another server (process {})", path.display(), std::process::id());
    assert_eq!(refusal(&path), expected);
    put(&first, 1).await.unwrap();
    drop(first);
    assert_eq!(numbers(&open(&path).unwrap()).await, [1]);
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder).await;
    let raw = Connection::open(&path).unwrap();
    raw.execute("INSERT INTO meta (format, since_micros) VALUES (?1, 0)", [schema::NEWEST + 1]).unwrap();
    raw.close().unwrap();
    let before = fs::read(&path).unwrap();
    let (found, known) = (schema::NEWEST + 1, schema::NEWEST);
    let expected = format!(
        "{} was written by a newer release (format {found}, this one knows up to {known})",
        path.display()
    );
    assert_eq!(refusal(&path), expected);
    assert!(fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn a_cut_file_is_refused_at_whatever_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder).await;
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 50, 100, 4_095, 4_096, 10_000, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        let refusal = refusal(&path);
        assert!(refusal.contains("is damaged or not a Hearth database"), "{length}: {refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(numbers(&open(&path).unwrap()).await.len(), 20);
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.db");
    fs::write(&text, "not a database, but long enough to have a header. ".repeat(200)).unwrap();
    assert!(refusal(&text).contains("is damaged or not a Hearth database"));

    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(refusal(&foreign).contains("it carries no mark of ours"));
}

#[tokio::test]
async fn what_the_system_refuses_to_open_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::create_dir_all(&path).unwrap();
    assert!(refusal(&path).starts_with(&format!("cannot open {}: ", path.display())), "{}", refusal(&path));
}

#[tokio::test]
async fn a_log_without_its_file_is_not_taken_for_a_new_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(&folder).await;
    fs::rename(&path, path.with_extension("db-wal")).unwrap();
    assert!(refusal(&path).contains("the file is missing, but its write-ahead log is there"));
}

#[tokio::test]
async fn a_making_that_was_interrupted_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path.with_extension("db.new"), "half a datab").unwrap();
    let store = open(&path).unwrap();
    put(&store, 1).await.unwrap();
    assert_eq!(numbers(&store).await, [1]);
}

/// A loss of power cuts or garbles the end of what was not synced; after each one a whole history must be there.
#[tokio::test]
async fn a_torn_log_loses_transactions_from_its_end_and_never_a_part_of_one() {
    const COMMITS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = open(&path).unwrap();
    for commit in 0..COMMITS {
        let write = transact::<_, StoreError, _>(&store, move |tx| {
            (0..10).try_for_each(|n| tx.put(&numbered(commit * 10 + n), vec![7; 900].into()))
        });
        write.await.unwrap();
    }
    // Taken while the store is open: what a machine without power would find.
    let (file, log) = (fs::read(&path).unwrap(), fs::read(path.with_extension("db-wal")).unwrap());
    let mut random = TornAt(World::simulated(7));
    let mut seen = Vec::new();
    for round in 0..40 {
        let torn = if round == 0 { log.clone() } else { random.tear(&log) };
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("store.db");
        fs::write(&copy, &file).unwrap();
        fs::write(copy.with_extension("db-wal"), torn).unwrap();
        let found = numbers(&open(&copy).unwrap()).await;
        assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
        assert_eq!(found.len() % 10, 0, "half a transaction is there");
        seen.push(found.len() as u64 / 10);
    }
    assert_eq!(seen[0], COMMITS, "all that was acknowledged is in the log");
    assert!(seen.iter().any(|commits| *commits > 0 && *commits < COMMITS), "the tears hit: {seen:?}");
}

struct TornAt(World);

impl TornAt {
    /// Cut, or with a garbled sector, at a random place.
    fn tear(&mut self, log: &[u8]) -> Vec<u8> {
        const SECTOR: usize = 512;
        let at = usize::try_from(self.0.random().below(log.len() as u64)).unwrap();
        let mut torn = log.to_vec();
        if self.0.random().below(2) == 0 {
            torn.truncate(at);
        } else {
            let end = log.len().min(at + SECTOR);
            self.0.random().fill(&mut torn[at..end]);
        }
        torn
    }
}
