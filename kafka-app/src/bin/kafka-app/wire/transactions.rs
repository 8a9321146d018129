//! Transactions: which there are, who writes in them, and how they are ended from outside.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{
    messages::{
        DescribeProducersRequest, DescribeProducersResponse, DescribeTransactionsRequest, InitProducerIdRequest,
        ListTransactionsRequest, ProducerId, TopicName, TransactionalId, WriteTxnMarkersRequest,
        describe_producers_request::TopicRequest,
        write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic},
    },
    protocol::StrBytes,
};

use super::{Cluster, KafkaError, Node, Target, TopicPartition, UnknownTopic, WireError, by_leader, text};

const NOT_LEADER_OR_FOLLOWER: i16 = 6;
const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const INVALID_PRODUCER_EPOCH: i16 = 47;
const TRANSACTION_COORDINATOR_FENCED: i16 = 52;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;
const TRANSACTIONAL_ID_NOT_FOUND: i16 = 105;

/// Which transactions are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TransactionFilter {
    /// Those of these producers; of all if there are none.
    pub(crate) producer_ids: Vec<i64>,
    /// Those that have run longer, in milliseconds.
    pub(crate) longer_than: Option<i64>,
    /// Those whose ids fit this pattern.
    pub(crate) id_pattern: Option<String>,
}

/// A transaction as its coordinator lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TransactionListing {
    pub(crate) coordinator: i32,
    pub(crate) id: String,
    pub(crate) producer_id: i64,
    pub(crate) state: String,
}

/// What a coordinator knows of a transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionDescription {
    pub(crate) coordinator: i32,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) state: String,
    pub(crate) timeout_ms: i32,
    /// Milliseconds since 1970.
    pub(crate) started: Option<i64>,
    /// What it has written to, or has yet to write the end to.
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

/// A producer that a partition remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActiveProducer {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i32,
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
    pub(crate) coordinator_epoch: Option<i32>,
    /// Where its open transaction begins.
    pub(crate) transaction_start: Option<i64>,
}

/// A transaction of one partition that is to be aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HangingTransaction {
    pub(crate) partition: TopicPartition,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) coordinator_epoch: i32,
}

/// The transactions that all coordinators know.
///
/// # Errors
/// A node does not answer in time, or refuses to.
pub(crate) async fn list_transactions(
    cluster: &Cluster,
    filter: &TransactionFilter,
) -> Result<Vec<TransactionListing>, WireError> {
    let mut listings = Vec::new();
    for Node { id, .. } in cluster.nodes().await {
        let asked = cluster.retrying("listTransactions", async || list_transactions_of(cluster, id, filter).await);
        listings.extend(asked.await?);
    }
    listings.sort();
    Ok(listings)
}

async fn list_transactions_of(
    cluster: &Cluster,
    node: i32,
    filter: &TransactionFilter,
) -> Result<Vec<TransactionListing>, WireError> {
    let request = |_| {
        ListTransactionsRequest::default()
            .with_producer_id_filters(filter.producer_ids.iter().copied().map(ProducerId).collect())
            .with_duration_filter(filter.longer_than.unwrap_or(-1))
            .with_transactional_id_pattern(filter.id_pattern.as_deref().map(text))
    };
    let answer = cluster.send(Target::Node(node), request).await?;
    let words = format!("ListTransactions request sent to broker {node} failed with an unexpected exception");
    KafkaError::check(answer.error_code, None).map_err(|error| match error.code() {
        COORDINATOR_LOAD_IN_PROGRESS => error,
        _ => error.in_words(words),
    })?;
    let listing = |found: &kafka_protocol::messages::list_transactions_response::TransactionState| TransactionListing {
        coordinator: node,
        id: found.transactional_id.as_str().to_owned(),
        producer_id: found.producer_id.0,
        state: found.transaction_state.as_str().to_owned(),
    };
    Ok(answer.transaction_states.iter().map(listing).collect())
}

/// Describes what a transactional id stands for.
///
/// # Errors
/// There is no such id, it may not be seen, or its coordinator does not answer in time.
pub(crate) async fn describe_transaction(cluster: &Cluster, id: &str) -> Result<TransactionDescription, WireError> {
    cluster
        .retrying("describeTransactions(api=FIND_COORDINATOR)", async || {
            let coordinator = cluster.transaction_coordinator(id).await?;
            let request =
                |_| DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text(id))]);
            let answer = cluster.send(Target::Node(coordinator), request).await?;
            let Some(found) = answer.transaction_states.into_iter().next() else {
                return Err(WireError::Illegal("the coordinator says nothing of the transactional id".to_owned()));
            };
            KafkaError::check(found.error_code, None).map_err(|error| not_described(error, id))?;
            let of_topic = |topic: &kafka_protocol::messages::describe_transactions_response::TopicData| {
                let name = topic.topic.as_str().to_owned();
                topic.partitions.iter().map(move |&partition| (name.clone(), partition)).collect::<Vec<_>>()
            };
            Ok(TransactionDescription {
                coordinator,
                producer_id: found.producer_id.0,
                producer_epoch: found.producer_epoch,
                state: found.transaction_state.as_str().to_owned(),
                timeout_ms: found.transaction_timeout_ms,
                started: (found.transaction_start_time_ms >= 0).then_some(found.transaction_start_time_ms),
                partitions: found.topics.iter().flat_map(of_topic).collect(),
            })
        })
        .await
}

fn not_described(error: KafkaError, id: &str) -> KafkaError {
    let because = match error.code() {
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED => "due to authorization failure",
        TRANSACTIONAL_ID_NOT_FOUND => "because the ID could not be found",
        _ => "due to unexpected error",
    };
    error.in_words(format!("DescribeTransactions request for transactionalId `{id}` failed {because}"))
}

/// The producers that the leaders of partitions remember, or this replica of them.
pub(crate) async fn describe_producers(
    cluster: &Cluster,
    partitions: BTreeSet<TopicPartition>,
    node: Option<i32>,
) -> BTreeMap<TopicPartition, Result<Vec<ActiveProducer>, WireError>> {
    let Some(node) = node else {
        let ask = async |node, partitions: &[TopicPartition]| producers_of(cluster, node, partitions).await;
        return by_leader(cluster, "describeProducers", partitions, UnknownTopic::MayCome, ask).await;
    };
    let asked: Vec<TopicPartition> = partitions.iter().cloned().collect();
    match producers_of(cluster, node, &asked).await {
        Ok(found) => found.into_iter().map(|(partition, found)| (partition, found.map_err(WireError::Kafka))).collect(),
        Err(error) => partitions.into_iter().map(|partition| (partition, Err(error.clone()))).collect(),
    }
}

async fn producers_of(
    cluster: &Cluster,
    node: i32,
    partitions: &[TopicPartition],
) -> Result<Vec<(TopicPartition, Result<Vec<ActiveProducer>, KafkaError>)>, WireError> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(*partition);
    }
    let topic = |(name, partitions)| {
        TopicRequest::default().with_name(TopicName(text(name))).with_partition_indexes(partitions)
    };
    let request = |_| DescribeProducersRequest::default().with_topics(topics.into_iter().map(topic).collect());
    Ok(producers(&cluster.send(Target::Node(node), request).await?, node))
}

fn producers(
    answer: &DescribeProducersResponse,
    node: i32,
) -> Vec<(TopicPartition, Result<Vec<ActiveProducer>, KafkaError>)> {
    let mut found = Vec::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            let name = (topic.name.as_str().to_owned(), partition.partition_index);
            let checked = KafkaError::check(partition.error_code, partition.error_message.as_ref());
            let producers = checked.map_err(|error| no_producers(error, &name, node));
            let producers = producers.map(|()| partition.active_producers.iter().map(active).collect());
            found.push((name, producers));
        }
    }
    found
}

fn active(producer: &kafka_protocol::messages::describe_producers_response::ProducerState) -> ActiveProducer {
    ActiveProducer {
        producer_id: producer.producer_id.0,
        producer_epoch: producer.producer_epoch,
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: (producer.coordinator_epoch >= 0).then_some(producer.coordinator_epoch),
        transaction_start: (producer.current_txn_start_offset >= 0).then_some(producer.current_txn_start_offset),
    }
}

fn no_producers(error: KafkaError, (topic, partition): &TopicPartition, node: i32) -> KafkaError {
    let failed = format!("ailed to describe active producers for partition {topic}-{partition}");
    let words = match error.code() {
        NOT_LEADER_OR_FOLLOWER => format!("F{failed} on brokerId {node}"),
        TOPIC_AUTHORIZATION_FAILED => format!("F{failed} due to authorization failure on topic `{topic}`"),
        _ => format!("F{failed} due to unexpected error"),
    };
    error.in_words(words)
}

/// Writes the end of a transaction to a partition whose coordinator has forgotten it.
///
/// # Errors
/// It may not be done, or the leader does not answer in time.
pub(crate) async fn abort_transaction(cluster: &Cluster, hanging: &HangingTransaction) -> Result<(), WireError> {
    let (topic, partition) = &hanging.partition;
    let topic =
        WritableTxnMarkerTopic::default().with_name(TopicName(text(topic))).with_partition_indexes(vec![*partition]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(ProducerId(hanging.producer_id))
        .with_producer_epoch(hanging.producer_epoch)
        .with_coordinator_epoch(hanging.coordinator_epoch)
        .with_topics(vec![topic]);
    let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
    let ask = async |node, _: &[TopicPartition]| {
        let answer = cluster.send(Target::Node(node), |_| request.clone()).await?;
        let topics = answer.markers.iter().flat_map(|marker| &marker.topics);
        let mut codes = topics.flat_map(|topic| &topic.partitions).map(|partition| partition.error_code);
        let done = codes.try_for_each(|code| KafkaError::check(code, None));
        Ok(vec![(hanging.partition.clone(), done.map_err(|error| not_aborted(error, hanging)))])
    };
    let partitions = BTreeSet::from([hanging.partition.clone()]);
    let done = by_leader(cluster, "abortTransaction", partitions, UnknownTopic::MayCome, ask).await;
    done.into_values().collect()
}

fn not_aborted(error: KafkaError, hanging: &HangingTransaction) -> KafkaError {
    if error.is_retriable() {
        return error;
    }
    let because = match error.code() {
        CLUSTER_AUTHORIZATION_FAILED => "due to cluster authorization error".to_owned(),
        INVALID_PRODUCER_EPOCH => "due an invalid producer epoch".to_owned(),
        TRANSACTION_COORDINATOR_FENCED => format!(
            "since the provided coordinator epoch {} has been fenced by the active coordinator",
            hanging.coordinator_epoch
        ),
        _ => format!("due to unexpected error: {}", error.message()),
    };
    error.in_words(format!("WriteTxnMarkers request with {hanging} failed {because}"))
}

/// Ends the transaction of an id, whoever has it: its producer is fenced.
///
/// # Errors
/// It may not be done, or the coordinator does not answer in time.
pub(crate) async fn fence_producer(cluster: &Cluster, id: &str) -> Result<(), WireError> {
    let timeout_ms = i32::try_from(cluster.request_timeout().as_millis()).unwrap_or(i32::MAX);
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(StrBytes::from_string(id.to_owned()))))
        .with_transaction_timeout_ms(timeout_ms)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    cluster
        .retrying("fenceProducer(api=FIND_COORDINATOR)", async || {
            let answer = cluster.send(Target::Transaction(id), |_| request.clone()).await?;
            KafkaError::check(answer.error_code, None).map_err(|error| not_fenced(error, id))?;
            Ok(())
        })
        .await
}

fn not_fenced(error: KafkaError, id: &str) -> KafkaError {
    let because = match error.code() {
        CLUSTER_AUTHORIZATION_FAILED => "due to cluster authorization failure",
        TRANSACTIONAL_ID_AUTHORIZATION_FAILED => "due to transactional ID authorization failure",
        _ => "due to unexpected error",
    };
    if error.is_retriable() {
        return error;
    }
    error.in_words(format!("InitProducerId request for transactionalId `{id}` failed {because}"))
}

/// As Java prints it.
impl std::fmt::Display for HangingTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition: (topic, partition), producer_id, producer_epoch, coordinator_epoch } = self;
        write!(f, "AbortTransactionSpec(topicPartition={topic}-{partition}, producerId={producer_id}, ")?;
        write!(f, "producerEpoch={producer_epoch}, coordinatorEpoch={coordinator_epoch})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i16) -> KafkaError {
        KafkaError::check(code, None).unwrap_err()
    }

    #[test]
    fn errors_are_told_in_javas_words() {
        assert_eq!(
            not_described(error(TRANSACTIONAL_ID_NOT_FOUND), "ghost").message(),
            "DescribeTransactions request for transactionalId `ghost` failed because the ID could not be found"
        );
        let hanging = HangingTransaction {
            partition: ("shop".to_owned(), 0),
            producer_id: 22,
            producer_epoch: 1,
            coordinator_epoch: 3,
        };
        assert_eq!(
            not_aborted(error(INVALID_PRODUCER_EPOCH), &hanging).message(),
            "WriteTxnMarkers request with AbortTransactionSpec(topicPartition=shop-0, producerId=22, producerEpoch=1, \
             coordinatorEpoch=3) failed due an invalid producer epoch"
        );
    }

    #[test]
    fn what_may_pass_keeps_its_words_and_is_asked_again() {
        assert!(not_fenced(error(COORDINATOR_LOAD_IN_PROGRESS), "id").is_retriable());
        assert_eq!(not_fenced(error(15), "id"), error(15));
    }
}
