//! [`Run`]: one chunk on its way through a runner, and what is done about its failures.

use std::{sync::Arc, time::Duration};

use super::{Chunk, Policy, Progress, schemas::apart};
use crate::{
    client::RecordSink,
    config::{AckMode, ResolvedListener, Retry},
    error::{Error, ErrorKind},
    error_handler::{BackOff, Decision, Failed, Reason, decide, give_up, n_handled, random, spent},
    handler::{ErrorClass, Failure, HandlerEnv, Outputs, RecordContext, Rejection},
    listener::{breaker::Pass, events::RecordFate, metrics::count},
    observe::{self, Place},
    producer::SendError,
    record::{ProducerRecord, RawRecord, SendResult},
    schema::Wanted,
};

/// What all chunks of a listener share.
pub(super) struct Shared {
    pub(super) policy: Policy,
    pub(super) send_to: Option<Arc<str>>,
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
    /// The schemas that deliveries missed.
    pub(super) wanted: Wanted,
}

/// Why a delivery did not succeed.
pub(super) enum Fault {
    Failed(Failure),
    /// Some of what it was to send was sent.
    Torn(Failure),
    Rejected(Rejection),
    /// The partition went while something was waited for.
    Revoked,
}

/// What comes after a fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another delivery.
    Again,
    /// Another one that counts no more than the last, as soon as the handler may be called.
    Later,
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
    pub(super) fn new(shared: &'a Shared, chunk: Chunk<'a>, progress: &'a dyn Progress) -> Self {
        Self { shared, chunk, progress, wanted: Wanted::default() }
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

    #[inline]
    pub(super) fn context(&self, index: usize, attempt: u32) -> RecordContext<'_> {
        RecordContext {
            record: self.record(index),
            topic: self.chunk.topic,
            partition: self.chunk.partition,
            attempt: self.delivery(index, attempt),
            env: self.env(),
            ack: self.progress.ack(self.chunk.records[index].seq),
            key_states: self.chunk.key_states,
            wanted: &self.wanted,
        }
    }

    pub(super) fn place(&self, index: usize, attempt: u32) -> Place<'a> {
        Place {
            listener: &self.listener().id,
            topic: self.chunk.topic,
            partition: self.chunk.partition,
            offset: self.record(index).offset(),
            attempt: self.delivery(index, attempt),
        }
    }

    /// How often a record went to a retry topic.
    pub(super) fn n_forwarded(&self, index: usize) -> u32 {
        let Some(stage) = self.listener().stage() else { return 0 };
        // Somebody else's record, without the header, counts as one that has just come here.
        n_handled(self.record(index)).map_or(stage.from, |n| n - 1)
    }

    /// Which delivery of a record this one in place is, over all topics it was in.
    fn delivery(&self, index: usize, attempt: u32) -> u32 {
        if self.listener().stage.is_none() {
            return attempt;
        }
        self.n_forwarded(index).saturating_mul(self.listener().retry.attempts).saturating_add(attempt)
    }

    /// A delivery that failed.
    pub(super) fn failed<'f>(
        &'f self,
        index: usize,
        class: ErrorClass,
        attempt: u32,
        destination: Option<&'f str>,
    ) -> Failed<'f> {
        Failed { topic: self.chunk.topic, n_forwarded: self.n_forwarded(index), class, attempt, destination }
    }

    /// What is done about a record that was handled, but whose outputs cannot be sent.
    pub(super) fn spent(&self, index: usize) -> Decision {
        spent(self.listener(), self.failed(index, ErrorClass::Retry, 1, None))
    }

    /// A call of the record has ended: what was new to it of what handlers keep for its key is kept if it has succeeded.
    #[inline]
    pub(super) fn decide_states(&self, index: usize, has_succeeded: impl FnOnce() -> bool) {
        let states = self.chunk.key_states;
        if states.is_any_undecided()
            && let Some(key) = self.record(index).key()
        {
            states.decide(key, has_succeeded());
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
    pub(super) async fn resolve(
        &self,
        index: usize,
        attempt: u32,
        outputs: Outputs,
        key: Option<&[u8]>,
    ) -> Result<Vec<ProducerRecord>, Fault> {
        let outputs = outputs.into_vec();
        let mut records = Vec::with_capacity(outputs.len());
        for output in outputs {
            let (record, unstamped) = apart(output, key);
            let record = self.addressed(record).map_err(Fault::Failed)?;
            let is_complete = unstamped.is_none();
            records.push(if is_complete { record } else { self.stamped(index, attempt, record, unstamped).await? });
        }
        Ok(records)
    }

    fn addressed(&self, mut record: ProducerRecord) -> Result<ProducerRecord, Failure> {
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

    /// Applies the listener's policy to a failed delivery of one record; `pass`: of the handler, if it was that which failed.
    pub(super) async fn after(
        &self,
        index: usize,
        attempt: u32,
        fault: Fault,
        pass: Option<Pass<'_>>,
        delays: &mut Option<Delays>,
    ) -> Result<Next, Error> {
        let policy = &self.shared.policy;
        let (failure, is_torn) = match fault {
            Fault::Rejected(rejection) => {
                count(&policy.metrics.rejected);
                let decision = give_up(self.listener(), self.chunk.topic, None);
                let reason = Reason::of_rejection(&rejection);
                return self.carry_out(index, attempt, decision, &reason).await;
            }
            Fault::Failed(failure) => (failure, policy.takes_template),
            Fault::Torn(failure) => (failure, true),
            Fault::Revoked => return Ok(Next::Revoked),
        };
        count(&policy.metrics.failed);
        if let Some(next) = self.postponed(&[index], attempt, &failure, is_torn, pass) {
            return Ok(next);
        }
        let failed = self.failed(index, failure.class, attempt, failure.dead_letter_topic.as_deref());
        let decision = decide(self.listener(), failed, || self.delay_after(delays, attempt));
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
        decision: Decision,
        reason: &Reason,
    ) -> Result<Next, Error> {
        let place = self.place(index, attempt);
        match decision {
            Decision::Retry(delay) => Ok(self.retry(&[index], attempt, delay, reason).await),
            Decision::RetryTopic { topic, attempt: next, delay } => {
                self.forward(index, attempt, &topic, (next, delay), reason).await
            }
            Decision::DeadLetter(topic) => {
                self.brake(index, attempt, reason)?;
                self.dead_letter(index, attempt, &topic, reason).await
            }
            Decision::Skip => {
                count(&self.shared.policy.metrics.skipped);
                observe::skipped(place, &reason.message);
                self.given_up(index, attempt, RecordFate::Skipped, reason);
                Ok(Next::Finished)
            }
            Decision::Stop => {
                observe::stopping(place, &reason.message);
                self.given_up(index, attempt, RecordFate::Stopped, reason);
                Err(stopped(place, &reason.message))
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

    pub(super) fn env(&self) -> &'a HandlerEnv {
        self.transaction().map_or(&self.shared.policy.env, |transaction| transaction.env())
    }
}

/// Hands the record over and waits for its acknowledgment.
pub(super) async fn send(sink: &dyn RecordSink, record: ProducerRecord) -> Result<SendResult, SendError> {
    sink.enqueue(record).await?.await
}

/// Why a listener stopped, for health and for who started it.
pub(super) fn stopped(place: Place<'_>, reason: &str) -> Error {
    let listener = place.listener;
    Error::new(
        ErrorKind::Listener,
        format!(
            "listener `{listener}` stopped at {place}: {reason}; the record is not committed: mend the cause and start \
             the listener again, or give it a `dead_letter` topic to go on past such records"
        ),
    )
}
