mod at_most_once;
mod batch;
mod brake;
mod circuit;
mod deliveries;
mod exactly_once;
mod failures;
mod happy_path;
mod key_states;
mod logs;
mod manual_ack;
mod nothing_lost;
mod outputs;
mod replies;
mod retry_topics;
mod revoke;
#[cfg(feature = "schema-registry")]
mod schemas;

use std::sync::Arc;

use parking_lot::Mutex;

/// What handlers note while they run.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn push(&self, note: impl Into<String>) {
        self.0.lock().push(note.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}
