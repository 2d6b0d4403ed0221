//! Settings from flags, variables and `hearth.toml`; what is said of wrong ones; completions and manual pages.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use hearth_tests::{Hearth, Package, Request, authorization, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs hearth in a folder, with nothing of this process's own settings.
fn hearth_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("XDG_CONFIG_HOME", folder.join("config")).env_remove("HEARTH_LOG");
    command.envs(variables.iter().copied()).output().expect("run hearth")
}

#[track_caller]
fn settings(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let output = hearth_in(folder, arguments, variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[track_caller]
fn is_set(settings: &Value, name: &str, value: &str, source: &str) {
    let all = settings["Settings"].as_array().expect("a list");
    let found = all.iter().find(|setting| setting["Name"] == name).expect("a setting");
    assert_eq!((&found["Value"][0], &found["Source"]), (&json!(value), &json!(source)), "{name}");
}

#[test]
fn a_flag_counts_more_than_a_variable_and_that_more_than_the_file() {
    let folder = TempDir::new().expect("a folder");
    let read = |flag: Option<&str>, variable: Option<&str>| {
        let mut arguments = vec!["config", "--json", "up"];
        arguments.extend(flag.into_iter().flat_map(|address| ["--listen", address]));
        let variables: Vec<_> = variable.into_iter().map(|address| ("HEARTH_LISTEN", address)).collect();
        settings(folder.path(), &arguments, &variables)
    };
    is_set(&read(None, None), "listen", "127.0.0.1:4566", "default");
    std::fs::create_dir_all(folder.path().join("config/hearth")).expect("a folder");
    let own = folder.path().join("config/hearth/hearth.toml");
    std::fs::write(own, "[up]\nlisten = \"127.0.0.1:1\"\nplaces = 2\n").expect("written");
    is_set(&read(None, None), "listen", "127.0.0.1:1", "hearth.toml");
    std::fs::write(folder.path().join("hearth.toml"), "[up]\nlisten = \"127.0.0.1:2\"\n").expect("written");
    is_set(&read(None, None), "listen", "127.0.0.1:2", "hearth.toml");
    // One file, not two put together.
    is_set(&read(None, None), "places", "4", "default");
    is_set(&read(None, Some("127.0.0.1:3")), "listen", "127.0.0.1:3", "environment");
    is_set(&read(None, Some("")), "listen", "127.0.0.1:2", "hearth.toml");
    is_set(&read(Some("127.0.0.1:4"), Some("127.0.0.1:3")), "listen", "127.0.0.1:4", "flag");
}

#[test]
fn a_wrong_line_is_told_with_its_number_and_nothing_is_made() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("mine.toml"), "[up]\ndata = \"state\"\n\nlsten = \"x\"\n")
        .expect("written");
    for command in [&["up", "--config", "mine.toml"][..], &["config", "--config", "mine.toml"]] {
        let output = hearth_in(folder.path(), command, &[]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        assert!(
            text.ends_with("mine.toml:4: unknown setting lsten in [up]; did you mean listen?\n"),
            "{text}"
        );
    }
    assert!(!folder.path().join("state").exists());
    let output = hearth_in(folder.path(), &["up", "--config", "absent.toml"], &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("absent.toml"));
    // Commands that have no settings do not read the file.
    std::fs::rename(folder.path().join("mine.toml"), folder.path().join("hearth.toml")).expect("renamed");
    assert!(hearth_in(folder.path(), &["runtimes", "--json"], &[]).status.success());
}

#[test]
fn a_file_of_the_working_folder_that_others_may_write_to_is_not_obeyed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("hearth.toml");
    std::fs::write(&path, "[up]\nplaces = 2\n").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("opened");
    let output = hearth_in(folder.path(), &["config"], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("others may write to it") && text.contains("--config hearth.toml"), "{text}");
    let named = settings(folder.path(), &["config", "--json", "--config", "hearth.toml"], &[]);
    is_set(&named, "places", "2", "hearth.toml");
}

#[test]
fn a_link_in_the_working_folder_is_not_obeyed_unless_it_is_named() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("mine.toml"), "[up]\nplaces = 2\n").expect("written");
    std::os::unix::fs::symlink("mine.toml", folder.path().join("hearth.toml")).expect("a link");
    let output = hearth_in(folder.path(), &["config"], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("it is no file of its own") && text.contains("--config hearth.toml"), "{text}");
    let named = settings(folder.path(), &["config", "--json", "--config", "hearth.toml"], &[]);
    is_set(&named, "places", "2", "hearth.toml");
}

#[test]
fn a_file_that_is_too_long_is_refused_and_not_read_in_part() {
    let folder = TempDir::new().expect("a folder");
    let text = format!("[up]\nplaces = 2\n{}\n[quotas.123456789012]\n", "#".repeat(1 << 20));
    std::fs::write(folder.path().join("hearth.toml"), text).expect("written");
    let output = hearth_in(folder.path(), &["config"], &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("hearth.toml") && text.contains("it has more than 1048576 bytes"), "{text}");
}

#[test]
fn a_password_of_the_store_is_not_shown() {
    let folder = TempDir::new().expect("a folder");
    let shown = hearth_in(
        folder.path(),
        &["config"],
        &[("HEARTH_STORE", "postgres://ann:geheim@db/hearth?password=geheim")],
    );
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(text.contains("postgres://ann:***@db/hearth?***") && !text.contains("geheim"), "{text}");
}

#[test]
fn quotas_of_an_account_are_shown_and_hold() {
    let hearth =
        Hearth::start_with(&["--code-storage", "1KB", "--account-quota", "123456789012:code-storage=1MB"]);
    let limits = |key: &str| {
        let request = Request::new("GET", "/2016-08-19/account-settings/");
        hearth.send(&request.header("Authorization", &authorization(key, "lambda"))).json()
    };
    assert_eq!(limits("test")["AccountLimit"]["TotalCodeSize"], 1_024);
    assert_eq!(limits("123456789012")["AccountLimit"]["TotalCodeSize"], 1_048_576);
    assert_eq!(limits("123456789012")["AccountLimit"]["ConcurrentExecutions"], 1_000);
    // 64 hexadecimal digits in 40 orders do not pack to less than a KB.
    let noise: String = (0..400_u32).map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761))).collect();
    let package = Package::of("app.py", "def handler(event, context):\n    return 1\n").file("noise", &noise);
    let refused = hearth.function("large").package(&package.bytes()).try_create();
    refused.is_error(400, "CodeStorageExceededException");
}

#[test]
fn a_quota_of_concurrent_executions_throttles_the_account() {
    let mut hearth = Hearth::start_with(&["--concurrent-executions", "1"]);
    hearth.may_warn();
    let code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 1\n";
    let slow = hearth.function("slow").code(code).with("Timeout", json!(60)).create();
    slow.invoke("0");
    let (request, address) = (slow.request("55"), hearth.address().to_owned());
    std::thread::spawn(move || request.send(&address));
    let started = std::time::Instant::now();
    let state = || {
        let token = std::fs::read_to_string(hearth.data().join("token")).expect("a token");
        let request = Request::new("GET", "/_hearth/environments");
        let answer =
            hearth.send(&request.header("Authorization", &format!("Bearer {}", token.trim()))).json();
        answer["environments"][0]["state"].clone()
    };
    while state() != "busy" {
        assert!(started.elapsed().as_secs() < 60, "the first call does not begin");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    hearth.send(&slow.request("0")).is_error(429, "TooManyRequestsException");
    hearth.kill();
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = TempDir::new().expect("a folder");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = hearth_in(folder.path(), &["completions", shell], &[]);
        let text = String::from_utf8_lossy(&script.stdout);
        assert!(
            script.status.success() && text.contains("garbage-grace") && text.contains("functions"),
            "{shell}"
        );
        assert!(!text.contains("__coverage\n"), "{shell}");
    }
    assert!(hearth_in(folder.path(), &["man", "pages/man1"], &[]).status.success());
    for page in ["hearth.1", "hearth-up.1", "hearth-env-list.1", "hearth-reset.1"] {
        let text = std::fs::read_to_string(folder.path().join("pages/man1").join(page)).expect(page);
        assert!(text.contains(".TH"), "{page}");
    }
}

#[test]
fn nobody_who_reads_only_the_first_line_makes_a_command_panic() {
    let folder = TempDir::new().expect("a folder");
    for command in
        ["config", "config --toml", "runtimes", "completions bash", "doctor", "up --help", "--version"]
    {
        let script = format!("\"$0\" {command} | head -0");
        let output =
            Command::new("sh").args(["-c", &script]).arg(binary()).current_dir(folder.path()).output();
        let output = output.expect("run a shell");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains("panicked") && !text.contains("Broken pipe"), "{command}: {text}");
    }
}

#[test]
fn every_command_has_examples_and_exit_codes_in_its_help() {
    let folder = TempDir::new().expect("a folder");
    let help = hearth_in(folder.path(), &["--help"], &[]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let listed =
        help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("commands");
    let names: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let help = hearth_in(folder.path(), &[name, "--help"], &[]);
        let text = String::from_utf8_lossy(&help.stdout);
        assert!(text.contains("Examples:") && text.contains("Exit codes:"), "{name}: {text}");
    }
}
