//! Topics: what there are, new ones, fewer ones, and fewer records.

use std::{collections::BTreeMap, fmt};

use super::{AdminClient, NewTopic, PerItem};
use crate::{
    client::{CreatePartitions, CreateTopics, DeleteRecords, DeleteTopics, DescribeTopics},
    error::Result,
    producer::PartitionInfo,
    record::TopicPartition,
};

/// The topics that the brokers themselves keep things in.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// A topic there is; Kafka's `TopicListing`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TopicListing {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub n_partitions: usize,
    /// Whether the brokers themselves keep things in it.
    pub is_internal: bool,
}

impl TopicListing {
    pub(crate) fn new(name: String, n_partitions: usize) -> Self {
        let is_internal = INTERNAL.contains(&name.as_str());
        Self { name, n_partitions, is_internal }
    }
}

/// What a topic is made of; Kafka's `TopicDescription`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// What tells it from a topic of the same name that was deleted; `None` from brokers before 2.8.
    pub id: Option<TopicId>,
    /// Whether the brokers themselves keep things in it.
    pub is_internal: bool,
    /// Its partitions by number, with who leads and who has them.
    pub partitions: Vec<PartitionInfo>,
}

/// What tells a topic from one of the same name that was deleted; shown as Kafka shows it, in 22 letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(u128);

impl TopicId {
    /// `None` for the id that stands for none.
    pub(crate) fn from_bits(high: u64, low: u64) -> Option<Self> {
        let bits = (u128::from(high) << 64) | u128::from(low);
        (bits != 0).then_some(Self(bits))
    }
}

/// The letters of URL-safe base 64.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        // 21 letters of six bits from the top, and one with the two that are left.
        for place in 0..22_u32 {
            let bits = if place < 21 { self.0 >> (122 - 6 * place) } else { self.0 << 4 };
            f.write_char(char::from(LETTERS[usize::try_from(bits & 63).unwrap_or(0)]))?;
        }
        Ok(())
    }
}

/// Which records of a partition go, from the oldest on; Kafka's `RecordsToDelete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordsToDelete {
    /// Those before this offset.
    BeforeOffset(i64),
    /// All that are there.
    All,
}

impl AdminClient {
    /// Every topic, by name; none is created by asking.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::admin::AdminClient;
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().topic("orders", 3).start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let topics = admin.list_topics().await?;
    /// assert_eq!((topics[0].name.as_str(), topics[0].n_partitions), ("orders", 3));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time.
    pub async fn list_topics(&self) -> Result<Vec<TopicListing>> {
        self.admin().topics(self.timeout()).await
    }

    /// What topics are made of; none is created by asking. Of each that is not there, `UNKNOWN_TOPIC_OR_PARTITION`.
    ///
    /// # Errors
    /// No broker answered in time, or a name is none.
    pub async fn describe_topics<T: Into<String>>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<PerItem<String, TopicDescription>> {
        let topics = distinct(topics);
        if topics.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("describing topics", DescribeTopics(topics)).await
    }

    /// Creates topics; other brokers than the one that was asked may know them a moment later. A topic that is there
    /// already is left as it is and answered with `TOPIC_ALREADY_EXISTS`. Of two with the same name the first counts.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::{NewTopic, admin::AdminClient};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let made = admin.create_topics(&[NewTopic::new("orders").partitions(3), NewTopic::new("a/b")]).await?;
    /// assert!(made["orders"].is_ok());
    /// assert_eq!(made["a/b"].as_ref().unwrap_err().name(), "INVALID_TOPIC_EXCEPTION");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or the client refuses what was asked for.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<PerItem<String, ()>> {
        let mut first: BTreeMap<&str, &NewTopic> = BTreeMap::new();
        for topic in topics {
            first.entry(topic.name()).or_insert(topic);
        }
        if first.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("creating topics", CreateTopics(first.into_values().cloned().collect())).await
    }

    /// Gives topics more partitions: so many in all. What is there stays where it is; keys may go to other partitions from
    /// then on.
    ///
    /// # Errors
    /// No broker answered in time, or the client refuses what was asked for.
    pub async fn create_partitions<T: Into<String>>(
        &self,
        totals: impl IntoIterator<Item = (T, u32)>,
    ) -> Result<PerItem<String, ()>> {
        let totals: BTreeMap<_, _> = totals.into_iter().map(|(topic, total)| (topic.into(), total)).collect();
        if totals.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("adding partitions", CreatePartitions(totals)).await
    }

    /// Deletes topics with all their records.
    ///
    /// # Errors
    /// No broker answered in time, or a name is none.
    pub async fn delete_topics<T: Into<String>>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<PerItem<String, ()>> {
        let topics = distinct(topics);
        if topics.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("deleting topics", DeleteTopics(topics)).await
    }

    /// Deletes the oldest records of partitions; answered with the first offset that is left.
    ///
    /// # Errors
    /// No broker answered in time, or a name is none.
    pub async fn delete_records(
        &self,
        records: impl IntoIterator<Item = (TopicPartition, RecordsToDelete)>,
    ) -> Result<PerItem<TopicPartition, i64>> {
        let records: BTreeMap<_, _> = records.into_iter().collect();
        let asked: Vec<_> = records.keys().cloned().collect();
        self.ask_leaders("deleting records", &asked, DeleteRecords(records)).await
    }
}

/// Each name once: librdkafka takes none twice.
pub(super) fn distinct<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_kafka_shows_them() {
        // Kafka's `Uuid.METADATA_TOPIC_ID` and `new Uuid(0x0123456789ABCDEFL, 0xFEDCBA9876543210L)`.
        assert_eq!(TopicId::from_bits(0, 1).map(|id| id.to_string()).as_deref(), Some("AAAAAAAAAAAAAAAAAAAAAQ"));
        let id = TopicId::from_bits(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        assert_eq!(id.map(|id| id.to_string()).as_deref(), Some("ASNFZ4mrze_-3LqYdlQyEA"));
        assert_eq!(TopicId::from_bits(0, 0), None);
    }

    #[test]
    fn what_brokers_keep_things_in_is_internal() {
        assert!(TopicListing::new("__consumer_offsets".to_owned(), 50).is_internal);
        assert!(!TopicListing::new("__mine".to_owned(), 1).is_internal);
    }

    #[test]
    fn a_name_is_asked_for_once() {
        assert_eq!(distinct(["b", "a", "b"]), ["a", "b"]);
    }
}
