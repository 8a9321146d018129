//! Tells of records that are given up.

use std::sync::Arc;

use super::run::Run;
use crate::{
    error_handler::Reason,
    listener::events::{ListenerEvent, RecordFate},
    record::TopicPartition,
};

impl Run<'_> {
    /// Tells whoever wants to know that a record was given up, and what became of it.
    pub(super) fn given_up(&self, index: usize, attempts: u32, fate: RecordFate, reason: &Reason) {
        self.shared.policy.events.tell(|listener| ListenerEvent::RetryExhausted {
            listener,
            partition: TopicPartition::new(Arc::clone(self.chunk.topic), self.chunk.partition),
            offset: self.record(index).offset(),
            attempts,
            fate,
            error: reason.message.clone(),
        });
    }
}
