//! What a test does to topics and groups from outside, with rdkafka alone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    error::KafkaError,
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer},
    topic_partition_list::TopicPartitionListElem,
};

use crate::{PATIENCE, TestBroker};

/// A record as a plain client reads or writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Partition; when writing, `None` leaves it to the partitioner.
    pub partition: Option<i32>,
    /// Offset; ignored when writing.
    pub offset: i64,
    /// Key.
    pub key: Option<String>,
    /// Payload; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A record with a key and a payload.
pub fn record(key: impl Into<String>, payload: impl Into<Vec<u8>>) -> Record {
    Record { key: Some(key.into()), payload: Some(payload.into()), ..Record::default() }
}

impl Record {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        Self {
            partition: Some(message.partition()),
            offset: message.offset(),
            key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: message.headers().map(owned).unwrap_or_default(),
        }
    }

    /// The payload as text; for messages, so what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        self.payload.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    /// The last header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }
}

/// Whether a group's coordinator is elsewhere or not there yet: that of a broker that has just started.
fn is_of_coordinator(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| matches!(code, CoordinatorLoadInProgress | CoordinatorNotAvailable | NotCoordinator))
}

impl TestBroker {
    /// Creates a topic with a name of this test's own and returns the name.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn topic(&self, base: &str, partitions: i32) -> Result<String> {
        self.topic_with(base, partitions, &[]).await
    }

    /// As [`TestBroker::topic`], with configs of its own.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn topic_with(&self, base: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<String> {
        let name = self.name(base);
        let admin: AdminClient<_> = self.config().create()?;
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(-1));
        let topic = configs.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        for result in admin.create_topics([&topic], &options).await? {
            result.map_err(|(topic, code)| anyhow::anyhow!("cannot create topic {topic}: {code}"))?;
        }
        if !self.is_embedded() {
            self.until_led(&admin, &name, partitions).await?;
        }
        Ok(name)
    }

    /// Waits until a topic that its controller has made is known to the brokers, which hear of it a moment later.
    async fn until_led(&self, admin: &AdminClient<DefaultClientContext>, topic: &str, partitions: i32) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metadata = admin.inner().fetch_metadata(Some(topic), PATIENCE)?;
            let found = metadata.topics().iter().flat_map(|topic| topic.partitions());
            if found.filter(|partition| partition.leader() >= 0).count() == usize::try_from(partitions)? {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{topic} is made, and not all of its {partitions} partitions have a leader"
            );
            tokio::task::yield_now().await;
        }
    }

    /// Sends records and waits until each is acknowledged.
    ///
    /// # Errors
    /// If one is not.
    pub async fn produce(&self, topic: &str, records: impl IntoIterator<Item = Record>) -> Result<()> {
        let producer: FutureProducer = self
            .config()
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", "1000000") // all of a test's records at once
            .create()?;
        let mut acknowledged = Vec::new();
        for record in records {
            let headers = record
                .headers
                .iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
            let mut out = FutureRecord::<String, Vec<u8>>::to(topic).headers(headers);
            out.key = record.key.as_ref();
            out.payload = record.payload.as_ref();
            out.partition = record.partition;
            acknowledged.push(producer.send_result(out).map_err(|(error, _)| error)?);
        }
        for delivery in acknowledged {
            delivery.await?.map_err(|(error, _)| error)?;
        }
        producer.flush(PATIENCE)?;
        Ok(())
    }

    /// The first `n` records of a topic over all its partitions, in order within each.
    ///
    /// # Errors
    /// If fewer come in time.
    pub async fn records(&self, topic: &str, n: usize) -> Result<Vec<Record>> {
        let consumer: StreamConsumer =
            self.config().set("group.id", self.name("reader")).set("enable.auto.commit", "false").create()?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..self.partitions(topic)? {
            assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        let mut records = Vec::with_capacity(n);
        while records.len() < n {
            let message = tokio::time::timeout(PATIENCE, consumer.recv())
                .await
                .with_context(|| format!("topic {topic} has {} records and not {n}", records.len()))??;
            records.push(Record::of(&message));
        }
        Ok(records)
    }

    /// All records of a topic that are not of a transaction which was given up, in order within each partition, when nobody
    /// writes to it any more.
    ///
    /// # Errors
    /// If the broker does not answer, or transactions stay open.
    pub async fn all_records(&self, topic: &str) -> Result<Vec<Record>> {
        let consumer: StreamConsumer = self
            .config()
            .set("group.id", self.name("reader"))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        let mut assignment = TopicPartitionList::new();
        let mut left = self.end_offsets(topic)?;
        for partition in left.keys() {
            assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        let mut records = Vec::new();
        while !left.is_empty() {
            let next = tokio::time::timeout(PATIENCE, consumer.recv()).await;
            match next.with_context(|| format!("topic {topic} is not read up to {left:?}"))? {
                Ok(message) => records.push(Record::of(&message)),
                Err(KafkaError::PartitionEOF(partition)) => {
                    // Behind open transactions there is more that is committed.
                    let position = consumer.position()?;
                    let at = position.find_partition(topic, partition).and_then(|at| at.offset().to_raw());
                    if at.unwrap_or(0) >= left.get(&partition).copied().unwrap_or(0) {
                        left.remove(&partition);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(records)
    }

    /// End offset of every partition.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn end_offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>> {
        let consumer: BaseConsumer = self.config().create()?;
        let at = |partition| Ok((partition, consumer.fetch_watermarks(topic, partition, PATIENCE)?.1));
        (0..self.partitions(topic)?).map(at).collect()
    }

    /// Committed offsets of a group; a partition without one is missing. A coordinator that is not there yet is waited for.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
        self.look_at(group, topic)?()
    }

    /// Looks at what a group has committed, each time it is called, as one client.
    fn look_at(&self, group: &str, topic: &str) -> Result<impl Fn() -> Result<BTreeMap<i32, i64>>> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut partitions = TopicPartitionList::new();
        for partition in 0..self.partitions(topic)? {
            partitions.add_partition(topic, partition);
        }
        Ok(move || {
            let deadline = Instant::now() + PATIENCE;
            let committed = loop {
                match consumer.committed_offsets(partitions.clone(), PATIENCE) {
                    Err(error) if is_of_coordinator(&error) && Instant::now() < deadline => {}
                    looked => break looked?,
                }
            };
            let at =
                |at: &TopicPartitionListElem<'_>| Some((at.partition(), at.offset().to_raw().filter(|o| *o >= 0)?));
            Ok(committed.elements().iter().filter_map(at).collect())
        })
    }

    /// Waits until what a group has committed is as wanted; each look is a round trip.
    ///
    /// # Errors
    /// If it does not become so in time; the text has what is committed.
    pub async fn until_committed(
        &self,
        group: &str,
        topic: &str,
        is_wanted: impl Fn(&BTreeMap<i32, i64>) -> bool,
    ) -> Result<()> {
        let (look, deadline) = (self.look_at(group, topic)?, Instant::now() + PATIENCE);
        loop {
            let committed = look()?;
            if is_wanted(&committed) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "committed is {committed:?}, and that is not what was waited for");
            tokio::task::yield_now().await;
        }
    }

    fn partitions(&self, topic: &str) -> Result<i32> {
        let consumer: BaseConsumer = self.config().create()?;
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none());
        let n = found.with_context(|| format!("there is no topic {topic}"))?.partitions().len();
        ensure!(n > 0, "topic {topic} has no partitions");
        Ok(i32::try_from(n)?)
    }

    /// How a plain client comes to it.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap_servers());
        config
    }
}

fn owned(headers: &rdkafka::message::BorrowedHeaders) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
}
