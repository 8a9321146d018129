//! [`list_offsets`]: where partitions begin and end, and which record came when.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};

use super::{Cluster, KafkaError, Target, TopicPartition, UnknownTopic, WireError, by_leader};

/// Which offset is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OffsetSpec {
    Earliest,
    /// The end.
    Latest,
    /// The first record with the highest timestamp.
    MaxTimestamp,
    /// The first that is on the broker's own disk.
    EarliestLocal,
    /// The last that was moved to a remote tier.
    LatestTiered,
    /// The first record at this time or later, in milliseconds since 1970.
    Timestamp(i64),
}

impl OffsetSpec {
    /// What stands for it in a request, by Kafka's numbers.
    pub(crate) fn timestamp(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::MaxTimestamp => -3,
            Self::EarliestLocal => -4,
            Self::LatestTiered => -5,
            Self::Timestamp(timestamp) => timestamp,
        }
    }

    /// The first version of ListOffsets that knows it.
    fn since(self) -> i16 {
        match self {
            Self::MaxTimestamp => 7,
            Self::EarliestLocal => 8,
            Self::LatestTiered => 9,
            Self::Latest | Self::Earliest | Self::Timestamp(_) => 1,
        }
    }
}

/// Whether records of open transactions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
}

/// What was found; the offset is -1 if no record is that late, or nothing is tiered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListedOffset {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: Option<i32>,
}

/// Asks the leaders of the partitions for an offset of each.
///
/// A topic that is not there is refused at once, as Java's `listOffsets` does; a leader that has moved is looked for.
pub(crate) async fn list_offsets(
    cluster: &Cluster,
    partitions: impl IntoIterator<Item = TopicPartition>,
    spec: OffsetSpec,
    isolation: IsolationLevel,
) -> BTreeMap<TopicPartition, Result<ListedOffset, WireError>> {
    let wanted = partitions.into_iter().map(|partition| (partition, spec)).collect();
    list_each_offset(cluster, &wanted, isolation).await
}

/// The same, with a wish of its own for each partition.
pub(crate) async fn list_each_offset(
    cluster: &Cluster,
    wanted: &BTreeMap<TopicPartition, OffsetSpec>,
    isolation: IsolationLevel,
) -> BTreeMap<TopicPartition, Result<ListedOffset, WireError>> {
    let ask = async |node, partitions: &[TopicPartition]| {
        let connection = cluster.connection(Target::Node(node)).await?;
        let wanted: Vec<(&TopicPartition, OffsetSpec)> =
            partitions.iter().filter_map(|partition| Some((partition, *wanted.get(partition)?))).collect();
        let needs = wanted.iter().map(|(_, spec)| spec.since()).max().unwrap_or(1);
        if connection.version::<ListOffsetsRequest>()? < needs {
            return Err(WireError::Unsupported { request: "LIST_OFFSETS".to_owned() });
        }
        let timeout_ms = i32::try_from(cluster.api_timeout().as_millis()).unwrap_or(i32::MAX);
        Ok(found(&connection.send(|version| request(version, &wanted, isolation, timeout_ms)).await?))
    };
    let partitions: BTreeSet<TopicPartition> = wanted.keys().cloned().collect();
    by_leader(cluster, "listOffsets", partitions, UnknownTopic::IsRefused, ask).await
}

fn request(
    version: i16,
    wanted: &[(&TopicPartition, OffsetSpec)],
    isolation: IsolationLevel,
    timeout_ms: i32,
) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for ((topic, partition), spec) in wanted {
        let partition =
            ListOffsetsPartition::default().with_partition_index(*partition).with_timestamp(spec.timestamp());
        topics.entry(topic).or_default().push(partition);
    }
    let topic = |(name, partitions): (&str, Vec<ListOffsetsPartition>)| {
        let name = TopicName(StrBytes::from_string(name.to_owned()));
        ListOffsetsTopic::default().with_name(name).with_partitions(partitions)
    };
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(topics.into_iter().map(topic).collect())
        // Before version 2 there were no transactions to think of.
        .with_isolation_level(if version >= 2 && isolation == IsolationLevel::ReadCommitted { 1 } else { 0 });
    if version >= 10 { request.with_timeout_ms(timeout_ms) } else { request }
}

fn found(answer: &ListOffsetsResponse) -> Vec<(TopicPartition, Result<ListedOffset, KafkaError>)> {
    let of_topic = |topic: &kafka_protocol::messages::list_offsets_response::ListOffsetsTopicResponse| {
        let name = topic.name.as_str().to_owned();
        let of_partition =
            move |partition: &kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse| {
                let listed = ListedOffset {
                    offset: partition.offset,
                    timestamp: partition.timestamp,
                    leader_epoch: (partition.leader_epoch >= 0).then_some(partition.leader_epoch),
                };
                let answer = KafkaError::check(partition.error_code, None).map(|()| listed);
                ((name.clone(), partition.partition_index), answer)
            };
        topic.partitions.iter().map(of_partition).collect::<Vec<_>>()
    };
    answer.topics.iter().flat_map(of_topic).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_kafkas_numbers_and_the_newer_ones_need_newer_brokers() {
        let numbers = [OffsetSpec::Latest, OffsetSpec::Earliest, OffsetSpec::MaxTimestamp, OffsetSpec::Timestamp(7)];
        assert_eq!(numbers.map(OffsetSpec::timestamp), [-1, -2, -3, 7]);
        assert_eq!((OffsetSpec::Latest.since(), OffsetSpec::LatestTiered.since()), (1, 9));
    }

    #[test]
    fn partitions_are_grouped_by_topic_and_a_time_limit_is_told_where_it_is_known() {
        let (a0, b1, a2) = (("a".to_owned(), 0), ("b".to_owned(), 1), ("a".to_owned(), 2));
        let wanted = [(&a0, OffsetSpec::Latest), (&b1, OffsetSpec::Earliest), (&a2, OffsetSpec::Latest)];
        let made = request(10, &wanted, IsolationLevel::ReadCommitted, 5);
        assert_eq!(made.topics.iter().map(|topic| topic.partitions.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((made.isolation_level, made.timeout_ms), (1, 5));
        assert_eq!(request(9, &wanted, IsolationLevel::ReadUncommitted, 5).timeout_ms, 0);
    }
}
