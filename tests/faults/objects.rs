//! SIGKILL in the middle of uploads: an acknowledged object is there byte for byte, and of the others nothing stays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hearth_tests::{Answer, Chance, Hearth, Request, binary};

use crate::how_often;

/// Kills in the short form.
const KILLS: u64 = 5;

/// A kill comes at any time within so many milliseconds after the load has begun.
const MOMENT_MAX_MS: u64 = 900;

/// Connections that upload, and keys that each of them uses over and over.
const WRITERS: u64 = 4;
const SLOTS: u64 = 3;

/// Bytes of an object at most, beside the first part of a multipart upload.
const BODY_BYTES_MAX: u64 = 600_000;

/// The smallest first part.
const PART_BYTES: usize = 5 << 20;

/// Longer than a claim of a killed server lasts, and its takeover takes.
const GONE_TIMEOUT: Duration = Duration::from_secs(60);

const BUCKET: &str = "kept";

/// What a key holds: the seed of its body and its length; `None` is no object.
type Body = Option<(u64, usize)>;

/// What is known of a key: the last acknowledged body, and the one that a call in doubt may have put.
#[derive(Clone, Debug, Default)]
struct Known {
    certain: Body,
    doubtful: Option<Body>,
}

type Keys = Arc<Mutex<BTreeMap<String, Known>>>;

struct Writer {
    address: String,
    keys: Keys,
    chance: Chance,
    number: u64,
}

/// Bytes that follow from a seed.
fn body((seed, length): (u64, usize)) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn request(method: &str, path: &str) -> Request {
    Request::new(method, path).signed("s3").header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
}

impl Writer {
    /// One change of one key; false when nobody answers any more.
    fn write(&mut self) -> bool {
        let key = format!("{}/{}", self.number, self.chance.below(SLOTS));
        let body = (self.chance.number(), 1 + self.chance.below(BODY_BYTES_MAX) as usize);
        let (next, multipart) = match self.chance.below(8) {
            0 => (None, false),
            1 => (Some((body.0, PART_BYTES + body.1)), true),
            _ => (Some(body), false),
        };
        self.keys.lock().unwrap().entry(key.clone()).or_default().doubtful = Some(next);
        let path = format!("/{BUCKET}/{key}");
        let done = match next {
            None => self.send(&request("DELETE", &path)),
            Some(body) if multipart => self.upload(&path, body),
            Some(whole) => self.send(&request("PUT", &path).body(self::body(whole))),
        };
        let Some(answer) = done else { return false };
        if answer.status < 300 {
            let mut keys = self.keys.lock().unwrap();
            keys.insert(key, Known { certain: next, doubtful: None });
        }
        // A server that is about to end may say that it failed: the call stays in doubt.
        answer.status < 300
    }

    fn send(&self, request: &Request) -> Option<Answer> {
        request.send(&self.address).ok()
    }

    /// In two parts; now and then the upload is left behind.
    fn upload(&mut self, path: &str, whole: (u64, usize)) -> Option<Answer> {
        let begun = self.send(&request("POST", &format!("{path}?uploads")))?;
        let text = begun.text();
        let Some(id) = text.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()) else {
            return Some(begun);
        };
        let bytes = body(whole);
        let mut parts = String::new();
        for (number, part) in [&bytes[..PART_BYTES], &bytes[PART_BYTES..]].iter().enumerate() {
            let number = number + 1;
            let put = request("PUT", &format!("{path}?partNumber={number}&uploadId={id}")).body(*part);
            let answer = self.send(&put)?;
            if answer.status >= 300 {
                return Some(answer);
            }
            let tag = answer.header("etag").to_owned();
            parts.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
        }
        let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let done = self.send(&request("POST", &format!("{path}?uploadId={id}")).body(list))?;
        // Completion may have begun its answer with 200 and end with an error.
        let failed = done.text().contains("<Error>");
        Some(Answer { status: if failed { 500 } else { done.status }, ..done })
    }
}

fn start_load(hearth: &Hearth, keys: &Keys, chance: &mut Chance) -> (Arc<AtomicBool>, Vec<JoinHandle<()>>) {
    let stop = Arc::new(AtomicBool::new(false));
    let threads = (0..WRITERS).map(|number| {
        let mut writer = Writer {
            address: hearth.address().to_owned(),
            keys: keys.clone(),
            chance: Chance::seeded(chance.number()),
            number,
        };
        let stop = stop.clone();
        std::thread::spawn(move || while !stop.load(Ordering::Relaxed) && writer.write() {})
    });
    let threads = threads.collect();
    (stop, threads)
}

/// Holds the server to what is known; what was in doubt is known from then on.
fn check(hearth: &Hearth, keys: &Keys, story: &str) {
    for (key, known) in keys.lock().unwrap().iter_mut() {
        let answer = hearth.send(&request("GET", &format!("/{BUCKET}/{key}")));
        let holds = |expected: Body| match expected {
            None => answer.status == 404,
            Some(expected) => answer.status == 200 && answer.body == body(expected),
        };
        let found =
            [Some(known.certain), known.doubtful].into_iter().flatten().find(|expected| holds(*expected));
        let bytes = answer.body.len();
        let found =
            found.unwrap_or_else(|| panic!("{story}: {key} is {known:?}, there {} {bytes}", answer.status));
        *known = Known { certain: found, doubtful: None };
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn values(text: &str, element: &str) -> Vec<String> {
    let opening = format!("<{element}>");
    let parts = text.split(opening.as_str()).skip(1);
    parts.filter_map(|rest| rest.split("</").next().map(str::to_owned)).collect()
}

#[test]
fn a_kill_in_the_middle_of_uploads_loses_nothing_acknowledged_and_leaves_nothing_behind() {
    let mut chance = Chance::new();
    let mut hearth = Hearth::start_with(&["--garbage-grace", "1s"]);
    hearth.may_warn();
    assert_eq!(hearth.send(&request("PUT", &format!("/{BUCKET}"))).status, 200);
    let keys = Keys::default();
    for kill in 0..how_often("HEARTH_KILLS", KILLS) {
        let (stop, threads) = start_load(&hearth, &keys, &mut chance);
        let moment = Duration::from_millis(chance.below(MOMENT_MAX_MS));
        std::thread::sleep(moment);
        hearth.kill();
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().expect("a writer does not panic"));
        hearth.restart_with(&["--garbage-grace", "1s"]);
        check(&hearth, &keys, &format!("after kill {kill} at {} ms", moment.as_millis()));
    }
    let held = keys.lock().unwrap().values().filter(|known| known.certain.is_some()).count();
    assert!(held > 0, "the load put nothing");
    delete_all(&hearth, &keys);
    let blobs = hearth.data().join("blobs");
    let begun = Instant::now();
    while !files(&blobs).is_empty() {
        assert!(begun.elapsed() < GONE_TIMEOUT, "{:?} are left of {held} objects", files(&blobs));
        free(&hearth);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(hearth.stop(), Some(0));
}

fn delete_all(hearth: &Hearth, keys: &Keys) {
    for key in keys.lock().unwrap().keys() {
        assert_eq!(hearth.send(&request("DELETE", &format!("/{BUCKET}/{key}"))).status, 204);
    }
    let uploads = hearth.send(&request("GET", &format!("/{BUCKET}?uploads"))).text();
    for (key, id) in values(&uploads, "Key").iter().zip(values(&uploads, "UploadId")) {
        let abort = request("DELETE", &format!("/{BUCKET}/{key}?uploadId={id}"));
        assert_eq!(hearth.send(&abort).status, 204);
    }
    assert_eq!(hearth.send(&request("DELETE", &format!("/{BUCKET}"))).status, 204);
}

/// Garbage goes now.
fn free(hearth: &Hearth) {
    let endpoint = format!("http://{}", hearth.address());
    let mut command = std::process::Command::new(binary());
    command.args(["disk", "--free", "--endpoint", &endpoint]).arg("--data").arg(hearth.data());
    let output = command.output().expect("run hearth disk");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
