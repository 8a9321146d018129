//! What a handler returned, handed over at once: the usual case, for which no future is made and nothing is copied.

use super::{outputs::OutputQueue, run::Run};
use crate::{client::Outbound, handler::Outputs};

/// How a record was handed over.
pub(super) enum Sent {
    /// To its transaction, whose end tells what became of it.
    Entrusted,
    /// Its acknowledgment tells, in the queue.
    Enqueued,
}

impl Run<'_> {
    /// Hands the one record over that a handler returned for the record at `index`; `None`, and nothing is sent, where
    /// there are several, something has to be asked before, or there is no room.
    pub(super) fn send_at_once(&self, index: usize, returned: &Outputs, queue: &mut OutputQueue) -> Option<Sent> {
        let Outputs::One(output) = returned else { return None };
        // A reply goes where its request says, and schemas have ids.
        if self.listener().reply || !output.unstamped.is_none() {
            return None;
        }
        let topic = output.record.topic.as_deref().or(self.shared.send_to.as_deref())?;
        let key = output.key(self.record(index).key());
        let record = Outbound { key, ..Outbound::of(topic, &output.record) };
        let sink = self.sink()?;
        match self.transaction() {
            Some(_) => sink.try_entrust(&record).then_some(Sent::Entrusted),
            None => queue.try_send(sink, index, self.chunk.records.len(), &record).then_some(Sent::Enqueued),
        }
    }
}
