use proptest::prelude::*;

use super::Effect::*;
use super::*;

const A: CallId = CallId(1);
const B: CallId = CallId(2);

/// Applies the events to a new environment; the effects of the last one and the state after it are compared.
#[track_caller]
fn check(events: &[Event], effects: &[Effect], state: &Environment) {
    let mut environment = Environment::new();
    let mut last = Vec::new();
    for event in events {
        (environment, last) = environment.on(event.clone());
    }
    assert_eq!(last, effects);
    assert_eq!(&environment, state);
}

fn open() -> Queue {
    Queue::Open(VecDeque::new())
}

fn open_with(id: CallId) -> Queue {
    Queue::Open(VecDeque::from([id]))
}

#[test]
fn init_ends_when_the_runtime_asks_for_work() {
    check(&[Event::AskedNext], &[InitDone, ArmRest], &Environment::Idle);
    check(
        &[Event::Assigned(A), Event::AskedNext],
        &[InitDone, Begin(A), ArmInvocation, Deliver(A)],
        &Environment::Busy { id: A, queue: open() },
    );
}

#[test]
fn one_invocation_runs_and_the_next_one_waits() {
    use Event::{AskedNext, Assigned, Responded};
    check(
        &[AskedNext, Assigned(A)],
        &[Begin(A), ArmInvocation, Deliver(A)],
        &Environment::Busy { id: A, queue: open() },
    );
    check(&[AskedNext, Assigned(A), Assigned(B)], &[], &Environment::Busy { id: A, queue: open_with(B) });
    check(
        &[AskedNext, Assigned(A), Responded],
        &[Answer(A, Ending::Answered)],
        &Environment::Settling { id: A, queue: open() },
    );
    check(
        &[AskedNext, Assigned(A), Assigned(B), Responded, AskedNext],
        &[Finish(A, Ending::Answered), Begin(B), ArmInvocation, Deliver(B)],
        &Environment::Busy { id: B, queue: open() },
    );
    check(&[AskedNext, Assigned(A), AskedNext], &[Deliver(A)], &Environment::Busy { id: A, queue: open() });
}

#[test]
fn an_environment_that_rests_stands_still_until_the_next_invocation() {
    use Event::{AskedNext, Assigned, DeadlinePassed, Exited, Kill};
    let at_rest = [AskedNext, DeadlinePassed];
    check(&at_rest, &[Disarm, Freeze], &Environment::Frozen);
    check(
        &[&at_rest[..], &[Assigned(A)]].concat(),
        &[Thaw, Begin(A), ArmInvocation, Deliver(A)],
        &Environment::Busy { id: A, queue: open() },
    );
    check(&[&at_rest[..], &[AskedNext]].concat(), &[], &Environment::Frozen);
    check(&[&at_rest[..], &[Kill]].concat(), &[Effect::Kill], &Environment::Closing);
    check(&[&at_rest[..], &[Exited { faulted: false }]].concat(), &[Gone], &Environment::Closed);
}

#[test]
fn a_second_answer_and_one_without_an_invocation_are_denied() {
    use Event::{AskedNext, Assigned, Responded};
    check(&[Responded], &[Deny], &Environment::new());
    check(&[AskedNext, Responded], &[Deny], &Environment::Idle);
    check(
        &[AskedNext, Assigned(A), Responded, Responded],
        &[Deny],
        &Environment::Settling { id: A, queue: open() },
    );
}

#[test]
fn a_failed_init_is_run_again_inside_the_first_invocation() {
    use Event::{AskedNext, Assigned, DeadlinePassed, InitFailed};
    check(&[InitFailed], &[ReportInit(Ending::InitFailed, false), Disarm, Kill], &Environment::Broken);
    check(
        &[InitFailed, Assigned(A)],
        &[Begin(A), ArmInvocation, Launch],
        &Environment::Repeating { id: A, queue: open() },
    );
    check(
        &[Assigned(A), DeadlinePassed],
        &[ReportInit(Ending::TimedOut, false), Begin(A), ArmInvocation, Launch],
        &Environment::Repeating { id: A, queue: open() },
    );
    check(
        &[Assigned(A), InitFailed, InitFailed],
        &[
            ReportInit(Ending::InitFailed, true),
            Answer(A, Ending::InitFailed),
            Finish(A, Ending::InitFailed),
            Kill,
        ],
        &Environment::Closing,
    );
    check(
        &[Assigned(A), InitFailed, AskedNext],
        &[InitRepeated, Deliver(A)],
        &Environment::Busy { id: A, queue: open() },
    );
}

#[test]
fn a_memory_fault_in_a_repeated_init_lasts_until_the_time_is_over() {
    let faulted = Event::Exited { faulted: true };
    let stalled = Environment::Stalled { id: A, queue: open() };
    check(&[Event::Assigned(A), faulted.clone(), faulted.clone()], &[], &stalled);
    check(
        &[Event::Assigned(A), faulted.clone(), faulted, Event::DeadlinePassed],
        &[ReportInit(Ending::TimedOut, true), Answer(A, Ending::TimedOut), Finish(A, Ending::TimedOut), Gone],
        &Environment::Closed,
    );
}

#[test]
fn after_an_exit_the_environment_goes_on_with_a_new_init_in_its_next_invocation() {
    use Event::{AskedNext, Assigned, Responded, Stop};
    let exited = Event::Exited { faulted: false };
    check(
        &[AskedNext, Assigned(A), exited.clone()],
        &[Answer(A, Ending::Exited), Finish(A, Ending::Exited), Disarm],
        &Environment::Broken,
    );
    check(
        &[AskedNext, Assigned(A), exited.clone(), Assigned(B)],
        &[Begin(B), ArmInvocation, Launch],
        &Environment::Repeating { id: B, queue: open() },
    );
    check(
        &[AskedNext, Assigned(A), Assigned(B), exited.clone()],
        &[Answer(A, Ending::Exited), Finish(A, Ending::Exited), Begin(B), ArmInvocation, Launch],
        &Environment::Repeating { id: B, queue: open() },
    );
    check(
        &[AskedNext, Assigned(A), Responded, exited.clone()],
        &[Finish(A, Ending::Exited), Disarm],
        &Environment::Broken,
    );
    check(
        &[AskedNext, Assigned(A), Stop, exited.clone()],
        &[Answer(A, Ending::Exited), Finish(A, Ending::Exited), Gone],
        &Environment::Closed,
    );
    check(&[AskedNext, exited], &[Gone], &Environment::Closed);
}

#[test]
fn after_a_timeout_nothing_begins_before_every_process_is_gone() {
    use Event::{AskedNext, Assigned, DeadlinePassed, Stop};
    let exited = Event::Exited { faulted: false };
    let late = [AskedNext, Assigned(A), DeadlinePassed];
    let then = |events: &[Event]| [&late[..], events].concat();
    let ended = [Answer(A, Ending::TimedOut), Finish(A, Ending::TimedOut), Disarm, Kill];
    check(&late, &ended, &Environment::Resetting { queue: VecDeque::new() });
    check(&then(&[Assigned(B)]), &[], &Environment::Resetting { queue: VecDeque::from([B]) });
    check(
        &then(&[Assigned(B), exited.clone()]),
        &[Begin(B), ArmInvocation, Launch],
        &Environment::Repeating { id: B, queue: open() },
    );
    check(&then(std::slice::from_ref(&exited)), &[Disarm], &Environment::Broken);
    check(&then(&[Assigned(B), Stop]), &[Refuse(B)], &Environment::Closing);
    check(&then(&[AskedNext]), &[Deny], &Environment::Resetting { queue: VecDeque::new() });
}

#[test]
fn with_the_spawner_all_is_lost() {
    use Event::{AskedNext, Assigned, NotStarted};
    check(
        &[AskedNext, Assigned(A), Assigned(B), NotStarted],
        &[Refuse(B), Answer(A, Ending::Exited), Finish(A, Ending::Exited), Gone],
        &Environment::Closed,
    );
}

#[test]
fn a_stop_lets_the_invocation_end_and_takes_no_more() {
    use Event::{AskedNext, Assigned, Responded, Stop};
    check(&[AskedNext, Stop], &[Kill], &Environment::Closing);
    check(
        &[AskedNext, Assigned(A), Stop, Assigned(B)],
        &[Refuse(B)],
        &Environment::Busy { id: A, queue: Queue::Shut },
    );
    check(
        &[AskedNext, Assigned(A), Stop, Responded, AskedNext],
        &[Finish(A, Ending::Answered), Kill],
        &Environment::Closing,
    );
}

#[test]
fn more_calls_than_the_queue_holds_are_refused() {
    let mut environment = Environment::new();
    for number in 0..CALLS_WAITING_MAX as u64 {
        environment = environment.on(Event::Assigned(CallId(number))).0;
    }
    let (_, effects) = environment.on(Event::Assigned(CallId(99)));
    assert_eq!(effects, [Refuse(CallId(99))]);
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        1 => Just(Event::NotStarted),
        6 => Just(Event::Assigned(CallId(0))), // numbered below
        6 => Just(Event::AskedNext),
        6 => Just(Event::Responded),
        1 => Just(Event::InitFailed),
        1 => any::<bool>().prop_map(|faulted| Event::Exited { faulted }),
        1 => Just(Event::DeadlinePassed),
        1 => Just(Event::Violated),
        1 => Just(Event::Stop),
        1 => Just(Event::Kill),
    ];
    proptest::collection::vec(event, 0..60).prop_map(|mut events| {
        for (number, event) in events.iter_mut().enumerate() {
            if let Event::Assigned(id) = event {
                *id = CallId(number as u64);
            }
        }
        events
    })
}

proptest! {
    #[test]
    fn every_call_is_answered_once_one_runs_at_a_time_and_nothing_leaves_closing(events in events()) {
        let mut environment = Environment::new();
        let mut assigned = 0;
        let mut answered = std::collections::BTreeSet::new();
        let mut finished = std::collections::BTreeSet::new();
        let mut running: Option<CallId> = None;
        let mut gone = 0;
        let mut still = false;
        let closing_events = [Event::Kill, Event::Exited { faulted: false }];
        for event in events.into_iter().chain(closing_events) {
            assigned += u64::from(matches!(event, Event::Assigned(_)));
            let was_closing = matches!(environment, Environment::Closing | Environment::Closed);
            let was_closed = environment == Environment::Closed;
            let (next, effects) = environment.on(event);
            for effect in effects {
                match effect {
                    Begin(id) => {
                        prop_assert_eq!(running.replace(id), None, "two invocations at once");
                    }
                    Deliver(id) => {
                        prop_assert_eq!(running, Some(id));
                        prop_assert!(!still, "delivered to processes that stand still");
                    }
                    Freeze => {
                        prop_assert_eq!(running, None, "frozen while an invocation runs");
                        prop_assert!(!std::mem::replace(&mut still, true));
                    }
                    Thaw => prop_assert!(std::mem::replace(&mut still, false)),
                    Answer(id, _) => {
                        prop_assert_eq!(running, Some(id));
                        prop_assert!(answered.insert(id), "answered twice");
                    }
                    Refuse(id) => prop_assert!(answered.insert(id), "answered twice"),
                    Finish(id, _) => {
                        prop_assert_eq!(running.take(), Some(id));
                        prop_assert!(answered.contains(&id), "finished before it was answered");
                        prop_assert!(finished.insert(id));
                    }
                    Gone => gone += 1,
                    Launch => prop_assert!(!was_closing),
                    InitDone | InitRepeated | ReportInit(..) | ArmInvocation | ArmRest | Disarm | Deny
                    | Kill => {}
                }
            }
            if was_closing {
                prop_assert!(matches!(next, Environment::Closing | Environment::Closed));
            }
            if was_closed {
                prop_assert_eq!(&next, &Environment::Closed);
            }
            environment = next;
        }
        prop_assert_eq!(environment, Environment::Closed);
        prop_assert_eq!(answered.len() as u64, assigned);
        prop_assert_eq!(running, None);
        prop_assert_eq!(gone, 1);
    }
}
