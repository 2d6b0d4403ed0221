//! Environments over the age of their credentials: another one takes over, and what runs is not cut.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use hearth_tests::{Function, Hearth, programs, wants_sdks};
use serde_json::{Value, json};

/// Longer than anything here takes, also on a busy machine.
const SOON: Duration = Duration::from_secs(120);

/// Answers the key it runs with. Told to wait, it shows that key in a file and waits for another file; unless it is
/// only asked for the key, it calls STS with what its environment has.
const CODE: &str = "import os, time
KEY = os.environ['AWS_ACCESS_KEY_ID']
def handler(event, context):
    if event == 'key':
        return KEY
    if event == 'wait':
        open('/tmp/part', 'w').write(KEY)
        os.rename('/tmp/part', '/tmp/busy')
        while not os.path.exists('/tmp/go'):
            time.sleep(0.05)
    import boto3
    return [KEY, boto3.client('sts').get_caller_identity()['Arn']]
";

/// Looks again until there is something.
#[track_caller]
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < SOON, "{what} does not come");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The program that waits, and the key that it shows.
fn waiting(hearth: &Hearth) -> Option<(u32, String)> {
    let shown = |task: u32| Some((task, fs::read_to_string(format!("/proc/{task}/root/tmp/busy")).ok()?));
    programs(hearth).into_iter().find_map(shown)
}

#[track_caller]
fn key(function: &Function<'_>) -> String {
    let answer = function.invoke("\"key\"").json();
    answer.as_str().unwrap_or_else(|| panic!("a key: {answer}")).to_owned()
}

#[test]
fn another_environment_with_new_credentials_takes_over_and_the_call_that_runs_ends_on_the_old_ones() {
    wants_sdks();
    let hearth = Hearth::start_with(&["--credentials-renewal", "3s"]);
    let function = hearth.function("renewed").code(CODE).with("MemorySize", json!(512));
    let function = function.with("Timeout", json!(300)).create();
    let identity = json!("arn:aws:sts::000000000000:assumed-role/any/renewed");
    let old = thread::scope(|scope| {
        let running = scope.spawn(|| function.invoke("\"wait\""));
        let (program, old) = eventually("the long call", || waiting(&hearth));
        eventually("an environment with other credentials", || (key(&function) != old).then_some(()));
        let renewed = function.invoke("\"identity\"").json();
        assert_eq!(renewed[1], identity, "the new ones are good for STS");
        assert_ne!(renewed[0], json!(old));
        assert!(!running.is_finished(), "the long call still runs");
        fs::write(format!("/proc/{program}/root/tmp/go"), "").expect("its environment is there");
        let ended = running.join().expect("answered");
        assert_eq!(
            (ended.error.as_str(), ended.json()),
            ("", json!([old, identity])),
            "the old ones hold on"
        );
        eventually("the end of the old environment", || {
            (!programs(&hearth).contains(&program)).then_some(())
        });
        old
    });
    // Without a call that runs, too: who was used last is not used again.
    let last = key(&function);
    assert_ne!(last, old);
    eventually("the next credentials", || (key(&function) != last).then_some(()));
}

#[test]
fn until_then_every_call_has_the_same_credentials() {
    let hearth = Hearth::start();
    let function = hearth.function("kept").code(CODE).create();
    let keys: Vec<Value> = (0..3).map(|_| function.invoke("\"key\"").json()).collect();
    assert_eq!(keys[1..], [keys[0].clone(), keys[0].clone()]);
}
