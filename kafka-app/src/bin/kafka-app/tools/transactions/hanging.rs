//! `find-hanging`: open transactions of partitions that no coordinator will end.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use clap::Args;

use super::{failed, table};
use crate::{
    clock,
    failure::Failure,
    tools::{Connection, Output},
    wire::{
        ActiveProducer, Cluster, TopicPartition, TransactionDescription, TransactionFilter, WireError,
        describe_producers, describe_transaction, list_transactions,
    },
};

const TRANSACTIONAL_ID_NOT_FOUND: i16 = 105;

/// How many partitions are asked for at once.
const BATCH: usize = 500;

#[derive(Debug, Args)]
pub(super) struct FindHanging {
    /// Search what this broker has replicas of
    #[arg(long, value_name = "ID")]
    broker_id: Option<i32>,

    /// The longest time that a transaction may take, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    max_transaction_timeout: i32,

    /// Search this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,

    /// Search this partition of the topic
    #[arg(long, value_name = "PARTITION")]
    partition: Option<i32>,
}

/// A transaction that a partition has seen no end of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    partition: TopicPartition,
    producer: ActiveProducer,
}

impl FindHanging {
    pub(super) async fn run(self, connection: &Connection, out: &mut Output) -> Result<(), Failure> {
        self.check().map_err(Failure::Failed)?;
        let cluster = connection.cluster("listTopics").await?;
        let now = clock::wall_clock();
        let longest = i64::from(self.max_transaction_timeout) * 60_000;
        let mut open = self.open(&cluster).await?;
        open.retain(|open| now.saturating_sub(open.producer.last_timestamp) > longest);
        let hanging = if open.is_empty() { open } else { without_coordinator(&cluster, open).await? };
        let head = [
            "Topic",
            "Partition",
            "ProducerId",
            "ProducerEpoch",
            "CoordinatorEpoch",
            "StartOffset",
            "LastTimestamp",
            "Duration(min)",
        ];
        table::print(head, &hanging.iter().map(|open| row(open, now)).collect::<Vec<_>>(), out)?;
        out.flush()?;
        Ok(())
    }

    /// # Errors
    /// What is to be searched is not said, in the words of the script.
    fn check(&self) -> Result<(), String> {
        if self.topic.is_none() && self.broker_id.is_none() {
            let scope = "--topic or --broker-id to limit the scope of the search";
            return Err(format!("The `find-hanging` command requires either {scope}"));
        }
        if self.partition.is_some() && self.topic.is_none() {
            return Err("The --partition argument requires --topic to be provided".to_owned());
        }
        Ok(())
    }

    /// Every open transaction of the partitions to be searched.
    async fn open(&self, cluster: &Cluster) -> Result<Vec<Open>, Failure> {
        let partitions = self.partitions(cluster).await?;
        let mut open = Vec::new();
        for batch in partitions.chunks(BATCH) {
            let asked: BTreeSet<TopicPartition> = batch.iter().cloned().collect();
            for (partition, producers) in describe_producers(cluster, asked, self.broker_id).await {
                let what = format!("describe producers for {} partitions", batch.len());
                let producers = producers.map_err(|error| failed(&what, &error))?;
                let open_ones = producers.into_iter().filter(|producer| producer.transaction_start.is_some());
                open.extend(open_ones.map(|producer| Open { partition: partition.clone(), producer }));
            }
        }
        Ok(open)
    }

    async fn partitions(&self, cluster: &Cluster) -> Result<Vec<TopicPartition>, Failure> {
        if let (Some(topic), Some(partition)) = (&self.topic, self.partition) {
            return Ok(vec![(topic.clone(), partition)]);
        }
        let topics = self.topic.clone().map(|topic| vec![topic]);
        let listed = cluster.retrying("listTopics", async || cluster.metadata(topics.as_deref()).await).await;
        let listed = listed.map_err(|error| failed("list topics", &error))?;
        let mut partitions = Vec::new();
        for topic in &listed.topics {
            let described = crate::wire::KafkaError::check(topic.error_code, None).map_err(WireError::Kafka);
            described.map_err(|error| failed("describe 1 topics", &error))?;
            let Some(name) = &topic.name else { continue };
            let is_searched = |replicas: &[kafka_protocol::messages::BrokerId]| {
                self.broker_id.is_none_or(|id| replicas.iter().any(|replica| replica.0 == id))
            };
            let searched = topic.partitions.iter().filter(|partition| is_searched(&partition.replica_nodes));
            partitions.extend(searched.map(|partition| (name.as_str().to_owned(), partition.partition_index)));
        }
        Ok(partitions)
    }
}

/// Those of which no coordinator knows that it has to end them.
async fn without_coordinator(cluster: &Cluster, open: Vec<Open>) -> Result<Vec<Open>, Failure> {
    let producer_ids: BTreeSet<i64> = open.iter().map(|open| open.producer.producer_id).collect();
    let what = format!("list transactions for {} producers", producer_ids.len());
    let filter =
        TransactionFilter { producer_ids: producer_ids.iter().copied().collect(), ..TransactionFilter::default() };
    let listed = list_transactions(cluster, &filter).await.map_err(|error| failed(&what, &error))?;
    let mut known = BTreeMap::new();
    let what = format!("describe {} transactions", listed.len());
    for listing in listed.into_iter().filter(|listing| producer_ids.contains(&listing.producer_id)) {
        match describe_transaction(cluster, &listing.id).await {
            Ok(description) => drop(known.insert(listing.producer_id, description)),
            Err(WireError::Kafka(error)) if error.code() == TRANSACTIONAL_ID_NOT_FOUND => {}
            Err(error) => return Err(failed(&what, &error)),
        }
    }
    Ok(open.into_iter().filter(|open| hangs(open, &known)).collect())
}

/// A coordinator writes ends to the partitions that it knows a transaction to be in, and to no other.
fn hangs(open: &Open, known: &BTreeMap<i64, TransactionDescription>) -> bool {
    known.get(&open.producer.producer_id).is_none_or(|description| !description.partitions.contains(&open.partition))
}

fn row(open: &Open, now: i64) -> [String; 8] {
    let Open { partition: (topic, partition), producer } = open;
    [
        topic.clone(),
        partition.to_string(),
        producer.producer_id.to_string(),
        producer.producer_epoch.to_string(),
        producer.coordinator_epoch.unwrap_or(-1).to_string(),
        producer.transaction_start.unwrap_or(-1).to_string(),
        producer.last_timestamp.to_string(),
        (now.saturating_sub(producer.last_timestamp) / 60_000).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(producer_id: i64, partition: i32) -> Open {
        let producer = ActiveProducer {
            producer_id,
            producer_epoch: 0,
            last_sequence: 0,
            last_timestamp: 1000,
            coordinator_epoch: None,
            transaction_start: Some(9),
        };
        Open { partition: ("shop".to_owned(), partition), producer }
    }

    #[test]
    fn a_transaction_hangs_if_no_coordinator_knows_the_partition_to_be_in_it() {
        let description = TransactionDescription {
            coordinator: 1,
            producer_id: 22,
            producer_epoch: 0,
            state: "Ongoing".to_owned(),
            timeout_ms: 60_000,
            started: Some(1000),
            partitions: [("shop".to_owned(), 0)].into(),
        };
        let known = [(22, description)].into();
        assert!(!hangs(&open(22, 0), &known));
        assert!(hangs(&open(22, 1), &known));
        assert!(hangs(&open(23, 0), &known));
    }

    #[test]
    fn how_long_it_has_hung_is_told_in_minutes() {
        assert_eq!(row(&open(22, 0), 1000 + 17 * 60_000 + 59_999), ["shop", "0", "22", "0", "-1", "9", "1000", "17"]);
    }

    #[test]
    fn what_is_searched_has_to_be_said() {
        let search =
            |broker_id, partition| FindHanging { broker_id, max_transaction_timeout: 15, topic: None, partition };
        assert_eq!(
            search(None, None).check(),
            Err("The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search"
                .to_owned())
        );
        assert_eq!(
            search(Some(1), Some(0)).check(),
            Err("The --partition argument requires --topic to be provided".to_owned())
        );
    }
}
