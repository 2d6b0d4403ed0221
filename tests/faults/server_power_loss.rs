//! The power goes under a whole server with its data folder on the disk: what was acknowledged is there afterwards,
//! and every function runs.

use std::process::{Command, Stdio};
use std::time::Duration;

use hearth_tests::{Chance, Disk, Hearth, Survival, binary, leftovers, wait_until_unused};

use crate::expected::{package, run, run_all};
use crate::how_often;
use crate::load::{Known, Load, lock};

/// Cuts in the short form, and how many of the store's own one of these stands for.
const CUTS: u64 = 4;
const STORE_CUTS_EACH: u64 = 20;

/// A run that has not reached its moment by then is cut where it is.
const RUN_MAX: Duration = Duration::from_secs(4);

/// Changes and syncs until a cut.
const MOMENTS: [u64; 3] = [30, 300, 1_500];

#[test]
fn after_a_loss_of_power_under_a_server_every_acknowledged_write_is_there_and_every_function_runs() {
    let mut chance = Chance::new();
    let cuts = how_often("HEARTH_CUTS", CUTS * STORE_CUTS_EACH) / STORE_CUTS_EACH;
    let mut disk = Disk::new();
    let mut hearth = Hearth::start_on(&disk);
    let known = Known::default();
    for cut in 1..=cuts {
        let load = Load::start(&hearth, &known, &mut chance, None);
        let limit = *chance.one_of(&MOMENTS);
        let moment = 1 + chance.below(limit);
        disk.cut_after(moment);
        disk.wait_for_cut(RUN_MAX);
        hearth.kill();
        load.end();
        // The dead machine's processes and mounts; they cannot reach the disk any more.
        assert_eq!(leftovers(&hearth), Vec::<String>::new());
        let survival = *chance.one_of(&Survival::ALL);
        disk.cut(survival, &mut chance);
        let story = format!("cut {cut} of {cuts} at change {moment}, {survival:?} survives");
        hearth.restart_on(&disk);
        let mut expected = lock(&known);
        assert_eq!(expected.check(&hearth), Vec::<String>::new(), "{story}");
        run_all(&hearth, &expected);
        eprintln!("{story}: {} things, {} acknowledged, none lost", expected.count(), expected.acknowledged);
    }
    assert_eq!(hearth.stop(), Some(0));
}

/// First starts in the short form.
const FIRST_STARTS: u64 = 5;

#[test]
fn a_first_start_that_loses_power_at_any_change_is_begun_anew() {
    let mut chance = Chance::new();
    let whole = Disk::new();
    drop(Hearth::start_on(&whole));
    let (changes, syncs) = whole.counts();
    for start in 1..=how_often("HEARTH_CUTS", FIRST_STARTS * STORE_CUTS_EACH) / STORE_CUTS_EACH {
        let mut disk = Disk::new();
        let moment = 1 + chance.below(changes + syncs);
        disk.cut_after(moment);
        let mut first = Command::new(binary())
            .args(["up", "--listen", "127.0.0.1:0", "--data"])
            .arg(disk.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start hearth");
        disk.wait_for_cut(RUN_MAX);
        // It may have ended by itself.
        let _ = first.kill();
        first.wait().expect("started here");
        // A dead machine has no spawner that still removes what the next one makes under the same name.
        wait_until_unused(&disk.path());
        let survival = *chance.one_of(&Survival::ALL);
        disk.cut(survival, &mut chance);
        let hearth = Hearth::start_on(&disk);
        hearth.function("first").package(&package(1)).create();
        run(&hearth, "first", 1);
        eprintln!("first start {start} cut at change {moment}, {survival:?} survives: begun anew");
    }
}
