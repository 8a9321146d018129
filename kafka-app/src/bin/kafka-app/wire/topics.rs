//! Topics: which there are, what their partitions are, and their coming and going.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse, MetadataResponse, TopicName,
    create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic},
    create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
    delete_topics_request::DeleteTopicState,
    describe_topic_partitions_request::{Cursor, TopicRequest},
    describe_topic_partitions_response::DescribeTopicPartitionsResponsePartition,
    metadata_response::MetadataResponseTopic,
};

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// What the broker is given for a request that changes topics, in milliseconds.
const CHANGE_TIMEOUT_MS: i32 = 30_000;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNSUPPORTED_VERSION: i16 = 35;

/// A topic, as all brokers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: String,
    /// All zero where brokers have none.
    pub(crate) id: [u8; 16],
    pub(crate) is_internal: bool,
    /// In the order of their numbers.
    pub(crate) partitions: Vec<Partition>,
}

/// A partition, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) index: i32,
    /// Who leads, if that node is up.
    pub(crate) leader: Option<i32>,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
    /// Replicas that are out of sync and may lead, yet; `None` if the broker was not asked for them.
    pub(crate) eligible: Option<Vec<i32>>,
    pub(crate) last_known_eligible: Option<Vec<i32>>,
}

/// A topic that is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    /// As many as the broker thinks right, if not said.
    pub(crate) partitions: Option<i32>,
    pub(crate) replication_factor: Option<i16>,
    /// The replicas of each partition; if there are any, these are the partitions.
    pub(crate) assignment: Vec<Vec<i32>>,
    pub(crate) configs: BTreeMap<String, String>,
}

/// How long nodes are given to hear of a change.
const HEARD: Duration = Duration::from_secs(5);

/// Topics that are to have more partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewPartitions {
    pub(crate) topic: String,
    /// All partitions, with those that are there.
    pub(crate) total: i32,
    /// Where the new ones lie, if that is not left to the broker.
    pub(crate) assignment: Option<Vec<Vec<i32>>>,
}

/// Every topic that may be seen, sorted by name.
///
/// # Errors
/// No node answers.
pub(crate) async fn list_topics(cluster: &Cluster) -> Result<Vec<Topic>, WireError> {
    let answer = cluster.retrying("listTopics", async || cluster.metadata(None).await).await?;
    let mut topics = of_metadata(&answer);
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

fn of_metadata(answer: &MetadataResponse) -> Vec<Topic> {
    let up: BTreeSet<i32> = answer.brokers.iter().map(|broker| broker.node_id.0).collect();
    let topic = |topic: &MetadataResponseTopic| {
        let partition =
            |partition: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| Partition {
                index: partition.partition_index,
                leader: Some(partition.leader_id.0).filter(|leader| up.contains(leader)),
                replicas: ids(&partition.replica_nodes),
                in_sync: ids(&partition.isr_nodes),
                eligible: None,
                last_known_eligible: None,
            };
        let mut partitions: Vec<Partition> = topic.partitions.iter().map(partition).collect();
        partitions.sort_by_key(|partition| partition.index);
        let id = *topic.topic_id.as_bytes();
        Some(Topic { name: name(topic.name.as_ref())?, id, is_internal: topic.is_internal, partitions })
    };
    answer.topics.iter().filter(|topic| topic.error_code == 0).filter_map(topic).collect()
}

/// What there is to know of topics, asked page by page, with the replicas that may lead though they are out of sync.
///
/// # Errors
/// No node answers, or one of the topics is not there.
pub(crate) async fn describe_topics(
    cluster: &Cluster,
    names: &[String],
    partitions_a_page: i32,
) -> Result<Vec<Topic>, WireError> {
    let up: BTreeSet<i32> = cluster.nodes().await.into_iter().map(|node| node.id).collect();
    let mut known = BTreeMap::new();
    let mut names: Vec<String> = names.to_vec();
    names.sort();
    let mut cursor = None;
    loop {
        // Those before the cursor are known; it is in the first that is not, or in one that is begun.
        let wanted: Vec<String> = match &cursor {
            Some((topic, _)) => names.iter().filter(|name| *name >= topic).cloned().collect(),
            None => names.clone(),
        };
        let ask = async || {
            let request = |_| page(&wanted, partitions_a_page, cursor.as_ref());
            cluster.send(Target::Any, request).await
        };
        let answer = match cluster.retrying("describeTopicPartitions", ask).await {
            // A broker before 3.7.
            Err(WireError::Unsupported { .. }) => return describe_by_metadata(cluster, &names).await,
            Err(WireError::Kafka(error)) if error.code() == UNSUPPORTED_VERSION => {
                return describe_by_metadata(cluster, &names).await;
            }
            answer => answer?,
        };
        add_page(&mut known, &answer, &up)?;
        let next = answer.next_cursor.map(|next| (next.topic_name.as_str().to_owned(), next.partition_index));
        // A cursor that stands still would be followed for ever.
        if next.is_none() || next == cursor {
            return Ok(known.into_values().collect());
        }
        cursor = next;
    }
}

fn page(names: &[String], limit: i32, cursor: Option<&(String, i32)>) -> DescribeTopicPartitionsRequest {
    let topic = |name: &String| TopicRequest::default().with_name(TopicName(text(name)));
    let cursor = cursor.map(|(topic, partition)| {
        Cursor::default().with_topic_name(TopicName(text(topic))).with_partition_index(*partition)
    });
    DescribeTopicPartitionsRequest::default()
        .with_topics(names.iter().map(topic).collect())
        .with_response_partition_limit(limit)
        .with_cursor(cursor)
}

fn add_page(
    known: &mut BTreeMap<String, Topic>,
    answer: &DescribeTopicPartitionsResponse,
    up: &BTreeSet<i32>,
) -> Result<(), KafkaError> {
    for topic in &answer.topics {
        let Some(name) = name(topic.name.as_ref()) else { continue };
        KafkaError::check(topic.error_code, None)?;
        let partition = |partition: &DescribeTopicPartitionsResponsePartition| Partition {
            index: partition.partition_index,
            leader: Some(partition.leader_id.0).filter(|leader| up.contains(leader)),
            replicas: ids(&partition.replica_nodes),
            in_sync: ids(&partition.isr_nodes),
            eligible: Some(ids(partition.eligible_leader_replicas.as_deref().unwrap_or_default())),
            last_known_eligible: Some(ids(partition.last_known_elr.as_deref().unwrap_or_default())),
        };
        let begun = known.entry(name.clone()).or_insert_with(|| Topic {
            name,
            id: *topic.topic_id.as_bytes(),
            is_internal: topic.is_internal,
            partitions: Vec::new(),
        });
        begun.partitions.extend(topic.partitions.iter().map(partition));
        begun.partitions.sort_by_key(|partition| partition.index);
    }
    Ok(())
}

async fn describe_by_metadata(cluster: &Cluster, names: &[String]) -> Result<Vec<Topic>, WireError> {
    let answer = cluster.retrying("describeTopics", async || cluster.metadata(Some(names)).await).await?;
    for topic in &answer.topics {
        KafkaError::check(topic.error_code, None)?;
    }
    Ok(of_metadata(&answer))
}

/// Makes a topic.
///
/// # Errors
/// It is there, or cannot be as wanted.
pub(crate) async fn create_topic(cluster: &Cluster, topic: &NewTopic) -> Result<(), WireError> {
    if topic.name.is_empty() {
        let words = "The given topic name '' cannot be represented in a request.";
        return Err(invalid_topic(words));
    }
    let ask = async || {
        let request =
            |_| CreateTopicsRequest::default().with_topics(vec![creatable(topic)]).with_timeout_ms(CHANGE_TIMEOUT_MS);
        let answer = cluster.send(Target::Controller, request).await?;
        settled(answer.topics.iter().map(|made| (made.error_code, made.error_message.as_ref())))
    };
    cluster.retrying("createTopics", ask).await??;
    let is_led = |partition: &Partition| partition.leader.is_some();
    heard(cluster, &topic.name, |topic| topic.is_some_and(|topic| topic.partitions.iter().all(is_led))).await;
    Ok(())
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let placed = !topic.assignment.is_empty();
    let assignment = |(index, replicas): (i32, &Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(replicas.iter().copied().map(BrokerId).collect())
    };
    let config = |(name, value): (&String, &String)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    CreatableTopic::default()
        .with_name(TopicName(text(&topic.name)))
        .with_num_partitions(topic.partitions.filter(|_| !placed).unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.filter(|_| !placed).unwrap_or(-1))
        .with_assignments((0..).zip(&topic.assignment).map(assignment).collect())
        .with_configs(topic.configs.iter().map(config).collect())
}

/// Gives topics more partitions.
///
/// # Errors
/// The first of the topics that cannot have as many.
pub(crate) async fn create_partitions(cluster: &Cluster, wanted: &[NewPartitions]) -> Result<(), WireError> {
    let placed = |replicas: &Vec<i32>| {
        CreatePartitionsAssignment::default().with_broker_ids(replicas.iter().copied().map(BrokerId).collect())
    };
    let topic = |wanted: &NewPartitions| {
        CreatePartitionsTopic::default()
            .with_name(TopicName(text(&wanted.topic)))
            .with_count(wanted.total)
            .with_assignments(wanted.assignment.as_ref().map(|assignment| assignment.iter().map(placed).collect()))
    };
    let ask = async || {
        let request = |_| {
            CreatePartitionsRequest::default()
                .with_topics(wanted.iter().map(topic).collect())
                .with_timeout_ms(CHANGE_TIMEOUT_MS)
        };
        let answer = cluster.send(Target::Controller, request).await?;
        settled(answer.results.iter().map(|made| (made.error_code, made.error_message.as_ref())))
    };
    cluster.retrying("createPartitions", ask).await??;
    for NewPartitions { topic, total, .. } in wanted {
        let n_wanted = usize::try_from(*total).unwrap_or(0);
        heard(cluster, topic, |topic| topic.is_none_or(|topic| topic.partitions.len() >= n_wanted)).await;
    }
    Ok(())
}

/// Deletes topics.
///
/// # Errors
/// The first of the topics that cannot be deleted.
pub(crate) async fn delete_topics(cluster: &Cluster, names: &[String]) -> Result<(), WireError> {
    if names.is_empty() {
        return Ok(());
    }
    let ask = async || {
        let names = names.iter().map(|name| TopicName(text(name)));
        // Before version 6 there were no ids to delete by.
        let request = |version| match version {
            ..6 => DeleteTopicsRequest::default().with_topic_names(names.collect()).with_timeout_ms(CHANGE_TIMEOUT_MS),
            _ => DeleteTopicsRequest::default()
                .with_topics(names.map(|name| DeleteTopicState::default().with_name(Some(name))).collect())
                .with_timeout_ms(CHANGE_TIMEOUT_MS),
        };
        let answer = cluster.send(Target::Controller, request).await?;
        settled(answer.responses.iter().map(|gone| (gone.error_code, gone.error_message.as_ref())))
    };
    cluster.retrying("deleteTopics", ask).await??;
    for name in names {
        heard(cluster, name, |topic| topic.is_none()).await;
    }
    Ok(())
}

/// Waits until every node has heard of a change, for some seconds at most: the next command may ask any of them. Apache's tools
/// start so slowly that this is never seen with them.
async fn heard(cluster: &Cluster, topic: &str, is_changed: impl Fn(Option<&Topic>) -> bool) {
    let names = [topic.to_owned()];
    let ask_all = async || {
        for node in cluster.nodes().await {
            // One that does not answer hears of everything before it answers anybody.
            let Ok(answer) = cluster.metadata_from(Target::Node(node.id), Some(&names)).await else { continue };
            if !is_changed(of_metadata(&answer).first()) {
                KafkaError::check(UNKNOWN_TOPIC_OR_PARTITION, None)?;
            }
        }
        Ok(())
    };
    // Whoever has to know, and does not by then, waits on by himself.
    let _ = tokio::time::timeout(HEARD, cluster.retrying("describeTopics", ask_all)).await;
}

fn invalid_topic(words: &str) -> WireError {
    const INVALID_TOPIC_EXCEPTION: i16 = 17;
    match KafkaError::check(INVALID_TOPIC_EXCEPTION, Some(&text(words))) {
        Err(error) => error.into(),
        Ok(()) => WireError::Settings(words.to_owned()),
    }
}

fn ids(nodes: &[BrokerId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}

fn name(name: Option<&TopicName>) -> Option<String> {
    name.map(|name| name.as_str().to_owned())
}
