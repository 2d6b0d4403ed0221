use std::path::PathBuf;

use super::*;
use crate::cli::command;

fn file(text: &str) -> Result<File> {
    File::of(PathBuf::from("/etc/hearth/hearth.toml"), text.to_owned())
}

/// What `hearth up` would have with this file and these arguments: value and source of a setting.
fn setting(text: &str, arguments: &[&str], name: &str) -> Result<(String, &'static str)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hearth.toml");
    std::fs::write(&path, text)?;
    let mut all: Vec<OsString> = vec!["hearth".into(), "config".into()];
    all.extend(["--config".into(), path.into_os_string(), "up".into()]);
    all.extend(arguments.iter().map(OsString::from));
    let shown = read(&command(), all)?.shown;
    let found = shown.into_iter().find(|setting| setting.name == name).expect("a setting");
    Ok((found.values.join(","), found.source))
}

#[test]
fn a_flag_counts_more_than_the_file_and_the_file_more_than_the_default() {
    let check = |text: &str, arguments: &[&str], name: &str, value: &str, source: &str| {
        let (found, from) = setting(text, arguments, name).unwrap();
        assert_eq!((found.as_str(), from), (value, source), "{text} {arguments:?}");
    };
    let port = "[up]\nlisten = \"127.0.0.1:5000\"\n";
    check("", &[], "listen", "127.0.0.1:4566", "default");
    check(port, &[], "listen", "127.0.0.1:5000", "hearth.toml");
    check(port, &["--listen", "127.0.0.1:6000"], "listen", "127.0.0.1:6000", "flag");
    check("[serve]\nlisten = \"0.0.0.0:1\"\n", &[], "listen", "127.0.0.1:4566", "default");
    check("[up]\nephemeral = true\n", &[], "ephemeral", "true", "hearth.toml");
    check("[up]\nephemeral = true\n", &["--ephemeral=false"], "ephemeral", "false", "flag");
    // What is said excludes what the file says, also where it has another name.
    check("[up]\nephemeral = true\n", &["--data", "/x"], "ephemeral", "false", "default");
    check("[up]\nallow-host = [5432, 6379]\n", &[], "allow-host", "5432,6379", "hearth.toml");
    check("[up]\nallow-host = 5432\n", &["--allow-host", "1"], "allow-host", "1", "flag");
    check("[up]\nlog = \"info\"\n", &[], "log", "info", "hearth.toml");
    check("[up]\nlog = \"info\"\n", &["--log", "error"], "log", "error", "flag");
    check("[up]\nplaces = 3\n", &[], "places", "3", "hearth.toml");
    let quotas = "[quotas.123456789012]\nconcurrent-executions = 5\ncode-storage = \"1GB\"\n";
    let both = "123456789012:concurrent-executions=5,123456789012:code-storage=1GB";
    check(quotas, &[], "account-quota", both, "hearth.toml");
}

#[test]
fn paths_are_relative_to_the_file() {
    let checked = file("[up]\ndata = \"state\"\nblobs = \"/mnt\"\n").unwrap().check(&command()).unwrap();
    let said = command().try_get_matches_from(["hearth", "up"]).unwrap();
    let given = checked.of("up", said.subcommand_matches("up").unwrap(), &command()).unwrap();
    let values: Vec<_> = given.iter().map(|given| (given.key.as_str(), given.values[0].as_str())).collect();
    assert_eq!(values, [("data", "/etc/hearth/state"), ("blobs", "/mnt")]);
}

#[test]
fn every_wrong_line_is_told_with_its_number_and_what_was_meant() {
    for (text, says) in [
        ("[up]\nlisten 1\n", "2: this is not TOML: "),
        ("[up]\nlisten = \"a\"\nlisten = \"b\"\n", "3: this is not TOML: duplicate key"),
        ("listen = \"x\"\n", "1: listen stands outside of a table: write [up] or [serve] above it"),
        ("\n[ups]\n", "2: unknown table [ups]; did you mean up?"),
        ("[colours]\n", "1: unknown table [colours] (`hearth config --toml` prints all"),
        ("up = 1\n", "1: up is a table: write [up] above its settings"),
        ("[up]\n\nlsten = \"x\"\n", "3: unknown setting lsten in [up]; did you mean listen?"),
        (
            "[up]\ngarbage_grace = \"1m\"\n",
            "2: unknown setting garbage_grace in [up]; did you mean garbage-grace?",
        ),
        ("[up]\nuser = \"x\"\n", "2: unknown setting user in [up] (`hearth config --toml`"),
        ("[up]\nconfig = \"x\"\n", "2: unknown setting config in [up]"),
        ("[up]\naccount-quota = []\n", "2: unknown setting account-quota in [up] (`hearth"),
        ("[up]\nlisten = 4566\n", "2: listen: a number is wrong here; a text in quotes is wanted"),
        ("[up]\nlisten = \"here\"\n", "2: listen: invalid socket address syntax"),
        ("[up]\nephemeral = \"yes\"\n", "2: ephemeral: a text is wrong here; true or false is wanted"),
        ("[up]\nplaces = \"3\"\n", "2: places: a text is wrong here; a number is wanted"),
        ("[up]\nplaces = -1\n", "2: places: "),
        ("[up]\naccount = \"12\"\n", "2: account: an account has 12 digits"),
        ("[up]\ngarbage-grace = \"30\"\n", "2: garbage-grace: 30 is no age: use 30s, 10m, 2h or 1d"),
        ("[up]\negress = \"maybe\"\n", "2: egress: one of these is wanted: on, off"),
        ("[up]\nlisten = [\"x\"]\n", "2: listen: one value is wanted, not a list"),
        ("[up]\n[up.listen]\n", "2: listen: a table is not a value"),
        ("[up]\nallow-host = [0]\n", "2: allow-host: 0 is not in 1..=65535"),
        ("[up]\nconcurrent-executions = 1001\n", "2: concurrent-executions: 1001 is not in 1..=1000"),
        ("[up]\ncode-storage = \"1 GB\"\n", "2: code-storage: 1 GB is no size"),
        ("[serve]\nephemeral = true\n", "2: unknown setting ephemeral in [serve]"),
        ("[quotas]\ncode-storage = \"1GB\"\n", "2: code-storage: quotas stand in [quotas.ACCOUNT]"),
        ("[quotas.1]\ncode-storage = \"1GB\"\n", "2: an account has 12 digits"),
        ("[quotas.123456789012]\nstorage = 1\n", "2: unknown quota storage: there are concurrent-executions"),
        ("[quotas.123456789012]\ncode-storage = true\n", "2: code-storage: a number or a size is wanted"),
        ("[up]\ndata = \"a\"\nephemeral = true\n", "3: ephemeral and data (line 2) exclude each other"),
        (
            "[serve]\nno-tls = true\ntls-cert = \"a\"\ntls-key = \"b\"\n",
            "3: tls-cert and no-tls (line 2) exclude",
        ),
    ] {
        let refused = file(text).and_then(|file| {
            let checked = file.check(&command())?;
            let name = if text.contains("[serve]") { "serve" } else { "up" };
            let said = command().try_get_matches_from(["hearth", name])?;
            checked.of(name, said.subcommand_matches(name).expect("it was named"), &command()).map(drop)
        });
        let error = refused.expect_err(text).to_string();
        assert!(error.starts_with(&format!("/etc/hearth/hearth.toml:{says}")), "{text:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn the_template_is_a_file_of_settings_also_when_its_defaults_are_no_comments_any_more() {
    let text = template(&command());
    assert!(file(&text).unwrap().check(&command()).is_ok(), "{text}");
    let is_setting = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, value)| {
            !key.trim_start_matches("# ").contains(' ') && !value.starts_with("\"\"")
        })
    };
    let bare = text.lines().map(|line| if is_setting(line) { line.trim_start_matches("# ") } else { line });
    // The quotas' lines stand in a table that is still a comment.
    let bare: Vec<&str> = bare.take_while(|line| !line.starts_with("# What one account")).collect();
    let checked = file(&bare.join("\n")).unwrap().check(&command());
    assert!(checked.is_ok(), "{checked:?}\n{text}");
}
