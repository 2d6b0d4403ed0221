//! Whether the host has memory for one more environment.
//!
//! What counts is memory in use, not what functions may use: a thousand functions of 1 GB that take 30 MB each are
//! welcome on a host of 64 GB.
//!
//! Never: lets a new environment push the host into swapping or killing.

use std::fs;

/// What a new environment must leave available on the host, in bytes: the server, its spawner and their caches live
/// in it, and the environments that begin at the same moment.
pub const MEMORY_RESERVE: u64 = 256 * 1024 * 1024;

/// Where Linux tells it.
const MEMORY_INFO: &str = "/proc/meminfo";

/// Whether more than `reserve` bytes can be had without swapping. A host that does not tell has room.
pub(crate) fn is_there(reserve: u64) -> bool {
    let told = fs::read_to_string(MEMORY_INFO).ok();
    told.as_deref().and_then(available_bytes).is_none_or(|available| available > reserve)
}

fn available_bytes(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_is_available() {
        let told = "MemTotal:       24683520 kB\nMemFree:         4601856 kB\nMemAvailable:   23451648 kB\n";
        assert_eq!(available_bytes(told), Some(23_451_648 * 1024));
        assert_eq!(available_bytes("MemTotal: 1 kB\n"), None);
        assert!(is_there(0));
        assert!(!is_there(u64::MAX));
    }
}
