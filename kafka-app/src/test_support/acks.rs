//! [`Acks`]: notes what `Ack`s report.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::listener::{AckTarget, Acked};

/// What an `Ack` reported, with the record's dispatch sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AckEvent {
    Acknowledged(u64),
    Nacked(u64, Duration),
    Dropped(u64),
}

/// Notes what `Ack`s report.
#[derive(Clone, Default)]
pub(crate) struct Acks(Arc<Mutex<Vec<AckEvent>>>);

pub(crate) fn acks() -> Acks {
    Acks::default()
}

impl Acks {
    pub(crate) fn target(&self) -> Arc<dyn AckTarget> {
        Arc::new(self.clone())
    }

    pub(crate) fn events(&self) -> Vec<AckEvent> {
        self.0.lock().clone()
    }
}

impl AckTarget for Acks {
    fn acknowledge(&self, seq: u64) -> Acked {
        self.0.lock().push(AckEvent::Acknowledged(seq));
        Acked::marked()
    }

    fn nack(&self, seq: u64, delay: Duration) {
        self.0.lock().push(AckEvent::Nacked(seq, delay));
    }

    fn dropped(&self, seq: u64) {
        self.0.lock().push(AckEvent::Dropped(seq));
    }
}
