//! What lies in the log directories of a broker.

use kafka_protocol::messages::{
    DescribeLogDirsRequest,
    describe_log_dirs_response::{DescribeLogDirsResult, DescribeLogDirsTopic},
};

use super::{Cluster, KafkaError, Target, TopicPartition, WireError};

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

/// The log directories of a broker.
///
/// # Errors
/// It does not answer, or refuses to.
pub(crate) async fn describe_log_dirs(cluster: &Cluster, broker: i32) -> Result<Vec<LogDir>, WireError> {
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
    let answer = cluster.retrying("describeLogDirs", ask).await?;
    Ok(answer.results.iter().map(log_dir).collect())
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
