//! How far the start is, for `GET /_hearth/ready`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// What becomes of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its turn has not come.
    Waiting,
    /// It runs.
    Running,
    /// Done, in so long.
    Done(Duration),
    /// Failed after so long, with the reason.
    Failed(Duration, String),
}

/// One step of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    name: String,
    stage: Stage,
}

/// Whether the server calls itself ready, and what it has done for it.
#[derive(Debug)]
pub struct Readiness(Mutex<State>);

#[derive(Debug)]
struct State {
    ready: bool,
    steps: Vec<Step>,
}

impl Readiness {
    /// Not ready, with these steps before it.
    pub fn new(steps: Vec<String>) -> Self {
        let steps = steps.into_iter().map(|name| Step { name, stage: Stage::Waiting }).collect();
        Self(Mutex::new(State { ready: false, steps }))
    }

    /// The step of this name runs; gives its number.
    pub fn begin(&self, name: &str) -> usize {
        let mut state = self.lock();
        let waiting = |step: &Step| step.name == name && step.stage == Stage::Waiting;
        let number = state.steps.iter().position(waiting).unwrap_or(0);
        if let Some(step) = state.steps.get_mut(number) {
            step.stage = Stage::Running;
        }
        number
    }

    /// The step of this number is over.
    pub fn end(&self, number: usize, taken: Duration, failed: Option<String>) {
        if let Some(step) = self.lock().steps.get_mut(number) {
            step.stage = failed.map_or(Stage::Done(taken), |reason| Stage::Failed(taken, reason));
        }
    }

    /// Everything is done, well or not.
    pub fn is_over(&self) {
        self.lock().ready = true;
    }

    /// Whether the server is ready.
    pub fn is_ready(&self) -> bool {
        self.lock().ready
    }

    /// As `/_hearth/ready` answers it; the steps, which name the owner's files, only `with_steps`.
    pub fn as_json(&self, with_steps: bool) -> Value {
        let state = self.lock();
        let failed = state.steps.iter().filter(|step| matches!(step.stage, Stage::Failed(..))).count();
        let mut whole = json!({ "status": if state.ready { "ready" } else { "starting" }, "failed": failed });
        if with_steps {
            whole["steps"] = state.steps.iter().map(shown).collect();
        }
        whole
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(step: &Step) -> Value {
    let (state, taken, reason) = match &step.stage {
        Stage::Waiting => ("waiting", None, None),
        Stage::Running => ("running", None, None),
        Stage::Done(taken) => ("done", Some(taken), None),
        Stage::Failed(taken, reason) => ("failed", Some(taken), Some(reason)),
    };
    json!({ "name": step.name, "state": state, "ms": taken.map(Duration::as_millis), "reason": reason })
}
