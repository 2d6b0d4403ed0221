//! Two servers on one database and one place of packages, a folder or a bucket: what one acknowledges, the other does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hearth_tests::{Answer, Function, Hearth, Postgres, Request};
use serde_json::Value;
use tempfile::TempDir;

const CODE: &str = "def handler(event, context):\n    return 'first'\n";
const OTHER_CODE: &str = "def handler(event, context):\n    return 'second'\n";

/// Longer than a living server waits before it takes up what another one left Pending.
const TAKEN_OVER: Duration = Duration::from_secs(60);

/// How many functions are acknowledged before the kill.
const CREATED: usize = 12;

struct Pair {
    one: Hearth,
    other: Hearth,
    _postgres: Postgres,
    _packages: Packages,
}

/// Where two servers have their packages.
enum Packages {
    Folder(#[expect(dead_code, reason = "it goes when this is dropped")] TempDir),
    Bucket(Hearth),
}

impl Pair {
    fn start() -> Self {
        let (postgres, packages) = (Postgres::start(), TempDir::new().expect("a folder"));
        let blobs = packages.path().to_str().expect("a path of text");
        let start = || Hearth::start_with(&["--store", postgres.url(), "--blobs", blobs]);
        let (one, other) = (start(), start());
        Self { one, other, _postgres: postgres, _packages: Packages::Folder(packages) }
    }

    /// Two servers with their packages in a bucket of a third.
    fn over_a_bucket() -> Self {
        let (postgres, third) = (Postgres::start(), Hearth::start());
        assert_eq!(third.send(&Request::new("PUT", "/packages").signed("s3")).status, 200);
        let endpoint = format!("http://{}", third.address());
        let variables = [
            ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let options = ["--store", postgres.url(), "--blobs", "s3://packages/of/two", "--garbage-grace", "1s"];
        let start = || Hearth::start_with_variables(&options, &variables);
        let (one, other) = (start(), start());
        Self { one, other, _postgres: postgres, _packages: Packages::Bucket(third) }
    }
}

fn names(hearth: &Hearth) -> BTreeSet<String> {
    let page =
        hearth.send(&Request::new("GET", "/2015-03-31/functions?MaxItems=10000").signed("lambda")).json();
    let functions = page["Functions"].as_array().expect("a list").iter();
    functions.map(|function| function["FunctionName"].as_str().expect("a name").to_owned()).collect()
}

fn invoke(hearth: &Hearth, name: &str) -> Answer {
    hearth.send(&Function::existing(hearth, name).request("{}"))
}

#[test]
fn a_function_of_one_server_is_the_others_at_once_changed_and_deleted_as_well() {
    let Pair { one, other, .. } = &Pair::start();
    for round in 0..3 {
        let first = one.function("shared").code(CODE).create();
        assert_eq!(invoke(other, "shared").text(), "\"first\"", "round {round}");
        assert_eq!(first.invoke("{}").json(), Value::from("first"));

        assert_eq!(Function::existing(other, "shared").delete().status, 204);
        assert_eq!(invoke(one, "shared").status, 404);
        assert_eq!(invoke(other, "shared").status, 404);

        // The same name, other code: what either remembers of the first is not used.
        other.function("shared").code(OTHER_CODE).create();
        assert_eq!(invoke(one, "shared").text(), "\"second\"");
        assert_eq!(invoke(other, "shared").text(), "\"second\"");
        assert_eq!(first.delete().status, 204);
        assert_eq!(invoke(other, "shared").status, 404);
    }
}

#[test]
fn a_bucket_holds_the_packages_of_two_servers_until_no_function_needs_them() {
    let pair = Pair::over_a_bucket();
    let Packages::Bucket(third) = &pair._packages else { unreachable!("it was made so") };
    let packages = || {
        let page = third.send(&Request::new("GET", "/packages?list-type=2").signed("s3")).text();
        page.matches("<Key>of/two/").count()
    };
    let first = pair.one.function("shared").code(CODE).create();
    assert_eq!(packages(), 1);
    assert_eq!(invoke(&pair.other, "shared").text(), "\"first\"");
    pair.other.function("same").code(CODE).create();
    pair.other.function("another").code(OTHER_CODE).create();
    assert_eq!(packages(), 2);
    assert_eq!(invoke(&pair.one, "another").text(), "\"second\"");
    assert_eq!(first.delete().status, 204);
    assert_eq!(Function::existing(&pair.one, "another").delete().status, 204);
    let begun = Instant::now();
    while packages() != 1 {
        assert!(begun.elapsed() < TAKEN_OVER, "the package of a deleted function stays");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(invoke(&pair.one, "same").text(), "\"first\"");
}

#[test]
fn one_name_is_created_by_one_of_two_servers() {
    let pair = Pair::start();
    for round in 0..5 {
        let name = format!("wanted-{round}");
        let mut statuses = std::thread::scope(|scope| {
            let create = |hearth: &Hearth| {
                let (request, address) =
                    (hearth.function(&name).code(CODE).request(), hearth.address().to_owned());
                scope.spawn(move || request.send(&address).expect("an answer").status)
            };
            let creating = [create(&pair.one), create(&pair.other)];
            creating.map(|thread| thread.join().expect("it does not panic"))
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

#[test]
fn after_a_kill_the_other_server_has_everything_acknowledged_and_settles_what_was_pending() {
    let mut pair = Pair::start();
    let template = pair.one.function("NAME").code(CODE).request();
    let (address, other) = (pair.one.address().to_owned(), pair.other.address().to_owned());
    let (sender, receiver) = std::sync::mpsc::channel();
    let load = std::thread::spawn(move || {
        let mut acknowledged = BTreeSet::new();
        for number in 0.. {
            let name = format!("made-{number}");
            let made = template.clone().replaced("NAME", &name).send(&address);
            if !made.is_ok_and(|answer| answer.status == 201) {
                break;
            }
            acknowledged.insert(name.clone());
            // The test may have seen enough.
            let _ = sender.send(name);
        }
        acknowledged
    });
    let seen: Vec<String> = receiver.iter().take(CREATED).collect();
    assert_eq!(seen.len(), CREATED, "the load runs");
    pair.one.kill();
    let acknowledged = load.join().expect("it does not panic");
    let found = names(&pair.other);
    assert!(found.is_superset(&acknowledged), "lost: {:?}", acknowledged.difference(&found));

    let begun = Instant::now();
    for name in &found {
        while Function::existing(&pair.other, name).configuration().json()["State"] != "Active" {
            assert!(begun.elapsed() < TAKEN_OVER, "{name} stays Pending");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    for name in &acknowledged {
        let answer = Function::existing(&pair.other, name).request("{}").send(&other).expect("an answer");
        assert_eq!(answer.text(), "\"first\"", "{name}");
    }
    pair.other.function("after").code(CODE).create().invoke("{}");
}

#[test]
fn a_shared_store_is_refused_without_shared_packages_and_no_line_shows_the_password() {
    for (options, says) in [
        (&["--store", "postgres://ann:geheim@127.0.0.1:1/x"][..], "add --blobs"),
        (
            &["--store", "postgres://ann:geheim@127.0.0.1:1/x", "--blobs", "/tmp"],
            "ann@127.0.0.1:1/x cannot be reached",
        ),
        (&["--store", "geheim", "--blobs", "/tmp"], "a store is postgres://"),
        (&["--blobs", "/nowhere/at/all"], "/nowhere/at/all"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let mut command = std::process::Command::new(hearth_tests::binary());
        command
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .args(options);
        let refused = command.output().expect("hearth runs");
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && text.contains(says) && !text.contains("geheim"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
