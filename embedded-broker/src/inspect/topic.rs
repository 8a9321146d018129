//! A topic as a test looks at it: its records, its offsets, and waiting for more of them.

use std::fmt;
use std::sync::Arc;

use super::await_records::AwaitRecords;
use super::record::{Record, read_partition};
use crate::cluster::Cluster;
use crate::error::{Error, ErrorCode};
use crate::topic::Topic;

/// A topic of an embedded broker, by name. The topic need not exist yet.
#[derive(Clone)]
pub struct TopicView {
    pub(crate) cluster: Arc<Cluster>,
    name: String,
}

impl TopicView {
    pub(crate) fn new(cluster: Arc<Cluster>, name: String) -> Self {
        Self { cluster, name }
    }

    /// Waits until the topic holds at least `n` records and returns all it holds then, by partition and offset.
    ///
    /// Await it in an async test, or call [`wait`](AwaitRecords::wait) in one that is not; it needs no runtime. It gives up
    /// after 10 s, or what [`within`](AwaitRecords::within) says, with an error that says how many records were there. The
    /// topic may be made while it waits.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let none = broker.topic("orders").await_records(0).wait()?;
    /// assert!(none.is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn await_records(&self, n: usize) -> AwaitRecords {
        AwaitRecords::new(self, n)
    }

    /// All records the topic holds now, by partition and offset.
    ///
    /// # Errors
    ///
    /// If there is no such topic, or a compressed batch cannot be unpacked.
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let topic = self.topic()?;
        let mut records = Vec::new();
        for (partition, index) in topic.partitions.iter().zip(0..) {
            read_partition(partition, index, &mut records)
                .map_err(|error| Error::io(format!("cannot read partition {index} of topic {}", self.name), error))?;
        }
        Ok(records)
    }

    /// The offset the next record of each partition will get.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn end_offsets(&self) -> Result<Vec<i64>, Error> {
        let topic = self.topic()?;
        Ok(topic.partitions.iter().map(|partition| partition.offsets().log_end).collect())
    }

    /// The offset of each partition that consumers may read up to: all replicas in sync have what is before. Where nothing
    /// lags it is the [end](Self::end_offsets).
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let frozen = broker.freeze_high_watermark("orders", 0)?;
    /// broker.topic("orders").append(0, ["not seen yet"])?;
    /// assert_eq!((broker.topic("orders").end_offsets()?, broker.topic("orders").high_watermarks()?), (vec![1], vec![0]));
    /// drop(frozen);
    /// assert_eq!(broker.topic("orders").high_watermarks()?, [1]);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn high_watermarks(&self) -> Result<Vec<i64>, Error> {
        let topic = self.topic()?;
        Ok(topic.partitions.iter().map(|partition| partition.offsets().high_watermark).collect())
    }

    /// The first offset of each partition that can still be read.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn start_offsets(&self) -> Result<Vec<i64>, Error> {
        let topic = self.topic()?;
        Ok(topic.partitions.iter().map(|partition| partition.offsets().log_start).collect())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lets what transactions have decided come true: see [`Transactions::settle`](crate::transactions::Transactions::settle).
    pub(crate) fn settle_transactions(&self) {
        self.cluster.transactions.settle(&self.cluster);
    }

    pub(crate) fn topic(&self) -> Result<Arc<Topic>, Error> {
        self.cluster.topics().by_name(&self.name).cloned().ok_or_else(|| {
            let message = format!("there is no topic {}", self.name);
            Error::with_code(ErrorCode::UnknownTopicOrPartition, message)
        })
    }
}

impl fmt::Debug for TopicView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicView").field(&self.name).finish()
    }
}
