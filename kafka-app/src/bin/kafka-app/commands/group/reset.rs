//! `kafka-app group reset`: where a group that has no members goes on.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use kafka_app::{TopicPartition, admin::GroupOffsetsQuery, config::IsolationLevel};
use serde_json::json;

use super::super::{
    Answer, ClusterOptions, OutputOptions,
    partitions::TopicPartitions,
    position::{Bounds, Position},
    table::Table,
};
use crate::{failure::Failure, say};

/// Have a group go on elsewhere; without --execute it is only shown where
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app group reset billing --topic orders --to earliest\n  \
    kafka-app group reset billing --topic orders:0,1 --to -10 --execute\n  \
    kafka-app group reset billing --all-topics --to @2026-11-29T08:00:00Z --execute\n  \
    kafka-app group reset billing --all-topics --to @-1h --execute")]
pub(super) struct Reset {
    /// Its name; it must have no members
    #[arg(value_name = "GROUP")]
    group: String,
    /// A topic, or some of its partitions; may be repeated
    #[arg(long = "topic", value_name = "TOPIC[:PARTITION,...]", required_unless_present = "all_topics")]
    topics: Vec<TopicPartitions>,
    /// All partitions that the group has committed for
    #[arg(long, conflicts_with = "topics")]
    all_topics: bool,
    /// earliest, latest, an offset, +N or -N records from where it is, @TIME or @-1h
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true)]
    to: Position,
    /// Do it
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl Reset {
    pub(super) async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let committed = admin.list_group_offsets(&self.group, GroupOffsetsQuery::all()).await?;
        let committed: BTreeMap<_, _> = committed
            .into_iter()
            .map(|(at, offset)| Ok((at, offset?.map(|offset| offset.offset))))
            .collect::<Result<_, Failure>>()?;
        let mut partitions = BTreeSet::new();
        for topic in &self.topics {
            partitions.extend(topic.resolve(&admin).await?);
        }
        if self.all_topics {
            partitions.extend(committed.keys().cloned());
        }
        if partitions.is_empty() {
            return Err(Failure::Failed(format!("group {} has committed nothing: name a --topic", self.group)));
        }
        let partitions: Vec<_> = partitions.into_iter().collect();
        let bounds = Bounds::of_all(&admin, &partitions, self.to, IsolationLevel::ReadUncommitted).await?;
        let new_offset = |(at, bounds): (TopicPartition, Bounds)| {
            // As Kafka's tool: what has never committed anything stands at the end.
            let here = committed.get(&at).copied().flatten().unwrap_or(bounds.end);
            (at, self.to.resolve(bounds, here))
        };
        let new: BTreeMap<_, _> = bounds.into_iter().map(new_offset).collect();
        let mut table = Table::new(["group", "topic", "partition", "prior_offset", "new_offset"]);
        for (at, offset) in &new {
            let prior = committed.get(at).copied().flatten();
            table.row([json!(self.group), json!(&*at.topic), json!(at.partition), json!(prior), json!(offset)]);
        }
        if self.execute {
            let changed = admin.alter_group_offsets(&self.group, new).await?;
            let problem =
                |(at, outcome): (TopicPartition, Result<(), _>)| outcome.err().map(|error| format!("{at}: {error}"));
            let problems: Vec<_> = changed.into_iter().filter_map(problem).collect();
            if !problems.is_empty() {
                return Err(Failure::Failed(problems.join("\n       ")));
            }
        } else {
            say::line("nothing was changed: --execute does it");
        }
        table.render(self.output.output)
    }
}
