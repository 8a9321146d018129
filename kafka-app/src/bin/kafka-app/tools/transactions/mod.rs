//! `kafka-transactions`: what transactions there are, and the end of those that hang.

mod hanging;
mod table;

use std::collections::BTreeSet;

use clap::{Args, Parser, Subcommand};

use super::{Connection, Output, ToolCommand};
use crate::{
    clock,
    failure::Failure,
    wire::{
        ActiveProducer, Cluster, HangingTransaction, TopicPartition, TransactionDescription, TransactionFilter,
        WireError, abort_transaction, describe_producers, describe_transaction, fence_producer, list_transactions,
    },
};

/// This tool is used to analyze the transactional state of producers in the cluster. It can be used to detect and recover
/// from hanging transactions.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct TransactionsTool {
    #[command(flatten)]
    connection: Connection,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List transactions
    List(List),
    /// Describe the state of an active transactional id
    Describe(Describe),
    /// Describe the states of active producers for a topic partition
    DescribeProducers(DescribeProducers),
    /// Abort a hanging transaction (requires administrative privileges)
    Abort(Abort),
    /// Find hanging transactions
    FindHanging(hanging::FindHanging),
    /// Force abort an ongoing transaction on transactionalId (requires administrative privileges)
    #[command(name = "forceTerminateTransaction")]
    ForceTerminate(ForceTerminate),
}

#[derive(Debug, Args)]
struct List {
    /// Only those that have run longer than this, in milliseconds; all of them if it is negative
    #[arg(long, value_name = "MS")]
    duration_filter: Option<i64>,

    /// Only those whose ids fit this regular expression
    #[arg(long, value_name = "REGEX")]
    transactional_id_pattern: Option<String>,
}

#[derive(Debug, Args)]
struct Describe {
    /// The transactional id
    #[arg(long, value_name = "ID")]
    transactional_id: String,
}

#[derive(Debug, Args)]
struct DescribeProducers {
    /// Ask the replica on this broker, not the leader
    #[arg(long, value_name = "ID")]
    broker_id: Option<i32>,

    /// The topic
    #[arg(long, value_name = "TOPIC")]
    topic: String,

    /// The partition
    #[arg(long, value_name = "PARTITION")]
    partition: i32,
}

#[derive(Debug, Args)]
struct Abort {
    /// The topic
    #[arg(long, value_name = "TOPIC")]
    topic: String,

    /// The partition
    #[arg(long, value_name = "PARTITION")]
    partition: i32,

    /// Where the transaction begins, for brokers since 3.0
    #[arg(long, value_name = "OFFSET")]
    start_offset: Option<i64>,

    /// The producer's id, for older brokers
    #[arg(long, value_name = "ID")]
    producer_id: Option<i64>,

    /// The producer's epoch, for older brokers
    #[arg(long, value_name = "EPOCH")]
    producer_epoch: Option<i16>,

    /// The coordinator's epoch, for older brokers
    #[arg(long, value_name = "EPOCH")]
    coordinator_epoch: Option<i32>,
}

#[derive(Debug, Args)]
struct ForceTerminate {
    /// The transactional id
    #[arg(long = "transactionalId", value_name = "ID")]
    transactional_id: String,
}

impl ToolCommand for TransactionsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let connection = self.connection;
        match self.command {
            Command::List(command) => command.run(&connection.cluster("listNodes").await?, out).await?,
            Command::Describe(command) => command.run(&connection.cluster("describeTransactions").await?, out).await?,
            Command::DescribeProducers(command) => {
                command.run(&connection.cluster("describeProducers").await?, out).await?;
            }
            Command::Abort(command) => command.run(&connection).await?,
            Command::FindHanging(command) => command.run(&connection, out).await?,
            Command::ForceTerminate(ForceTerminate { transactional_id: id }) => {
                let what = format!("force terminate transactionalId `{id}`");
                let cluster = connection.cluster("fenceProducer").await?;
                fence_producer(&cluster, &id).await.map_err(|error| failed(&what, &error))?;
            }
        }
        Ok(0)
    }
}

/// In the words of the script.
fn failed(what: &str, error: &WireError) -> Failure {
    let last = error.last().map_or(String::new(), |last| format!(" ({last})"));
    let debug = "Enable debug logging for additional detail.";
    Failure::Failed(format!("Failed to {what}: {}{last}. {debug}", error.message()))
}

fn or_none(value: Option<i64>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| value.to_string())
}

impl List {
    async fn run(self, cluster: &Cluster, out: &mut Output) -> Result<(), Failure> {
        let id_pattern = self.transactional_id_pattern.filter(|pattern| !pattern.is_empty());
        let filter =
            TransactionFilter { longer_than: self.duration_filter, id_pattern, ..TransactionFilter::default() };
        let listed = list_transactions(cluster, &filter).await.map_err(|error| failed("list transactions", &error))?;
        let rows: Vec<_> = listed
            .into_iter()
            .map(|found| [found.id, found.coordinator.to_string(), found.producer_id.to_string(), found.state])
            .collect();
        table::print(["TransactionalId", "Coordinator", "ProducerId", "TransactionState"], &rows, out)?;
        Ok(())
    }
}

impl Describe {
    async fn run(self, cluster: &Cluster, out: &mut Output) -> Result<(), Failure> {
        let id = self.transactional_id;
        let what = format!("describe transaction state of transactional-id `{id}`");
        let found = describe_transaction(cluster, &id).await.map_err(|error| failed(&what, &error))?;
        let head = [
            "CoordinatorId",
            "TransactionalId",
            "ProducerId",
            "ProducerEpoch",
            "TransactionState",
            "TransactionTimeoutMs",
            "CurrentTransactionStartTimeMs",
            "TransactionDurationMs",
            "TopicPartitions",
        ];
        table::print(head, &[described(id, &found, clock::wall_clock())], out)?;
        Ok(())
    }
}

fn described(id: String, found: &TransactionDescription, now: i64) -> [String; 9] {
    let partitions: Vec<String> =
        found.partitions.iter().map(|(topic, partition)| format!("{topic}-{partition}")).collect();
    [
        found.coordinator.to_string(),
        id,
        found.producer_id.to_string(),
        found.producer_epoch.to_string(),
        found.state.clone(),
        found.timeout_ms.to_string(),
        or_none(found.started),
        or_none(found.started.map(|started| now.saturating_sub(started))),
        partitions.join(","),
    ]
}

impl DescribeProducers {
    async fn run(self, cluster: &Cluster, out: &mut Output) -> Result<(), Failure> {
        let Self { broker_id, topic, partition } = self;
        let asked = broker_id.map_or_else(|| "leader".to_owned(), |id| format!("broker {id}"));
        let what = format!("describe producers for partition {topic}-{partition} on {asked}");
        let producers = producers(cluster, (topic, partition), broker_id).await;
        let rows: Vec<_> = producers.map_err(|error| failed(&what, &error))?.iter().map(producer).collect();
        let head = [
            "ProducerId",
            "ProducerEpoch",
            "LatestCoordinatorEpoch",
            "LastSequence",
            "LastTimestamp",
            "CurrentTransactionStartOffset",
        ];
        table::print(head, &rows, out)?;
        Ok(())
    }
}

async fn producers(
    cluster: &Cluster,
    partition: TopicPartition,
    node: Option<i32>,
) -> Result<Vec<ActiveProducer>, WireError> {
    let found = describe_producers(cluster, BTreeSet::from([partition]), node).await;
    found.into_values().next().unwrap_or(Ok(Vec::new()))
}

fn producer(producer: &ActiveProducer) -> [String; 6] {
    [
        producer.producer_id.to_string(),
        producer.producer_epoch.to_string(),
        producer.coordinator_epoch.unwrap_or(-1).to_string(),
        producer.last_sequence.to_string(),
        producer.last_timestamp.to_string(),
        or_none(producer.transaction_start),
    ]
}

impl Abort {
    async fn run(self, connection: &Connection) -> Result<(), Failure> {
        let named = self.named().map_err(Failure::Failed)?;
        let cluster = connection.cluster("describeProducers").await?;
        let hanging = match named {
            Named::Whole(hanging) => hanging,
            Named::Start(partition, start) => found(&cluster, partition, start).await?,
        };
        let what = format!("abort transaction {hanging}");
        abort_transaction(&cluster, &hanging).await.map_err(|error| failed(&what, &error))
    }

    /// # Errors
    /// Too little is said to know which transaction is meant, in the words of the script.
    fn named(self) -> Result<Named, String> {
        let partition = (self.topic, self.partition);
        match (self.start_offset, self.producer_id, self.producer_epoch, self.coordinator_epoch) {
            (Some(start), ..) => Ok(Named::Start(partition, start)),
            (None, None, ..) => {
                Err("The transaction to abort must be identified either with --start-offset (for brokers \
                                     on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch \
                                     (for older brokers)"
                    .to_owned())
            }
            (None, Some(_), None, _) => Err("Missing required argument --producer-epoch".to_owned()),
            (None, Some(_), Some(_), None) => Err("Missing required argument --coordinator-epoch".to_owned()),
            (None, Some(producer_id), Some(producer_epoch), Some(epoch)) => {
                // A producer whose first transaction hangs has no coordinator's epoch yet.
                let coordinator_epoch = epoch.max(0);
                Ok(Named::Whole(HangingTransaction { partition, producer_id, producer_epoch, coordinator_epoch }))
            }
        }
    }
}

/// How a transaction is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Start(TopicPartition, i64),
    Whole(HangingTransaction),
}

/// The open transaction that begins there.
async fn found(cluster: &Cluster, partition: TopicPartition, start: i64) -> Result<HangingTransaction, Failure> {
    let name = format!("{}-{}", partition.0, partition.1);
    let what = format!("validate producer state for partition {name}");
    let producers = producers(cluster, partition.clone(), None).await.map_err(|error| failed(&what, &error))?;
    let producer = producers.into_iter().find(|producer| producer.transaction_start == Some(start));
    let missing = || {
        Failure::Failed(format!("Could not find any open transactions starting at offset {start} on partition {name}"))
    };
    let producer = producer.ok_or_else(missing)?;
    Ok(HangingTransaction {
        partition,
        producer_id: producer.producer_id,
        producer_epoch: i16::try_from(producer.producer_epoch).unwrap_or(i16::MAX),
        coordinator_epoch: producer.coordinator_epoch.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abort(said: &[&str]) -> Result<Named, String> {
        let line = ["kafka-transactions", "--bootstrap-server", "b:1", "abort", "--topic", "shop", "--partition", "0"];
        match TransactionsTool::parse_from(line.iter().chain(said)).command {
            Command::Abort(abort) => abort.named(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_transaction_is_named_by_its_start_or_by_its_producer() {
        assert_eq!(abort(&["--start-offset", "3"]), Ok(Named::Start(("shop".to_owned(), 0), 3)));
        assert!(abort(&[]).unwrap_err().starts_with("The transaction to abort must be identified"));
        assert_eq!(abort(&["--producer-id", "1"]), Err("Missing required argument --producer-epoch".to_owned()));
        let most = ["--producer-id", "1", "--producer-epoch", "2"];
        assert_eq!(abort(&most), Err("Missing required argument --coordinator-epoch".to_owned()));
    }

    #[test]
    fn a_transaction_that_is_over_has_no_start_and_no_duration() {
        let over = TransactionDescription {
            coordinator: 1,
            producer_id: 23,
            producer_epoch: 2,
            state: "Empty".to_owned(),
            timeout_ms: 30_000,
            started: None,
            partitions: BTreeSet::new(),
        };
        let row = ["1", "tx-two", "23", "2", "Empty", "30000", "None", "None", ""];
        assert_eq!(described("tx-two".to_owned(), &over, 5), row);
        let open = TransactionDescription {
            started: Some(1000),
            partitions: [("shop".to_owned(), 0), ("shop".to_owned(), 2)].into(),
            ..over
        };
        let row = described("tx-two".to_owned(), &open, 6526);
        assert_eq!(row[6..], ["1000", "5526", "shop-0,shop-2"]);
    }
}
