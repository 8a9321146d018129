//! [`OutputQueue`]: what handlers returned, on its way to the broker.
//!
//! Records go to the client in the order they were returned, without waiting for one another; acknowledgments are
//! collected behind them. At least once, a record is handled only when all it returned is acknowledged. One that is not
//! is sent again by the listener's retry policy (the handler is not called again: it succeeded), then the record that
//! was handled is given up like one whose deliveries are spent. What is sent again comes after what was sent meanwhile.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::run::{Run, Sending};
use crate::{
    client::{Outbound, PendingSend, Receipts, RecordSink},
    error::{Error, ErrorKind},
    handler::Failure,
    listener::metrics::count,
    observe::{self, Place},
    producer::SendError,
    record::ProducerRecord,
};

/// What handlers returned and the broker did not acknowledge yet, in the order it was sent.
#[derive(Default)]
pub(super) struct OutputQueue {
    in_flight: VecDeque<InFlight>,
    /// Why what the record at the front returned is lost; its other outputs no longer matter.
    lost: Option<Failure>,
    /// Acknowledgments of those that were handed over at once.
    receipts: Option<Receipts>,
}

struct InFlight {
    /// The record that was handled.
    index: usize,
    attempt: u32,
    /// Whether nothing more of this record follows.
    is_last: bool,
    state: State,
}

enum State {
    /// Its receipt tells.
    AtOnce,
    Waiting(PendingSend),
    Acknowledged,
    Failed(SendError),
}

/// What became of all that one record returned.
pub(super) struct Settled {
    pub(super) index: usize,
    pub(super) attempt: u32,
    pub(super) result: SettledResult,
}

pub(super) enum SettledResult {
    Acknowledged,
    Lost(Failure),
    Revoked,
}

impl OutputQueue {
    /// Whether everything that was handed over is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Hands over what the record at `index` returned, in order; waits for room only.
    pub(super) async fn send(
        &mut self,
        run: &Run<'_>,
        index: usize,
        attempt: u32,
        records: Vec<ProducerRecord>,
    ) -> Result<(), Failure> {
        let sink = run.sink().ok_or_else(|| Failure::stop("there is no producer for what the handler returned"))?;
        let n_records = records.len();
        for (nth, record) in records.into_iter().enumerate() {
            let state = match sink.enqueue(record).await {
                Ok(pending) => State::Waiting(pending),
                Err(failed) => State::Failed(failed),
            };
            self.in_flight.push_back(InFlight { index, attempt, is_last: nth + 1 == n_records, state });
        }
        Ok(())
    }

    /// Hands over the one record that the first delivery of the record at `index`, of so many, returned, if that can be
    /// done at once.
    pub(super) fn try_send(
        &mut self,
        sink: &dyn RecordSink,
        index: usize,
        n_records: usize,
        record: &Outbound<'_>,
    ) -> bool {
        let receipts = self.receipts.get_or_insert_with(|| sink.receipts(n_records));
        let is_taken = sink.try_enqueue(record, receipts, index);
        if is_taken {
            self.in_flight.push_back(InFlight { index, attempt: 1, is_last: true, state: State::AtOnce });
        }
        is_taken
    }

    /// The record at the front, if what it returned was handed over at once and is acknowledged; without waiting.
    pub(super) fn next_acknowledged(&mut self) -> Option<usize> {
        let front = self.in_flight.front()?;
        let is_acknowledged = matches!(front.state, State::AtOnce)
            && self.receipts.as_ref().is_some_and(|receipts| receipts.is_acknowledged(front.index));
        let index = front.index;
        is_acknowledged.then(|| {
            self.in_flight.pop_front();
            index
        })
    }

    /// Takes what is settled already, without waiting.
    pub(super) async fn next_ready(&mut self, run: &Run<'_>) -> Option<Settled> {
        while poll_fn(|cx| Poll::Ready(self.is_front_ready(cx))).await {
            if let Some(settled) = self.advance(run).await {
                return Some(settled);
            }
        }
        None
    }

    /// Waits for the next record whose outputs are settled; `None` when there is none left.
    pub(super) async fn next(&mut self, run: &Run<'_>) -> Option<Settled> {
        while !self.in_flight.is_empty() {
            if let Some(settled) = self.advance(run).await {
                return Some(settled);
            }
        }
        None
    }

    fn is_front_ready(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(front) = self.in_flight.front_mut() else { return false };
        match front.state.poll(front.index, self.receipts.as_ref(), cx) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) => front.state = State::Acknowledged,
            Poll::Ready(Err(failed)) => front.state = State::Failed(failed),
        }
        true
    }

    /// Settles the output at the front; tells of its record with the last one.
    async fn advance(&mut self, run: &Run<'_>) -> Option<Settled> {
        let InFlight { index, attempt, is_last, state } = self.in_flight.pop_front()?;
        let result = state.result(index, self.receipts.as_ref()).await;
        match result {
            Ok(()) => count(&run.shared.policy.metrics.sent),
            // Who asked is gone, or named a place that does not take the reply: no attempt will mend that, and nothing is gained
            // by holding up the requests behind it.
            Err(failed) if run.listener().reply && failed.kind() == ErrorKind::Refused => {
                count(&run.shared.policy.metrics.failed);
                let to = failed.record().topic.as_deref().unwrap_or_default();
                observe::reply_refused(run.place(index, attempt), &failed.to_string(), to);
            }
            Err(failed) if self.lost.is_none() => match resent(run, index, attempt, failed).await {
                Sending::Acknowledged => count(&run.shared.policy.metrics.sent),
                Sending::Failed(error) => self.lost = Some(Failure::retry(error)),
                Sending::Revoked => {
                    self.in_flight.clear();
                    return Some(Settled { index, attempt, result: SettledResult::Revoked });
                }
            },
            Err(_) => {}
        }
        is_last.then(|| {
            let result = mem::take(&mut self.lost).map_or(SettledResult::Acknowledged, SettledResult::Lost);
            Settled { index, attempt, result }
        })
    }

    /// At most once: leaves the rest to a task of its own, that says which of them were lost.
    pub(super) fn detach(self, run: &Run<'_>) {
        if self.in_flight.is_empty() {
            return;
        }
        let (listener, topic) = (run.listener().id.clone(), Arc::clone(run.chunk.topic));
        let (partition, metrics) = (run.chunk.partition, Arc::clone(&run.shared.policy.metrics));
        let sends = self.in_flight.into_iter();
        let sends: Vec<_> = sends.map(|sent| (sent.index, run.record(sent.index).offset(), sent.state)).collect();
        let receipts = self.receipts;
        tokio::spawn(async move {
            for (index, offset, state) in sends {
                let Err(failed) = state.result(index, receipts.as_ref()).await else {
                    count(&metrics.sent);
                    continue;
                };
                count(&metrics.failed);
                let to = failed.record().topic.as_deref().unwrap_or_default();
                let place = Place { listener: &listener, topic: &topic, partition, offset, attempt: 1 };
                observe::output_lost(place, &failed.to_string(), to);
            }
        });
    }
}

impl State {
    /// What became of it, of the record at `index`. A failure comes out once.
    fn poll(&mut self, index: usize, receipts: Option<&Receipts>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match mem::replace(self, Self::Acknowledged) {
            Self::Acknowledged => Poll::Ready(Ok(())),
            Self::Failed(failed) => Poll::Ready(Err(failed)),
            Self::AtOnce => {
                let Some(receipts) = receipts else { unreachable!("whoever sends at once has made them before") };
                let polled = receipts.poll(index, cx);
                if polled.is_pending() {
                    *self = Self::AtOnce;
                }
                polled
            }
            Self::Waiting(mut pending) => match Pin::new(&mut pending).poll(cx) {
                Poll::Ready(result) => Poll::Ready(result.map(|_| ())),
                Poll::Pending => {
                    *self = Self::Waiting(pending);
                    Poll::Pending
                }
            },
        }
    }

    /// Waits for what became of it.
    async fn result(mut self, index: usize, receipts: Option<&Receipts>) -> Result<(), SendError> {
        poll_fn(|cx| self.poll(index, receipts, cx)).await
    }
}

/// Sends an output again by the listener's retry policy; counts the failure first.
async fn resent(run: &Run<'_>, index: usize, attempt: u32, failed: SendError) -> Sending {
    count(&run.shared.policy.metrics.failed);
    let Some(sink) = run.sink() else {
        return Sending::Failed(Error::new(ErrorKind::Stopped, "there is no producer any more"));
    };
    let to = failed.record().topic.clone();
    match run.resend(run.place(index, attempt), sink, failed, &run.listener().retry).await {
        Sending::Failed(error) => {
            let to = to.as_deref().unwrap_or_default();
            let text = format!("what the handler returned did not reach `{to}`");
            Sending::Failed(Error::new(error.kind(), text).with_source(error))
        }
        sending @ (Sending::Acknowledged | Sending::Revoked) => sending,
    }
}
