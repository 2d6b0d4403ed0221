use super::*;
use crate::seccomp::calls::ALLOWED;

/// Runs the filter as the kernel would, up to an answer or its end (`None`).
fn run(program: &[sock_filter], machine: u32, number: u32) -> Option<u32> {
    let (mut at, mut loaded) = (0, 0);
    while let Some(instruction) = program.get(at) {
        let k = instruction.k;
        let jump = |holds: bool| usize::from(if holds { instruction.jt } else { instruction.jf });
        at += 1;
        match u32::from(instruction.code) {
            LOAD if k == MACHINE_OFFSET => loaded = machine,
            LOAD => loaded = number,
            IF_EQUAL => at += jump(loaded == k),
            IF_AT_LEAST => at += jump(loaded >= k),
            GO => at += k as usize,
            ANSWER => return Some(k),
            other => panic!("instruction {other:#x} is not used here"),
        }
    }
    None
}

fn whole() -> Vec<sock_filter> {
    begin().into_iter().chain(decide(&ranges(ALLOWED))).collect()
}

#[test]
fn exactly_the_listed_calls_are_allowed_and_all_others_go_on() {
    let program = whole();
    for number in (0..1024).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
        let answer = run(&program, MACHINE, number);
        if i64::from(number) == libc::SYS_clone3 {
            assert_eq!(answer, Some(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32));
        } else if ALLOWED.contains(&i64::from(number)) {
            assert_eq!(answer, Some(libc::SECCOMP_RET_ALLOW), "call {number}");
        } else {
            assert_eq!(answer, None, "call {number}");
        }
    }
}

#[test]
fn a_foreign_machine_ends_the_process() {
    assert_eq!(run(&whole(), MACHINE ^ 1, libc::SYS_read as u32), Some(libc::SECCOMP_RET_KILL_PROCESS));
}

#[test]
fn dangerous_calls_are_not_in_the_list() {
    let dangerous = [
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_open_by_handle_at,
        libc::SYS_swapon,
        libc::SYS_reboot,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_mount_setattr,
        libc::SYS_pidfd_getfd,
        libc::SYS_fanotify_init,
        libc::SYS_syslog,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_socket,
        libc::SYS_personality,
        libc::SYS_clock_settime,
        libc::SYS_settimeofday,
    ];
    assert_eq!(dangerous.iter().find(|call| ALLOWED.contains(call)), None);
}
