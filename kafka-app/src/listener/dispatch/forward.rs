//! A record on its way out of its listener: to a retry topic, or to the dead letters.

use std::time::Duration;

use super::run::{Next, Run, Sending, send, stopped};
use crate::{
    client::RecordSink,
    clock::wall_clock,
    config::Retry,
    error::Error,
    error_handler::{Hop, Origin, Reason, dead_letter, dead_letter_of_retries, due_after, forwarded, jittered, random},
    listener::{events::RecordFate, metrics::count},
    observe,
    record::ProducerRecord,
};

/// How often such a record is sent before its listener stops: over half a minute, on top of the client's own retries.
const SENDS: Retry = Retry {
    attempts: 8,
    backoff: Duration::from_millis(250),
    multiplier: 2.0,
    max_backoff: Duration::from_secs(10),
    jitter: 0.2,
};

impl Run<'_> {
    /// Sends the record to a retry topic, to be handled there the `attempt`th time after the delay.
    pub(super) async fn forward(
        &self,
        index: usize,
        in_place: u32,
        topic: &str,
        (attempt, delay): (u32, Duration),
        reason: &Reason,
    ) -> Result<Next, Error> {
        let jitter = self.listener().retry_topics.as_ref().map_or(0.0, |retry_topics| retry_topics.jitter);
        let delay = jittered(delay, jitter, random());
        let make = |n_partitions| {
            let hop = Hop { topic, attempt, due: due_after(wall_clock(), delay) };
            let is_on_its_way = self.listener().stage.is_some();
            forwarded(self.record(index), self.origin(), is_on_its_way, reason, &hop, n_partitions)
        };
        let next = self.send_away((index, in_place), ("it", topic), reason, make).await?;
        if next == Next::Finished {
            count(&self.shared.policy.metrics.forwarded);
            observe::forwarded(self.place(index, in_place), &reason.message, topic, delay);
        }
        Ok(next)
    }

    /// Sends the record to its dead letter topic.
    pub(super) async fn dead_letter(
        &self,
        index: usize,
        attempt: u32,
        topic: &str,
        reason: &Reason,
    ) -> Result<Next, Error> {
        let make = |n_partitions| {
            let (record, origin) = (self.record(index), self.origin());
            let is_on_its_way = self.listener().stage.is_some();
            match self.listener().retry_topics {
                Some(_) => {
                    let hop = (topic, wall_clock());
                    dead_letter_of_retries(record, origin, is_on_its_way, reason, hop, n_partitions)
                }
                None => dead_letter(record, origin, reason, topic, n_partitions),
            }
        };
        let next = self.send_away((index, attempt), ("its dead letter", topic), reason, make).await?;
        if next == Next::Finished {
            count(&self.shared.policy.metrics.dead_lettered);
            observe::dead_lettered(self.place(index, attempt), &reason.message, topic);
            self.given_up(index, attempt, RecordFate::DeadLetter(topic.into()), reason);
        }
        Ok(next)
    }

    fn origin(&self) -> Origin<'_> {
        Origin { topic: self.chunk.topic, partition: self.chunk.partition, group_id: &self.listener().group_id }
    }

    /// Sends what is made of a record and waits until the broker has it, or puts it into the transaction; a listener whose
    /// records do not get through stops.
    async fn send_away(
        &self,
        (index, attempt): (usize, u32),
        (what, topic): (&str, &str),
        reason: &Reason,
        make: impl FnOnce(Option<i32>) -> ProducerRecord,
    ) -> Result<Next, Error> {
        let place = self.place(index, attempt);
        let Some(sink) = self.sink() else {
            observe::stopping(place, &reason.message);
            self.given_up(index, attempt, RecordFate::Stopped, reason);
            return Err(stopped(
                place,
                &format!("{}; there is no producer to send {what} to `{topic}`", reason.message),
            ));
        };
        let letter = make(self.n_partitions(index, attempt, topic, sink).await);
        let sending = match self.transaction() {
            Some(transaction) => self.send_letter(transaction, sink, (index, attempt), letter, reason).await,
            None => match send(sink, letter).await {
                Ok(_) => Sending::Acknowledged,
                Err(failed) => self.resend(place, sink, failed, &SENDS).await,
            },
        };
        match sending {
            Sending::Acknowledged => Ok(Next::Finished),
            Sending::Revoked => Ok(Next::Revoked),
            Sending::Failed(error) => {
                let text = format!("{}; {what} did not reach `{topic}`: {error}", reason.message);
                observe::stopping(place, &text);
                self.given_up(index, attempt, RecordFate::Stopped, reason);
                Err(stopped(place, &text))
            }
        }
    }

    async fn n_partitions(&self, index: usize, attempt: u32, topic: &str, sink: &dyn RecordSink) -> Option<i32> {
        match sink.n_partitions(topic).await {
            Ok(n_partitions) => Some(n_partitions),
            Err(error) => {
                observe::partitions_unknown(self.place(index, attempt), &error.to_string(), topic);
                None
            }
        }
    }
}
