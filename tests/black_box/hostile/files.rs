//! The file tree: what is not there, what cannot be written, and a /tmp that is full.

use serde_json::{Value, json};

use super::{Street, answer};

const OPEN_EACH: &str = r"
import errno
def attempt(path, mode):
    try:
        with open(path, mode) as file:
            return file.read(16).decode('latin-1') if mode == 'rb' else 'written'
    except OSError as error:
        return errno.errorcode[error.errno]
def handler(event, context):
    return [attempt(path, event['mode']) for path in event['paths']]
";

#[test]
fn nothing_outside_tmp_can_be_written() {
    let paths = [
        "/x",
        "/etc/passwd",
        "/etc/x",
        "/usr/bin/x",
        "/var/task/app.py",
        "/var/task/x",
        "/var/runtime/bootstrap.pyc",
        "/var/lang/x",
        "/opt/x",
        "/dev/x",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/self/oom_score_adj",
        "/proc/self/uid_map",
        "/proc/self/setgroups",
        "/proc/self/coredump_filter",
    ];
    let street = Street::new();
    let answered = answer(&street.attack(OPEN_EACH, &json!({ "mode": "wb", "paths": paths })));
    for (path, result) in paths.iter().zip(answered.as_array().expect("a list")) {
        assert!(
            ["EROFS", "ENOENT", "EACCES", "EPERM"].contains(&result.as_str().unwrap_or_default()),
            "{path}: {result}"
        );
    }
}

#[test]
fn the_hosts_folders_the_data_folder_and_other_functions_are_not_there() {
    let street = Street::new();
    let data = street.hearth.data().to_str().expect("a text").to_owned();
    let mut paths: Vec<Value> = [
        "/root",
        "/home",
        "/boot",
        "/run",
        "/srv",
        "/mnt",
        "/sys",
        "/dev/shm",
        "/dev/mem",
        "/dev/loop0",
        "/dev/pts",
    ]
    .iter()
    .map(|path| json!(path))
    .collect();
    for below in ["", "/hearth.db", "/token", "/instance", "/code", "/run/lock"] {
        paths.push(json!(format!("{data}{below}")));
        paths.push(json!(format!("/proc/1/root{data}{below}")));
        paths.push(json!(format!("/var/task/../../../..{data}{below}")));
    }
    let answered = answer(&street.attack(OPEN_EACH, &json!({ "mode": "rb", "paths": paths })));
    for (path, result) in paths.iter().zip(answered.as_array().expect("a list")) {
        assert_eq!(result, "ENOENT", "{path}");
    }
}

#[test]
fn proc_shows_the_functions_own_processes_and_nothing_secret_of_the_host() {
    let street = Street::new();
    let code = r"
import os
def attempt(path):
    try:
        return len(open(path, 'rb').read(64))
    except OSError:
        return 0
def handler(event, context):
    processes = [name for name in os.listdir('/proc') if name.isdigit()]
    addresses = {line.split()[0].strip('0') for line in open('/proc/kallsyms')} if os.path.exists('/proc/kallsyms') else {''}
    return processes == [str(os.getpid())], [attempt(path) for path in event], addresses == {''}
";
    let paths = [
        "/proc/1/environ",
        "/proc/1/maps",
        "/proc/1/mem",
        "/proc/1/status",
        "/proc/1/mountinfo",
        "/proc/self/mountinfo",
        "/proc/self/mounts",
        "/proc/self/mountstats",
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/sysrq-trigger",
        "/proc/slabinfo",
        "/proc/vmallocinfo",
        "/proc/kpagecount",
    ];
    let answered = answer(&street.attack(code, &json!(paths)));
    assert_eq!(answered, json!([true, vec![0; 17], true]));
}

#[test]
fn links_and_devices_made_in_tmp_lead_nowhere() {
    let street = Street::new();
    let code = r"
import errno, os
def attempt(act):
    try:
        act()
        return 'done'
    except OSError as error:
        return errno.errorcode[error.errno]
def handler(event, context):
    os.symlink('/../../../../root', '/tmp/up')
    os.symlink('/proc/1/root', '/tmp/init')
    os.symlink(event, '/tmp/data')
    os.symlink('/tmp/loop', '/tmp/loop')
    os.mkfifo('/tmp/fifo')
    return [attempt(lambda: os.listdir('/tmp/up')), attempt(lambda: os.listdir('/tmp/init/')),
            attempt(lambda: os.listdir('/tmp/data')), attempt(lambda: open('/tmp/loop')),
            attempt(lambda: os.link('/etc/passwd', '/tmp/passwd')), attempt(lambda: os.link('/usr/bin/env', '/tmp/env'))]
";
    let data = street.hearth.data().to_str().expect("a text").to_owned();
    let answered = answer(&street.attack(code, &json!(data)));
    assert_eq!(answered, json!(["ENOENT", "ENOENT", "ENOENT", "ELOOP", "EXDEV", "EXDEV"]));
    street.ends();
}

#[test]
fn a_full_tmp_is_its_environments_own_affair_and_stays_so_after_a_crash() {
    let street = Street::new();
    let code = r"
import os
def handler(event, context):
    if event == 'look':
        return len(os.listdir('/tmp'))
    written, piece = 0, bytes(1 << 20)
    try:
        with open('/tmp/full', 'wb', buffering=0) as file:
            while written < 2 << 30:
                written += file.write(piece)
    except OSError as error:
        assert error.errno == 28, error
    files = 0
    try:
        while files < 200000:
            os.close(os.open('/tmp/%d' % files, os.O_CREAT | os.O_WRONLY))
            files += 1
    except OSError as error:
        assert error.errno == 28, error
    if event == 'exit':
        os._exit(1)
    return written >> 20, files < 200000
";
    let filler = street.hostile("filler", code).with("Timeout", json!(30)).create();
    let answered = answer(&filler.invoke("\"fill\""));
    assert!((512..600).contains(&answered[0].as_u64().unwrap_or_default()), "{answered}");
    assert_eq!(answered[1], json!(true));
    street.is_well();
    let other = street.hostile("other", code).create();
    assert_eq!(answer(&other.invoke("\"look\"")), json!(0));
    assert_eq!(filler.invoke("\"exit\"").json()["errorType"], "Runtime.ExitError");
    let left = answer(&filler.invoke("\"look\""));
    assert!(left.as_u64().is_some_and(|files| files > 1000), "AWS keeps it too: {left}");
    street.ends();
}
