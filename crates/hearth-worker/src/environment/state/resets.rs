//! An invocation ended the runtime, or took too long: the environment goes on with what it has in `/tmp`, and a new
//! init inside its next invocation.
//!
//! Never: begins the new init while a process of the old one lives.

use std::collections::VecDeque;

use super::endings::{after_refusing, enqueue};
use super::{CallId, Effect, Environment, Event, Queue};

/// All processes are gone after an invocation: the environment goes on, with a new init inside its next one.
pub(super) fn reset(queue: Queue, mut effects: Vec<Effect>) -> (Environment, Vec<Effect>) {
    let Queue::Open(mut queue) = queue else {
        effects.push(Effect::Gone);
        return (Environment::Closed, effects);
    };
    let Some(id) = queue.pop_front() else {
        effects.push(Effect::Disarm);
        return (Environment::Broken, effects);
    };
    effects.extend([Effect::Begin(id), Effect::ArmInvocation, Effect::Launch]);
    (Environment::Repeating { id, queue: Queue::Open(queue) }, effects)
}

/// An invocation took too long: its processes are killed, and then the environment goes on.
pub(super) fn kill_to_reset(queue: Queue, mut effects: Vec<Effect>) -> (Environment, Vec<Effect>) {
    effects.extend([Effect::Disarm, Effect::Kill]);
    match queue {
        Queue::Open(queue) => (Environment::Resetting { queue }, effects),
        Queue::Shut => (Environment::Closing, effects),
    }
}

/// The state of an environment whose processes are being killed.
fn resets(queue: Queue) -> Environment {
    match queue {
        Queue::Open(queue) => Environment::Resetting { queue },
        Queue::Shut => Environment::Closing,
    }
}

/// Waits for the end of what was killed.
pub(super) fn resetting(queue: VecDeque<CallId>, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Exited { .. } => reset(Queue::Open(queue), vec![]),
        Event::Assigned(id) => enqueue(Queue::Open(queue), id, resets),
        Event::NotStarted => (Closed, after_refusing(Queue::Open(queue), vec![Gone])),
        Event::Stop | Event::Kill => (Closing, after_refusing(Queue::Open(queue), vec![])),
        Event::AskedNext | Event::Responded | Event::InitFailed => (Resetting { queue }, vec![Deny]),
        Event::DeadlinePassed | Event::Violated => (Resetting { queue }, vec![]),
    }
}
