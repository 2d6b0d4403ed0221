//! Updates and layers over kills and restarts: what runs, what is shown, and what stays on the disk.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hearth_tests::{Function, Hearth, Package, Request};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(40);

const LOOK_AGAIN: Duration = Duration::from_millis(20);

const READS: &str = "import os\ndef handler(event, context):\n    \
    return open(os.environ['LAMBDA_TASK_ROOT'] + '/data.txt').read()\n";

const READS_LAYER: &str = "def handler(event, context):\n    return open('/opt/data.txt').read()\n";

fn package(mark: &str) -> Vec<u8> {
    Package::of("app.py", READS).file("data.txt", mark).bytes()
}

fn put(path: &str, body: &Value) -> Request {
    Request::new("PUT", &format!("/2015-03-31/functions/{path}")).signed("lambda").body(body.to_string())
}

fn code(name: &str, package: &[u8]) -> Request {
    put(&format!("{name}/code"), &json!({ "ZipFile": BASE64_STANDARD.encode(package) }))
}

/// Waits for the end of an update, and says how it went.
#[track_caller]
fn updated(function: &Function) -> Value {
    let started = Instant::now();
    loop {
        let configuration = function.configuration().json();
        if configuration["LastUpdateStatus"] != "InProgress" {
            return configuration;
        }
        assert!(started.elapsed() < TIMEOUT, "the update does not end: {configuration}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[track_caller]
fn comes_to_blobs(hearth: &Hearth, wanted: usize) {
    let count = || std::fs::read_dir(hearth.data().join("blobs")).map_or(0, |entries| entries.count());
    let started = Instant::now();
    while count() != wanted {
        assert!(started.elapsed() < TIMEOUT, "{} blobs and not {wanted}", count());
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[test]
fn updates_that_come_and_go_leave_one_package() {
    let hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    let function = hearth.function("changes").package(&package("first")).create();
    for number in 0..8 {
        let mark = number.to_string();
        let answer = hearth.send(&code("changes", &package(&mark)));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(updated(&function)["LastUpdateStatus"], "Successful");
        assert_eq!(function.invoke("0").json(), json!(mark));
    }
    comes_to_blobs(&hearth, 1);
    assert_eq!(function.invoke("0").json(), json!("7"));
}

#[test]
fn whenever_the_server_is_killed_in_updates_the_function_is_whole_afterwards() {
    let mut hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    hearth.may_warn();
    hearth.function("changes").package(&package("first")).create();
    for round in 0..4_u64 {
        let address = hearth.address().to_owned();
        let load = std::thread::spawn(move || {
            let mut acknowledged = None;
            for number in 0.. {
                let mark = format!("{round}.{number}");
                match code("changes", &package(&mark)).send(&address) {
                    Ok(answer) if answer.status == 200 => acknowledged = Some(mark),
                    Ok(answer) => assert_eq!(answer.status, 409, "{}", answer.text()),
                    Err(_) => break,
                }
            }
            acknowledged
        });
        std::thread::sleep(Duration::from_millis(200 + 170 * round));
        hearth.kill();
        let acknowledged = load.join().expect("no panic");
        hearth.restart_with(&["--garbage-grace", "0s"]);
        let function = Function::existing(&hearth, "changes");
        let shown = updated(&function);
        assert_eq!(shown["LastUpdateStatus"], "Successful", "{shown}");
        let runs = function.invoke("0").json();
        // The last one that was acknowledged, or one that was written and not yet.
        let runs = runs.as_str().expect("a text").to_owned();
        if let Some(acknowledged) = acknowledged {
            let number = |mark: &str| mark.split('.').nth(1).and_then(|number| number.parse::<u32>().ok());
            assert!(runs.starts_with(&format!("{round}.")), "{runs} and not {acknowledged} or later");
            assert!(number(&runs) >= number(&acknowledged), "{runs} and not {acknowledged} or later");
        }
        assert_eq!(shown["CodeSize"], package(&runs).len(), "what is shown is what runs");
    }
    comes_to_blobs(&hearth, 1);
}

#[test]
fn a_function_keeps_its_layer_when_the_layer_version_is_gone_and_the_server_was_killed() {
    let mut hearth = Hearth::start_with(&["--garbage-grace", "0s"]);
    hearth.may_warn();
    let layer = hearth.publish_layer("texts", &Package::of("data.txt", "from a layer").bytes());
    let arn = layer["LayerVersionArn"].clone();
    let function = hearth.function("reads").code(READS_LAYER).with("Layers", json!([arn])).create();
    assert_eq!(function.invoke("0").json(), json!("from a layer"));
    let path = format!("/2018-10-31/layers/texts/versions/{}", layer["Version"]);
    assert_eq!(hearth.send(&Request::new("DELETE", &path).signed("lambda")).status, 204);
    hearth.kill();
    hearth.restart_with(&["--garbage-grace", "0s"]);
    let function = Function::existing(&hearth, "reads");
    assert_eq!(function.invoke("0").json(), json!("from a layer"));
    let again = hearth.publish_layer("texts", &Package::of("data.txt", "the next one").bytes());
    assert_eq!(again["Version"], json!(2), "the number of a deleted version never comes again");
    assert_eq!(function.delete().status, 204);
    comes_to_blobs(&hearth, 1);
}
