//! What an environment holds, and how the effects of its state machine are performed: at once, without waiting.
//!
//! Never: waits; performs an effect twice.

mod ends;
mod looks;
mod status;

pub(super) use status::seen;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hearth_sandbox::api::{Exit, SandboxId};
use hearth_world::Timestamp;
use tokio::sync::oneshot;

use super::answers::{self, Outcome, Status};
use super::calls::{Delivery, Pending, Todo};
use super::figures::Figures;
use super::journal::Journal;
use super::link::Link;
use super::memory::Memory;
use super::said::Said;
use super::state::{CallId, Effect, Ending, Environment, Event};
use super::{INIT_CPU, Setup};
use crate::channel::event_number;
use crate::sandbox::{Ended, Sandbox};
use crate::worker::{Call, Failure, Response};

/// Idle for so long, an environment is frozen. AWS freezes at once; thawing takes longer than a warm call, and a
/// function cannot tell within this time but by work in the background.
const REST: Duration = Duration::from_millis(100);
/// Runtime API clients that wait in `next` at once.
const WAITERS_MAX: usize = 8;

/// See the module.
pub(super) struct Core {
    setup: Arc<Setup>,
    machine: Option<Environment>,
    calls: Vec<Pending>,
    calls_seen: u64,
    made: Timestamp,
    waiters: VecDeque<oneshot::Sender<Delivery>>,
    /// The present sandbox.
    pub(super) link: Option<Link>,
    /// The last sandbox: what is in its `/tmp` stays until it is forgotten.
    pub(super) home: Option<SandboxId>,
    /// Since when the present sandbox has the CPU of an init.
    pub(super) init_cpu_since: Option<Instant>,
    pub(super) todo: Todo,
    /// The limit that counts now.
    pub(super) deadline: Option<Instant>,
    /// When the driver looks by itself.
    looks_at: Option<Instant>,
    /// When the REPORT line that is owed is written at the latest.
    report_due: Option<Instant>,
    init_began: Instant,
    init_took: Option<Duration>,
    /// What the runtime posted for a failed init.
    init_error: Option<Outcome>,
    /// Why there is nothing to execute.
    entry_error: Option<String>,
    ended: Option<Ended>,
    not_started: Option<String>,
    shutting_down: bool,
    pub(super) memory: Memory,
    pub(super) journal: Journal,
    unreported: Option<Figures>,
    later: VecDeque<Event>,
}

impl Core {
    pub(super) fn new(setup: Arc<Setup>, mut journal: Journal) -> Self {
        let now = Instant::now();
        journal.tell(&Said::InitStart(&setup.runtime));
        Self {
            memory: Memory::new(setup.revision.memory_mb),
            deadline: Some(now + setup.init_limit),
            made: setup.world.physical().now(),
            setup,
            machine: Some(Environment::new()),
            calls: Vec::new(),
            calls_seen: 0,
            waiters: VecDeque::new(),
            link: None,
            home: None,
            init_cpu_since: None,
            todo: Todo { launch: true, arm: true, ..Todo::default() },
            looks_at: None,
            report_due: None,
            init_began: now,
            init_took: None,
            init_error: None,
            entry_error: None,
            ended: None,
            not_started: None,
            shutting_down: false,
            journal,
            unreported: None,
            later: VecDeque::new(),
        }
    }

    pub(super) fn machine(&self) -> &Environment {
        // Taken only within `apply`.
        self.machine.as_ref().unwrap_or(&Environment::Closed)
    }

    /// A call arrived: registers it and sets it going as far as possible.
    pub(super) fn invoke(&mut self, call: Call) -> oneshot::Receiver<Result<Response, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.calls_seen += 1;
        let id = CallId(self.calls_seen);
        let pending = Pending {
            id,
            call,
            reply: Some(reply),
            began: Instant::now(),
            deadline_ms: 0,
            started: false,
            outcome: None,
        };
        self.calls.push(pending);
        self.apply(Event::Assigned(id));
        answer
    }

    /// The server stops: what waits is told so.
    pub(super) fn shutting_down(&mut self) {
        self.shutting_down = true;
    }

    /// The invocation that runs: its request and deadline.
    pub(super) fn current(&self) -> Option<(&Call, Instant)> {
        let id = self.machine().invocation()?;
        self.calls.iter().find(|pending| pending.id == id).map(|pending| (&pending.call, pending.began))
    }

    /// The number by which the channel names the invocation that runs.
    pub(super) fn event_number(&self) -> Option<u32> {
        self.machine().invocation().map(|id| event_number(id.0))
    }

    /// The runtime answered the invocation that runs.
    pub(super) fn responded(&mut self, outcome: Outcome) -> bool {
        if let Environment::Busy { id, .. } = *self.machine() {
            self.pending(id).outcome = Some(outcome);
        }
        self.apply(Event::Responded)
    }

    /// The runtime starts, and has not asked for work yet.
    pub(super) fn is_initialising(&self) -> bool {
        matches!(self.machine(), Environment::Starting { .. } | Environment::Repeating { .. })
    }

    /// The runtime reported a failed init.
    pub(super) fn init_failed(&mut self, outcome: Outcome) -> bool {
        if self.is_initialising() {
            self.init_error = Some(outcome);
        }
        self.apply(Event::InitFailed)
    }

    pub(super) fn exited(&mut self, ended: Ended) {
        self.ended = Some(ended);
        if ended.out_of_memory && ended.exit == Exit::Signal(9) {
            self.memory.exhausted();
        }
        // SIGBUS and SIGSEGV.
        self.apply(Event::Exited {
            faulted: matches!(ended.exit, Exit::Signal(7 | 11)) && !ended.out_of_memory,
        });
    }

    /// The spawner died: it took the sandbox with it, and what was kept of it.
    pub(super) fn lost(&mut self) {
        self.ended = Some(KILLED);
        self.apply(Event::NotStarted);
    }

    pub(super) fn not_started(&mut self, reason: String) {
        self.not_started = Some(reason);
        self.ended = Some(Ended { exit: Exit::Signal(9), out_of_memory: false });
        self.apply(Event::NotStarted);
    }

    /// The function has no program, or none that the kernel executes: its init fails, and nothing runs.
    pub(super) fn cannot_execute(&mut self, reason: String) {
        self.entry_error = Some(reason);
        self.apply(Event::InitFailed);
        if matches!(self.machine(), Environment::Closing) {
            self.apply(Event::Exited { faulted: false });
        }
    }

    /// A Runtime API client waits for work, on its own connection.
    pub(super) fn ask_next(&mut self) -> Option<oneshot::Receiver<Delivery>> {
        self.waiters.retain(|waiter| !waiter.is_closed());
        if self.waiters.len() >= WAITERS_MAX {
            return None;
        }
        let (hand, delivery) = oneshot::channel();
        self.waiters.push_back(hand);
        self.apply(Event::AskedNext);
        Some(delivery)
    }

    /// Applies an event and what follows from it; false when the runtime may not do that now.
    pub(super) fn apply(&mut self, event: Event) -> bool {
        let mut allowed = true;
        self.later.push_back(event);
        while let Some(event) = self.later.pop_front() {
            let (machine, effects) = self.machine.take().unwrap_or(Environment::Closed).on(event);
            self.machine = Some(machine);
            for effect in effects {
                allowed &= effect != Effect::Deny;
                self.perform(effect);
            }
        }
        allowed
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Launch => self.launch(),
            Effect::InitDone => {
                let took = self.init_began.elapsed();
                self.init_took = Some(took);
                self.journal.tell(&Said::InitEnd { took, phase: "init", status: None });
                // A function that ends at once leaves no other figure.
                self.memory.sample();
            }
            Effect::InitRepeated => {
                self.drain();
                // Its time is the invocation's, so no figure of its own is left for the REPORT line.
                let took = self.init_began.elapsed();
                self.journal.tell(&Said::InitEnd { took, phase: "invoke", status: None });
            }
            Effect::ReportInit(ending, inside) => self.report_init(ending, inside),
            Effect::Begin(id) => self.begin(id),
            Effect::Deliver(id) => self.deliver(id),
            Effect::Answer(id, ending) => self.answer(id, ending),
            Effect::Finish(id, ending) => self.finish(id, ending),
            Effect::Refuse(id) => self.refuse(id),
            Effect::ArmInvocation => self.limit(self.setup.revision.timeout),
            Effect::Disarm => self.deadline = None,
            Effect::ArmRest => self.limit(REST),
            Effect::Freeze => self.stand(true),
            Effect::Thaw => self.stand(false),
            Effect::Deny => {}
            Effect::Kill => self.kill(),
            Effect::Gone => {
                if let Some(home) = self.home.take() {
                    self.setup.sandbox.forget(home);
                }
                self.report();
                self.journal.end_line();
                self.journal.flush();
                self.todo.closed = true;
            }
        }
    }

    fn launch(&mut self) {
        self.kill();
        self.link = None;
        self.waiters.clear();
        self.ended = None;
        self.init_error = None;
        self.entry_error = None;
        self.init_began = Instant::now();
        self.todo.cancel = false;
        self.todo.launch = true;
    }

    fn kill(&mut self) {
        match &self.link {
            Some(link) => self.setup.sandbox.kill(link.id),
            None => self.todo.cancel = true,
        }
    }

    fn stand(&self, still: bool) {
        if let Some(link) = &self.link {
            let order = if still { Sandbox::freeze } else { Sandbox::thaw };
            order(&*self.setup.sandbox, link.id);
        }
    }

    fn report_init(&mut self, ending: Ending, inside: bool) {
        self.drain();
        let status = match ending {
            Ending::TimedOut => Status::Timeout,
            Ending::InitFailed => {
                let posted = self.init_error.as_ref().and_then(|error| error.status.clone());
                let entry = self.entry_error.as_ref().map(|_| answers::invalid_entry_point());
                posted.or(entry).unwrap_or_else(|| Status::Error("Runtime.Unknown".to_owned()))
            }
            Ending::Exited | Ending::Killed | Ending::Answered => {
                Status::Error(answers::exit_type(self.ended.unwrap_or(KILLED)).to_owned())
            }
        };
        let phase = if inside { "invoke" } else { "init" };
        let took = self.init_began.elapsed();
        self.journal.tell(&Said::InitEnd { took, phase, status: Some(&status) });
        self.journal.flush();
    }

    fn begin(&mut self, id: CallId) {
        self.report();
        let timeout = self.setup.revision.timeout;
        let deadline_ms = self.setup.world.physical().now().after(timeout).as_millis();
        let pending = self.pending(id);
        pending.began = Instant::now();
        pending.deadline_ms = deadline_ms;
    }

    /// By HTTP when a client waits there, else by the channel.
    fn deliver(&mut self, id: CallId) {
        // What was written until now comes before START.
        self.drain();
        self.end_init_cpu();
        if !self.waiters.is_empty() {
            let pending = self.pending(id);
            let mut delivery = Delivery { call: pending.call.clone(), deadline_ms: pending.deadline_ms };
            while let Some(waiter) = self.waiters.pop_front() {
                match waiter.send(delivery) {
                    Ok(()) => return self.start_line(id),
                    Err(back) => delivery = back,
                }
            }
        }
        let Some(pending) = self.calls.iter().find(|pending| pending.id == id) else { return };
        let Some(link) = &mut self.link else { return };
        match link.deliver(&pending.call, pending.deadline_ms, event_number(id.0)) {
            Ok(whole) => {
                self.todo.flush |= !whole;
                self.start_line(id);
            }
            // A client of the Runtime API that hung up: it gets the invocation when it asks again.
            Err(_) if !link.has_channel() => self.start_line(id),
            Err(_) => self.later.push_back(Event::Violated),
        }
    }

    fn start_line(&mut self, id: CallId) {
        let pending = self.pending(id);
        if std::mem::replace(&mut pending.started, true) {
            return;
        }
        let (request, wants_log) = (pending.call.request_id, pending.call.wants_log);
        self.journal.end_line();
        if wants_log {
            self.journal.begin_tail();
        }
        self.journal.tell(&Said::Start(request));
    }

    /// Its CPU is that of its memory from now on.
    fn end_init_cpu(&mut self) {
        if let (Some(_), Some(link)) = (self.init_cpu_since.take(), &self.link) {
            self.setup.sandbox.limit_cpu(link.id, self.setup.cpu_microseconds());
        }
    }

    /// A runtime that starts inside an invocation does not keep the CPU of an init for the whole of it.
    fn check_init_cpu(&mut self, now: Instant) {
        if self.init_cpu_since.is_some_and(|since| now.saturating_duration_since(since) >= INIT_CPU) {
            self.end_init_cpu();
        }
    }

    /// Takes what the function wrote so far, as much as a pipe can hold.
    pub(super) fn drain(&mut self) {
        if let Some(link) = &mut self.link {
            link.drain(&mut self.journal);
        }
    }

    fn pending(&mut self, id: CallId) -> &mut Pending {
        let position = self.calls.iter().position(|pending| pending.id == id);
        &mut self.calls[position.expect("the state machine names only calls that are not answered yet")]
    }
}

/// An end that the platform brought about.
const KILLED: Ended = Ended { exit: Exit::Signal(9), out_of_memory: false };
