//! What the rules of a lifecycle do, once a day: objects, former versions and markers go, uploads are aborted.
//!
//! ```text
//! timer s3/lifecycle ─▶ pages of versions, newest first of each key ─▶ pages of uploads ─▶ timer at the next midnight
//! ```
//!
//! Never: looks at more than a page in one transaction; does anything by rules that were taken away meanwhile.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use hearth_store::timers::{Fate, Fired};
use hearth_store::{Key, KeyRange, Order, Stored, Tx, transact};
use hearth_world::Timestamp;
use s3s::dto::BucketLifecycleConfiguration;

use super::lifecycle::next_look;
use crate::S3;
use crate::config::kept;
use crate::config::lifecycle::rules::{self, Subject};
use crate::config::lifecycle::transitions;
use crate::error::Failure;
use crate::records::{Bucket, Listed, Upload, Version};
use crate::versions::{self, Change, Standing};
use crate::{buckets, keys, reclaim};

/// Records that one transaction looks at.
const PAGE: u32 = 100;

/// The class of an object that names none.
const STANDARD: &str = "STANDARD";

/// Where a look has come to.
#[derive(Clone, Debug, Default)]
enum At {
    #[default]
    Start,
    /// After this version.
    Versions(Walk),
    /// After this upload; `None` is before the first.
    Uploads(Option<Key>),
    End,
}

/// One key's versions, from the newest to the oldest.
#[derive(Clone, Debug)]
struct Walk {
    after: Key,
    key: String,
    /// Microseconds: when the version that was looked at last was written, which is when the next one became a former.
    modified: i64,
    /// Former versions of the key so far.
    former: u32,
}

/// What one page is decided by.
struct Look<'l> {
    bucket: &'l Bucket,
    rules: &'l BucketLifecycleConfiguration,
    now: Timestamp,
    change: Change,
}

/// Handles the timer of a bucket with rules.
pub(crate) async fn look(s3: Arc<S3>, fired: Fired) -> Fate {
    let mut at = At::Start;
    loop {
        let (claim, from) = (fired.clone(), at);
        let change = Change { random: s3.number(), grace: s3.blobs.grace() };
        let page = transact(&*s3.store, move |tx| page(tx, &claim, from.clone(), change));
        match page.await {
            Ok(At::End) => return Fate::Done,
            Ok(next) => at = next,
            Err(failure) => {
                let cause = failure.source.map_or(failure.message, |cause| cause.to_string());
                return Fate::Failed(cause);
            }
        }
    }
}

fn page(tx: &mut dyn Tx, fired: &Fired, at: At, change: Change) -> Result<At, Failure> {
    if !fired.is_mine(tx)? {
        return Ok(At::End);
    }
    let name = String::from_utf8_lossy(&fired.payload).into_owned();
    let bucket = buckets::find(tx, &name)?;
    let bucket = bucket.filter(|bucket| super::lifecycle::id(bucket.number) == fired.id);
    let rules = match &bucket {
        Some(bucket) => kept::lifecycle(tx, bucket.number)?,
        None => None,
    };
    let Some((bucket, rules)) = bucket.zip(rules) else {
        fired.settle(tx)?;
        return Ok(At::End);
    };
    let look = Look { bucket: &bucket, rules: &rules, now: tx.now(), change };
    match at {
        At::Start => look.versions(tx, None),
        At::Versions(walk) => look.versions(tx, Some(walk)),
        At::Uploads(after) => look.uploads(tx, after, fired),
        At::End => Ok(At::End),
    }
}

impl Look<'_> {
    fn versions(&self, tx: &mut dyn Tx, walk: Option<Walk>) -> Result<At, Failure> {
        let all = keys::versions(self.bucket.number);
        let range = match &walk {
            Some(walk) => all.children_after(&walk.after),
            None => all.children(),
        };
        let found = records(tx, range)?;
        let mut walk = walk;
        for (place, _) in &found {
            // What was done for the records before may have removed this one: an expired object's marker takes the
            // place of an older version `null`.
            let Some(record) = tx.get(place)? else {
                if let Some(walk) = &mut walk {
                    walk.after = place.clone();
                }
                continue;
            };
            let (key, sequence) = versions::place(place.as_bytes())?;
            let version = Version::decode(&record)?;
            let former =
                walk.as_ref().filter(|walk| walk.key == key).map(|walk| (walk.modified, walk.former));
            let modified = version.modified;
            let standing = Standing { sequence, version };
            match former {
                None => self.newest(tx, &key, standing)?,
                Some((replaced, newer)) => self.former(tx, &key, standing, replaced, newer)?,
            }
            let former = former.map_or(0, |(_, former)| former.saturating_add(1));
            walk = Some(Walk { after: place.clone(), key, modified, former });
        }
        let is_last = found.len() < PAGE as usize;
        Ok(walk.filter(|_| !is_last).map_or(At::Uploads(None), At::Versions))
    }

    fn newest(&self, tx: &mut dyn Tx, key: &str, standing: Standing) -> Result<(), Failure> {
        let modified = Timestamp::from_micros(standing.version.modified);
        let Some(object) = &standing.version.object else {
            let below = keys::versions(self.bucket.number).text(key);
            let is_alone = count(tx, &below, 2)? == 1;
            if is_alone && rules::lone_marker(self.rules, key, modified, self.now) {
                versions::delete_version(tx, self.bucket, key, &standing.version.id, self.change)?;
            }
            return Ok(());
        };
        let tags: Vec<_> = object.tags.clone().into_iter().collect();
        let subject = Subject { key, size: object.bytes, tags: &tags };
        let going = rules::current(self.rules, &subject, modified);
        if going.is_some_and(|going| going.at <= self.now) {
            versions::delete(tx, self.bucket, key, self.change)?;
            return Ok(());
        }
        let class = object.storage_class.as_deref().unwrap_or(STANDARD);
        match transitions::current(self.rules, &subject, class, modified, self.now) {
            None => Ok(()),
            Some(class) => self.relabel(tx, key, &standing, class, true),
        }
    }

    fn former(
        &self,
        tx: &mut dyn Tx,
        key: &str,
        standing: Standing,
        replaced: i64,
        newer: u32,
    ) -> Result<(), Failure> {
        let replaced = Timestamp::from_micros(replaced);
        let object = standing.version.object.as_ref();
        let tags: Vec<_> = object.map(|object| object.tags.clone()).unwrap_or_default().into_iter().collect();
        let subject = Subject { key, size: object.map_or(0, |object| object.bytes), tags: &tags };
        let going = rules::noncurrent(self.rules, &subject, replaced, newer);
        if going.is_some_and(|going| going.at <= self.now) {
            versions::delete_version(tx, self.bucket, key, &standing.version.id, self.change)?;
            return Ok(());
        }
        let Some(object) = object else { return Ok(()) };
        let class = object.storage_class.as_deref().unwrap_or(STANDARD);
        match transitions::noncurrent(self.rules, &subject, class, (replaced, newer), self.now) {
            None => Ok(()),
            Some(class) => self.relabel(tx, key, &standing, class, false),
        }
    }

    /// The version is shown with another class.
    fn relabel(
        &self,
        tx: &mut dyn Tx,
        key: &str,
        standing: &Standing,
        class: &str,
        is_listed: bool,
    ) -> Result<(), Failure> {
        let mut standing = standing.clone();
        let Some(object) = &mut standing.version.object else { return Ok(()) };
        object.storage_class = Some(class.to_owned());
        if is_listed {
            let entry = Listed::of(object, standing.sequence, standing.version.modified).encode()?;
            tx.put(&keys::listed(self.bucket.number).text(key), entry)?;
        }
        versions::update(tx, self.bucket.number, key, &standing)
    }

    /// Aborts uploads; after the last one the timer waits for the next day.
    fn uploads(&self, tx: &mut dyn Tx, after: Option<Key>, fired: &Fired) -> Result<At, Failure> {
        let all = keys::uploads(self.bucket.number);
        let range = match &after {
            Some(after) => all.children_after(after),
            None => all.children(),
        };
        let found = records(tx, range)?;
        for (place, record) in &found {
            let (key, _) = versions::place(place.as_bytes())?;
            let upload = Upload::decode(record)?;
            let going = rules::abort(self.rules, &key, Timestamp::from_micros(upload.started));
            if going.is_some_and(|going| going.at <= self.now) {
                tx.delete(place)?;
                reclaim::parts(tx, upload.number)?;
            }
        }
        match found.last() {
            Some((last, _)) if found.len() == PAGE as usize => Ok(At::Uploads(Some(last.clone()))),
            _ => {
                fired.again(tx, next_look(self.now))?;
                Ok(At::End)
            }
        }
    }
}

fn records(tx: &mut dyn Tx, range: KeyRange) -> Result<Vec<(Key, Bytes)>, Failure> {
    let mut found = Vec::new();
    tx.scan(range, Order::Ascending, PAGE, &mut |key, value| {
        found.push((Key::from_bytes(key), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// How many records there are below a key, up to a limit.
fn count(tx: &mut dyn Tx, below: &Key, limit: u32) -> Result<usize, Failure> {
    let mut count = 0;
    tx.scan(below.children(), Order::Ascending, limit, &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}
