//! `kafka-topics`: topics are listed, described, made, given more partitions, and deleted.

mod describe;
mod options;
mod wishes;

pub(crate) use options::TopicsTool;

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use describe::{Circumstances, View};
use options::Action;

use super::{IncludeList, Output, ToolCommand, kafka_uuid, once};
use crate::{
    failure::Failure,
    wire::{
        ClientSettings, Cluster, NewPartitions, ResourceType, Topic, WireError, create_partitions, create_topic,
        delete_topics, describe_configs, describe_topics, list_reassignments, list_topics,
    },
};

const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const UNSUPPORTED_VERSION: i16 = 35;
const TOPIC_ALREADY_EXISTS: i16 = 36;
const INVALID_CONFIG: i16 = 40;

/// As many partitions as a page has if nothing is said of it.
const PARTITIONS_A_PAGE: i32 = 2000;

/// Why it is not done: what the script says on standard output, or what this program says.
enum Trouble {
    Said(String),
    Failed(Failure),
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self::Said(error.message())
    }
}

impl From<String> for Trouble {
    fn from(words: String) -> Self {
        Self::Said(words)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl ToolCommand for TopicsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let action = self.action().map_err(Failure::Failed)?;
        if !self.delete_config.is_empty() {
            let note = "delete-config option is no longer supported and deprecated since version 4.0. The config will be \
                        fully removed in future releases.";
            // Nobody is left to be told that this could not be said.
            let _ = writeln!(io::stderr(), "{note}");
        }
        let settings = ClientSettings::of(&self.connection.properties()?)?;
        match self.act(action, settings, out).await {
            Ok(()) => Ok(0),
            Err(Trouble::Said(words)) => {
                writeln!(out, "Error while executing topic command : {words}")?;
                Ok(1)
            }
            Err(Trouble::Failed(failure)) => Err(failure),
        }
    }
}

impl TopicsTool {
    async fn act(&self, action: Action, settings: ClientSettings, out: &mut Output) -> Result<(), Trouble> {
        let first_call = if action == Action::Create { "createTopics" } else { "listTopics" };
        let connect = async || Cluster::connect(settings, first_call).await;
        match action {
            Action::Create => {
                let topic = self.new_topic()?;
                let cluster = connect().await?;
                let made = create_topic(&cluster, &topic).await;
                // The script checks the configs by itself before it warns.
                let warned = topic.name.contains(['.', '_']) && !is(&made, INVALID_CONFIG);
                if warned {
                    writeln!(
                        out,
                        "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') \
                         could collide. To avoid issues it is best to use either, but not both."
                    )?;
                }
                if self.if_not_exists && is(&made, TOPIC_ALREADY_EXISTS) {
                    return Ok(());
                }
                made?;
                writeln!(out, "Created topic {}.", topic.name)?;
                Ok(())
            }
            Action::List => {
                let topics = self.chosen(&connect().await?).await?;
                let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
                writeln!(out, "{}", names.join("\n"))?;
                Ok(())
            }
            Action::Alter => self.alter(&connect().await?).await,
            Action::Delete => {
                let cluster = connect().await?;
                let topics = self.expected(&cluster).await?;
                let names: Vec<String> = topics.into_iter().map(|topic| topic.name).collect();
                Ok(delete_topics(&cluster, &names).await?)
            }
            Action::Describe => self.describe(&connect().await?, out).await,
        }
    }

    /// The topics that `--topic` and `--exclude-internal` leave, sorted by name.
    async fn chosen(&self, cluster: &Cluster) -> Result<Vec<Topic>, Trouble> {
        let topics = list_topics(cluster).await?;
        let list = once::only(&self.topic, "topic")?.map(IncludeList::new).transpose()?;
        let is_chosen = |topic: &Topic| {
            list.as_ref().is_none_or(|list| list.matches(&topic.name)) && !(self.exclude_internal && topic.is_internal)
        };
        Ok(topics.into_iter().filter(is_chosen).collect())
    }

    /// The same, where at least one has to be there that was asked for.
    async fn expected(&self, cluster: &Cluster) -> Result<Vec<Topic>, Trouble> {
        let topics = self.chosen(cluster).await?;
        match self.topic.first() {
            Some(topic) if topics.is_empty() && !topic.is_empty() && !self.if_exists => {
                Err(Trouble::Said(format!("Topic '{topic}' does not exist as expected")))
            }
            _ => Ok(topics),
        }
    }

    async fn alter(&self, cluster: &Cluster) -> Result<(), Trouble> {
        let total = once::only_number(&self.partitions, "partitions")?.unwrap_or_default();
        let assignment = self.assignment()?;
        let wanted = |topic: Topic| {
            let of_new = || assignment.iter().skip(topic.partitions.len()).cloned().collect();
            let assignment = (!assignment.is_empty()).then(of_new);
            NewPartitions { topic: topic.name, total, assignment }
        };
        let wanted: Vec<NewPartitions> = self.expected(cluster).await?.into_iter().map(wanted).collect();
        if wanted.is_empty() { Ok(()) } else { Ok(create_partitions(cluster, &wanted).await?) }
    }

    async fn describe(&self, cluster: &Cluster, out: &mut Output) -> Result<(), Trouble> {
        if self.if_exists && !self.topic.is_empty() && !self.topic_id.is_empty() {
            writeln!(
                out,
                "Only topic id will be used when both --topic and --topic-id are specified and topicId is not \
                 Uuid.ZERO_UUID"
            )?;
        }
        let topics = self.described(cluster).await?;
        let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
        let mut configs = describe_configs(cluster, ResourceType::Topic, &names, false).await?;
        let live = cluster.nodes().await.into_iter().map(|node| node.id).collect();
        let partitions: BTreeSet<_> = topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.name.clone(), partition.index)))
            .collect();
        let moves = match list_reassignments(cluster, Some(&partitions)).await {
            // Brokers may not know it, and not everybody may ask.
            Err(WireError::Unsupported { .. }) => Default::default(),
            Err(WireError::Kafka(error))
                if [CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION].contains(&error.code()) =>
            {
                Default::default()
            }
            moves => moves?,
        };
        let around = Circumstances { live, moves };
        for topic in &topics {
            let configs = configs.remove(&topic.name).transpose().map_err(WireError::Kafka)?.unwrap_or_default();
            out.write_all(describe::render(topic, &configs, &around, self.view()).as_bytes())?;
        }
        Ok(())
    }

    async fn described(&self, cluster: &Cluster) -> Result<Vec<Topic>, Trouble> {
        let page = once::only_number(&self.partition_size_limit_per_response, "partition-size-limit-per-response");
        let id = once::only(&self.topic_id, "topic-id")?.map(kafka_uuid::parse).transpose()?;
        match id.filter(|id| *id != [0; 16]) {
            Some(id) => {
                let with_id = |topic: &Topic| topic.id == id && !(self.exclude_internal && topic.is_internal);
                let topics: Vec<Topic> = list_topics(cluster).await?.into_iter().filter(with_id).collect();
                if topics.is_empty() && !self.if_exists {
                    let id = kafka_uuid::format(id);
                    return Err(Trouble::Said(format!("TopicId '{id}' does not exist as expected")));
                }
                Ok(topics)
            }
            None => {
                let names: Vec<String> = self.expected(cluster).await?.into_iter().map(|topic| topic.name).collect();
                if names.is_empty() {
                    return Ok(Vec::new());
                }
                Ok(describe_topics(cluster, &names, page?.unwrap_or(PARTITIONS_A_PAGE)).await?)
            }
        }
    }

    fn view(&self) -> View {
        let filtered = self.under_replicated_partitions
            || self.unavailable_partitions
            || self.under_min_isr_partitions
            || self.at_min_isr_partitions;
        match filtered {
            true => View::Partitions {
                under_replicated: self.under_replicated_partitions,
                unavailable: self.unavailable_partitions,
                under_min_isr: self.under_min_isr_partitions,
                at_min_isr: self.at_min_isr_partitions,
            },
            false if self.topics_with_overrides => View::Overrides,
            false => View::All,
        }
    }
}

fn is(done: &Result<(), WireError>, code: i16) -> bool {
    matches!(done, Err(WireError::Kafka(error)) if error.code() == code)
}
