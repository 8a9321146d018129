//! Request and reply: a record out, the replies to it back.
//!
//! A request carries an id and says where its replies are to go; whoever reads that topic puts them into the [`Inbox`], where
//! the id tells who waits. Each request waits on its own: when its time is up, or it is dropped, it is forgotten.

mod correlation;
mod error;
mod inbox;
mod pending;
mod release;
mod reply;
mod template;
#[cfg(test)]
mod tests;

use std::{future::Future, pin::Pin, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use self::inbox::Waiter;
pub use self::{
    correlation::CorrelationId,
    error::{RequestError, RequestTimeout},
    inbox::ReplyCounts,
    release::Release,
    reply::{Replies, Reply},
};
pub(crate) use self::{
    correlation::{CORRELATION_ID, REPLY_PARTITION, REPLY_TOPIC},
    inbox::Inbox,
};
use crate::{
    client::RecordSink,
    error::{Error, ErrorKind, Result},
    record::ProducerRecord,
};

/// Reads the topic of replies into an [`Inbox`].
pub(crate) trait ReplyReader: Send + Sync {
    /// Resolves when every reply that is sent from now on will be read; starts to read, the first time. After a stop it fails.
    fn ready(&self, timeout: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;

    /// A request had fewer replies in time than it was to have.
    fn timed_out(&self);

    /// Reads no more.
    fn stop(&self, timeout: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;
}

/// The application's way to ask; of all its templates.
pub(crate) struct Requests {
    /// Never one of a transaction: a reply could not come before its end.
    sink: Arc<dyn RecordSink>,
    reply_topic: Bytes,
    reply_partition: Option<Bytes>,
    reader: Box<dyn ReplyReader>,
    inbox: Arc<Inbox>,
}

impl Requests {
    pub(crate) fn new(
        sink: Arc<dyn RecordSink>,
        reply_topic: &str,
        reply_partition: Option<i32>,
        reader: Box<dyn ReplyReader>,
        inbox: Arc<Inbox>,
    ) -> Self {
        let reply_topic = Bytes::copy_from_slice(reply_topic.as_bytes());
        let reply_partition = reply_partition.map(|partition| Bytes::copy_from_slice(&partition.to_be_bytes()));
        Self { sink, reply_topic, reply_partition, reader, inbox }
    }

    /// Sends a request and waits until enough replies came, all within `timeout`.
    async fn exchange(
        &self,
        record: ProducerRecord,
        release: &Release,
        timeout: Duration,
    ) -> Result<Replies<Reply>, RequestError> {
        let started = Instant::now();
        let id = CorrelationId::random();
        // First: who asks too late starts no reader.
        let mut waiter = self.inbox.register(id, release.n_expected()).map_err(|_closed| stopped())?;
        tokio::select! {
            biased;
            // Of what was not sent, that is the end of all replies.
            _ = waiter.next() => return Err(stopped()),
            ready = self.reader.ready(timeout) => ready.map_err(RequestError::Unavailable)?,
        }
        let topic = record.topic.clone().unwrap_or_default();
        let record = self.addressed(record, id);
        let mut replies = Vec::new();
        let left = timeout.saturating_sub(started.elapsed());
        // Replies that are there count, also when they are seen late.
        let ended = tokio::select! {
            biased;
            ended = self.gather(record, waiter, release, &mut replies) => Some(ended),
            () = tokio::time::sleep(left) => None,
        };
        if ended.is_none() {
            self.reader.timed_out();
        }
        match ended {
            Some(Ok(())) => Ok(Replies { replies, is_complete: true }),
            Some(Err(error)) => Err(error),
            None if release.is_partial() && !replies.is_empty() => Ok(Replies { replies, is_complete: false }),
            None => {
                let (waited, n_replies) = (started.elapsed(), replies.len());
                Err(RequestError::Timeout(RequestTimeout { topic, correlation_id: id, waited, n_replies }))
            }
        }
    }

    /// Sends, and collects until it is enough. A reply may come before the acknowledgment.
    async fn gather(
        &self,
        record: ProducerRecord,
        mut waiter: Waiter,
        release: &Release,
        replies: &mut Vec<Reply>,
    ) -> Result<(), RequestError> {
        let mut sent = pin!(async { self.sink.enqueue(record).await?.await });
        let mut is_sent = false;
        loop {
            tokio::select! {
                biased;
                reply = waiter.next() => {
                    replies.push(reply.ok_or_else(stopped)?);
                    if release.is_met(replies) {
                        return Ok(());
                    }
                }
                result = &mut sent, if !is_sent => {
                    result.map_err(RequestError::NotSent)?;
                    is_sent = true;
                }
            }
        }
    }

    /// With the headers of a request; any of their names that it has already are of another one, which it was made of.
    fn addressed(&self, mut record: ProducerRecord, id: CorrelationId) -> ProducerRecord {
        record.headers.retain(|name| !matches!(name, CORRELATION_ID | REPLY_TOPIC | REPLY_PARTITION));
        record.headers.push(CORRELATION_ID, Some(Bytes::copy_from_slice(id.as_bytes())));
        record.headers.push(REPLY_TOPIC, Some(self.reply_topic.clone()));
        if let Some(partition) = &self.reply_partition {
            record.headers.push(REPLY_PARTITION, Some(partition.clone()));
        }
        record
    }

    /// Lets all go that wait, takes no further request, and reads no more.
    pub(crate) async fn stop(&self, timeout: Duration) -> Result<()> {
        self.inbox.close();
        self.reader.stop(timeout).await
    }
}

fn stopped() -> RequestError {
    RequestError::Unavailable(Error::new(ErrorKind::Stopped, "the application stops: no reply can come any more"))
}
