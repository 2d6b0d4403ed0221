//! Every target, a bounded number of times: from a seed that the run tells, or from the one it is given.

use hearth_fuzz::{replay, run, targets};
use hearth_world::Random;

/// Repeats a run: `HEARTH_FUZZ_SEED=17 cargo test -p hearth-fuzz`.
const SEED: &str = "HEARTH_FUZZ_SEED";

#[test]
fn what_once_broke_a_reader_does_not_break_it_again() {
    for target in targets() {
        if let Err(path) = replay(target) {
            panic!("{} breaks {} again", path.display(), target.name);
        }
    }
}

#[test]
fn no_reader_of_foreign_bytes_breaks_whatever_comes() {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| u64::from_le_bytes(Random::kernel().bytes()));
    println!("{SEED}={seed}");
    let broken: Vec<_> = targets()
        .into_iter()
        .filter_map(|target| run(target, seed, |executions| executions >= target.executions).err())
        .map(|found| format!("{}: {:?}", found.target, String::from_utf8_lossy(&found.input)))
        .collect();
    assert!(broken.is_empty(), "{SEED}={seed} {broken:#?}");
}
