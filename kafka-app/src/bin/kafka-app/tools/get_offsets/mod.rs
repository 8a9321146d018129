//! `kafka-get-offsets`: where partitions begin and end, and what came when.

mod chosen;

use std::io::{self, Write};

use chosen::{Chosen, offset_spec};
use clap::Parser;

use super::{Connection, Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{IsolationLevel, TopicPartition, list_offsets, list_topics},
};

/// An interactive shell for getting topic-partition offsets.
#[derive(Debug, Parser)]
pub(crate) struct GetOffsetsTool {
    #[command(flatten)]
    connection: Connection,

    /// Which partitions, as TOPIC, TOPIC:1, TOPIC:1-3 (without 3), TOPIC:1-, TOPIC:-3 or :1; TOPIC is a regular expression
    #[arg(long, value_name = "RULE,...")]
    topic_partitions: Option<String>,

    /// Which topics: a regular expression; all, if not said
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,

    /// Which partitions of them; all, if not said
    #[arg(long, value_name = "NUMBER,...")]
    partitions: Option<String>,

    /// Which offset: that of the first record at this time, in milliseconds since 1970, or later; -1 or latest, -2 or
    /// earliest, -3 or max-timestamp, -4 or earliest-local, -5 or latest-tiered
    #[arg(long, value_name = "TIME", default_value = "latest", hide_default_value = true)]
    time: String,

    /// Without Kafka's own topics
    #[arg(long)]
    exclude_internal_topics: bool,
}

impl ToolCommand for GetOffsetsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        if self.topic_partitions.is_some() && (self.topic.is_some() || self.partitions.is_some()) {
            let words = "--topic-partitions cannot be used with --topic or --partitions";
            return Err(Failure::Failed(words.to_owned()));
        }
        let spec = offset_spec(&self.time).map_err(Failure::Failed)?;
        let chosen = match &self.topic_partitions {
            Some(rules) => Chosen::by_rules(rules),
            None => Chosen::by_topic(self.topic.as_deref(), self.partitions.as_deref()),
        };
        let chosen = chosen.map_err(Failure::Failed)?;
        let cluster = self.connection.cluster("listTopics").await?;
        let mut partitions: Vec<TopicPartition> = Vec::new();
        for topic in list_topics(&cluster).await? {
            if chosen.has_topic(&topic.name) && !(self.exclude_internal_topics && topic.is_internal) {
                let numbers = topic.partitions.iter().map(|partition| partition.index);
                let of_topic = numbers.filter(|&partition| chosen.has(&topic.name, partition));
                partitions.extend(of_topic.map(|partition| (topic.name.clone(), partition)));
            }
        }
        if partitions.is_empty() {
            let words = "Could not match any topic-partitions with the specified filters";
            return Err(Failure::Failed(words.to_owned()));
        }
        let found = list_offsets(&cluster, partitions, spec, IsolationLevel::ReadUncommitted).await;
        let mut lines = Vec::new();
        for ((topic, partition), found) in found {
            match found {
                Ok(found) if found.offset >= 0 => lines.push((topic, partition, found.offset)),
                // No record is that late, or nothing is tiered.
                Ok(_) => {}
                Err(error) => {
                    // Nobody is left to be told that this could not be said.
                    let _ = writeln!(
                        io::stderr(),
                        "Skip getting offsets for topic-partition {topic}-{partition} due to error: {error}"
                    );
                }
            }
        }
        out.write_all(render(lines).as_bytes())?;
        Ok(0)
    }
}

/// A line a partition, sorted as text, as the script does it.
fn render(mut lines: Vec<(String, i32, i64)>) -> String {
    lines.sort_by_key(|(topic, partition, _)| format!("{topic}-{partition}"));
    lines.iter().map(|(topic, partition, offset)| format!("{topic}:{partition}:{offset}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_sorted_as_text() {
        let line = |partition, offset| ("shop".to_owned(), partition, offset);
        let lines = vec![line(2, 10), line(10, 4), line(1, 12)];
        assert_eq!(render(lines), "shop:1:12\nshop:10:4\nshop:2:10\n");
    }
}
