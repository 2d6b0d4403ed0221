//! The decision tree over call numbers, in the kernel's filter language.
//!
//! Never: an answer other than "allowed", "unknown call" for clone3, death for a foreign machine; all else goes on.

use seccompiler::sock_filter;

#[cfg(target_arch = "x86_64")]
const MACHINE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const MACHINE: u32 = 0xC000_00B7;

/// Where the kernel puts the call's number and the machine it was made for.
const NUMBER_OFFSET: u32 = 0;
const MACHINE_OFFSET: u32 = 4;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const GO: u32 = libc::BPF_JMP | libc::BPF_JA;
const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;

/// Numbers allowed, from the first to the last of each range.
type Range = (u32, u32);

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}

/// Calls in the manner of another machine end the process; `clone3` answers `ENOSYS`; the number is loaded.
pub(super) fn begin() -> [sock_filter; 6] {
    [
        instruction(LOAD, 0, 0, MACHINE_OFFSET),
        instruction(IF_EQUAL, 1, 0, MACHINE),
        instruction(ANSWER, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        instruction(LOAD, 0, 0, NUMBER_OFFSET),
        instruction(IF_EQUAL, 0, 1, libc::SYS_clone3 as u32),
        instruction(ANSWER, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}

/// Sorts call numbers into ranges without gaps.
pub(super) fn ranges(calls: &[i64]) -> Vec<Range> {
    let mut numbers: Vec<u32> = calls.iter().map(|call| *call as u32).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut ranges: Vec<Range> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// Allows the numbers of the ranges; for others execution goes on behind the tree.
pub(super) fn decide(ranges: &[Range]) -> Vec<sock_filter> {
    let mut tree = Vec::new();
    grow(ranges, 0, &mut tree);
    tree
}

/// Appends the tree for some ranges, behind which `after` instructions of the whole tree follow.
fn grow(ranges: &[Range], after: u32, tree: &mut Vec<sock_filter>) {
    if let [(first, last)] = ranges {
        tree.extend([
            instruction(IF_AT_LEAST, 0, 2, *first),
            instruction(IF_AT_LEAST, 1, 0, last + 1),
            instruction(ANSWER, 0, 0, libc::SECCOMP_RET_ALLOW),
            instruction(GO, 0, 0, after),
        ]);
        return;
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let low_length = length(low.len());
    // Jumps on a condition reach 255 instructions, those without reach everywhere.
    tree.extend([instruction(IF_AT_LEAST, 0, 1, high[0].0), instruction(GO, 0, 0, low_length)]);
    grow(low, after + length(high.len()), tree);
    grow(high, after, tree);
}

/// Instructions of a tree over so many ranges: four a leaf, two a fork.
fn length(ranges: usize) -> u32 {
    (ranges * 6 - 2) as u32
}

#[cfg(test)]
mod tests;
