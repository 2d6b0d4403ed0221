use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const MAX: u32 = 3;

fn revision(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// Starts an environment as the scheduler does.
fn start(placement: &mut Placement, of: Uuid, id: u64) -> EnvironmentId {
    assert_eq!(placement.choose(of, false, MAX), Place::Start);
    placement.started(of, EnvironmentId(id));
    EnvironmentId(id)
}

#[test]
fn the_environment_used_last_is_the_next_one_used() {
    let mut placement = Placement::default();
    let ids = [1, 2, 3].map(|id| start(&mut placement, revision(1), id));
    for (second, id) in ids.into_iter().enumerate() {
        placement.release(id, at(second as i64));
    }
    assert_eq!(placement.choose(revision(1), true, MAX), Place::Reuse(EnvironmentId(3)));
    assert_eq!(placement.choose(revision(1), true, MAX), Place::Reuse(EnvironmentId(2)));
}

#[test]
fn revisions_never_share_an_environment() {
    let mut placement = Placement::default();
    let id = start(&mut placement, revision(1), 1);
    placement.release(id, at(0));
    assert_eq!(placement.choose(revision(2), true, MAX), Place::Start);
}

#[test]
fn a_full_host_has_no_place_until_an_environment_is_gone() {
    let mut placement = Placement::default();
    let ids = [1, 2, 3].map(|id| start(&mut placement, revision(1), id));
    placement.release(ids[0], at(0));
    assert_eq!(placement.choose(revision(2), true, MAX), Place::Full);
    assert_eq!(placement.evict(), Some(ids[0]));
    assert_eq!(placement.choose(revision(2), true, MAX), Place::Full, "it takes its room until it is gone");
    placement.closed(ids[0]);
    assert_eq!(placement.choose(revision(2), true, MAX), Place::Start);
}

#[test]
fn the_one_idle_for_longest_makes_room_whatever_function_it_is_of() {
    let mut placement = Placement::default();
    let [old, new] = [1, 2].map(|number| start(&mut placement, revision(number.into()), number));
    placement.release(new, at(5));
    placement.release(old, at(3));
    assert_eq!(placement.evict(), Some(old));
    assert_eq!(placement.evict(), Some(new));
    assert_eq!(placement.evict(), None);
}

#[test]
fn what_is_idle_for_long_enough_is_told_to_end_once() {
    let mut placement = Placement::default();
    let ids = [1, 2].map(|id| start(&mut placement, revision(1), id));
    placement.release(ids[0], at(0));
    placement.release(ids[1], at(8));
    let idle = Duration::from_secs(10);
    assert_eq!(placement.expire(at(9), idle), []);
    assert_eq!(placement.expire(at(10), idle), [ids[0]]);
    assert_eq!(placement.expire(at(10), idle), []);
    assert_eq!(placement.choose(revision(1), true, MAX), Place::Reuse(ids[1]));
}

#[test]
fn a_retired_revision_loses_its_idle_and_its_busy_environments() {
    let mut placement = Placement::default();
    let [idle, busy, other] =
        [(1, 1), (2, 1), (3, 2)].map(|(id, of)| start(&mut placement, revision(of), id));
    placement.release(idle, at(0));
    placement.release(other, at(0));
    let told: HashSet<_> = placement.retire(revision(1)).into_iter().collect();
    assert_eq!(told, HashSet::from([idle, busy]));
    placement.release(busy, at(1));
    assert_eq!(placement.choose(revision(1), true, MAX), Place::Full, "a busy one does not come back");
    assert_eq!(placement.choose(revision(2), true, MAX), Place::Reuse(other));
}

#[test]
fn an_account_runs_as_many_calls_as_it_may_and_others_are_not_concerned() {
    let mut placement = Placement::default();
    let (one, two): (Arc<str>, Arc<str>) = ("1/us-east-1".into(), "2/us-east-1".into());
    assert!(placement.admit(&one, 2) && placement.admit(&one, 2));
    assert!(!placement.admit(&one, 2));
    assert!(placement.admit(&two, 2));
    placement.leave(&one);
    assert!(placement.admit(&one, 2));
}

#[derive(Clone, Debug)]
enum Step {
    Choose { revision: u8, warm: bool },
    StartFails,
    Release(u8),
    Closed(u8),
    Retire(u8),
    Expire,
    Evict,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..3, any::<bool>()).prop_map(|(revision, warm)| Step::Choose { revision, warm }),
        1 => Just(Step::StartFails),
        4 => any::<u8>().prop_map(Step::Release),
        2 => any::<u8>().prop_map(Step::Closed),
        1 => (0_u8..3).prop_map(Step::Retire),
        1 => Just(Step::Expire),
        1 => Just(Step::Evict),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Whatever happens in whatever order: no environment serves two calls, none that was told to end is used
    /// again, the room is never exceeded, and all of it comes back.
    #[test]
    fn the_books_are_right_after_any_events(steps in steps()) {
        let mut placement = Placement::default();
        let (mut busy, mut alive, mut told) = (Vec::new(), Vec::new(), HashSet::new());
        let mut next = 0;
        for (now, step) in steps.into_iter().enumerate() {
            let now = at(now as i64);
            match step {
                Step::Choose { revision: of, warm } => match placement.choose(revision(of.into()), warm, MAX) {
                    Place::Reuse(id) => {
                        prop_assert!(alive.contains(&id) && !busy.contains(&id) && !told.contains(&id));
                        busy.push(id);
                    }
                    Place::Start => {
                        next += 1;
                        placement.started(revision(of.into()), EnvironmentId(next));
                        busy.push(EnvironmentId(next));
                        alive.push(EnvironmentId(next));
                    }
                    Place::Full => prop_assert_eq!(alive.len(), MAX as usize),
                },
                Step::StartFails => {
                    if placement.choose(revision(9), true, MAX) == Place::Start {
                        placement.not_started();
                    }
                }
                Step::Release(pick) if !busy.is_empty() => {
                    let id = busy.swap_remove(usize::from(pick) % busy.len());
                    placement.release(id, now);
                }
                Step::Closed(pick) if !alive.is_empty() => {
                    let id = alive.swap_remove(usize::from(pick) % alive.len());
                    placement.closed(id);
                }
                Step::Release(_) | Step::Closed(_) => {}
                Step::Retire(of) => told.extend(placement.retire(revision(of.into()))),
                Step::Expire => told.extend(placement.expire(now, Duration::from_secs(20))),
                Step::Evict => told.extend(placement.evict()),
            }
            prop_assert_eq!(placement.count() as usize, alive.len());
        }
        for id in alive {
            placement.closed(id);
        }
        prop_assert_eq!(placement.count(), 0);
        prop_assert!(placement.pools.is_empty());
    }
}
