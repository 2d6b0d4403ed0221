//! How invocations end: the caller's answer, the lines END and REPORT, the refusal of what reached nobody.
//!
//! Never: answers a call twice.

use super::{Core, KILLED};
use crate::environment::answers::{self, Status};
use crate::environment::figures::Figures;
use crate::environment::said::Said;
use crate::environment::state::{CallId, Ending};
use crate::worker::{Failure, Response};

impl Core {
    pub(super) fn answer(&mut self, id: CallId, ending: Ending) {
        let ended = self.ended.unwrap_or(KILLED);
        let timeout = self.setup.revision.timeout;
        let entry_error = self.entry_error.take();
        let posted = self.init_error.take();
        let delivered = !matches!(ending, Ending::Killed) || self.pending(id).started;
        let pending = self.pending(id);
        let request = pending.call.request_id;
        let init_error = entry_error.map(|error| answers::cannot_execute(request, &error));
        let init_error = init_error.or(posted);
        if !delivered && init_error.is_none() {
            return self.refuse(id); // the event reached nobody
        }
        let outcome = match ending {
            Ending::Answered => pending.outcome.take().unwrap_or_else(|| answers::exited(request, ended)),
            Ending::TimedOut => answers::timed_out(request, timeout),
            Ending::InitFailed => init_error.unwrap_or_else(|| answers::exited(request, ended)),
            Ending::Exited | Ending::Killed => answers::exited(request, ended),
        };
        pending.outcome = Some(outcome);
        self.drain();
        self.start_line(id);
        if !self.pending(id).call.wants_log {
            self.reply(id, None);
        }
    }

    pub(super) fn finish(&mut self, id: CallId, ending: Ending) {
        if !self.calls.iter().any(|pending| pending.id == id) {
            return; // refused
        }
        self.drain();
        let init = self.init_took.take();
        let timeout = self.setup.revision.timeout;
        let ended = self.ended.unwrap_or(KILLED);
        let pending = self.pending(id);
        let request = pending.call.request_id;
        let elapsed = pending.began.elapsed();
        let status = pending.outcome.as_ref().and_then(|outcome| outcome.status.clone());
        let status = status.or_else(|| match ending {
            Ending::Answered | Ending::InitFailed => None,
            Ending::TimedOut => Some(Status::Timeout),
            Ending::Exited | Ending::Killed => Some(Status::Error(answers::exit_type(ended).to_owned())),
        });
        let wants_log = pending.call.wants_log;
        let duration = if ending == Ending::TimedOut { timeout } else { elapsed };
        let figures = Figures { request, duration, init, status };
        self.journal.tell(&Said::Done(&figures));
        self.unreported = Some(figures);
        // Figures cost a system call: unless somebody waits for them, the answer goes first.
        if wants_log || ending != Ending::Answered {
            self.report();
        } else {
            self.report_later();
        }
        let log = wants_log.then(|| self.journal.take_tail()).flatten();
        self.reply(id, log);
        self.calls.retain(|pending| pending.id != id);
    }

    /// Writes the REPORT line that is still owed, with figures of now.
    pub(in super::super) fn report(&mut self) {
        self.report_due = None;
        let Some(figures) = self.unreported.take() else { return };
        self.memory.sample_after(figures.duration);
        self.journal.tell(&Said::Report(&figures, &self.memory));
        self.journal.flush();
    }

    fn reply(&mut self, id: CallId, log: Option<Vec<u8>>) {
        let pending = self.pending(id);
        let Some(reply) = pending.reply.take() else { return };
        let outcome = pending.outcome.as_mut();
        let (payload, error) =
            outcome.map(|it| (std::mem::take(&mut it.payload), it.error)).unwrap_or_default();
        // A caller that is gone does not stop the function, nor its answer anybody.
        reply.send(Ok(Response { payload, error, log: log.map(Into::into) })).ok();
    }

    pub(super) fn refuse(&mut self, id: CallId) {
        let failure = match &self.not_started {
            _ if self.shutting_down => Failure::ShuttingDown,
            Some(reason) => Failure::NotStarted(reason.clone()),
            None => Failure::Gone,
        };
        if let Some(reply) = self.pending(id).reply.take() {
            reply.send(Err(failure)).ok();
        }
        self.calls.retain(|pending| pending.id != id);
    }
}
