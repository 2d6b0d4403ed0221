//! What a lifecycle does as days pass.

use std::time::Duration;

use hearth_store::{StoreError, timers, transact_read};
use hearth_world::{TaskGroup, World, within};

use super::Served;
use crate::settings::lifecycle::TIMER;

const DAY: Duration = Duration::from_secs(86_400);

/// Longer than any look at a bucket takes.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Days {
    s3: Served,
    world: World,
    tasks: TaskGroup,
}

impl Days {
    fn start() -> Self {
        let world = World::simulated(7);
        let s3 = Served::in_world(world.clone());
        let tasks = TaskGroup::new();
        s3.s3.keep_up(&tasks);
        Self { s3, world, tasks }
    }

    async fn rules(&self, rules: &str) {
        let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        self.s3.ask("PUT /box?lifecycle", &[], body).await.is(200);
    }

    /// Waits until every bucket waits for its next look: one that is on its way names the day after it ends.
    async fn rest(&self) {
        let store = &*self.s3.s3.store;
        within("no look is due or on its way", async {
            loop {
                let looks =
                    transact_read::<_, StoreError, _>(store, |tx| timers::waiting(tx, TIMER, None, 100));
                let (looks, now) = (looks.await.expect("readable"), self.world.domain().now());
                if looks.iter().all(|look| !look.claimed && look.due > now) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
                // A claim that was made while the handler before it came to its end is nobody's until it is over.
                self.world.domain().advance(Duration::from_secs(11));
            }
        })
        .await;
    }

    /// Days pass, until a listing has this text so often.
    async fn pass(&self, days: u32, target: &str, text: &str, count: usize) {
        self.rest().await;
        self.world.domain().advance(DAY * days);
        let begun = std::time::Instant::now();
        loop {
            let found = self.s3.get(target).await.text().matches(text).count();
            if found == count {
                return;
            }
            assert!(begun.elapsed() < TIMEOUT, "{found} {text} and not {count} after {days} days");
            tokio::time::sleep(Duration::from_millis(10)).await;
            // A look that was claimed while the one before it came to its end is claimed again after that.
            self.world.domain().advance(Duration::from_secs(11));
        }
    }

    async fn end(self) {
        self.tasks.stop();
        self.tasks.join(Duration::from_secs(10)).await.expect("all tasks end");
    }
}

fn rule(prefix: &str, action: &str) -> String {
    format!(
        "<Rule><ID>{prefix}r</ID><Status>Enabled</Status><Filter><Prefix>{prefix}</Prefix></Filter>{action}</Rule>"
    )
}

#[tokio::test]
async fn objects_expire_and_say_when() {
    let days = Days::start();
    days.s3.bucket("box").await;
    for number in 0..250 {
        days.s3.put(&format!("/box/old/{number}"), "x").await;
    }
    days.s3.put("/box/stays", "x").await;
    days.rules(&rule("old/", "<Expiration><Days>1</Days></Expiration>")).await;
    let answer = days.s3.get("/box/old/1").await;
    let header = answer.header("x-amz-expiration");
    assert!(
        header.starts_with("expiry-date=\"") && header.ends_with("GMT\", rule-id=\"old%2Fr\""),
        "{header}"
    );
    assert_eq!(days.s3.get("/box/stays").await.header("x-amz-expiration"), "");
    days.pass(3, "/box?list-type=2", "<Key>", 1).await;
    days.s3.get("/box/stays").await.is(200);
    // The rules go on with what comes later.
    days.s3.put("/box/old/new", "x").await;
    days.pass(3, "/box?list-type=2", "<Key>", 1).await;
    days.s3.ask("DELETE /box?lifecycle", &[], "").await.is(204);
    days.end().await;
}

#[tokio::test]
async fn an_expired_object_becomes_a_former_version_which_goes_later_and_its_marker_at_last() {
    let days = Days::start();
    days.s3.bucket("box").await;
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    days.s3.ask("PUT /box?versioning", &[], enabled).await.is(200);
    for _ in 0..3 {
        days.s3.put("/box/k", "x").await;
    }
    let former = "<NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays>\
        <NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>";
    days.rules(&rule("", former)).await;
    // The current version, and one former version that the rule keeps.
    days.pass(7, "/box?versions", "<VersionId>", 2).await;
    let all = "<Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays>\
        </NoncurrentVersionExpiration>";
    days.rules(&rule("", all)).await;
    days.pass(3, "/box?list-type=2", "<Key>", 0).await;
    days.s3.get("/box/k").await.is_error(404, "NoSuchKey");
    // All former versions go, and on another day the marker that is left.
    days.pass(7, "/box?versions", "<Version>", 0).await;
    days.pass(2, "/box?versions", "<DeleteMarker>", 0).await;
    days.end().await;
}

#[tokio::test]
async fn uploads_that_nobody_completes_are_aborted() {
    let days = Days::start();
    days.s3.bucket("box").await;
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    days.rules(&rule("up/", abort)).await;
    let started = days.s3.ask("POST /box/up/k?uploads", &[], "").await;
    assert!(started.header("x-amz-abort-date").ends_with(" 00:00:00 GMT"), "{started:?}");
    assert_eq!(started.header("x-amz-abort-rule-id"), "up/r");
    let id = started.element("UploadId");
    days.s3.ask(&format!("PUT /box/up/k?partNumber=1&uploadId={id}"), &[], vec![1; 200_000]).await.is(200);
    days.s3.ask("POST /box/other?uploads", &[], "").await.is(200);
    days.pass(4, "/box?uploads", "<UploadId>", 1).await;
    days.s3.get(&format!("/box/up/k?uploadId={id}")).await.is_error(404, "NoSuchUpload");
    days.end().await;
}

#[tokio::test]
async fn objects_are_shown_with_another_class() {
    let days = Days::start();
    days.s3.bucket("box").await;
    days.s3.put("/box/large", vec![0; 200_000]).await;
    days.s3.put("/box/small", "x").await;
    let go = "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>";
    days.rules(&rule("", go)).await;
    days.pass(32, "/box?list-type=2&prefix=large", "<StorageClass>STANDARD_IA<", 1).await;
    assert_eq!(days.s3.get("/box/large").await.header("x-amz-storage-class"), "STANDARD_IA");
    assert_eq!(days.s3.get("/box/small").await.header("x-amz-storage-class"), "");
    days.end().await;
}

#[tokio::test]
async fn what_a_look_itself_removed_does_not_come_back() {
    let days = Days::start();
    days.s3.bucket("box").await;
    let versioning = async |status: &str| {
        let document =
            format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        days.s3.ask("PUT /box?versioning", &[], document).await.is(200);
    };
    days.s3.put("/box/k", vec![0; 200_000]).await;
    versioning("Enabled").await;
    days.s3.put("/box/k", vec![1; 200_000]).await;
    versioning("Suspended").await;
    // The marker takes the place of the version `null`, which the same page would have shown with another class.
    let both = "<Expiration><Days>40</Days></Expiration><NoncurrentVersionTransition>\
        <NoncurrentDays>30</NoncurrentDays><StorageClass>STANDARD_IA</StorageClass></NoncurrentVersionTransition>";
    days.rules(&rule("", both)).await;
    days.pass(100, "/box?versions", "<DeleteMarker>", 1).await;
    let left = days.s3.get("/box?versions").await;
    assert_eq!(left.text().matches("<Version>").count(), 1, "{}", left.text());
    assert!(left.text().contains("<StorageClass>STANDARD<"), "{}", left.text());
    days.end().await;
}
