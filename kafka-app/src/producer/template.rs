//! [`KafkaTemplate`]: a typed view of the cluster's producer.

use std::{borrow::Borrow, fmt, future::Future, marker::PhantomData, sync::Arc, time::Duration};

use bytes::BytesMut;

use super::{
    PartitionInfo, SendAllError, SendError, TransactionError, TransactionPool,
    encoded::{Encoded, encode_into, encode_parts, full, learned, not_encoded, owned},
    request::Requests,
    send_all,
};
use crate::{
    client::{Completion, Outbound, PendingSend, Producer, Ticket, TryOffer, TryProduce, UnreachableBroker},
    convert::{ToKey, ToPayload},
    error::{Error, ErrorKind, Result},
    record::{ProducerRecord, SendResult},
    schema::{Framing, SchemaPort},
    topic::Topic,
};

/// Sends records with keys of type `K` and payloads of type `V`.
///
/// It is a cheap view of the cluster's one producer: clone it, keep it, make as many as there are types. A send waits
/// for room when too much is unacknowledged, and resolves when the broker has the record; a failed one gives the record
/// back. Records of one task that awaits each send keep their order; for many records at once there is
/// [`send_all`](Self::send_all), and [`enqueue`](Self::enqueue) to await the acknowledgment later.
///
/// Keys are given by reference, borrowed as in a `HashMap`: a template with `String` keys takes `"42"`.
///
/// ```no_run
/// # async fn example(orders: kafka_app::KafkaTemplate<String, kafka_app::Text>) -> Result<(), kafka_app::SendError> {
/// let sent = orders.send("orders", "42", &kafka_app::Text("two shoes".to_owned())).await?;
/// println!("partition {}, offset {}", sent.partition, sent.offset);
/// # Ok(())
/// # }
/// ```
pub struct KafkaTemplate<K: ?Sized, V: ?Sized> {
    producer: Producer,
    default_topic: Option<Arc<str>>,
    /// Where the producers of its transactions come from.
    transactions: Option<Arc<TransactionPool>>,
    /// How it asks; none without a topic for replies.
    pub(super) requests: Option<Arc<Requests>>,
    /// The schemas of what it sends; none without a registry.
    pub(super) schemas: Option<Arc<dyn SchemaPort>>,
    types: PhantomData<fn(&K, &V)>,
}

/// What [`KafkaTemplate::flush`] waits beyond the time in which the client answers every record.
const FLUSH_GRACE: Duration = Duration::from_secs(5);

impl<K: ?Sized, V: ?Sized> KafkaTemplate<K, V> {
    pub(crate) fn new(producer: Producer, default_topic: Option<Arc<str>>) -> Self {
        Self { producer, default_topic, transactions: None, requests: None, schemas: None, types: PhantomData }
    }

    pub(crate) fn with_transactions(self, transactions: Arc<TransactionPool>) -> Self {
        Self { transactions: Some(transactions), ..self }
    }

    pub(crate) fn with_requests(self, requests: Option<Arc<Requests>>) -> Self {
        Self { requests, ..self }
    }

    pub(crate) fn with_schemas(self, schemas: Option<Arc<dyn SchemaPort>>) -> Self {
        Self { schemas, ..self }
    }

    /// The brokers that its producer, or one of the transactions of the application's templates, needs now and cannot reach:
    /// records for what they lead wait for it, and go out when it is led elsewhere or they are back. Empty when all is well.
    ///
    /// The log says so too; there are no events of producers.
    #[must_use]
    pub fn unreachable_brokers(&self) -> Vec<UnreachableBroker> {
        self.producer.unreachable_brokers()
    }

    /// The same producer for other types.
    #[must_use]
    pub fn typed<K2: ?Sized, V2: ?Sized>(&self) -> KafkaTemplate<K2, V2> {
        KafkaTemplate {
            producer: self.producer.clone(),
            default_topic: self.default_topic.clone(),
            transactions: self.transactions.clone(),
            requests: self.requests.clone(),
            schemas: self.schemas.clone(),
            types: PhantomData,
        }
    }

    /// With the topic of [`send_default`](Self::send_default), instead of `kafka.template.default-topic`.
    #[must_use]
    pub fn with_default_topic(self, topic: impl Into<Arc<str>>) -> Self {
        Self { default_topic: Some(topic.into()), ..self }
    }

    /// Does `work` in a transaction of its own: what it sends through the template it is given is seen by readers of
    /// committed records all at once, or not at all if it returns an error, panics or is dropped. Dropped behind the end of
    /// `work`, it is committed all the same.
    ///
    /// Each transaction has a producer to itself, which is used again by later ones; so they may be many at once, inside of
    /// one another, and inside of a listener, whose own transaction this is no part of. A template that outlives its
    /// transaction sends nothing more. `kafka.producer.transaction-id-prefix` names the producers.
    ///
    /// ```no_run
    /// # async fn example(orders: kafka_app::KafkaTemplate<String, str>) -> Result<(), Box<dyn std::error::Error>> {
    /// orders
    ///     .in_transaction(|tx| async move {
    ///         tx.send("orders", "42", "shoes").await?;
    ///         tx.send("stock", "shoes", "-1").await
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `work` returned, or why Kafka did not commit.
    pub async fn in_transaction<T, E, W, F>(&self, work: W) -> Result<T, TransactionError<E>>
    where
        W: FnOnce(Self) -> F,
        F: Future<Output = Result<T, E>>,
    {
        let Some(pool) = &self.transactions else {
            let text = "this template has no transactions: it was not made by an application";
            return Err(TransactionError::NotCommitted(Error::new(ErrorKind::Config, text)));
        };
        let of = |producer| Self { producer, ..self.clone() };
        pool.run(|producer| work(of(producer))).await
    }

    /// Waits until every record sent so far is answered, without `linger.ms`; records that others send meanwhile count too.
    ///
    /// # Errors
    /// Records are still unanswered after `delivery.timeout.ms` and a little: others kept sending.
    pub async fn flush(&self) -> Result<()> {
        self.producer.flush(self.producer.delivery_timeout() + FLUSH_GRACE).await
    }

    /// The partitions of a topic, as the cluster describes them now.
    ///
    /// # Errors
    /// No broker answers, or none lets the client in; or the topic does not exist and the broker did not create it.
    pub async fn partitions_for(&self, topic: impl AsRef<str>) -> Result<Vec<PartitionInfo>> {
        self.producer.partitions_for(topic.as_ref()).await
    }
}

impl<K: ?Sized, V: ToPayload + ?Sized> KafkaTemplate<K, V> {
    /// Sends a record and waits for its acknowledgment.
    ///
    /// # Errors
    /// The record could not be encoded, was refused (too large, no such topic), or was not acknowledged within
    /// `delivery.timeout.ms`; the error holds it.
    pub async fn send<Q>(&self, topic: impl AsRef<str>, key: &Q, payload: &V) -> Result<SendResult, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        self.enqueue(topic, key, payload).await?.await
    }

    /// Sends to a typed topic: a payload of another type does not compile.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_to<Q>(&self, topic: &Topic<K, V>, key: &Q, payload: &V) -> Result<SendResult, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        self.send(topic.name(), key, payload).await
    }

    /// Sends to the default topic.
    ///
    /// # Errors
    /// As [`send`](Self::send), and when there is no default topic.
    pub async fn send_default<Q>(&self, key: &Q, payload: &V) -> Result<SendResult, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        match self.default_topic.as_deref() {
            Some(topic) => self.send(topic, key, payload).await,
            None => Err(Self::without_topic(self.encode("", key, Some(payload)))),
        }
    }

    /// Sends a record without a key: the partitioner spreads such records over the partitions.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_unkeyed(&self, topic: impl AsRef<str>, payload: &V) -> Result<SendResult, SendError> {
        self.enqueue_encoded(topic.as_ref(), &(), payload).await?.await
    }

    /// Sends a record that chooses partition, timestamp or headers; without a topic it goes to the default topic.
    ///
    /// # Errors
    /// As [`send_default`](Self::send_default).
    pub async fn send_record(&self, record: ProducerRecord<K, V>) -> Result<SendResult, SendError>
    where
        K: ToKey + Sized,
        V: Sized,
    {
        self.enqueue_record(record).await?.await
    }

    /// As [`send_record`](Self::send_record), but waits for room only, and hands the acknowledgment back to be awaited later.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), and when the record names no topic and there is no default topic.
    pub async fn enqueue_record(&self, record: ProducerRecord<K, V>) -> Result<PendingSend, SendError>
    where
        K: ToKey + Sized,
        V: Sized,
    {
        crate::client::RecordSink::enqueue(&self.producer, self.encoded(record).await?).await
    }

    /// The record as it goes out.
    pub(super) async fn encoded(&self, record: ProducerRecord<K, V>) -> Result<ProducerRecord, SendError>
    where
        K: ToKey + Sized,
        V: Sized,
    {
        let Some(topic) = record.topic.or_else(|| self.default_topic.clone()) else {
            return Err(Self::without_topic(encode_parts(
                self.framing(""),
                record.key.as_ref(),
                record.payload.as_ref(),
            )));
        };
        let (key, payload) = (record.key.as_ref(), record.payload.as_ref());
        self.learn(&topic, key, payload).await?;
        let (key, payload) =
            encode_parts(self.framing(&topic), key, payload).map_err(|error| not_encoded(&topic, error))?;
        let (partition, timestamp, headers) = (record.partition, record.timestamp, record.headers);
        Ok(ProducerRecord { topic: Some(topic), partition, timestamp, key, payload, headers })
    }

    /// A record of these parts as it goes out.
    pub(super) async fn encoded_parts<Q>(&self, topic: &str, key: &Q, payload: &V) -> Result<ProducerRecord, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        self.learn(topic, Some(key), Some(payload)).await?;
        let record = self.encode(topic, key, Some(payload)).map_err(|error| not_encoded(topic, error))?;
        Ok(owned(topic, record))
    }

    /// Waits for room only, and hands the acknowledgment back to be awaited later: so many records of one task are under
    /// way at once, in order.
    ///
    /// # Errors
    /// The record could not be encoded or was refused; the error holds it.
    pub async fn enqueue<Q>(&self, topic: impl AsRef<str>, key: &Q, payload: &V) -> Result<PendingSend, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        self.enqueue_encoded(topic.as_ref(), key, payload).await
    }

    /// As [`enqueue`](Self::enqueue) without waiting: an error when there is no room now.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), and [`ErrorKind::Unavailable`] when too much is unacknowledged, or when the id of a
    /// schema would have to be asked for: the first send of a type to a topic is to be one that is awaited.
    pub fn try_send<Q>(&self, topic: impl AsRef<str>, key: &Q, payload: &V) -> Result<PendingSend, SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        let topic = topic.as_ref();
        let record = self.encode(topic, key, Some(payload)).map_err(|error| not_encoded(topic, error))?;
        let (pending, ticket) = awaited();
        if self.producer.is_intercepted() {
            return match self.producer.try_offer(owned(topic, record), ticket) {
                Ok(()) => Ok(pending),
                Err(TryOffer::Failed(failed)) => Err(failed),
                Err(TryOffer::Full(refused)) => Err(full(refused.0)),
            };
        }
        match self.producer.try_produce(&Outbound::keyed(topic, &record), ticket) {
            Ok(()) => Ok(pending),
            Err(TryProduce::Failed(error)) => Err(SendError::new(owned(topic, record), error)),
            Err(TryProduce::Full(_)) => Err(full(owned(topic, record))),
        }
    }

    /// Waits for room only; a later failure is logged and counted. The cheapest way to send one record.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub async fn send_and_forget<Q>(&self, topic: impl AsRef<str>, key: &Q, payload: &V) -> Result<(), SendError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized,
    {
        let topic = topic.as_ref();
        self.learn(topic, Some(key), Some(payload)).await?;
        let record = self.encode(topic, key, Some(payload)).map_err(|error| not_encoded(topic, error))?;
        self.offer(topic, record, Ticket::Forget).await
    }

    /// Sends many records of one topic and waits for all acknowledgments at once: much cheaper than as many sends.
    /// Results are in the order of the iterator, and so are the records of each partition.
    ///
    /// ```no_run
    /// # async fn example(orders: kafka_app::KafkaTemplate<String, str>) -> Result<(), kafka_app::SendAllError> {
    /// let sent = orders.send_all("orders", [("1", "shoes"), ("2", "hats")]).await?;
    /// assert_eq!(sent.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Some records were not sent; the error holds them with their places, the others are acknowledged.
    pub async fn send_all<'r, Q, P, I>(
        &self,
        topic: impl AsRef<str>,
        records: I,
    ) -> Result<Vec<SendResult>, SendAllError>
    where
        K: Borrow<Q>,
        Q: ToKey + ?Sized + 'r,
        P: Borrow<V>,
        I: IntoIterator<Item = (&'r Q, P)>,
    {
        let topic = topic.as_ref();
        if self.producer.is_intercepted() {
            let (mut buffer, mut may_ask, mut encoded) = (BytesMut::new(), true, Vec::new());
            for (key, payload) in records {
                encoded.push(self.encode_of_many(topic, key, payload.borrow(), &mut may_ask, &mut buffer).await);
            }
            return send_all::one_by_one(&self.producer, topic, encoded.into_iter()).await;
        }
        let mut all = send_all::SendAll::new(&self.producer, topic);
        let mut buffer = send_all::buffer();
        let mut may_ask = true;
        for (key, payload) in records {
            if all.push(self.encode_of_many(topic, key, payload.borrow(), &mut may_ask, &mut buffer).await) {
                all.hand_over().await;
                send_all::reuse(&mut buffer);
            }
        }
        all.hand_over().await;
        all.results().await
    }

    fn framing<'a>(&'a self, topic: &'a str) -> Framing<'a> {
        Framing { topic, schemas: self.schemas.as_deref() }
    }

    fn encode<Q: ToKey + ?Sized>(&self, topic: &str, key: &Q, payload: Option<&V>) -> Result<Encoded> {
        encode_parts(self.framing(topic), Some(key), payload)
    }

    /// One of many records; `may_ask`: the registry has not failed to answer for one before, which would hold up each anew.
    async fn encode_of_many<Q: ToKey + ?Sized>(
        &self,
        topic: &str,
        key: &Q,
        payload: &V,
        may_ask: &mut bool,
        buffer: &mut BytesMut,
    ) -> Result<Encoded> {
        if *may_ask && let Err(failed) = self.learn(topic, Some(key), Some(payload)).await {
            *may_ask = false;
            return Err(failed.into_parts().1);
        }
        encode_into(self.framing(topic), Some(key), Some(payload), buffer)
    }

    /// Asks for the ids of schemas that are not known yet: once for a type and a topic, and never for formats without.
    async fn learn<Q: ToKey + ?Sized>(
        &self,
        topic: &str,
        key: Option<&Q>,
        payload: Option<&V>,
    ) -> Result<(), SendError> {
        let framing = self.framing(topic);
        let key = framing.missing(true, key.and_then(ToKey::key_with_schema));
        let payload = framing.missing(false, payload.and_then(ToPayload::with_schema));
        if key.is_none() && payload.is_none() {
            return Ok(());
        }
        // Boxed, to keep futures of sends small.
        Box::pin(learned(framing, key, payload)).await.map_err(|error| {
            let text = format!("the record for `{topic}` was not sent");
            SendError::new(owned(topic, (None, None)), Error::new(error.kind(), text).with_source(error))
        })
    }

    async fn enqueue_encoded<Q: ToKey + ?Sized>(
        &self,
        topic: &str,
        key: &Q,
        payload: &V,
    ) -> Result<PendingSend, SendError> {
        self.learn(topic, Some(key), Some(payload)).await?;
        let record = self.encode(topic, key, Some(payload)).map_err(|error| not_encoded(topic, error))?;
        let (pending, ticket) = awaited();
        self.offer(topic, record, ticket).await?;
        Ok(pending)
    }

    /// At once when there is room, which is the usual case and copies nothing; else boxed, to keep futures of sends small.
    async fn offer(&self, topic: &str, record: Encoded, ticket: Ticket) -> Result<(), SendError> {
        if self.producer.is_intercepted() {
            return self.producer.offer(owned(topic, record), ticket).await;
        }
        match self.producer.try_produce(&Outbound::keyed(topic, &record), ticket) {
            Ok(()) => Ok(()),
            Err(TryProduce::Failed(error)) => Err(SendError::new(owned(topic, record), error)),
            Err(TryProduce::Full(ticket)) => Box::pin(self.producer.produce(owned(topic, record), ticket)).await,
        }
    }

    fn without_topic(record: Result<Encoded>) -> SendError {
        let (key, payload) = record.unwrap_or_default();
        let record = ProducerRecord { key, payload, ..ProducerRecord::default() };
        let text = "the record was not sent: it names no topic and `kafka.template.default-topic` is not set";
        SendError::new(record, Error::new(ErrorKind::Config, text))
    }
}

impl<K: ?Sized, V: ?Sized> Clone for KafkaTemplate<K, V> {
    fn clone(&self) -> Self {
        self.typed()
    }
}

impl<K: ?Sized, V: ?Sized> fmt::Debug for KafkaTemplate<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaTemplate")
            .field("key", &std::any::type_name::<K>())
            .field("payload", &std::any::type_name::<V>())
            .field("default_topic", &self.default_topic)
            .finish_non_exhaustive()
    }
}

fn awaited() -> (PendingSend, Ticket) {
    let completion = Arc::new(Completion::default());
    (PendingSend::waiting(Arc::clone(&completion)), Ticket::One(completion))
}
