//! [`Reports`]: delivery reports to those who wait for them.

use std::sync::Arc;

use rdkafka::error::RDKafkaErrorCode;

use super::{core::Core, receipts::Collects};
use crate::{
    client::{
        ffi::{BatchTicket, Outbound, Report, ReportSink, Ticket},
        produce_error::{UNPLACED, describe},
    },
    producer::SendError,
    record::SendResult,
};

/// Brings the reports of one event to who waits for them.
pub(super) struct Reports<'c> {
    core: &'c Core,
    /// Reports of a batch come in runs.
    run: Option<ReportRun>,
}

/// Answers of one batch, one behind the other, which are counted at once.
struct ReportRun {
    key: usize,
    batch: Arc<dyn Collects>,
    n_reports: usize,
}

impl<'c> Reports<'c> {
    pub(super) fn new(core: &'c Core) -> Self {
        Self { core, run: None }
    }
}

impl ReportSink for Reports<'_> {
    /// Before anyone is told: who knows what became of a record finds its place free.
    fn begin(&mut self, n_reports: usize) {
        self.core.room.add_permits(n_reports);
    }

    fn report(&mut self, ticket: Ticket, report: &Report<'_>) {
        let result = match report.result() {
            Ok(sent) if sent.offset < 0 && self.core.limits.is_acknowledged => Err(UNPLACED),
            result => result,
        };
        let result = result.map_err(|code| self.failure(code, &ticket, report));
        if !self.core.interceptors.is_empty() {
            self.core.interceptors.answered(&report.topic(), result.as_ref());
        }
        match ticket {
            Ticket::One(completion) => completion.complete(result),
            Ticket::Batch(ticket) => self.batch(ticket, result),
            // Of a transaction, its end tells it.
            Ticket::Forget => {
                if let Err(error) = result
                    && !self.core.is_transactional
                {
                    tracing::error!(error = %error, "a record that nobody waits for was not sent");
                }
            }
        }
    }
}

impl Reports<'_> {
    fn failure(&self, code: RDKafkaErrorCode, ticket: &Ticket, report: &Report<'_>) -> SendError {
        self.core.counters.failed(code);
        let mut record = report.to_record();
        if let Ticket::One(completion) = ticket {
            record = completion.restore(record);
        }
        let topic = record.topic.clone().unwrap_or_default();
        let is_in_doubt = report.is_possibly_appended();
        let error = describe(code, &Outbound::of(&topic, &record), &self.core.limits, is_in_doubt);
        if self.core.is_transactional {
            self.core.note_failure(code, &error);
        }
        SendError::new(record, error)
    }

    fn batch(&mut self, ticket: BatchTicket, result: Result<SendResult, SendError>) {
        if self.run.as_ref().is_none_or(|run| run.key != ticket.key) {
            self.end_run();
            let batch = self.core.batches.lock().get(ticket.key);
            self.run = batch.map(|batch| ReportRun { key: ticket.key, batch, n_reports: 0 });
        }
        if let Some(run) = &mut self.run {
            run.batch.store(ticket.index, result);
            run.n_reports += 1;
        }
    }

    fn end_run(&mut self) {
        if let Some(ReportRun { key, batch, n_reports }) = self.run.take()
            && batch.answered(n_reports)
        {
            self.core.batches.lock().remove(key);
        }
    }
}

impl Drop for Reports<'_> {
    /// With the event, or where telling of a report panics: who waits is told of what was stored.
    fn drop(&mut self) {
        self.end_run();
    }
}
