//! `kafka-app dlq purge`: dead letters that nobody needs any more.

use clap::Args;

use super::{
    super::{Answer, ClusterOptions, YesOption, partitions::TopicPartitions, topic},
    is_dead_letter_topic,
};
use crate::failure::Failure;

/// Delete dead letters
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app dlq purge orders-dlt --yes\n  \
    kafka-app dlq purge orders-dlt:0 --before 1000\n\n\
    A topic that is not named as dead letter topics are is refused: `kafka-app topic trim` does the same to any.")]
pub(super) struct Purge {
    /// The dead letter topic, or some partitions of it
    #[arg(value_name = "TOPIC[:PARTITION,...]")]
    topic: TopicPartitions,
    /// Only those before this offset
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    before: Option<i64>,
    /// Names of dead letter topics end with this, too; may be repeated
    #[arg(long = "suffix", value_name = "SUFFIX")]
    suffixes: Vec<String>,
    #[command(flatten)]
    yes: YesOption,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl Purge {
    pub(super) async fn run(self) -> Answer {
        let name = self.topic.topic();
        if !is_dead_letter_topic(name, &self.suffixes) {
            return Err(Failure::Usage(format!(
                "{name} is not named as dead letter topics are: `kafka-app topic trim {name} --all` deletes its records"
            )));
        }
        topic::trim(&self.cluster.admin()?, &self.topic, self.before, self.yes).await
    }
}
