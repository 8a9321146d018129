//! `kafka-leader-election`: other leaders for partitions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;
use serde_json::Value;

use super::{Connection, Output, ToolCommand, connection::read_properties};
use crate::{
    failure::Failure,
    wire::{ClientSettings, Cluster, Election, KafkaError, TopicPartition, WireError, elect_leaders},
};

/// As long as an election may take, if the properties do not say it.
const PATIENCE: Duration = Duration::from_secs(30);
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const ELECTION_NOT_NEEDED: i16 = 84;

/// This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred
/// replicas and unclean replicas.
#[derive(Debug, Parser)]
pub(crate) struct LeaderElectionTool {
    #[command(flatten)]
    connection: Connection,

    /// The same as --command-config
    #[arg(long = "admin.config", value_name = "FILE")]
    admin_config: Option<PathBuf>,

    /// preferred: the first replica is to lead; unclean: any may, where no replica that is in sync is up
    #[arg(long, value_name = "TYPE")]
    election_type: String,

    /// The topic of the partition
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,

    /// The number of the partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<i32>,

    /// All partitions
    #[arg(long)]
    all_topic_partitions: bool,

    /// A file of partitions: {"partitions": [{"topic": "foo", "partition": 1}]}
    #[arg(long, value_name = "FILE")]
    path_to_json_file: Option<PathBuf>,
}

impl ToolCommand for LeaderElectionTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let election = self.election().map_err(Failure::Failed)?;
        let partitions = self.partitions().map_err(Failure::Failed)?;
        let cluster = Cluster::connect(self.settings()?, "electLeaders").await;
        let elected = match &cluster {
            Ok(cluster) => elect_leaders(cluster, election, partitions.as_ref()).await,
            Err(error) => Err(error.clone()),
        };
        match elected {
            Ok(results) => {
                let (told, failed) = render(election, &results);
                out.write_all(told.as_bytes())?;
                match failed {
                    0 => Ok(0),
                    failed => Err(Failure::Failed(format!("{failed} replica(s) could not be elected"))),
                }
            }
            Err(WireError::TimedOut { .. }) => {
                writeln!(out, "Timeout waiting for election results")?;
                Ok(1)
            }
            Err(WireError::Kafka(error)) if error.code() == CLUSTER_AUTHORIZATION_FAILED => {
                writeln!(out, "Not authorized to perform leader election")?;
                Ok(1)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl LeaderElectionTool {
    fn settings(&self) -> Result<ClientSettings, Failure> {
        let mut properties = match &self.admin_config {
            Some(path) => read_properties(path)?,
            None => BTreeMap::new(),
        };
        properties.extend(self.connection.properties()?);
        let patience = PATIENCE.as_millis().to_string();
        properties.entry("default.api.timeout.ms".to_owned()).or_insert(patience);
        Ok(ClientSettings::of(&properties)?)
    }

    fn election(&self) -> Result<Election, String> {
        match self.election_type.to_ascii_lowercase().as_str() {
            "preferred" => Ok(Election::Preferred),
            "unclean" => Ok(Election::Unclean),
            _ => Err(format!("Cannot parse argument '{}' of option election-type", self.election_type)),
        }
    }

    /// The partitions that are meant; `None` for all.
    fn partitions(&self) -> Result<Option<BTreeSet<TopicPartition>>, String> {
        match (&self.topic, self.partition, self.all_topic_partitions, &self.path_to_json_file) {
            (Some(topic), Some(partition), false, None) => Ok(Some(BTreeSet::from([(topic.clone(), partition)]))),
            (Some(_), None, false, None) => Err("Missing required option(s): partition".to_owned()),
            (None, Some(_), true, None) | (None, Some(_), false, Some(_)) => {
                Err("Option partition is only allowed if topic is used".to_owned())
            }
            (None, None, true, None) => Ok(None),
            (None, None, false, Some(path)) => read(path).map(Some),
            _ => Err(
                "One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file"
                    .to_owned(),
            ),
        }
    }
}

fn read(path: &Path) -> Result<BTreeSet<TopicPartition>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    parse(&text)
}

fn parse(text: &str) -> Result<BTreeSet<TopicPartition>, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| "Replica election data is empty".to_owned())?;
    let partitions = value.get("partitions").ok_or("Replica election data is missing \"partitions\" field")?;
    let partitions = partitions.as_array().ok_or_else(|| format!("Expected JSON array, received {partitions}"))?;
    let mut all = BTreeSet::new();
    for partition in partitions {
        let topic = partition.get("topic").and_then(Value::as_str);
        let number = partition.get("partition").and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
        let (Some(topic), Some(number)) = (topic, number) else {
            return Err(format!("Expected a topic and the number of a partition, received {partition}"));
        };
        if !all.insert((topic.to_owned(), number)) {
            return Err(format!("Replica election data contains duplicate partitions: [{topic}-{number}]"));
        }
    }
    Ok(all)
}

/// What became of them, and how many could not be elected.
fn render(election: Election, results: &BTreeMap<TopicPartition, Result<(), KafkaError>>) -> (String, usize) {
    let kind = match election {
        Election::Preferred => "PREFERRED",
        Election::Unclean => "UNCLEAN",
    };
    let name = |(topic, partition): &TopicPartition| format!("{topic}-{partition}");
    let (mut done, mut unneeded, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (partition, result) in results {
        match result {
            Ok(()) => done.push(name(partition)),
            Err(error) if error.code() == ELECTION_NOT_NEEDED => unneeded.push(name(partition)),
            Err(error) => failed.push(format!(
                "Error completing leader election ({kind}) for partition: {}: {error}\n",
                name(partition)
            )),
        }
    }
    let mut told = String::new();
    if !done.is_empty() {
        told += &format!("Successfully completed leader election ({kind}) for partitions {}\n", done.join(", "));
    }
    if !unneeded.is_empty() {
        told += &format!("Valid replica already elected for partitions {}\n", unneeded.join(", "));
    }
    told.extend(failed.iter().map(String::as_str));
    (told, failed.len())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    #[test]
    fn partitions_are_told_by_what_became_of_them() {
        let error = |code, words: &'static str| KafkaError::check(code, Some(&StrBytes::from_static_str(words)));
        let results = BTreeMap::from([
            (("a".to_owned(), 0), Ok(())),
            (("a".to_owned(), 1), Ok(())),
            (("shop".to_owned(), 0), error(ELECTION_NOT_NEEDED, "")),
            (("ghost".to_owned(), 0), error(3, "No such topic as ghost")),
        ]);
        let expected = "Successfully completed leader election (PREFERRED) for partitions a-0, a-1\n\
                        Valid replica already elected for partitions shop-0\n\
                        Error completing leader election (PREFERRED) for partition: ghost-0: \
                        org.apache.kafka.common.errors.UnknownTopicOrPartitionException: No such topic as ghost\n";
        assert_eq!(render(Election::Preferred, &results), (expected.to_owned(), 1));
        assert_eq!(render(Election::Unclean, &BTreeMap::new()), (String::new(), 0));
    }

    #[test]
    fn partitions_are_said_in_one_of_three_ways() {
        let partitions = |arguments: &str| {
            let arguments =
                format!("kafka-leader-election --bootstrap-server a:1 --election-type Preferred {arguments}");
            let tool = LeaderElectionTool::try_parse_from(arguments.split_whitespace()).unwrap();
            assert_eq!(tool.election(), Ok(Election::Preferred));
            tool.partitions()
        };
        assert_eq!(partitions("--all-topic-partitions"), Ok(None));
        assert_eq!(partitions("--topic a --partition 1"), Ok(Some(BTreeSet::from([("a".to_owned(), 1)]))));
        assert_eq!(partitions("--topic a").unwrap_err(), "Missing required option(s): partition");
        assert!(
            partitions("").unwrap_err().starts_with("One and only one of the following options is required: topic, ")
        );
        assert!(partitions("--topic a --partition 1 --all-topic-partitions").is_err());
        assert!(
            partitions("--partition 1 --all-topic-partitions").unwrap_err().starts_with("Option partition is only")
        );
    }

    #[test]
    fn a_file_names_each_partition_once() {
        let once = r#"{"partitions":[{"topic":"foo","partition":1}]}"#;
        assert_eq!(parse(once), Ok(BTreeSet::from([("foo".to_owned(), 1)])));
        let twice = r#"{"partitions":[{"topic":"foo","partition":1},{"topic":"foo","partition":1}]}"#;
        assert_eq!(parse(twice).unwrap_err(), "Replica election data contains duplicate partitions: [foo-1]");
        assert!(parse("{}").unwrap_err().contains("missing"));
    }
}
