//! The life of one execution environment, as a pure function of what happens to it.
//!
//! ```text
//!             next                assigned          responded             next
//!  Starting ────────▶ Idle ─────────────────▶ Busy ───────────▶ Settling ──────▶ Idle
//!     │                └─ rested ─▶ Frozen ────▲
//!     │ init failed    ▲ no call waits         ▲ next              │
//!     ├────────────▶ Broken ──── assigned ──▶ Repeating            │
//!     └── a call waits ───────────────────────▲   │                │
//!  Busy, Settling: exit ──▶ Broken;  deadline ──▶ Resetting ── exit ──▶ Broken, or Repeating when a call waits
//!  from anywhere else: exit ──▶ Closed;  deadline, violation, stop ──▶ Closing ── exit ──▶ Closed
//! ```
//!
//! Owns the state and nothing else: `driver.rs` performs the effects it returns.
//! Never: two invocations at once; an invocation answered twice or not at all; a way out of Closing.

use std::collections::VecDeque;

use self::endings::{after_refusing, enqueue, failed, failed_init};
use self::resets::{kill_to_reset, reset, resetting};

/// Calls that wait for one environment at most; further ones are sent elsewhere.
pub(crate) const CALLS_WAITING_MAX: usize = 8;

/// Numbers the calls of one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallId(pub u64);

/// Calls to come after the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Takes calls.
    Open(VecDeque<CallId>),
    /// Takes none: the environment closes when its invocation is over.
    Shut,
}

/// An execution environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    /// The sandbox is being made, or the runtime starts in it.
    Starting {
        /// Calls that came already.
        queue: VecDeque<CallId>,
    },
    /// Init failed, or the runtime ended in an invocation, and nothing runs; the first call runs init again.
    Broken,
    /// Init runs again, inside an invocation and on its time.
    Repeating {
        /// The invocation.
        id: CallId,
        /// What comes after it.
        queue: Queue,
    },
    /// As `Repeating`, after the runtime crashed on a memory fault while starting. AWS restarts it until the time
    /// is over; one that does so twice does so always, so nothing is restarted here.
    Stalled {
        /// The invocation.
        id: CallId,
        /// What comes after it.
        queue: Queue,
    },
    /// The runtime waits for an invocation; its processes run for a while yet, for the next one may come at once.
    Idle,
    /// As `Idle`, and its processes stand still: work in the background goes on with the next invocation.
    Frozen,
    /// An invocation runs.
    Busy {
        /// The invocation.
        id: CallId,
        /// What comes after it.
        queue: Queue,
    },
    /// Answered; the runtime has not asked for the next one yet.
    Settling {
        /// The invocation.
        id: CallId,
        /// What comes after it.
        queue: Queue,
    },
    /// Killed for an invocation that took too long; its processes are not all gone yet. What it has in `/tmp` stays.
    Resetting {
        /// Calls to come.
        queue: VecDeque<CallId>,
    },
    /// Killed; its processes are not all gone yet.
    Closing,
    /// Nothing is left.
    Closed,
}

/// What happens to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The sandbox could not be made.
    NotStarted,
    /// A call arrived.
    Assigned(CallId),
    /// The runtime asked for work.
    AskedNext,
    /// The runtime answered the invocation that runs; `id` is the one it named, where it names one.
    Responded,
    /// The runtime reported that its init failed.
    InitFailed,
    /// All its processes are gone.
    Exited {
        /// By a memory fault (SIGSEGV, SIGBUS).
        faulted: bool,
    },
    /// The armed limit is over, or the rest.
    DeadlinePassed,
    /// The runtime broke the rules of its channel.
    Violated,
    /// End it once its invocation is over.
    Stop,
    /// End it now.
    Kill,
}

/// How an init or an invocation ended without an answer of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Well, as far as the platform is concerned: the runtime answered.
    Answered,
    /// The runtime reported that its init failed.
    InitFailed,
    /// Its time was over.
    TimedOut,
    /// The runtime ended.
    Exited,
    /// The platform killed it.
    Killed,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start the program in a new sandbox; what is left of the one before is ended and forgotten.
    Launch,
    /// The init phase is over and went well.
    InitDone,
    /// An init inside an invocation went well.
    InitRepeated,
    /// An init failed: its line is written. True when it ran inside an invocation.
    ReportInit(Ending, bool),
    /// The invocation's time begins.
    Begin(CallId),
    /// Hand the invocation to the runtime.
    Deliver(CallId),
    /// Give the caller its answer.
    Answer(CallId, Ending),
    /// The invocation is over: END and REPORT.
    Finish(CallId, Ending),
    /// Tell the caller that the event reached nobody.
    Refuse(CallId),
    /// The invocation's time limit counts from now.
    ArmInvocation,
    /// No limit counts.
    Disarm,
    /// Nothing to do: the time until it is frozen counts from now.
    ArmRest,
    /// Stop all processes where they are.
    Freeze,
    /// Let them go on.
    Thaw,
    /// Tell the runtime that this is not allowed now.
    Deny,
    /// Kill all processes.
    Kill,
    /// Nothing is left: tell it.
    Gone,
}

impl Environment {
    /// A new environment, whose init the driver has begun.
    pub(crate) fn new() -> Self {
        Self::Starting { queue: VecDeque::new() }
    }

    /// Moves on by one event.
    pub(crate) fn on(self, event: Event) -> (Self, Vec<Effect>) {
        match self {
            Self::Starting { queue } => starting(queue, event),
            Self::Broken => broken(event),
            Self::Repeating { id, queue } => repeating(id, queue, event),
            Self::Stalled { id, queue } => stalled(id, queue, event),
            Self::Idle => idle(event),
            Self::Frozen => frozen(event),
            Self::Busy { id, queue } => busy(id, queue, event),
            Self::Settling { id, queue } => settling(id, queue, event),
            Self::Resetting { queue } => resetting(queue, event),
            Self::Closing => closing(event),
            Self::Closed => closed(event),
        }
    }

    /// The invocation that runs, if any.
    pub(crate) fn invocation(&self) -> Option<CallId> {
        match self {
            Self::Busy { id, .. }
            | Self::Settling { id, .. }
            | Self::Repeating { id, .. }
            | Self::Stalled { id, .. } => Some(*id),
            Self::Starting { .. }
            | Self::Broken
            | Self::Idle
            | Self::Frozen
            | Self::Resetting { .. }
            | Self::Closing
            | Self::Closed => None,
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

fn starting(mut queue: VecDeque<CallId>, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::AskedNext => match queue.pop_front() {
            Some(id) => (
                Busy { id, queue: Queue::Open(queue) },
                vec![InitDone, Begin(id), ArmInvocation, Deliver(id)],
            ),
            None => (Idle, vec![InitDone, ArmRest]),
        },
        Event::Assigned(id) if queue.len() < CALLS_WAITING_MAX => {
            queue.push_back(id);
            (Starting { queue }, vec![])
        }
        Event::Assigned(id) => (Starting { queue }, vec![Refuse(id)]),
        Event::InitFailed => init_failed(queue, Ending::InitFailed),
        Event::Exited { .. } => init_failed(queue, Ending::Exited),
        Event::DeadlinePassed => init_failed(queue, Ending::TimedOut),
        Event::Violated => init_failed(queue, Ending::Killed),
        Event::NotStarted => (Closed, after_refusing(Queue::Open(queue), vec![Gone])),
        Event::Stop | Event::Kill => (Closing, after_refusing(Queue::Open(queue), vec![Kill])),
        Event::Responded => (Starting { queue }, vec![Deny]),
    }
}

/// Init runs again inside the first invocation; until that comes nothing runs.
fn init_failed(mut queue: VecDeque<CallId>, ending: Ending) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match queue.pop_front() {
        Some(id) => (
            Repeating { id, queue: Queue::Open(queue) },
            vec![ReportInit(ending, false), Begin(id), ArmInvocation, Launch],
        ),
        None => (Broken, vec![ReportInit(ending, false), Disarm, Kill]),
    }
}

fn broken(event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Assigned(id) => {
            (Repeating { id, queue: Queue::Open(VecDeque::new()) }, vec![Begin(id), ArmInvocation, Launch])
        }
        Event::Stop | Event::Kill | Event::NotStarted => (Closed, vec![Gone]),
        Event::AskedNext | Event::Responded | Event::InitFailed => (Broken, vec![Deny]),
        // The failed runtime ends; a late tick concerns nobody.
        Event::Exited { .. } | Event::DeadlinePassed | Event::Violated => (Broken, vec![]),
    }
}

fn repeating(id: CallId, queue: Queue, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::AskedNext => (Busy { id, queue }, vec![InitRepeated, Deliver(id)]),
        Event::Assigned(later) => enqueue(queue, later, |queue| Repeating { id, queue }),
        Event::Exited { faulted: true } => (Stalled { id, queue }, vec![]),
        Event::Exited { faulted: false } => (Closed, failed_init(id, queue, Ending::Exited, Gone)),
        Event::InitFailed => (Closing, failed_init(id, queue, Ending::InitFailed, Kill)),
        Event::DeadlinePassed => (Closing, failed_init(id, queue, Ending::TimedOut, Kill)),
        Event::Violated | Event::Kill => (Closing, failed_init(id, queue, Ending::Killed, Kill)),
        Event::NotStarted => (Closed, failed_init(id, queue, Ending::Killed, Gone)),
        Event::Stop => (Repeating { id, queue: Queue::Shut }, after_refusing(queue, vec![])),
        Event::Responded => (Repeating { id, queue }, vec![Deny]),
    }
}

fn stalled(id: CallId, queue: Queue, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Assigned(later) => enqueue(queue, later, |queue| Stalled { id, queue }),
        Event::DeadlinePassed => (Closed, failed_init(id, queue, Ending::TimedOut, Gone)),
        Event::Kill => (Closed, failed_init(id, queue, Ending::Killed, Gone)),
        Event::Stop => (Stalled { id, queue: Queue::Shut }, after_refusing(queue, vec![])),
        Event::AskedNext | Event::Responded | Event::InitFailed => (Stalled { id, queue }, vec![Deny]),
        Event::Exited { .. } | Event::Violated | Event::NotStarted => (Stalled { id, queue }, vec![]),
    }
}

fn idle(event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Assigned(id) => {
            (Busy { id, queue: Queue::Open(VecDeque::new()) }, vec![Begin(id), ArmInvocation, Deliver(id)])
        }
        Event::Exited { .. } | Event::NotStarted => (Closed, vec![Gone]),
        Event::Violated | Event::Stop | Event::Kill => (Closing, vec![Kill]),
        Event::Responded | Event::InitFailed => (Idle, vec![Deny]),
        Event::DeadlinePassed => (Frozen, vec![Disarm, Freeze]),
        // A second worker of the runtime asks too.
        Event::AskedNext => (Idle, vec![]),
    }
}

fn frozen(event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Assigned(id) => (
            Busy { id, queue: Queue::Open(VecDeque::new()) },
            vec![Thaw, Begin(id), ArmInvocation, Deliver(id)],
        ),
        Event::Exited { .. } | Event::NotStarted => (Closed, vec![Gone]),
        Event::Violated | Event::Stop | Event::Kill => (Closing, vec![Kill]),
        Event::Responded | Event::InitFailed => (Frozen, vec![Deny]),
        // What it sent before it stood still, or a late tick.
        Event::AskedNext | Event::DeadlinePassed => (Frozen, vec![]),
    }
}

fn busy(id: CallId, queue: Queue, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        // A runtime that asks again before it answered gets the same invocation again.
        Event::AskedNext => (Busy { id, queue }, vec![Deliver(id)]),
        Event::Responded => (Settling { id, queue }, vec![Answer(id, Ending::Answered)]),
        Event::Assigned(later) => enqueue(queue, later, |queue| Busy { id, queue }),
        Event::Exited { .. } => reset(queue, vec![Answer(id, Ending::Exited), Finish(id, Ending::Exited)]),
        Event::DeadlinePassed => {
            kill_to_reset(queue, vec![Answer(id, Ending::TimedOut), Finish(id, Ending::TimedOut)])
        }
        Event::NotStarted => (Closed, failed(id, queue, Ending::Exited, Gone)),
        Event::Violated | Event::Kill => (Closing, failed(id, queue, Ending::Killed, Kill)),
        Event::Stop => (Busy { id, queue: Queue::Shut }, after_refusing(queue, vec![])),
        Event::InitFailed => (Busy { id, queue }, vec![Deny]),
    }
}

fn settling(id: CallId, queue: Queue, event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::AskedNext => match queue {
            Queue::Shut => (Closing, vec![Finish(id, Ending::Answered), Kill]),
            Queue::Open(mut queue) => match queue.pop_front() {
                Some(next) => (
                    Busy { id: next, queue: Queue::Open(queue) },
                    vec![Finish(id, Ending::Answered), Begin(next), ArmInvocation, Deliver(next)],
                ),
                None => (Idle, vec![Finish(id, Ending::Answered), ArmRest]),
            },
        },
        Event::Assigned(later) => enqueue(queue, later, |queue| Settling { id, queue }),
        Event::Exited { .. } => reset(queue, vec![Finish(id, Ending::Exited)]),
        Event::DeadlinePassed => kill_to_reset(queue, vec![Finish(id, Ending::TimedOut)]),
        Event::NotStarted => (Closed, after_refusing(queue, vec![Finish(id, Ending::Exited), Gone])),
        Event::Violated | Event::Kill => {
            (Closing, after_refusing(queue, vec![Finish(id, Ending::Killed), Kill]))
        }
        Event::Stop => (Settling { id, queue: Queue::Shut }, after_refusing(queue, vec![])),
        Event::Responded | Event::InitFailed => (Settling { id, queue }, vec![Deny]),
    }
}

fn closing(event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Exited { .. } | Event::NotStarted => (Closed, vec![Gone]),
        Event::Assigned(id) => (Closing, vec![Refuse(id)]),
        Event::AskedNext | Event::Responded | Event::InitFailed => (Closing, vec![Deny]),
        Event::DeadlinePassed | Event::Violated | Event::Stop | Event::Kill => (Closing, vec![]),
    }
}

fn closed(event: Event) -> (Environment, Vec<Effect>) {
    use {Effect::*, Environment::*};
    match event {
        Event::Assigned(id) => (Closed, vec![Refuse(id)]),
        Event::AskedNext | Event::Responded | Event::InitFailed => (Closed, vec![Deny]),
        Event::Exited { .. }
        | Event::NotStarted
        | Event::DeadlinePassed
        | Event::Violated
        | Event::Stop
        | Event::Kill => (Closed, vec![]),
    }
}

mod endings;
mod resets;
#[cfg(test)]
mod tests;
