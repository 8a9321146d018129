//! Where partitions begin and end, and what lies at a time.

use std::collections::BTreeMap;

use super::{AdminClient, PerItem};
use crate::{client::ListOffsets, config::IsolationLevel, error::Result, record::TopicPartition};

/// Which offset of a partition is asked for; Kafka's `OffsetSpec` for its `listOffsets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OffsetQuery {
    /// That of the first record there is.
    Earliest,
    /// That which the next record will get; with [`IsolationLevel::ReadCommitted`] that of the first record of a transaction
    /// that is still open.
    Latest,
    /// That of the record with the latest timestamp.
    MaxTimestamp,
    /// That of the first record with this timestamp or a later one, in milliseconds since 1970.
    Timestamp(i64),
}

/// An offset that was asked for; Kafka's `ListOffsetsResultInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedOffset {
    /// `None`: no record is as late as that, or there is none at all.
    pub offset: Option<i64>,
    /// The record's timestamp, in milliseconds since 1970, where one was looked for by time.
    pub timestamp: Option<i64>,
    /// The epoch of the leader that appended it.
    pub leader_epoch: Option<i32>,
}

impl AdminClient {
    /// One offset of each partition.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::{TopicPartition, admin::{AdminClient, OffsetQuery}, config::IsolationLevel};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let at = TopicPartition::new("orders", 0);
    /// let ends = admin.list_offsets([(at.clone(), OffsetQuery::Latest)], IsolationLevel::ReadUncommitted).await?;
    /// assert_eq!(ends[&at].as_ref().unwrap().offset, Some(0));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time. What the leader of a partition does not answer is said of the partition.
    pub async fn list_offsets(
        &self,
        asked: impl IntoIterator<Item = (TopicPartition, OffsetQuery)>,
        isolation: IsolationLevel,
    ) -> Result<PerItem<TopicPartition, ListedOffset>> {
        let asked: BTreeMap<_, _> = asked.into_iter().collect();
        let partitions: Vec<_> = asked.keys().cloned().collect();
        self.ask_leaders("listing offsets", &partitions, ListOffsets { asked, isolation }).await
    }
}
