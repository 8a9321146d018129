//! [`Sender`]: lines to records, up to their end, a line that is no record, or a signal.

use std::{
    collections::VecDeque,
    future::{Future as _, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use kafka_app::{ErrorKind, KafkaTemplate, PendingSend, ProducerRecord};
use tokio::{sync::mpsc, time::Instant};

use super::line_reader::LineParser;
use crate::{failure::Failure, stop::Stop, tools::client};

/// As Java's `retry.backoff.ms`: between two looks for a topic that is not there.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Sends records and tells which could not be sent.
pub(super) struct Sender {
    template: KafkaTemplate<Bytes, Bytes>,
    topic: Arc<str>,
    is_sync: bool,
    max_block: Duration,
    /// Whether the topic was there when it was looked for; `None`: it was not looked for.
    topic_is_there: Option<bool>,
    /// In the order in which they were sent.
    pending: VecDeque<PendingSend>,
}

impl Sender {
    pub(super) fn new(template: KafkaTemplate<Bytes, Bytes>, topic: &str, is_sync: bool, max_block: Duration) -> Self {
        Self { template, topic: topic.into(), is_sync, max_block, topic_is_there: None, pending: VecDeque::new() }
    }

    /// Up to the end of the lines, a line that is no record, or a signal; what was sent is waited for.
    pub(super) async fn send_lines(
        &mut self,
        mut parser: LineParser,
        mut lines: mpsc::Receiver<io::Result<Vec<Bytes>>>,
        stop: &mut Stop,
    ) -> Result<u8, Failure> {
        loop {
            let block = tokio::select! {
                biased;
                code = stop.requested() => {
                    self.finish_after_signal().await;
                    return Ok(code);
                }
                block = lines.recv() => block,
                () = self.tell_failures(1), if !self.pending.is_empty() => continue,
            };
            let sent = match block {
                Some(Ok(lines)) => tokio::select! {
                    sent = self.send_block(&mut parser, &lines) => sent,
                    // The next turn takes it up.
                    _ = stop.requested() => continue,
                },
                Some(Err(error)) => Err(Failure::Failed(format!("standard input cannot be read: {error}"))),
                None => {
                    return tokio::select! {
                        () = self.finish() => Ok(0),
                        code = stop.requested() => {
                            self.finish_after_signal().await;
                            Ok(code)
                        }
                    };
                }
            };
            if let Err(failure) = sent {
                self.finish().await;
                return Err(failure);
            }
        }
    }

    async fn send_block(&mut self, parser: &mut LineParser, lines: &[Bytes]) -> Result<(), Failure> {
        for line in lines {
            let record = parser.record(line).map_err(Failure::Failed)?;
            self.send(ProducerRecord { topic: Some(Arc::clone(&self.topic)), ..record }).await?;
        }
        // Those that are answered already.
        self.tell_failures(0).await;
        Ok(())
    }

    /// # Errors
    /// The record was to be waited for and could not be sent.
    async fn send(&mut self, record: ProducerRecord) -> Result<(), Failure> {
        let sent = match self.find_topic().await {
            Ok(()) => match self.template.enqueue_record(record).await {
                Ok(pending) if self.is_sync => pending.await.map(drop),
                Ok(pending) => {
                    self.pending.push_back(pending);
                    return Ok(());
                }
                Err(failed) => Err(failed),
            }
            .map_err(|failed| (failed.to_string(), failed.into_parts().0)),
            Err(why) => Err((why, record)),
        };
        match sent {
            Ok(()) => Ok(()),
            Err((why, _)) if self.is_sync => Err(Failure::Failed(why)),
            Err((why, record)) => {
                self.tell(&record, &why);
                Ok(())
            }
        }
    }

    /// The first record waits for its topic as long as it may, the others look whether it has come.
    async fn find_topic(&mut self) -> Result<(), String> {
        if self.topic_is_there == Some(true) {
            return Ok(());
        }
        let deadline = match self.topic_is_there {
            None => Instant::now() + self.max_block,
            Some(_) => Instant::now() + BACK_OFF,
        };
        let found = loop {
            let why = match tokio::time::timeout_at(deadline, self.template.partitions_for(&self.topic)).await {
                Ok(Ok(_)) => break Ok(()),
                Ok(Err(error)) if never_mends(&error) => break Err(error.to_string()),
                Ok(Err(error)) => Some(error),
                Err(_late) => None,
            };
            if Instant::now() + BACK_OFF >= deadline {
                let (topic, ms) = (&self.topic, self.max_block.as_millis());
                let why = why.map(|error| format!(": {error}")).unwrap_or_default();
                break Err(format!("Topic {topic} not present in metadata after {ms} ms.{why}"));
            }
            tokio::time::sleep(BACK_OFF).await;
        };
        self.topic_is_there = Some(found.is_ok());
        found
    }

    /// Waits for the first `n_awaited` answers, takes those that are there behind them, and tells which are failures.
    async fn tell_failures(&mut self, n_awaited: usize) {
        let mut n_awaited = n_awaited;
        while let Some(pending) = self.pending.front_mut() {
            let answer = poll_fn(|cx| match Pin::new(&mut *pending).poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if n_awaited == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            });
            let Some(answer) = answer.await else { return };
            n_awaited = n_awaited.saturating_sub(1);
            self.pending.pop_front();
            if let Err(failed) = answer {
                let why = failed.to_string();
                self.tell(failed.record(), &why);
            }
        }
    }

    async fn finish_after_signal(&mut self) {
        if !self.pending.is_empty() {
            let n_pending = self.pending.len();
            client::say(format_args!("waiting for {n_pending} acknowledgments; another signal ends at once"));
        }
        self.finish().await;
    }

    async fn finish(&mut self) {
        self.tell_failures(usize::MAX).await;
    }

    fn tell(&self, record: &ProducerRecord, why: &str) {
        let size =
            |part: &Option<Bytes>| part.as_ref().map_or("null".to_owned(), |part| format!("{} bytes", part.len()));
        client::say(format_args!(
            "Error when sending message to topic {} with key: {}, value: {} with error: {why}",
            self.topic,
            size(&record.key),
            size(&record.payload)
        ));
    }
}

/// A topic that one has no right to, or whose name cannot be, is not waited for; nor brokers that do not let the client in.
fn never_mends(error: &kafka_app::Error) -> bool {
    let text = error.to_string();
    error.is_authentication()
        || error.kind() == ErrorKind::Refused
            && ["authorization failed", "Invalid topic"].iter().any(|why| text.contains(why))
}
