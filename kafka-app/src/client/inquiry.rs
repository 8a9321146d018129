//! [`Inquiry`]: what is asked of the broker about a listener, off its pump's thread.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{lag::partition_lag, offsets::offsets, unread};
use crate::{error::Result, listener::PartitionLag, offset_spec::OffsetSpec, record::TopicPartition};

/// What is asked of the broker about a listener. Every call waits for the network: call it off the async threads.
pub(crate) trait Inquiry: Send + Sync {
    /// The offset that each of these names now.
    fn offsets(&self, asked: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>>;
    /// Committed and end offsets of every partition of these topics.
    fn lag(&self, topics: &[String]) -> Result<Vec<PartitionLag>>;
    /// All partitions of these topics.
    fn partitions(&self, topics: &[String]) -> Result<Vec<TopicPartition>>;
    /// Whether its group has records left before these offsets.
    fn is_unread(&self, upto: &[(TopicPartition, i64)]) -> Result<bool>;
}

/// Asks over a client of its own, which joins no group: the listener's need not run, and is not held up.
pub(crate) struct Inquirer {
    properties: BTreeMap<String, String>,
    timeout: Duration,
}

impl Inquirer {
    /// With the properties of one of the listener's consumers.
    pub(crate) fn new(properties: BTreeMap<String, String>, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { properties, timeout })
    }
}

impl Inquiry for Inquirer {
    fn offsets(&self, asked: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>> {
        offsets(&self.properties, asked, self.timeout)
    }

    fn lag(&self, topics: &[String]) -> Result<Vec<PartitionLag>> {
        partition_lag(&self.properties, topics, self.timeout)
    }

    fn partitions(&self, topics: &[String]) -> Result<Vec<TopicPartition>> {
        unread::partitions(&self.properties, topics, self.timeout)
    }

    fn is_unread(&self, upto: &[(TopicPartition, i64)]) -> Result<bool> {
        unread::is_unread(&self.properties, upto, self.timeout)
    }
}
