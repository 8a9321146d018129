//! What the cluster says of its topics. Every call blocks.

use std::time::Duration;

use rdkafka::{
    client::{Client, ClientContext},
    error::RDKafkaErrorCode,
    metadata::MetadataTopic,
};

use crate::{
    error::{Error, ErrorKind},
    producer::PartitionInfo,
};

/// The partitions of a topic; a broker that creates topics by itself creates it.
pub(super) fn partitions_for<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
    servers: &str,
) -> Result<Vec<PartitionInfo>, Error> {
    let metadata = client.fetch_metadata(Some(topic), timeout).map_err(|e| unreachable_broker(e, servers, timeout))?;
    let Some(found) = metadata.topics().iter().find(|t| t.name() == topic) else { return Err(missing(topic)) };
    match found.error().map(RDKafkaErrorCode::from) {
        None => Ok(partitions_of(found)),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Err(missing(topic)),
        Some(code) => {
            Err(Error::new(ErrorKind::Refused, format!("the cluster cannot describe topic `{topic}`: {code}")))
        }
    }
}

fn partitions_of(topic: &MetadataTopic) -> Vec<PartitionInfo> {
    let mut partitions: Vec<_> = topic
        .partitions()
        .iter()
        .map(|p| PartitionInfo {
            partition: p.id(),
            leader: (p.leader() >= 0).then(|| p.leader()),
            replicas: p.replicas().to_vec(),
            in_sync_replicas: p.isr().to_vec(),
        })
        .collect();
    partitions.sort_by_key(|p| p.partition);
    partitions
}

fn missing(topic: &str) -> Error {
    Error::new(ErrorKind::Refused, format!("topic `{topic}` does not exist and the broker did not create it"))
}

pub(super) fn unreachable_broker(
    error: impl std::error::Error + Send + Sync + 'static,
    servers: &str,
    timeout: Duration,
) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("no broker answered at {servers} within {timeout:?} (`kafka.bootstrap-servers`)"),
    )
    .with_source(error)
}
