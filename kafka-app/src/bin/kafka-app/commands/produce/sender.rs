//! [`Sender`]: records on their way, and what became of them.

use std::{
    collections::VecDeque,
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use kafka_app::{KafkaTemplate, PendingSend, ProducerRecord, SendError};
use tokio::sync::mpsc;

use super::{
    input::{Block, Place},
    progress::Progress,
    rate::Pace,
};
use crate::{
    failure::Failure,
    say::{self, Troubles},
    stop::Stop,
};

/// Of records that could not be sent, and of lines that are none, so many are named.
const NAMED: u64 = 10;
/// How often it is looked whether brokers are away, while records wait.
const LOOK: Duration = Duration::from_secs(3);

/// Sends records, and knows what became of each.
pub(crate) struct Sender {
    pub(crate) template: KafkaTemplate<Bytes, Bytes>,
    pub(crate) pace: Option<Pace>,
    /// Goes on after what is no record, and after records that are refused.
    pub(crate) skips_bad: bool,
    pub(crate) progress: Progress,
    pub(crate) counts: Counts,
    /// In the order in which they were sent.
    pending: VecDeque<(PendingSend, Place)>,
    troubles: Troubles,
}

/// What became of what was read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Acknowledged records.
    pub(crate) n_sent: u64,
    /// Records that were not acknowledged.
    pub(crate) n_failed: u64,
    /// What is no record.
    pub(crate) n_bad: u64,
    /// Bytes that were read.
    pub(crate) n_bytes: u64,
}

/// Why no more is sent.
pub(crate) enum End {
    /// All is read.
    Done,
    /// Something was wrong, which was told.
    Wrong,
    Signal(u8),
}

impl Sender {
    pub(crate) fn new(
        template: KafkaTemplate<Bytes, Bytes>,
        pace: Option<Pace>,
        skips_bad: bool,
        progress: Progress,
    ) -> Self {
        Self {
            template,
            pace,
            skips_bad,
            progress,
            counts: Counts::default(),
            pending: VecDeque::new(),
            troubles: Troubles::default(),
        }
    }

    /// Sends all that comes, and waits until everything is answered.
    pub(crate) async fn send_all(&mut self, blocks: mpsc::Receiver<Result<Block, String>>, stop: &mut Stop) -> End {
        let mut of_sending = stop.clone();
        let end = tokio::select! {
            biased;
            code = of_sending.requested() => End::Signal(code),
            end = self.send_blocks(blocks) => end,
        };
        if let End::Signal(_) = end {
            say::line(format_args!("waiting for {} acknowledgments; Ctrl-C again ends at once", self.pending.len()));
        }
        let mut of_waiting = stop.clone();
        tokio::select! {
            () = self.take_answers(usize::MAX) => end,
            code = of_waiting.requested(), if !matches!(end, End::Signal(_)) => {
                self.take_answers(usize::MAX).await;
                End::Signal(code)
            }
        }
    }

    async fn send_blocks(&mut self, mut blocks: mpsc::Receiver<Result<Block, String>>) -> End {
        loop {
            let block = tokio::select! {
                biased;
                block = blocks.recv() => block,
                () = self.take_answers(1), if !self.pending.is_empty() => {
                    if self.has_failed() { return End::Wrong }
                    continue;
                }
            };
            match block {
                None => return End::Done,
                Some(Err(text)) => {
                    say::error(text);
                    return End::Wrong;
                }
                Some(Ok(block)) => {
                    if !self.send_block(block).await {
                        return End::Wrong;
                    }
                }
            }
        }
    }

    fn has_failed(&self) -> bool {
        !self.skips_bad && (self.counts.n_failed > 0 || self.counts.n_bad > 0)
    }

    /// Whether to go on.
    async fn send_block(&mut self, block: Block) -> bool {
        let (n_before, n_records) = (self.counts.n_bytes, block.records.len());
        for (n, (place, record)) in block.records.into_iter().enumerate() {
            // As if all were of the same size, so that what is sent slowly is seen to go on.
            self.counts.n_bytes = n_before + (block.n_bytes * n / n_records) as u64;
            let record = match record {
                Ok(record) => record,
                Err(why) => {
                    self.counts.n_bad += 1;
                    if self.counts.n_bad <= NAMED {
                        say::error(format_args!("{place}: {why}"));
                    }
                    if self.has_failed() {
                        return false;
                    }
                    continue;
                }
            };
            self.keep_pace().await;
            match self.enqueue(record).await {
                Ok(pending) => self.pending.push_back((pending, place)),
                Err(failed) => self.tell_failed(&failed, Some(&place)),
            }
            if self.has_failed() {
                return false;
            }
        }
        self.counts.n_bytes = n_before + block.n_bytes as u64;
        self.take_answers(0).await;
        self.progress.advance(&self.counts);
        !self.has_failed()
    }

    /// Waits for room; meanwhile it is told which brokers are away.
    async fn enqueue(&mut self, record: ProducerRecord) -> Result<PendingSend, SendError> {
        let mut enqueued = pin!(self.template.enqueue_record(record));
        // Mostly there is room, and nothing has to be set up to wait with.
        if let Poll::Ready(enqueued) = poll_fn(|cx| Poll::Ready(enqueued.as_mut().poll(cx))).await {
            return enqueued;
        }
        loop {
            tokio::select! {
                biased;
                enqueued = &mut enqueued => return enqueued,
                () = tokio::time::sleep(LOOK) => {
                    tell_brokers(&self.template, &mut self.troubles, self.pending.len());
                }
            }
        }
    }

    /// Waits until the next record may go; what is answered meanwhile is taken.
    async fn keep_pace(&mut self) {
        let Some(at) = self.pace.as_mut().map(|pace| pace.next(Instant::now())) else { return };
        let mut is_shown = false;
        while Instant::now() < at {
            if !is_shown {
                self.progress.advance(&self.counts);
                is_shown = true;
            }
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => return,
                () = self.take_answers(1), if !self.pending.is_empty() => {}
            }
        }
    }

    /// Waits for the first `n_awaited` answers, and takes those that are there behind them.
    async fn take_answers(&mut self, n_awaited: usize) {
        let mut n_awaited = n_awaited;
        while let Some((pending, _)) = self.pending.front_mut() {
            let mut pending = Pin::new(pending);
            let answer = match poll_fn(|cx| Poll::Ready(pending.as_mut().poll(cx))).await {
                Poll::Ready(answer) => answer,
                Poll::Pending if n_awaited == 0 => return,
                Poll::Pending => tokio::select! {
                    answer = pending => answer,
                    () = tokio::time::sleep(LOOK) => {
                        tell_brokers(&self.template, &mut self.troubles, self.pending.len());
                        continue;
                    }
                },
            };
            n_awaited = n_awaited.saturating_sub(1);
            let place = self.pending.pop_front().map(|(_, place)| place);
            match answer {
                Ok(_) => self.counts.n_sent += 1,
                Err(failed) => self.tell_failed(&failed, place.as_ref()),
            }
        }
    }

    fn tell_failed(&mut self, failed: &SendError, place: Option<&Place>) {
        self.counts.n_failed += 1;
        if self.counts.n_failed <= NAMED {
            let place = place.map_or_else(String::new, |place| format!("{place}: "));
            say::error(format_args!("{place}{}", why(failed)));
        }
    }

    /// What is to be said at the end, and whether all went well.
    ///
    /// # Errors
    /// Something was not sent.
    pub(crate) fn result(&self, end: &End) -> Result<(), Failure> {
        let Counts { n_failed, n_bad, n_sent, .. } = self.counts;
        let mut problems = Vec::new();
        if n_failed > 0 {
            problems.push(format!("{n_failed} records could not be sent"));
        }
        if n_bad > 0 {
            problems.push(format!("{n_bad} lines are no records"));
        }
        match end {
            End::Signal(code) => Err(Failure::Stopped(*code)),
            // Bad lines were to be skipped.
            End::Done if n_failed == 0 => Ok(()),
            End::Done => Err(Failure::Failed(problems.join(", "))),
            End::Wrong => {
                problems.push(format!("it ended there, with {n_sent} records sent"));
                Err(Failure::Failed(problems.join(", ")))
            }
        }
    }
}

/// The reason, with what is behind it.
fn why(failed: &SendError) -> String {
    let mut text = failed.to_string();
    let mut source = std::error::Error::source(failed);
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        source = cause.source();
    }
    text
}

fn tell_brokers(template: &KafkaTemplate<Bytes, Bytes>, troubles: &mut Troubles, n_pending: usize) {
    for broker in template.unreachable_brokers() {
        let text = format!("broker {} cannot be reached: {n_pending} records wait", broker.name);
        troubles.tell_about(&broker.name, text);
    }
}
