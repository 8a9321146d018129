//! [`Events`]: what is logged while it lives, on this thread.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Once},
};

use parking_lot::Mutex;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest, set_default, set_global_default},
};

/// Notes each event as one line: its name, then its fields.
pub(crate) struct Events {
    lines: Arc<Mutex<Vec<String>>>,
    _subscribed: DefaultGuard,
}

/// Keeps every place that logs from being switched off for good: that happens to one that is met for the first time on a
/// thread without a subscriber, in the moment in which another thread gets one.
pub(crate) fn keep_all_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if there is one already, which serves as well.
        let _there = set_global_default(Undecided);
    });
}

/// Takes nothing, but wants to be asked each time.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Events {
    pub(crate) fn collect() -> Self {
        keep_all_places();
        let lines = Arc::default();
        Self { _subscribed: set_default(Lines(Arc::clone(&lines))), lines }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().clone()
    }
}

struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kafka_app")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().name().to_owned());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
