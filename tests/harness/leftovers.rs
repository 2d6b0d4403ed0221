//! What a server has on its host beside its data folder, seen from outside through /proc and /sys.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::patience::patience;
use crate::server::Hearth;

/// The kernel gives loop devices and cgroups back a moment after their last user is gone.
const SETTLE_SECONDS: u64 = 60;

/// The first user number of all blocks, and how many a block has.
const BLOCKS_START: u32 = 0x7000_0000;
const BLOCK_SIZE: u32 = 4096;

/// `/tmp` images, and cgroups, that a running server keeps ready.
const READY_MAX: usize = 4;

/// Levels of control groups that are looked through: systemd puts a service three deep.
const GROUP_DEPTH_MAX: usize = 4;

/// What is on the host of this server and belongs to nobody who runs: one line each. Waits a while for the kernel.
///
/// A running server that has run nothing yet may have its own processes, empty cgroups and ready images.
pub fn leftovers(hearth: &Hearth) -> Vec<String> {
    let started = Instant::now();
    // Spawners of others come and go all the time: what was there at every look is left.
    let mut orphans = orphaned_spawners();
    loop {
        let mut found = look(hearth);
        found.extend(orphans.iter().map(|pid| shown(*pid)));
        if found.is_empty() || started.elapsed() > patience(SETTLE_SECONDS) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
        orphans = &orphans & &orphaned_spawners();
    }
}

/// Waits until no process has anything below this folder open: a killed server's spawner is done by then.
pub fn wait_until_unused(folder: &Path) {
    let (started, folder) = (Instant::now(), real(folder));
    while processes().into_iter().any(|pid| holds(pid, &folder)) {
        assert!(started.elapsed() < patience(SETTLE_SECONDS), "somebody still uses {}", folder.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn look(hearth: &Hearth) -> Vec<String> {
    let alive = Path::new("/proc").join(hearth.process().to_string()).join("fd").read_dir().is_ok();
    let own = if alive { family(hearth.process()) } else { Vec::new() };
    let mut found = Vec::new();
    for pid in processes() {
        if !own.contains(&pid) && belongs(pid, hearth) {
            found.push(shown(pid));
        }
    }
    found.extend(mounts(hearth.data()));
    let images = loop_devices(hearth.data());
    if !alive || images.len() > READY_MAX {
        found.extend(images);
    }
    found.extend(cgroups(&hearth.instance(), alive));
    found
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("list /proc");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A process and all below it.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let parents: Vec<(u32, u32)> =
        processes().into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut next = 0;
    while let Some(&pid) = family.get(next) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    family
}

fn parent(pid: u32) -> Option<u32> {
    status_field(pid, "PPid:")?.first().copied()
}

fn status_field(pid: u32, name: &str) -> Option<Vec<u32>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().filter_map(|number| number.parse().ok()).collect())
}

/// Runs under a user number of this server's spawner, or holds a file of its data folder open.
fn belongs(pid: u32, hearth: &Hearth) -> bool {
    let block = fs::read_to_string(hearth.data().join("run/uid-block")).ok();
    let block: Option<u32> = block.and_then(|text| text.trim().parse().ok());
    let users: Option<Range<u32>> = block.map(|block| {
        let first = BLOCKS_START + block * BLOCK_SIZE;
        first..first + BLOCK_SIZE
    });
    let runs_as = status_field(pid, "Uid:").unwrap_or_default();
    if users.is_some_and(|users| runs_as.iter().any(|user| users.contains(user))) {
        return true;
    }
    holds(pid, &real(hearth.data()))
}

fn holds(pid: u32, folder: &Path) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.starts_with(folder))
}

fn shown(pid: u32) -> String {
    format!("process {pid}: {}", command_line(pid))
}

fn orphaned_spawners() -> BTreeSet<u32> {
    processes().into_iter().filter(|pid| is_orphaned_spawner(*pid)).collect()
}

/// A spawner whose server is gone, of whatever instance: within a moment it must be gone too.
fn is_orphaned_spawner(pid: u32) -> bool {
    let is_spawner = |pid| command_line(pid).trim_end().ends_with(" __spawner");
    // The first process of a sandbox is a spawner's child and still has its name.
    let starts = |line: &str| [" up ", " serve "].iter().any(|command| line.contains(command));
    let is_served = |parent| is_spawner(parent) || starts(&command_line(parent));
    is_spawner(pid) && parent(pid).is_some_and(|parent| !is_served(parent))
}

/// Whether a process has a socket that listens at this address. Whoever connects cannot tell: once the port is free it
/// may be somebody else's.
pub(crate) fn listens(pid: u32, address: &str) -> bool {
    let port = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port");
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel's sockets");
    let listening = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ours = fields.get(1)?.ends_with(&format!(":{port:04X}")) && *fields.get(3)? == "0A";
        ours.then(|| format!("socket:[{}]", fields.get(9).copied().unwrap_or_default()))
    });
    let sockets: Vec<String> = listening.collect();
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut links = files.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
}

fn command_line(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

fn mounts(data: &Path) -> Vec<String> {
    let data = real(data).to_string_lossy().into_owned();
    let mounts = fs::read_to_string("/proc/self/mounts").expect("read the mounts");
    mounts.lines().filter(|line| line.contains(&data)).map(|line| format!("mount: {line}")).collect()
}

fn loop_devices(data: &Path) -> Vec<String> {
    let data = real(data);
    let devices = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let backed = devices.filter_map(|device| {
        let file = fs::read_to_string(device.path().join("loop/backing_file")).ok()?;
        file.starts_with(data.to_str()?).then(|| format!("{:?}: {}", device.file_name(), file.trim()))
    });
    backed.collect()
}

fn cgroups(instance: &str, alive: bool) -> Vec<String> {
    let mut found = Vec::new();
    for parent in groups(instance) {
        let children = fs::read_dir(&parent).into_iter().flatten().flatten();
        let children: Vec<PathBuf> =
            children.map(|child| child.path()).filter(|path| path.is_dir()).collect();
        if !alive || children.len() > READY_MAX || children.iter().any(|path| !tasks_of(path).is_empty()) {
            found.extend(children);
        }
        if !alive {
            found.push(parent);
        }
    }
    found.iter().map(|path| format!("cgroup {}", path.display())).collect()
}

/// The groups of an instance: in version 1 one a hierarchy, in version 2 one, at the top or in a delegated group.
fn groups(instance: &str) -> Vec<PathBuf> {
    let wanted = format!("hearth-{instance}");
    let (mut found, mut level) = (Vec::new(), vec![PathBuf::from("/sys/fs/cgroup")]);
    for _ in 0..GROUP_DEPTH_MAX {
        let entries = level.iter().filter_map(|path| fs::read_dir(path).ok()).flatten().flatten();
        let entries = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let (ours, others): (Vec<_>, Vec<_>) = entries.partition(|entry| *entry.file_name() == *wanted);
        found.extend(ours.iter().map(fs::DirEntry::path));
        level = others.iter().map(fs::DirEntry::path).collect();
    }
    found
}

/// The processes and threads of one group, which version 1 and version 2 list under different names.
fn tasks_of(group: &Path) -> Vec<u32> {
    let read = |name| fs::read_to_string(group.join(name));
    let text = read("tasks").or_else(|_| read("cgroup.threads")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Whether a sandbox of this server stands still.
pub fn is_one_frozen(hearth: &Hearth) -> bool {
    let is_frozen = |group: &Path| {
        let read = |name| fs::read_to_string(group.join(name)).unwrap_or_default();
        read("freezer.state") == "FROZEN\n" || read("cgroup.events").contains("frozen 1")
    };
    children(&hearth.instance()).any(|group| is_frozen(&group))
}

fn children(instance: &str) -> impl Iterator<Item = PathBuf> {
    let groups = groups(instance).into_iter().filter_map(|group| fs::read_dir(group).ok());
    groups.flatten().flatten().map(|child| child.path())
}

/// Processes and threads that run in sandboxes of this server now.
pub fn tasks(hearth: &Hearth) -> BTreeSet<u32> {
    children(&hearth.instance()).flat_map(|group| tasks_of(&group)).collect()
}

/// Those of them that are functions' own: not the first process of a sandbox.
pub fn programs(hearth: &Hearth) -> BTreeSet<u32> {
    let is_init = |task: &u32| {
        fs::read_to_string(format!("/proc/{task}/comm")).is_ok_and(|name| name.trim() == "hearth-init")
    };
    let mut tasks = tasks(hearth);
    tasks.retain(|task| !is_init(task));
    tasks
}

/// Without links, as the kernel shows paths.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
