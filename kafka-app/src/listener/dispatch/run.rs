//! [`Run`]: one chunk on its way through a runner, and what is done about its failures.

use std::{future::Future, sync::Arc, time::Duration};

use super::{Chunk, Policy, Progress};
use crate::{
    client::RecordSink,
    config::{AckMode, OnRevoke, ResolvedListener, Retry},
    error::{Error, ErrorKind},
    error_handler::{BackOff, Decision, Origin, Reason, dead_letter, decide, give_up, random},
    handler::{Failure, HandlerEnv, Output, Outputs, RecordContext, Rejection},
    listener::metrics::count,
    observe::{self, Place},
    producer::SendError,
    record::{ProducerRecord, RawRecord, SendResult},
};

/// How often a dead letter is sent before its listener stops: over half a minute, on top of the client's own retries.
const DEAD_LETTER_SENDS: Retry = Retry {
    attempts: 8,
    backoff: Duration::from_millis(250),
    multiplier: 2.0,
    max_backoff: Duration::from_secs(10),
    jitter: 0.2,
};

/// What all chunks of a listener share.
pub(super) struct Shared {
    pub(super) policy: Policy,
    send_to: Option<Arc<str>>,
    manual_ack: bool,
}

impl Shared {
    pub(super) fn new(policy: Policy) -> Self {
        let send_to = policy.listener.send_to.as_deref().map(Arc::from);
        let manual_ack = matches!(policy.listener.ack_mode, AckMode::Manual | AckMode::ManualImmediate);
        Self { policy, send_to, manual_ack }
    }
}

/// One chunk on its way through a runner.
pub(super) struct Run<'a> {
    pub(super) shared: &'a Shared,
    pub(super) chunk: Chunk<'a>,
    pub(super) progress: &'a dyn Progress,
}

/// Why a delivery did not succeed.
pub(super) enum Fault {
    Failed(Failure),
    /// Some of what it was to send was sent.
    Torn(Failure),
    Rejected(Rejection),
}

/// What comes after a fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another delivery.
    Again,
    /// The record is dealt with.
    Finished,
    /// The partition is gone; the record stays unmarked.
    Revoked,
}

/// How a record that had to go out went out.
pub(super) enum Sending {
    Acknowledged,
    Revoked,
    Failed(Error),
}

/// The delays between deliveries of one record or batch.
pub(super) type Delays = BackOff<fn() -> f64>;

impl<'a> Run<'a> {
    /// Sees the chunk through, or drops what is under way when its partition is revoked, as the listener wants it.
    pub(super) async fn drive(&self, all: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        match self.listener().on_revoke {
            OnRevoke::Drain => all.await,
            OnRevoke::Cancel => tokio::select! {
                biased;
                () = self.progress.revoked() => Ok(()),
                result = all => result,
            },
        }
    }

    pub(super) fn listener(&self) -> &'a ResolvedListener {
        &self.shared.policy.listener
    }

    pub(super) fn delays(&self) -> Delays {
        BackOff::new(&self.listener().retry, random)
    }

    pub(super) fn record(&self, index: usize) -> &'a RawRecord {
        &self.chunk.records[index].record
    }

    pub(super) fn context(&self, index: usize, attempt: u32) -> RecordContext<'a> {
        RecordContext {
            record: self.record(index),
            topic: self.chunk.topic,
            partition: self.chunk.partition,
            attempt,
            env: self.env(),
            ack: self.progress.ack(self.chunk.records[index].seq),
        }
    }

    pub(super) fn place(&self, index: usize, attempt: u32) -> Place<'a> {
        Place {
            listener: &self.listener().id,
            topic: self.chunk.topic,
            partition: self.chunk.partition,
            offset: self.record(index).offset(),
            attempt,
        }
    }

    /// The record needs nothing more, whoever acknowledges.
    pub(super) fn done(&self, index: usize) {
        self.progress.done(self.chunk.records[index].seq);
    }

    /// The handler succeeded: with manual acknowledgment its `Ack` has the word.
    pub(super) fn handled(&self, index: usize) {
        if self.shared.manual_ack {
            self.progress.left_to_ack(self.chunk.records[index].seq);
        } else {
            self.done(index);
        }
    }

    /// Fills in what the returned records left open.
    pub(super) fn resolve(&self, outputs: Outputs, key: Option<&[u8]>) -> Result<Vec<ProducerRecord>, Failure> {
        outputs.into_vec().into_iter().map(|output| self.addressed(output, key)).collect()
    }

    fn addressed(&self, output: Output, key: Option<&[u8]>) -> Result<ProducerRecord, Failure> {
        let mut record = output.into_record(key);
        record.topic = record.topic.or_else(|| self.shared.send_to.clone());
        if record.topic.is_none() && self.listener().reply {
            let text = "the handler returned a value for a whole batch, which holds many requests: with `reply` it returns a `Vec` \
                        with a `Result` for each record";
            return Err(Failure::stop(text));
        }
        if record.topic.is_none() {
            let text = "the handler returned a value, but the listener has no `send_to` and the value names no topic";
            return Err(Failure::stop(text));
        }
        Ok(record)
    }

    /// Applies the listener's policy to a failed delivery of one record.
    pub(super) async fn after(
        &self,
        index: usize,
        attempt: u32,
        fault: Fault,
        delays: &mut Option<Delays>,
    ) -> Result<Next, Error> {
        let policy = &self.shared.policy;
        let (failure, is_torn) = match fault {
            Fault::Rejected(rejection) => {
                count(&policy.metrics.rejected);
                let (decision, reason) = (give_up(self.listener()), Reason::of_rejection(&rejection));
                return self.carry_out(index, attempt, decision, &reason).await;
            }
            Fault::Failed(failure) => (failure, policy.takes_template),
            Fault::Torn(failure) => (failure, true),
        };
        count(&policy.metrics.failed);
        let decision = decide(self.listener(), failure.class, attempt, || self.delay_after(delays, attempt));
        let reason = Reason::of_failure(&failure);
        match self.leave(&[index], attempt, is_torn, failure.class, &decision, &reason) {
            Some(next) => Ok(next),
            None => self.carry_out(index, attempt, decision, &reason).await,
        }
    }

    /// Does what was decided about one record.
    pub(super) async fn carry_out(
        &self,
        index: usize,
        attempt: u32,
        decision: Decision<'_>,
        reason: &Reason,
    ) -> Result<Next, Error> {
        let place = self.place(index, attempt);
        match decision {
            Decision::Retry(delay) => {
                observe::retrying(place, &reason.message, delay);
                if self.waited(delay).await {
                    count(&self.shared.policy.metrics.retried);
                    return Ok(Next::Again);
                }
                Ok(Next::Revoked)
            }
            Decision::DeadLetter(topic) => self.dead_letter(index, attempt, topic, reason).await,
            Decision::Skip => {
                count(&self.shared.policy.metrics.skipped);
                observe::skipped(place, &reason.message);
                Ok(Next::Finished)
            }
            Decision::Stop => {
                observe::stopping(place, &reason.message);
                Err(stopped(place, &reason.message))
            }
        }
    }

    /// Sends the record to its dead letter topic and waits until the broker has it; a listener whose dead letters do not
    /// get through stops.
    async fn dead_letter(&self, index: usize, attempt: u32, topic: &str, reason: &Reason) -> Result<Next, Error> {
        let place = self.place(index, attempt);
        let Some(sink) = self.sink() else {
            observe::stopping(place, &reason.message);
            return Err(stopped(place, &format!("{}; there is no producer for dead letters", reason.message)));
        };
        let n_partitions = match sink.n_partitions(topic).await {
            Ok(n_partitions) => Some(n_partitions),
            Err(error) => {
                observe::partitions_unknown(place, &error.to_string(), topic);
                None
            }
        };
        let origin = Origin { topic: place.topic, partition: place.partition, group_id: &self.listener().group_id };
        let letter = dead_letter(self.record(index), origin, reason, topic, n_partitions);
        let sending = match self.transaction() {
            Some(transaction) => self.send_letter(transaction, sink, (index, attempt), letter, reason).await,
            None => match send(sink, letter).await {
                Ok(_) => Sending::Acknowledged,
                Err(failed) => self.resend(place, sink, failed, &DEAD_LETTER_SENDS).await,
            },
        };
        match sending {
            Sending::Acknowledged => {
                count(&self.shared.policy.metrics.dead_lettered);
                observe::dead_lettered(place, &reason.message, topic);
                Ok(Next::Finished)
            }
            Sending::Revoked => Ok(Next::Revoked),
            Sending::Failed(error) => {
                let text = format!("{}; its dead letter did not reach `{topic}`: {error}", reason.message);
                observe::stopping(place, &text);
                Err(stopped(place, &text))
            }
        }
    }

    /// Sends a record again that was not acknowledged, until it is, the attempts are spent or the partition is gone.
    pub(super) async fn resend(
        &self,
        place: Place<'_>,
        sink: &dyn RecordSink,
        failed: SendError,
        retry: &Retry,
    ) -> Sending {
        let mut delays = BackOff::new(retry, random);
        let (mut record, mut error) = failed.into_parts();
        for _ in 1..retry.attempts {
            let delay = delays.next_delay();
            let to = record.topic.as_deref().unwrap_or_default();
            observe::resending(place, &error.to_string(), to, delay);
            if !self.waited(delay).await {
                return Sending::Revoked;
            }
            match send(sink, record).await {
                Ok(_) => return Sending::Acknowledged,
                Err(failed) => (record, error) = failed.into_parts(),
            }
        }
        Sending::Failed(error)
    }

    /// Waits for the delay; false when the partition goes first. Without a delay others get their turn all the same.
    pub(super) async fn waited(&self, delay: Duration) -> bool {
        if delay.is_zero() {
            tokio::task::yield_now().await;
            return !self.progress.is_revoked();
        }
        tokio::select! {
            biased;
            () = self.progress.revoked() => false,
            () = tokio::time::sleep(delay) => true,
        }
    }

    pub(super) fn sink(&self) -> Option<&'a dyn RecordSink> {
        self.env().producer.as_deref()
    }

    fn env(&self) -> &'a HandlerEnv {
        self.transaction().map_or(&self.shared.policy.env, |transaction| transaction.env())
    }
}

/// Hands the record over and waits for its acknowledgment.
async fn send(sink: &dyn RecordSink, record: ProducerRecord) -> Result<SendResult, SendError> {
    sink.enqueue(record).await?.await
}

/// Why a listener stopped, for health and for who started it.
fn stopped(place: Place<'_>, reason: &str) -> Error {
    let listener = place.listener;
    Error::new(
        ErrorKind::Listener,
        format!(
            "listener `{listener}` stopped at {place}: {reason}; the record is not committed: mend the cause and start \
             the listener again, or give it a `dead_letter` topic to go on past such records"
        ),
    )
}
