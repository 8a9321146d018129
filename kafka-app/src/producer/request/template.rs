//! What [`KafkaTemplate`] asks.

use std::{borrow::Borrow, time::Duration};

use super::{Release, Replies, Reply, ReplyCounts, RequestError, Requests};
use crate::{
    convert::{FromPayload, ToKey, ToPayload},
    error::{Error, ErrorKind},
    producer::KafkaTemplate,
    record::ProducerRecord,
    schema::{Wanted, asking},
};

impl<K: ?Sized, V: ToPayload + ?Sized> KafkaTemplate<K, V> {
    /// Sends a request and waits for the reply to it; Spring's `sendAndReceive`.
    ///
    /// The record carries Spring's headers, `kafka_correlationId` and `kafka_replyTopic`, and is answered by a listener with the
    /// option `reply`, or by Spring's `@SendTo`. Replies arrive on `kafka.template.reply-topic`, which several applications may
    /// share: each reads all of it, from the end it has at the first request, and drops what is for others. Partitions that the
    /// topic gets later are read once a request had no answer in time. With `kafka.template.reply-partition` it reads that
    /// partition alone, and replies are sent to it.
    ///
    /// A request is sent at once, also by a template inside a transaction, since no reply could come before that ends. Dropping
    /// the future forgets the request; its reply is dropped then, as every reply that comes too late.
    ///
    /// ```no_run
    /// # async fn example(orders: kafka_app::KafkaTemplate<String, str>) -> Result<(), kafka_app::RequestError> {
    /// let price: String = orders.request("prices", "42", "two shoes", std::time::Duration::from_secs(5)).await?;
    /// println!("{price}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No reply within `timeout` ([`RequestError::Timeout`]), the request was not sent, the reply is no `R`; or it cannot ask:
    /// `kafka.template.reply-topic` is not set or cannot be read, or the application stops.
    pub async fn request<R, Q>(
        &self,
        topic: impl AsRef<str>,
        key: &Q,
        payload: &V,
        timeout: Duration,
    ) -> Result<R, RequestError>
    where
        R: for<'r> FromPayload<'r>,
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        let record = self.encoded_parts(topic.as_ref(), key, payload).await.map_err(RequestError::NotSent)?;
        let reply = first(self.requests()?.exchange(record, &Release::count(1), timeout).await?)?;
        self.decoded(&reply).await
    }

    /// As [`request`](Self::request), waiting for several replies, until `release` is met; Spring's
    /// `AggregatingReplyingKafkaTemplate`.
    ///
    /// ```no_run
    /// # async fn example(stock: kafka_app::KafkaTemplate<(), str>) -> Result<(), kafka_app::RequestError> {
    /// use std::time::Duration;
    ///
    /// use kafka_app::{Release, Replies};
    ///
    /// // Three warehouses listen, each in a group of its own.
    /// let release = Release::count(3).or_what_there_is();
    /// let counts: Replies<i64> = stock.request_many("stock", &(), "shoes", &release, Duration::from_secs(5)).await?;
    /// println!("{} pairs", counts.replies.iter().sum::<i64>());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`request`](Self::request). What came before a timeout is returned if `release` says so and there is any.
    pub async fn request_many<R, Q>(
        &self,
        topic: impl AsRef<str>,
        key: &Q,
        payload: &V,
        release: &Release,
        timeout: Duration,
    ) -> Result<Replies<R>, RequestError>
    where
        R: for<'r> FromPayload<'r>,
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        let record = self.encoded_parts(topic.as_ref(), key, payload).await.map_err(RequestError::NotSent)?;
        let Replies { replies, is_complete } = self.requests()?.exchange(record, release, timeout).await?;
        let mut values = Vec::with_capacity(replies.len());
        for reply in &replies {
            values.push(self.decoded(reply).await?);
        }
        Ok(Replies { replies: values, is_complete })
    }

    /// As [`request`](Self::request), with a record that chooses partition or headers, and the whole reply, undecoded.
    ///
    /// # Errors
    /// As [`request`](Self::request), and when the record names no topic and there is no default one.
    pub async fn request_record(&self, record: ProducerRecord<K, V>, timeout: Duration) -> Result<Reply, RequestError>
    where
        K: ToKey + Sized,
        V: Sized,
    {
        first(self.request_records(record, &Release::count(1), timeout).await?)
    }

    /// As [`request_many`](Self::request_many), with a record that chooses partition or headers, and whole replies, undecoded.
    ///
    /// # Errors
    /// As [`request_record`](Self::request_record).
    pub async fn request_records(
        &self,
        record: ProducerRecord<K, V>,
        release: &Release,
        timeout: Duration,
    ) -> Result<Replies<Reply>, RequestError>
    where
        K: ToKey + Sized,
        V: Sized,
    {
        let record = self.encoded(record).await.map_err(RequestError::NotSent)?;
        self.requests()?.exchange(record, release, timeout).await
    }
}

impl<K: ?Sized, V: ?Sized> KafkaTemplate<K, V> {
    /// What became of the replies that the application read so far.
    #[must_use]
    pub fn reply_counts(&self) -> ReplyCounts {
        self.requests.as_ref().map(|requests| requests.inbox.counts()).unwrap_or_default()
    }

    /// The value of a reply; asks for its schema where that is not known yet.
    async fn decoded<R: for<'r> FromPayload<'r>>(&self, reply: &Reply) -> Result<R, RequestError> {
        let Some(schemas) = self.schemas.as_deref() else { return reply.decode().map_err(RequestError::BadReply) };
        let wanted = Wanted::default();
        let bad = match reply.decode_with(Some((schemas, &wanted))) {
            Ok(value) => return Ok(value),
            Err(bad) => bad,
        };
        let ids = wanted.take();
        if ids.is_empty() {
            return Err(RequestError::BadReply(bad));
        }
        for id in ids {
            asking(schemas.load(id)).await.map_err(RequestError::BadReply)?;
        }
        reply.decode_with(Some((schemas, &wanted))).map_err(RequestError::BadReply)
    }

    fn requests(&self) -> Result<&Requests, RequestError> {
        self.requests.as_deref().ok_or_else(|| {
            let text = "there is no topic for replies: set `kafka.template.reply-topic`";
            RequestError::Unavailable(Error::new(ErrorKind::Config, text))
        })
    }
}

/// A request that is complete has what its release asked for.
fn first(replies: Replies<Reply>) -> Result<Reply, RequestError> {
    replies.replies.into_iter().next().ok_or_else(super::stopped)
}
