//! What a panicking task leaves in the log. Alone in its program: who listens to the log is global.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hearth_world::{TaskGroup, TaskKind};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Span, Subscriber};

/// A subscriber that keeps the level of every line.
#[derive(Clone, Default)]
struct Levels(Arc<Mutex<Vec<Level>>>);

impl Subscriber for Levels {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(*event.metadata().level());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_panic_is_a_warning_in_a_request_and_an_error_where_nobody_takes_its_place() {
    for (kind, level) in [
        (TaskKind::Request, Level::WARN),
        (TaskKind::Service, Level::ERROR),
        (TaskKind::Poller, Level::ERROR),
    ] {
        let levels = Levels::default();
        let _guard = tracing::subscriber::set_default(levels.clone());
        let group = TaskGroup::new();
        group.spawn(kind, Span::none(), |_| async { panic!("announced: a test of panics") });
        assert_eq!(group.join(Duration::from_secs(5)).await, Ok(()));
        assert_eq!(*levels.0.lock().unwrap(), [level]);
    }
}
