//! The seam between lanes and handlers: a chunk of records in, progress out.
//!
//! A lane (listener/lane.rs) hands chunks to a [`ChunkRunner`]; the runner decodes, calls the handler, applies the
//! failure policy, and says through [`Progress`] which records are finished.

mod admission;
mod at_once;
mod batch_runner;
mod braked;
mod call;
mod forward;
mod given_up;
mod outputs;
mod per_record;
mod record_runner;
mod reply;
mod run;
mod schemas;
#[cfg(test)]
mod tests;
mod transacted;

use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

use self::{batch_runner::BatchRunner, record_runner::RecordRunner, run::Shared};
use super::{
    declaration::Filter, events::EventSink, guards::Guards, key_states::KeyStates, metrics::ListenerMetrics,
    transaction::Transaction,
};
use crate::{
    config::ResolvedListener,
    error::Error,
    handler::{BatchHandler, BoxBatchHandler, BoxRecordHandler, Declaration, HandlerEnv, RecordHandler},
    record::RawRecord,
};
pub(super) use call::guarded;

use super::ack::AckSource;

/// A record with its place in the order its partition was dispatched in.
pub(crate) struct Delivered {
    /// Dispatch sequence of the partition's assignment, from 0; what the tracker counts by.
    pub(crate) seq: u64,
    pub(crate) record: RawRecord,
}

/// Runs a chunk in one boxed future: nothing is allocated per record on our side.
pub(crate) trait ChunkRunner: Send + Sync {
    /// Handles `records`, all of one partition and in order. Returns when each is finished (done, dead-lettered or
    /// skipped) or left to its `Ack`, or when `progress` says the partition is gone; `Err` stops the listener, with every
    /// unfinished record left uncommitted.
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;
}

/// What a lane hands to a runner.
pub(crate) struct Chunk<'a> {
    pub(crate) topic: &'a Arc<str>,
    pub(crate) partition: i32,
    pub(crate) records: &'a [Delivered],
    /// Exactly once: what they are handled in.
    pub(crate) transaction: Option<&'a Transaction>,
    /// Of the partition.
    pub(crate) key_states: &'a KeyStates,
}

/// How a runner reports to the lane's tracker.
pub(crate) trait Progress: Send + Sync {
    /// The record is finished and may be committed, when all before it are. At most once for each record.
    fn done(&self, seq: u64);
    /// Every handler has ended, and what is left of the chunk is to wait for acknowledgments of what they returned: the next
    /// chunk may begin beside that.
    fn handled_all(&self);
    /// The partition is revoked, lost or to be read again, its transaction takes too long, or the listener must stop now:
    /// start no further record, end back-offs.
    fn is_revoked(&self) -> bool;
    /// The partition is gone: how often its records have failed is counted anew by whoever has it.
    fn is_gone(&self) -> bool;
    /// Resolves when [`Progress::is_revoked`] turns true; for back-off waits.
    fn revoked(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    /// The partition is delivered again from its first unfinished record on, not before then; what runs may finish.
    fn rewind(&self, not_before: Instant);
    /// Where an `Ack` of this record reports to; `None` unless the listener acknowledges manually. Asked once for each
    /// call of the handler, so that an `Ack` an earlier attempt dropped is forgotten.
    fn ack(&self, seq: u64) -> Option<AckSource<'_>>;
    /// The handler returned without an error and the record's fate is its `Ack`'s: instead of [`Progress::done`] when the
    /// listener acknowledges manually. An `Ack` dropped before or after this has the record delivered again; when the
    /// call failed, the failure policy decides and a dropped `Ack` says nothing.
    fn left_to_ack(&self, seq: u64);
}

/// A handler behind a pointer, so that the two erased traits can be implemented for any.
pub(crate) struct Erased<H>(pub(crate) Arc<H>);

/// What a runner needs besides the handler.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) env: Arc<HandlerEnv>,
    pub(crate) listener: Arc<ResolvedListener>,
    /// `false` drops the record, which counts as done.
    pub(crate) filter: Option<Filter>,
    pub(crate) metrics: Arc<ListenerMetrics>,
    pub(crate) events: EventSink,
    pub(crate) guards: Guards,
    /// The handler may send before it succeeds.
    pub(crate) takes_template: bool,
}

impl<H: RecordHandler> super::declaration::ErasedRecordHandler for Erased<H> {
    fn declare(&self, declaration: &mut Declaration) {
        self.0.declare(declaration);
    }

    fn runner(self: Arc<Self>, policy: Policy) -> Arc<dyn ChunkRunner> {
        Arc::new(RecordRunner { handler: Arc::clone(&self.0), shared: Shared::new(policy) })
    }

    fn boxed(self: Arc<Self>) -> BoxRecordHandler {
        BoxRecordHandler::new(Arc::clone(&self.0))
    }
}

impl<H: BatchHandler> super::declaration::ErasedBatchHandler for Erased<H> {
    fn declare(&self, declaration: &mut Declaration) {
        self.0.declare(declaration);
    }

    fn runner(self: Arc<Self>, policy: Policy) -> Arc<dyn ChunkRunner> {
        Arc::new(BatchRunner { handler: Arc::clone(&self.0), shared: Shared::new(policy) })
    }

    fn boxed(self: Arc<Self>) -> BoxBatchHandler {
        BoxBatchHandler::new(Arc::clone(&self.0))
    }
}
