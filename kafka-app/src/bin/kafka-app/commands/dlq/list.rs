//! `kafka-app dlq list`: dead letter topics and how much is in them.

use std::collections::BTreeMap;

use clap::Args;
use kafka_app::{
    TopicPartition,
    admin::{AdminClient, OffsetQuery},
    config::IsolationLevel,
};
use serde_json::json;

use super::{
    super::{Answer, ClusterOptions, OutputOptions, at_time, partitions, table::Table},
    is_dead_letter_topic,
};
use crate::failure::Failure;

/// List dead letter topics with their numbers of records and the times of the oldest and the newest
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app dlq list\n  \
    kafka-app dlq list --suffix .dead -o json\n\n\
    Dead letter topics are those whose names end with -dlt, .DLT or .dlt.")]
pub(super) struct List {
    /// Topics whose names end with this are some, too; may be repeated
    #[arg(long = "suffix", value_name = "SUFFIX")]
    suffixes: Vec<String>,
    /// Only those with records
    #[arg(long)]
    non_empty: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl List {
    pub(super) async fn run(self) -> Answer {
        let admin = self.cluster.admin()?;
        let names = admin.list_topics().await?.into_iter().map(|topic| topic.name);
        let names: Vec<_> = names.filter(|name| is_dead_letter_topic(name, &self.suffixes)).collect();
        let mut partitions = Vec::new();
        for (name, described) in admin.describe_topics(&names).await? {
            let described = described.map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
            let of_topic = described.partitions.iter();
            partitions.extend(of_topic.map(|partition| TopicPartition::new(name.as_str(), partition.partition)));
        }
        let contents = Contents::of(&admin, &partitions).await?;
        let mut table = Table::new(["topic", "partitions", "messages", "oldest", "newest"]);
        for name in &names {
            let of_topic: Vec<_> = partitions.iter().filter(|at| *at.topic == **name).collect();
            let n_records = contents.n_records(&of_topic);
            if self.non_empty && n_records == 0 {
                continue;
            }
            let time = |ms: Option<i64>| ms.map(at_time::readable);
            let (oldest, newest) = (time(contents.oldest(&of_topic)), time(contents.newest(&of_topic)));
            table.row([json!(name), json!(of_topic.len()), json!(n_records), json!(oldest), json!(newest)]);
        }
        table.render(self.output.output)
    }
}

/// What is in partitions.
#[derive(Debug, Default)]
struct Contents {
    first: BTreeMap<TopicPartition, Option<i64>>,
    end: BTreeMap<TopicPartition, Option<i64>>,
    /// Times of the first record and of the latest one.
    oldest: BTreeMap<TopicPartition, Option<i64>>,
    newest: BTreeMap<TopicPartition, Option<i64>>,
}

impl Contents {
    async fn of(admin: &AdminClient, all: &[TopicPartition]) -> Result<Self, Failure> {
        let isolation = IsolationLevel::ReadUncommitted;
        let offsets = async |query| partitions::offsets(admin, all, query, isolation).await;
        // What a broker does not know of times is no reason to show nothing.
        let times = async |query: OffsetQuery| -> Result<BTreeMap<TopicPartition, Option<i64>>, Failure> {
            let listed = admin.list_offsets(all.iter().map(|at| (at.clone(), query)), isolation).await?;
            let time = |(at, listed): (TopicPartition, Result<kafka_app::admin::ListedOffset, _>)| {
                (at, listed.ok().and_then(|listed| listed.timestamp).filter(|ms| *ms >= 0))
            };
            Ok(listed.into_iter().map(time).collect())
        };
        Ok(Self {
            first: offsets(OffsetQuery::Earliest).await?,
            end: offsets(OffsetQuery::Latest).await?,
            oldest: times(OffsetQuery::Timestamp(0)).await?,
            newest: times(OffsetQuery::MaxTimestamp).await?,
        })
    }

    /// The offsets that are taken, which may be more than there are records.
    fn n_records(&self, partitions: &[&TopicPartition]) -> i64 {
        let of = |offsets: &BTreeMap<_, Option<i64>>, at: &TopicPartition| offsets.get(at).copied().flatten();
        partitions.iter().filter_map(|at| Some(of(&self.end, at)? - of(&self.first, at)?)).sum()
    }

    fn oldest(&self, partitions: &[&TopicPartition]) -> Option<i64> {
        partitions.iter().filter_map(|at| self.oldest.get(at).copied().flatten()).min()
    }

    fn newest(&self, partitions: &[&TopicPartition]) -> Option<i64> {
        partitions.iter().filter_map(|at| self.newest.get(at).copied().flatten()).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_as_old_as_its_oldest_partition_and_as_new_as_its_newest() {
        let at = |partition| TopicPartition::new("orders-dlt", partition);
        let of = |numbers: [Option<i64>; 2]| [(at(0), numbers[0]), (at(1), numbers[1])].into();
        let contents = Contents {
            first: of([Some(2), Some(0)]),
            end: of([Some(5), Some(0)]),
            oldest: of([Some(7), Some(3)]),
            newest: of([Some(9), None]),
        };
        let (first, second) = (at(0), at(1));
        let all = [&first, &second];
        assert_eq!((contents.n_records(&all), contents.oldest(&all), contents.newest(&all)), (3, Some(3), Some(9)));
        assert_eq!((contents.n_records(&all[1..]), contents.newest(&all[1..])), (0, None));
    }
}
