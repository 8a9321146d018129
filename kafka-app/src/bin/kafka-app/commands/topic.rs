//! `kafka-app topic`: topics, their partitions and how much is in them.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use kafka_app::{
    NewTopic, TopicPartition,
    admin::{
        AdminClient, AlterConfigOp, BrokerError, ConfigEntry, ConfigResource, OffsetQuery, RecordsToDelete,
        TopicDescription,
    },
    config::IsolationLevel,
};
use serde_json::{Value, json};

use super::{
    Answer, ClusterOptions, OutputOptions, YesOption, config, done_with,
    partitions::TopicPartitions,
    table::{Document, Table},
};
use crate::{arguments::key_and_value, failure::Failure};

#[derive(Debug, Args)]
#[command(about = "Topics, their partitions and how much is in them", arg_required_else_help = true)]
pub(crate) struct TopicCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_alias = "ls")]
    List(List),
    Create(Create),
    Describe(Describe),
    Alter(Alter),
    Delete(Delete),
    Trim(Trim),
}

/// List topics with their numbers of partitions, replicas and records
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  kafka-app topic list\n  kafka-app topic list --internal -o json")]
struct List {
    /// Those that the brokers keep things in, too
    #[arg(long)]
    internal: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Create topics
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app topic create orders --partitions 3\n  \
    kafka-app topic create customers --partitions 3 --replicas 3 --config cleanup.policy=compact")]
struct Create {
    /// Their names
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// How many partitions [default: as the brokers' num.partitions says]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    partitions: Option<u32>,
    /// How many replicas of each [default: as the brokers' default.replication.factor says]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    replicas: Option<u16>,
    /// A config by Kafka's name, such as retention.ms=86400000; may be repeated
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_and_value)]
    configs: Vec<(String, String)>,
    /// One that is there already is no mistake
    #[arg(long)]
    if_not_exists: bool,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Show the partitions and configs of topics
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app topic describe orders\n  \
    kafka-app topic describe orders invoices --all-configs -o yaml")]
struct Describe {
    /// Their names
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// Kafka's default configs, too
    #[arg(long)]
    all_configs: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Give a topic more partitions, or other configs
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app topic alter orders --partitions 6\n  \
    kafka-app topic alter orders --set retention.ms=86400000 --unset cleanup.policy")]
struct Alter {
    /// Its name
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// So many partitions in all; keys may go to other partitions from then on
    #[arg(short, long, value_name = "N", required_unless_present_any = ["set", "unset"])]
    partitions: Option<u32>,
    /// Set a config; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// Take a config back; may be repeated
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Delete topics with all their records
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  kafka-app topic delete orders invoices --yes")]
struct Delete {
    /// Their names
    #[arg(value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// One that is not there is no mistake
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    yes: YesOption,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Delete the oldest records of a topic
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app topic trim orders --all\n  \
    kafka-app topic trim orders:0 --before 1000 --yes")]
struct Trim {
    /// The topic, or some partitions of it
    #[arg(value_name = "TOPIC[:PARTITION,...]")]
    topic: TopicPartitions,
    /// Those before this offset
    #[arg(long, value_name = "OFFSET", required_unless_present = "all", value_parser = clap::value_parser!(i64).range(0..))]
    before: Option<i64>,
    /// All that are there
    #[arg(long, conflicts_with = "before")]
    all: bool,
    #[command(flatten)]
    yes: YesOption,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl TopicCommand {
    pub(crate) async fn run(self) -> Answer {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Create(create) => create.run().await,
            Command::Describe(describe) => describe.run().await,
            Command::Alter(alter) => alter.run().await,
            Command::Delete(delete) => delete.run().await,
            Command::Trim(trim) => trim.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let listed = admin.list_topics().await?;
        let names = listed.into_iter().filter(|topic| self.internal || !topic.is_internal).map(|topic| topic.name);
        let topics = described(&admin, names).await?;
        let extents = Extents::of(&admin, &topics).await?;
        let mut table = Table::new(["name", "partitions", "replicas", "messages"]);
        for topic in &topics {
            let replicas = topic.partitions.iter().map(|partition| partition.replicas.len()).max();
            let n_messages = extents.of_topic(topic);
            table.row([json!(topic.name), json!(topic.partitions.len()), json!(replicas), json!(n_messages)]);
        }
        table.render(self.output.output)
    }
}

impl Create {
    async fn run(self) -> Answer {
        let new = |name: &String| {
            let topic = self.configs.iter().fold(NewTopic::new(name), |topic, (key, value)| topic.config(key, value));
            let topic = self.partitions.into_iter().fold(topic, NewTopic::partitions);
            self.replicas.into_iter().fold(topic, NewTopic::replicas)
        };
        let topics: Vec<_> = self.topics.iter().map(new).collect();
        let mut done = self.cluster.admin()?.create_topics(&topics).await?;
        if self.if_not_exists {
            done.retain(|_, outcome| !is_error(outcome, "TOPIC_ALREADY_EXISTS"));
        }
        done_with(done, |topic, ()| format!("created {topic}"))
    }
}

impl Describe {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let topics = described(&admin, self.topics.iter().cloned()).await?;
        let resources = topics.iter().map(|topic| ConfigResource::topic(&topic.name));
        let mut configs = admin.describe_configs(resources).await?;
        let extents = Extents::of(&admin, &topics).await?;
        let mut documents = Vec::new();
        for topic in &topics {
            let configs = configs.remove(&ConfigResource::topic(&topic.name)).unwrap_or_else(|| Ok(BTreeMap::new()))?;
            documents.push(self.document(topic, &configs, &extents));
        }
        Document::render_all(&documents, self.output.output)
    }

    fn document(
        &self,
        topic: &TopicDescription,
        configs: &BTreeMap<String, ConfigEntry>,
        extents: &Extents,
    ) -> Document {
        let mut partitions =
            Table::new(["partition", "leader", "replicas", "isr", "log_start_offset", "log_end_offset", "messages"]);
        for partition in &topic.partitions {
            let (start, end) = extents.of_partition(&topic.name, partition.partition);
            partitions.row([
                json!(partition.partition),
                json!(partition.leader),
                json!(partition.replicas),
                json!(partition.in_sync_replicas),
                json!(start),
                json!(end),
                json!(end.zip(start).map(|(end, start)| end - start)),
            ]);
        }
        let configs = config::table(configs.values().filter(|entry| self.all_configs || !entry.is_default));
        let id = topic.id.map(|id| id.to_string());
        let head =
            format!("{}: {} partitions, id {}", topic.name, topic.partitions.len(), id.as_deref().unwrap_or("unknown"));
        let document = Document::new().field("topic", topic.name.clone()).field("id", id);
        let document = document.field("is_internal", topic.is_internal).table("partitions", &head, partitions);
        let is_silent = configs.is_empty() && self.output.output == super::table::Format::Table;
        if is_silent { document } else { document.table("configs", &format!("configs of {}", topic.name), configs) }
    }
}

impl Alter {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let mut said = String::new();
        if let Some(total) = self.partitions {
            let grown = admin.create_partitions([(self.topic.as_str(), total)]).await?;
            said += &done_with(grown, |topic, ()| format!("{topic} has {total} partitions"))?;
        }
        let set = self.set.into_iter().map(|(key, value)| (key, AlterConfigOp::Set(value)));
        let changes: Vec<_> = set.chain(self.unset.into_iter().map(|key| (key, AlterConfigOp::Delete))).collect();
        if !changes.is_empty() {
            said += &config::alter(&admin, ConfigResource::topic(&self.topic), changes).await?;
        }
        Ok(said)
    }
}

impl Delete {
    async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        self.yes.confirm(&format!("Delete {} with all records?", self.topics.join(", ")))?;
        let mut done = admin.delete_topics(self.topics).await?;
        if self.if_exists {
            done.retain(|_, outcome| !is_error(outcome, "UNKNOWN_TOPIC_OR_PARTITION"));
        }
        done_with(done, |topic, ()| format!("deleted {topic}"))
    }
}

impl Trim {
    async fn run(self) -> Answer {
        trim(&self.cluster.admin()?, &self.topic, self.before, self.yes).await
    }
}

/// Deletes the records of a topic, all or those before an offset, after it has asked.
pub(super) async fn trim(admin: &AdminClient, topic: &TopicPartitions, before: Option<i64>, yes: YesOption) -> Answer {
    let partitions = topic.resolve(admin).await?;
    let (which, what) = match before {
        Some(offset) => (RecordsToDelete::BeforeOffset(offset), format!("records before offset {offset}")),
        None => (RecordsToDelete::All, "all records".to_owned()),
    };
    yes.confirm(&format!("Delete {what} of {topic}?"))?;
    let done = admin.delete_records(partitions.into_iter().map(|at| (at, which))).await?;
    done_with(done, |at, first| format!("{at} begins at offset {first}"))
}

fn is_error<T>(outcome: &Result<T, BrokerError>, name: &str) -> bool {
    outcome.as_ref().is_err_and(|error| error.name() == name)
}

/// Topics that have to be there.
async fn described(
    admin: &AdminClient,
    names: impl IntoIterator<Item = String>,
) -> Result<Vec<TopicDescription>, Failure> {
    let described = admin.describe_topics(names).await?;
    let (topics, problems): (Vec<_>, Vec<_>) = described.into_iter().partition(|(_, topic)| topic.is_ok());
    if !problems.is_empty() {
        let problem = |(name, problem): (String, Result<_, BrokerError>)| Some(format!("{name}: {}", problem.err()?));
        return Err(Failure::Failed(problems.into_iter().filter_map(problem).collect::<Vec<_>>().join("\n       ")));
    }
    Ok(topics.into_iter().filter_map(|(_, topic)| topic.ok()).collect())
}

/// Where partitions begin and end; not known of those that nobody leads.
struct Extents {
    starts: BTreeMap<TopicPartition, i64>,
    ends: BTreeMap<TopicPartition, i64>,
}

impl Extents {
    async fn of(admin: &AdminClient, topics: &[TopicDescription]) -> Result<Self, Failure> {
        let of_topic = |topic: &TopicDescription| {
            let name = topic.name.clone();
            let led = topic.partitions.iter().filter(|partition| partition.leader.is_some());
            led.map(|partition| TopicPartition::new(name.as_str(), partition.partition)).collect::<Vec<_>>()
        };
        let partitions: Vec<_> = topics.iter().flat_map(of_topic).collect();
        let at = async |query: OffsetQuery| -> Result<BTreeMap<TopicPartition, i64>, Failure> {
            let asked = partitions.iter().map(|at| (at.clone(), query));
            let listed = admin.list_offsets(asked, IsolationLevel::ReadUncommitted).await?;
            Ok(listed.into_iter().filter_map(|(at, listed)| Some((at, listed.ok()?.offset?))).collect())
        };
        Ok(Self { starts: at(OffsetQuery::Earliest).await?, ends: at(OffsetQuery::Latest).await? })
    }

    fn of_partition(&self, topic: &str, partition: i32) -> (Option<i64>, Option<i64>) {
        let at = TopicPartition::new(topic, partition);
        (self.starts.get(&at).copied(), self.ends.get(&at).copied())
    }

    /// The offsets that are taken in all, which may be more than there are records; null if one partition does not tell.
    fn of_topic(&self, topic: &TopicDescription) -> Value {
        let in_partition = |partition: &kafka_app::PartitionInfo| {
            let (start, end) = self.of_partition(&topic.name, partition.partition);
            Some(end? - start?)
        };
        json!(topic.partitions.iter().map(in_partition).sum::<Option<i64>>())
    }
}
