//! A control group made of plain files, changed as the kernel would.

use tempfile::TempDir;

use super::*;

struct Files {
    directory: TempDir,
    memory: Memory,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut files = Self { directory, memory: Memory::new(1_024) };
        files.are(10, 4, 14, 2_500);
        files.memory.watch(&files.directory.path().join("memory.stat"));
        files
    }

    /// Megabytes held, of files and at the most; faults so far.
    fn are(&self, held: u64, files: u64, highest: u64, faults: u64) {
        let write = |name: &str, text: String| {
            fs::write(self.directory.path().join(name), text).expect("written");
        };
        let bytes = |megabytes: u64| megabytes * MEGABYTE;
        write(
            "memory.stat",
            format!(
                "total_cache {}\ntotal_rss {}\ntotal_shmem 0\ntotal_pgfault {faults}\n",
                bytes(files),
                bytes(held)
            ),
        );
        write("memory.max_usage_in_bytes", format!("{}\n", bytes(highest)));
    }

    fn peak_mb(&mut self) -> u64 {
        self.memory.sample();
        self.memory.peak_mb()
    }

    /// As if the last look were just now, however slow this test is: no time passes since an instant that is to come.
    fn was_looked_at_just_now(&mut self) {
        let group = self.memory.group.as_mut().expect("it is watched");
        group.looked = Some(Instant::now() + Duration::from_secs(3_600));
    }
}

/// Faults of so many megabytes.
fn faults(megabytes: u64) -> u64 {
    2_500 + megabytes * 256
}

#[test]
fn memory_is_anonymous_and_shared_but_not_page_cache() {
    let v1 = b"cache 900\nrss 100\nshmem 7\ntotal_cache 907\ntotal_rss 100\ntotal_shmem 7\ntotal_pgfault 5\n";
    assert_eq!(Look::read(v1), Look { held: 107, files: 900, kernel: 0, faults: 5 });
    let v2 = b"anon 40\nfile 902\nkernel 3\nshmem 2\npgfault 9\n";
    assert_eq!(Look::read(v2), Look { held: 42, files: 900, kernel: 3, faults: 9 });
}

#[test]
fn what_came_and_went_between_two_looks_is_counted() {
    let mut group = Files::new();
    assert_eq!(group.peak_mb(), 10);
    group.are(10, 4, 314, faults(300));
    assert_eq!(group.peak_mb(), 310);
}

#[test]
fn a_large_file_is_not_counted_whether_it_stays_or_not() {
    let mut group = Files::new();
    assert_eq!(group.peak_mb(), 10);
    group.are(10, 504, 514, faults(1));
    assert_eq!(group.peak_mb(), 10, "it stays");
    group.are(10, 4, 514, faults(1));
    assert!(group.peak_mb() <= 12, "it went");
    group.are(10, 4, 714, faults(2));
    assert!(group.peak_mb() <= 12, "another came and went");
}

#[test]
fn memory_is_told_from_files_that_came_before() {
    let mut group = Files::new();
    assert_eq!(group.peak_mb(), 10);
    group.are(10, 504, 814, faults(300));
    assert_eq!(group.peak_mb(), 310);
}

#[test]
fn a_process_is_asked_for_its_own_peak_without_files() {
    assert_eq!(highest_of("Name:\tpython\nVmHWM:\t  2048 kB\nRssFile:\t 1024 kB\n"), MEGABYTE);
    assert_eq!(highest_of("Name:\tkernel thread\n"), 0);
}

#[test]
fn all_is_used_when_the_kernel_had_to_kill() {
    let mut memory = Memory::new(128);
    memory.exhausted();
    assert_eq!((memory.peak_mb(), memory.limit_mb()), (128, 128));
}

#[test]
fn after_a_short_call_of_a_group_that_was_looked_at_just_now_only_a_higher_use_is_looked_into() {
    let mut group = Files::new();
    assert_eq!(group.peak_mb(), 10);
    // More is held, in the place of page cache: a look would tell.
    group.are(14, 0, 14, faults(4));
    group.was_looked_at_just_now();
    group.memory.sample_after(Duration::from_micros(200));
    assert_eq!(group.memory.peak_mb(), 10);
    group.memory.sample_after(JUST_NOW);
    assert_eq!(group.memory.peak_mb(), 14, "a call that took longer is looked at");
    group.are(14, 0, 20, faults(10));
    group.was_looked_at_just_now();
    group.memory.sample_after(Duration::from_micros(200));
    assert_eq!(group.memory.peak_mb(), 20, "the highest use rose");
}
