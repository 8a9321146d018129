//! What lies in the log directories of a broker.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, DescribeLogDirsRequest, TopicName,
    alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
    describe_log_dirs_response::{DescribeLogDirsResult, DescribeLogDirsTopic},
};

use super::{Cluster, KafkaError, Target, TopicPartition, WireError, text};

const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;

/// A log directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogDir {
    pub(crate) path: String,
    /// Why it cannot be used.
    pub(crate) error: Option<KafkaError>,
    pub(crate) replicas: Vec<Replica>,
}

/// A replica in a log directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) partition: TopicPartition,
    pub(crate) size: i64,
    /// How much it lacks of the partition's log, or of the log that it is to take the place of.
    pub(crate) offset_lag: i64,
    /// It is to take the place of one in another directory.
    pub(crate) is_future: bool,
}

/// The log directories of a broker; `call` is the name of Java's call.
///
/// # Errors
/// It does not answer, or refuses to.
pub(crate) async fn describe_log_dirs(cluster: &Cluster, call: &str, broker: i32) -> Result<Vec<LogDir>, WireError> {
    let ask = async || {
        let answer =
            cluster.send(Target::Node(broker), |_| DescribeLogDirsRequest::default().with_topics(None)).await?;
        if answer.results.is_empty() {
            // A broker before version 3 has no other way to say it.
            let code = if answer.error_code == 0 { CLUSTER_AUTHORIZATION_FAILED } else { answer.error_code };
            KafkaError::check(code, None)?;
        }
        Ok(answer)
    };
    let answer = cluster.retrying(call, ask).await?;
    Ok(answer.results.iter().map(log_dir).collect())
}

/// Has replicas of a broker move to another of its directories, each to its own.
///
/// # Errors
/// It does not answer. Errors of single replicas are in the answer.
pub(crate) async fn alter_log_dirs(
    cluster: &Cluster,
    broker: i32,
    wishes: &BTreeMap<TopicPartition, String>,
) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, WireError> {
    let dirs = wished(wishes);
    let ask = async || {
        let request = |_| AlterReplicaLogDirsRequest::default().with_dirs(dirs.clone());
        cluster.send(Target::Node(broker), request).await
    };
    let answer = cluster.retrying("alterReplicaLogDirs", ask).await?;
    let mut done = BTreeMap::new();
    for topic in &answer.results {
        for partition in &topic.partitions {
            let replica = (topic.topic_name.as_str().to_owned(), partition.partition_index);
            done.insert(replica, KafkaError::check(partition.error_code, None));
        }
    }
    Ok(done)
}

fn wished(wishes: &BTreeMap<TopicPartition, String>) -> Vec<AlterReplicaLogDir> {
    let mut dirs: BTreeMap<&str, BTreeMap<&str, Vec<i32>>> = BTreeMap::new();
    for ((topic, partition), dir) in wishes {
        dirs.entry(dir).or_default().entry(topic).or_default().push(*partition);
    }
    let topic = |(name, partitions): (&str, Vec<i32>)| {
        AlterReplicaLogDirTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
    };
    let dir = |(path, topics): (&str, BTreeMap<&str, Vec<i32>>)| {
        AlterReplicaLogDir::default().with_path(text(path)).with_topics(topics.into_iter().map(topic).collect())
    };
    dirs.into_iter().map(dir).collect()
}

fn log_dir(result: &DescribeLogDirsResult) -> LogDir {
    let of_topic = |topic: &DescribeLogDirsTopic| {
        let replica = topic.partitions.iter().map(|partition| Replica {
            partition: (topic.name.as_str().to_owned(), partition.partition_index),
            size: partition.partition_size,
            offset_lag: partition.offset_lag,
            is_future: partition.is_future_key,
        });
        replica.collect::<Vec<_>>()
    };
    LogDir {
        path: result.log_dir.as_str().to_owned(),
        error: KafkaError::check(result.error_code, None).err(),
        replicas: result.topics.iter().flat_map(of_topic).collect(),
    }
}
