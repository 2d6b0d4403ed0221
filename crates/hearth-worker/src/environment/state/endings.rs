//! What is common to the ends of invocations: who waits on, who is refused, what the caller gets.
//!
//! Never: forgets a call.

use super::{CALLS_WAITING_MAX, CallId, Effect, Ending, Environment, Queue};

/// A call that comes while another runs waits, as long as there is room and the environment goes on.
pub(super) fn enqueue(
    queue: Queue,
    id: CallId,
    state: impl FnOnce(Queue) -> Environment,
) -> (Environment, Vec<Effect>) {
    match queue {
        Queue::Open(mut calls) if calls.len() < CALLS_WAITING_MAX => {
            calls.push_back(id);
            (state(Queue::Open(calls)), vec![])
        }
        full @ (Queue::Open(_) | Queue::Shut) => (state(full), vec![Effect::Refuse(id)]),
    }
}

/// The invocation ends without an answer of the runtime, and the environment with it.
pub(super) fn failed(id: CallId, queue: Queue, ending: Ending, then: Effect) -> Vec<Effect> {
    after_refusing(queue, vec![Effect::Answer(id, ending), Effect::Finish(id, ending), then])
}

/// As [`failed`], in an init that ran inside the invocation.
pub(super) fn failed_init(id: CallId, queue: Queue, ending: Ending, then: Effect) -> Vec<Effect> {
    let mut effects = vec![Effect::ReportInit(ending, true)];
    effects.extend(failed(id, queue, ending, then));
    effects
}

pub(super) fn after_refusing(queue: Queue, effects: Vec<Effect>) -> Vec<Effect> {
    match queue {
        Queue::Open(calls) => calls.into_iter().map(Effect::Refuse).chain(effects).collect(),
        Queue::Shut => effects,
    }
}
