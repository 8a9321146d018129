//! `kafka-app group reset`: where a group that has no members goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use clap::Args;
use kafka_app::{
    TopicPartition,
    admin::{AdminClient, GroupOffsetsQuery, OffsetQuery},
    config::IsolationLevel,
};
use serde_json::json;

use super::super::{
    Answer, ClusterOptions, OutputOptions, at_time,
    partitions::{TopicPartitions, offsets},
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
    to: To,
    /// Do it
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Where a group is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Earliest,
    Latest,
    Offset(i64),
    /// So many records on from where it is, or back.
    By(i64),
    /// At the first record of that time, in milliseconds since 1970.
    Time(i64),
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is none of earliest, latest, an offset, +N, -N, @TIME and @-1h");
        match text {
            "earliest" => return Ok(Self::Earliest),
            "latest" => return Ok(Self::Latest),
            _ => {}
        }
        if let Some(time) = text.strip_prefix('@') {
            return at_time::milliseconds(time).map(Self::Time).ok_or_else(wrong);
        }
        let number = text.parse().map_err(|_| wrong());
        if text.starts_with(['+', '-']) { number.map(Self::By) } else { number.map(Self::Offset) }
    }
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy)]
struct Known {
    committed: Option<i64>,
    first: i64,
    end: i64,
    /// The first record of the time that was asked for; none is as late as that without it.
    at_time: Option<i64>,
}

impl To {
    /// The offset in a partition, which never lies outside of it.
    fn resolve(self, known: Known) -> i64 {
        let offset = match self {
            Self::Earliest => known.first,
            Self::Latest => known.end,
            Self::Offset(offset) => offset,
            // As Kafka's tool: what has never committed anything stands at the end.
            Self::By(steps) => known.committed.unwrap_or(known.end).saturating_add(steps),
            Self::Time(_) => known.at_time.unwrap_or(known.end),
        };
        offset.clamp(known.first, known.end.max(known.first))
    }
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
        let known = self.known(&admin, &partitions, &committed).await?;
        let new: BTreeMap<_, _> = known.iter().map(|(at, known)| (at.clone(), self.to.resolve(*known))).collect();
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

    async fn known(
        &self,
        admin: &AdminClient,
        all: &BTreeSet<TopicPartition>,
        committed: &BTreeMap<TopicPartition, Option<i64>>,
    ) -> Result<BTreeMap<TopicPartition, Known>, Failure> {
        let at = async |query| offsets(admin, all, query, IsolationLevel::ReadUncommitted).await;
        let (first, end) = (at(OffsetQuery::Earliest).await?, at(OffsetQuery::Latest).await?);
        let by_time = match self.to {
            To::Time(ms) => at(OffsetQuery::Timestamp(ms)).await?,
            _ => BTreeMap::new(),
        };
        let of =
            |offsets: &BTreeMap<TopicPartition, Option<i64>>, at: &TopicPartition| offsets.get(at).copied().flatten();
        let known = |at: &TopicPartition| Known {
            committed: of(committed, at),
            first: of(&first, at).unwrap_or(0),
            end: of(&end, at).unwrap_or(0),
            at_time: of(&by_time, at),
        };
        Ok(all.iter().map(|at| (at.clone(), known(at))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known { committed: Some(20), first: 10, end: 30, at_time: Some(15) };

    #[test]
    fn where_is_written_in_several_ways() {
        for (text, to) in [
            ("earliest", To::Earliest),
            ("latest", To::Latest),
            ("12", To::Offset(12)),
            ("+3", To::By(3)),
            ("-3", To::By(-3)),
            ("@1000", To::Time(1000)),
            ("@1970-01-01T00:00:02Z", To::Time(2000)),
        ] {
            assert_eq!(text.parse(), Ok(to), "{text}");
        }
        assert!(matches!("@-1h".parse(), Ok(To::Time(ms)) if ms > 1_600_000_000_000));
        for crooked in ["", "first", "@", "@soon", "1.5", "--3", "@-soon"] {
            assert!(crooked.parse::<To>().is_err(), "{crooked}");
        }
    }

    #[test]
    fn a_group_never_goes_on_outside_of_a_partition() {
        for (to, offset) in [
            (To::Earliest, 10),
            (To::Latest, 30),
            (To::Offset(12), 12),
            (To::Offset(1), 10),
            (To::Offset(99), 30),
            (To::By(-3), 17),
            (To::By(-99), 10),
            (To::By(i64::MAX), 30),
            (To::Time(0), 15),
        ] {
            assert_eq!(to.resolve(KNOWN), offset, "{to:?}");
        }
    }

    #[test]
    fn what_is_not_known_counts_from_the_end() {
        let known = Known { committed: None, at_time: None, ..KNOWN };
        assert_eq!(To::By(-1).resolve(known), 29);
        assert_eq!(To::Time(0).resolve(known), 30);
    }
}
