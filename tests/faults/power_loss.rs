//! The power goes at any write, sync or renaming of the store: what was acknowledged is there afterwards.

use std::time::Duration;

use hearth_tests::{Chance, Disk, Faults, Survival};

use crate::how_often;
use crate::store_driver::{Driver, Found, Model};

/// Cuts in the short form.
const CUTS: u64 = 40;

/// A run that has not reached its moment by then is cut where it is.
const RUN_MAX: Duration = Duration::from_secs(5);

/// Changes and syncs until a cut: some hit the opening, some a busy store, some the folding of its log.
const MOMENTS: [u64; 5] = [12, 40, 300, 2_000, 8_000];

/// So many cuts in a hundred hit a store that is being made.
const NEW_DISK_PERCENT: u64 = 15;

/// One life of the store: started, loaded, cut. Gives what it found of the life before.
fn live_and_die(disk: &mut Disk, model: &mut Model, chance: &mut Chance) -> (Found, String) {
    let moment = 1 + {
        let limit = *chance.one_of(&MOMENTS);
        chance.below(limit)
    };
    disk.cut_after(moment);
    let driver = Driver::start(&disk.path().join("data"), chance.number());
    disk.wait_for_cut(RUN_MAX);
    let survival = *chance.one_of(&Survival::ALL);
    let (lines, errors) = driver.kill();
    disk.cut(survival, chance);
    let found = model.take(&lines);
    (found, format!("cut at change {moment}, {survival:?} survives; last words: {errors}"))
}

/// A life without a cut: everything must be there and the store must open.
fn look(disk: &Disk, model: &mut Model) -> Found {
    let driver = Driver::start(&disk.path().join("data"), 0);
    let (lines, errors) = driver.wait_until_ready();
    let found = model.take(&lines);
    assert!(found.is_complete, "the store does not open after a loss of power: {errors}");
    found
}

#[test]
fn after_every_loss_of_power_every_acknowledged_write_and_blob_is_there() {
    let mut chance = Chance::new();
    let cuts = how_often("HEARTH_CUTS", CUTS);
    let (mut disk, mut model) = (Disk::new(), Model::default());
    let mut heard = 0;
    for cut in 1..=cuts {
        if chance.percent(NEW_DISK_PERCENT) {
            heard += model.acknowledgements;
            (disk, model) = (Disk::new(), Model::default());
        }
        let (found, story) = live_and_die(&mut disk, &mut model, &mut chance);
        assert_eq!(found.losses, Vec::<String>::new(), "before cut {cut} ({story})");
        let found = look(&disk, &mut model);
        assert_eq!(found.losses, Vec::<String>::new(), "after cut {cut} ({story})");
        if cut % 20 == 0 {
            eprintln!("cut {cut} of {cuts}: {} acknowledged, none lost", heard + model.acknowledgements);
        }
    }
    heard += model.acknowledgements;
    eprintln!("{cuts} cuts, {heard} acknowledged, none lost");
    assert!(heard > cuts, "there was no load");
}

/// The proof that losses are found: on a disk that only says that it has synced, they are there.
#[track_caller]
fn losses_are_found_when(lies: &str) {
    const CUTS_MAX: u64 = 60;
    let mut chance = Chance::new();
    let (mut disk, mut model) = (Disk::new(), Model::default());
    for cut in 1..=CUTS_MAX {
        disk.set(Faults::none().lies(lies));
        let (mut found, _) = live_and_die(&mut disk, &mut model, &mut chance);
        disk.set(Faults::none());
        if found.losses.is_empty() {
            let driver = Driver::start(&disk.path().join("data"), 0);
            let (lines, errors) = driver.wait_until_ready();
            found = model.take(&lines);
            if !found.is_complete {
                eprintln!("found at cut {cut}: {errors}");
                return;
            }
        }
        if let Some(loss) = found.losses.first() {
            eprintln!("found at cut {cut}: {loss}");
            return;
        }
    }
    panic!("no loss was found in {CUTS_MAX} cuts on a disk that does not sync {lies:?}");
}

#[test]
fn a_store_that_would_sync_nothing_is_found_out() {
    losses_are_found_when("");
}

#[test]
fn a_log_that_would_not_be_synced_is_found_out() {
    losses_are_found_when("hearth.db-wal");
}

#[test]
fn a_folder_of_blobs_that_would_not_be_synced_is_found_out() {
    losses_are_found_when("/data/blobs");
}
