//! [`AdminClient`]: what is asked of a cluster, and ordered.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use super::{BrokerError, PerItem, TopicDescription, topics::distinct};
use crate::{
    client::{Admin, DescribeTopics, Outcome, Request},
    config::{self, KafkaProperties},
    error::{Error, ErrorKind, Result},
    record::TopicPartition,
};

/// What is asked of a cluster, and ordered: Kafka's `Admin`, with the calls that Spring's `KafkaAdmin` has for applications.
///
/// A clone is another handle of the same client. Nothing connects before the first call; calls may be made at once, from any
/// task, and none blocks it. Each call ends within `kafka.admin.operation-timeout` (30 s unless it is
/// [said otherwise](Self::with_timeout)). A call that is about many things answers for each by itself: see [`PerItem`].
///
/// An application has one for each cluster: [`RunningApp::admin`](crate::RunningApp::admin).
///
/// ```
/// # use embedded_broker::EmbeddedBroker;
/// use kafka_app::{NewTopic, admin::AdminClient};
///
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = EmbeddedBroker::builder().start()?;
/// let admin = AdminClient::connect(broker.bootstrap_servers())?;
/// admin.create_topics(&[NewTopic::new("orders").partitions(3)]).await?.remove("orders").unwrap()?;
/// let orders = admin.describe_topics(["orders"]).await?.remove("orders").unwrap()?;
/// assert_eq!(orders.partitions.len(), 3);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a client does nothing unless it is asked"]
pub struct AdminClient {
    admin: Arc<Admin>,
    timeout: Duration,
}

impl AdminClient {
    /// A client of these brokers, `host:port` with commas between them, and everything else at its default.
    ///
    /// # Errors
    /// The text is no list of brokers.
    pub fn connect(bootstrap_servers: &str) -> Result<Self> {
        Self::new(&KafkaProperties::new(bootstrap_servers))
    }

    /// A client with the settings of `kafka.*` and `kafka.admin.*`: security, librdkafka's own properties, timeout.
    ///
    /// ```no_run
    /// use kafka_app::{admin::AdminClient, config::KafkaProperties};
    ///
    /// let admin = AdminClient::new(&KafkaProperties::load()?)?;
    /// # Ok::<(), kafka_app::Error>(())
    /// ```
    ///
    /// # Errors
    /// librdkafka refuses a property, or the broker is to be embedded, which only an application starts.
    pub fn new(properties: &KafkaProperties) -> Result<Self> {
        if properties.is_embedded() {
            let text = "bootstrap-servers `embedded` is for applications: ask the application for its admin client";
            return Err(Error::new(ErrorKind::Config, text));
        }
        Self::open(&config::admin_properties(properties), properties.admin.operation_timeout)
    }

    /// By librdkafka's properties.
    pub(crate) fn open(connection: &BTreeMap<String, String>, timeout: Duration) -> Result<Self> {
        Ok(Self { admin: Arc::new(Admin::create(connection)?), timeout })
    }

    /// The same client whose calls may take so long instead; an hour at most.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { admin: Arc::clone(&self.admin), timeout }
    }

    /// How long a call may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn admin(&self) -> &Admin {
        &self.admin
    }

    /// The answer, or the error of the call as a whole; `what` says what was asked for.
    pub(super) async fn ask<R: Request>(&self, what: &str, request: R) -> Result<R::Answer> {
        self.outcome(&request).await?.map_err(|error| self.failed(what, error))
    }

    /// As [`AdminClient::ask`], with the error of the call as a whole as a value.
    pub(super) async fn outcome<R: Request>(&self, request: &R) -> Result<Outcome<R::Answer>> {
        self.admin.ask(request, self.timeout).await
    }

    pub(super) fn failed(&self, what: &str, error: BrokerError) -> Error {
        self.admin.failed(what, error, self.timeout)
    }

    /// As [`AdminClient::ask`], of a request that goes to the leaders of partitions. librdkafka fails it as a whole where none
    /// of them has a leader, and does not say why: the topics tell.
    pub(super) async fn ask_leaders<T, R>(
        &self,
        what: &str,
        asked: &[TopicPartition],
        request: R,
    ) -> Result<PerItem<TopicPartition, T>>
    where
        R: Request<Answer = PerItem<TopicPartition, T>>,
    {
        if asked.is_empty() {
            return Ok(PerItem::new());
        }
        let error = match self.outcome(&request).await? {
            Ok(answer) => return Ok(answer),
            Err(error) if error.name() == NO_LEADERS => error,
            Err(error) => return Err(self.failed(what, error)),
        };
        let topics = distinct(asked.iter().map(|at| &*at.topic));
        let topics = self.ask(what, DescribeTopics(topics)).await?;
        let why = |at: &TopicPartition| (at.clone(), Err(why_no_leader(at, &topics).unwrap_or_else(|| error.clone())));
        Ok(asked.iter().map(why).collect())
    }
}

/// librdkafka's name of its answer when it knows no leader of any partition.
const NO_LEADERS: &str = "_NOENT";

/// Why a partition has no leader; `None` if it has one now.
fn why_no_leader(at: &TopicPartition, topics: &PerItem<String, TopicDescription>) -> Option<BrokerError> {
    let topic = match topics.get(&*at.topic)? {
        Ok(topic) => topic,
        Err(error) => return Some(error.clone()),
    };
    match topic.partitions.iter().find(|partition| partition.partition == at.partition) {
        None => Some(BrokerError::unknown_partition(topic.partitions.len())),
        Some(partition) if partition.leader.is_none() => Some(BrokerError::no_leader()),
        Some(_) => None,
    }
}

impl fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminClient")
            .field("servers", &self.admin.servers())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::PartitionInfo;

    #[test]
    fn why_a_partition_has_no_leader_is_told_by_its_topic() {
        let partition =
            |partition, leader| PartitionInfo { partition, leader, replicas: vec![1], in_sync_replicas: vec![1] };
        let orders = TopicDescription {
            name: "orders".to_owned(),
            id: None,
            is_internal: false,
            partitions: vec![partition(0, Some(1)), partition(1, None)],
        };
        let gone = BrokerError::new(3, None, "no such topic");
        let topics = PerItem::from([("orders".to_owned(), Ok(orders)), ("gone".to_owned(), Err(gone.clone()))]);
        let why = |topic: &str, n| why_no_leader(&TopicPartition::new(topic, n), &topics);
        assert_eq!(why("gone", 0), Some(gone));
        assert_eq!(why("orders", 0), None);
        assert_eq!(why("orders", 1).map(|error| error.name().to_owned()).as_deref(), Some("LEADER_NOT_AVAILABLE"));
        let unknown = why("orders", 7).expect("there is none");
        assert_eq!((unknown.code(), unknown.message()), (3, "the topic has 2 partitions"));
    }

    #[test]
    fn what_librdkafka_does_not_take_is_a_mistake_of_the_configuration() {
        let wrong = BTreeMap::from([("no.such.thing".to_owned(), "1".to_owned())]);
        let error = AdminClient::open(&wrong, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("admin client property `no.such.thing`"), "{error}");
    }

    #[test]
    fn a_broker_that_an_application_would_start_is_no_address() {
        assert_eq!(AdminClient::connect("embedded").unwrap_err().kind(), ErrorKind::Config);
    }
}
