use super::*;

const HYBRID: &str = "proc /proc proc rw 0 0\n\
    cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
    cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n\
    cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";

#[test]
fn a_controller_is_found_by_its_option_not_by_its_path() {
    assert_eq!(v1::mount_point(HYBRID, "memory"), Some(PathBuf::from("/sys/fs/cgroup/memory")));
    assert_eq!(v1::mount_point(HYBRID, "cpuacct"), Some(PathBuf::from("/sys/fs/cgroup/cpu,cpuacct")));
    assert_eq!(v1::mount_point(HYBRID, "pids"), None);
    assert_eq!(v2::mount_point(HYBRID), Some(PathBuf::from("/sys/fs/cgroup/unified")));
}

#[test]
fn what_is_missing_is_named_for_both_versions() {
    assert!(v1::Cgroups::find(HYBRID, "x").expect_err("no pids").contains("`pids`"));
    assert!(v2::Cgroups::find("", "x").expect_err("nothing").contains("not mounted"));
}

#[test]
fn groups_go_to_the_top_unless_our_own_was_delegated() {
    let base = |own: &str, delegated: bool| v2::base(Path::new("/sys/fs/cgroup"), own, |_| delegated);
    let (top, service) = (Path::new("/sys/fs/cgroup"), "0::/system.slice/hearth.service\n");
    assert_eq!(base(service, false), top);
    assert_eq!(base(service, true), top.join("system.slice/hearth.service"));
    assert_eq!(base("4:memory:/x\n0::/a/hearth-self\n", false), top.join("a"));
    assert_eq!(base("0::/\n", false), top);
    assert_eq!(base("", false), top);
}

#[test]
fn a_weight_of_one_process_is_the_default_of_both_versions() {
    assert_eq!([1024, 2, 0, u64::MAX].map(v2::weight), [100, 1, 1, 10_000]);
}

#[test]
fn a_figure_is_found_by_its_whole_name() {
    let text = "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 0\n";
    assert_eq!(["oom", "oom_kill", "nothing"].map(|name| v2::figure(text, name)), [2, 1, 0]);
}
