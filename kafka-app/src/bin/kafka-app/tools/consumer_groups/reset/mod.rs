//! `--reset-offsets`: new offsets for groups without members, shown, printed as CSV, or set.

mod csv;
mod plan;
mod time;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
};

use super::{
    describe::names,
    options::Options,
    topics::{self, Named},
    trouble::{Trouble, Wrapped, print_error},
};
use crate::{
    clock, say,
    tools::Output,
    wire::{
        Cluster, CommittedOffset, GroupState, IsolationLevel, ListedOffset, OffsetSpec, TopicPartition, WireError,
        list_offsets,
    },
};
use csv::Plan;
use plan::Log;

const GROUP_ID_NOT_FOUND: i16 = 69;

/// What ListOffsets answers where no record is that late.
const NO_OFFSET: i64 = -1;

type Offsets = BTreeMap<TopicPartition, i64>;

/// Where offsets are set to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scenario {
    Offset(i64),
    Current,
    /// The first record since then, in milliseconds since 1970.
    Time(i64),
    File(Plan),
    Earliest,
    Latest,
    Shift(i64),
}

impl Scenario {
    fn of(options: &Options) -> Result<Self, Trouble> {
        if let Some(offset) = options.to_offset {
            return Ok(Self::Offset(offset));
        }
        if let Some(text) = &options.to_datetime {
            return time::datetime(text).map(Self::Time).map_err(Trouble::failed);
        }
        if let Some(text) = &options.by_duration {
            let duration = time::duration(text).map_err(Trouble::failed)?;
            return Ok(Self::Time(clock::wall_clock().saturating_sub(duration)));
        }
        if let Some(path) = &options.from_file {
            let unreadable = || Trouble::failed(format!("java.io.IOException: Unable to read file {}", path.display()));
            let text = fs::read_to_string(path).map_err(|_| unreadable())?;
            return csv::read(&text, the_only(&options.group)).map(Self::File).map_err(Trouble::failed);
        }
        if let Some(by) = options.shift_by {
            return Ok(Self::Shift(by));
        }
        Ok(match (options.to_earliest, options.to_latest) {
            (true, _) => Self::Earliest,
            (_, true) => Self::Latest,
            _ => Self::Current,
        })
    }
}

fn the_only(groups: &[String]) -> Option<&str> {
    match groups {
        [group] => Some(group),
        _ => None,
    }
}

pub(super) async fn run(cluster: &Cluster, options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let named = Named::parse(&options.topic).map_err(Trouble::Usage)?;
    let names = names(cluster, options).await?;
    let mut resettable = Vec::with_capacity(names.len());
    for group in names {
        resettable.push((why_not(cluster, &group).await?, group));
    }
    let mut plan = Plan::new();
    for (why_not, group) in resettable {
        let offsets = match why_not {
            None => reset(cluster, options, &named, &group, out).await?,
            Some(problem) => {
                print_error(out, &problem)?;
                Offsets::new()
            }
        };
        plan.insert(group, offsets);
    }
    if options.export {
        writeln!(out, "{}", csv::write(&plan, the_only(&options.group).is_none()))?;
        return Ok(());
    }
    Ok(render(&plan, out)?)
}

/// Why the offsets of a group cannot be set, if its state is the reason. One that is not there will be made.
async fn why_not(cluster: &Cluster, group: &str) -> Result<Option<String>, Trouble> {
    let state = match cluster.describe_group(group).await {
        Ok(description) => description.state,
        Err(WireError::Kafka(error)) if error.code() == GROUP_ID_NOT_FOUND => return Ok(None),
        Err(error) => return Err(Trouble::of(&error, Wrapped::Twice)),
    };
    let when = "Assignments can only be reset if the group";
    let refused = || format!("{when} '{group}' is inactive, but the current state is {state}.");
    Ok(if matches!(state, GroupState::Empty | GroupState::Dead) { None } else { Some(refused()) })
}

async fn reset(
    cluster: &Cluster,
    options: &Options,
    named: &Named,
    group: &str,
    out: &mut Output,
) -> Result<Offsets, Trouble> {
    let partitions = partitions(cluster, options, named, group).await?;
    let offsets = new_offsets(cluster, Scenario::of(options)?, group, partitions, out).await?;
    if options.execute && !offsets.is_empty() {
        let set = cluster.commit_offsets(group, &offsets).await;
        set.map_err(|error| Trouble::of(&error, Wrapped::Not))?;
    }
    Ok(offsets)
}

async fn partitions(
    cluster: &Cluster,
    options: &Options,
    named: &Named,
    group: &str,
) -> Result<BTreeSet<TopicPartition>, Trouble> {
    if options.all_topics {
        return Ok(committed(cluster, group).await?.into_keys().collect());
    }
    let described = topics::partitions_of(cluster, &named.topics).await;
    let described = described.map_err(|error| Trouble::of(&error, Wrapped::Not))?;
    let mut all = named.partitions.clone();
    for (topic, partitions) in described {
        let partitions = partitions.map_err(|error| Trouble::of(&error.into(), Wrapped::Not))?;
        all.extend(partitions.into_iter().map(|partition| (topic.clone(), partition)));
    }
    Ok(all)
}

async fn new_offsets(
    cluster: &Cluster,
    scenario: Scenario,
    group: &str,
    partitions: BTreeSet<TopicPartition>,
    out: &mut Output,
) -> Result<Offsets, Trouble> {
    match scenario {
        Scenario::Offset(offset) => {
            let wanted = partitions.into_iter().map(|partition| (partition, offset)).collect();
            within_logs(cluster, wanted, out).await
        }
        Scenario::Shift(by) => {
            let committed = committed(cluster, group).await?;
            let committed = committed.into_iter().map(|(partition, committed)| (partition, committed.offset)).collect();
            let wanted = plan::shifted(&partitions, &committed, by).map_err(Trouble::Usage)?;
            within_logs(cluster, wanted, out).await
        }
        Scenario::File(mut plan) => match plan.remove(group) {
            Some(wanted) => within_logs(cluster, wanted, out).await,
            None => {
                print_error(out, &format!("No reset plan for group {group} found"))?;
                Ok(Offsets::new())
            }
        },
        Scenario::Earliest => offsets(cluster, partitions, OffsetSpec::Earliest).await,
        Scenario::Latest => offsets(cluster, partitions, OffsetSpec::Latest).await,
        Scenario::Time(time) => since(cluster, partitions, time, out).await,
        Scenario::Current => {
            let mut committed = committed(cluster, group).await?;
            committed.retain(|partition, _| partitions.contains(partition));
            let others = partitions.into_iter().filter(|partition| !committed.contains_key(partition)).collect();
            let mut current = offsets(cluster, others, OffsetSpec::Latest).await?;
            current.extend(committed.into_iter().map(|(partition, committed)| (partition, committed.offset)));
            Ok(current)
        }
    }
}

async fn committed(cluster: &Cluster, group: &str) -> Result<BTreeMap<TopicPartition, CommittedOffset>, Trouble> {
    cluster.committed_offsets(group).await.map_err(|error| Trouble::of(&error, Wrapped::Twice))
}

/// What is wanted, as far as there is a log; says where there is none.
async fn within_logs(cluster: &Cluster, wanted: Offsets, out: &mut Output) -> Result<Offsets, Trouble> {
    let partitions: BTreeSet<TopicPartition> = wanted.keys().cloned().collect();
    let starts = offsets(cluster, partitions.clone(), OffsetSpec::Earliest).await?;
    let ends = offsets(cluster, partitions, OffsetSpec::Latest).await?;
    let log = |(partition, start): (TopicPartition, i64)| {
        let end = *ends.get(&partition)?;
        Some((partition, Log { start, end }))
    };
    let (offsets, out_of_range) = plan::within(&wanted, &starts.into_iter().filter_map(log).collect());
    out.flush()?;
    for told in out_of_range {
        say::warning(told);
    }
    Ok(offsets)
}

/// The first records since a time, and the end where there is none.
async fn since(
    cluster: &Cluster,
    partitions: BTreeSet<TopicPartition>,
    time: i64,
    out: &mut Output,
) -> Result<Offsets, Trouble> {
    // No record is older than 1970, and what is before it are Kafka's numbers for the beginning, the end and others.
    let mut found = offsets(cluster, partitions, OffsetSpec::Timestamp(time.max(0))).await?;
    let late: BTreeSet<TopicPartition> =
        found.iter().filter(|&(_, &offset)| offset == NO_OFFSET).map(|(partition, _)| partition.clone()).collect();
    for (topic, partition) in &late {
        let fallen_back = "is empty. Falling back to latest known offset.";
        writeln!(out, "\nWarn: Partition {partition} from topic {topic} {fallen_back}")?;
    }
    found.extend(offsets(cluster, late, OffsetSpec::Latest).await?);
    Ok(found)
}

async fn offsets(
    cluster: &Cluster,
    partitions: BTreeSet<TopicPartition>,
    spec: OffsetSpec,
) -> Result<Offsets, Trouble> {
    let listed = list_offsets(cluster, partitions, spec, IsolationLevel::ReadUncommitted).await;
    let offset = |(partition, listed): (TopicPartition, Result<ListedOffset, WireError>)| {
        let ListedOffset { offset, .. } = listed.map_err(|error| Trouble::of(&error, Wrapped::Twice))?;
        Ok((partition, offset))
    };
    listed.into_iter().map(offset).collect()
}

fn render(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    let mut line = |group: &str, topic: &str, partition: &str, offset: &str| {
        write!(out, "\n{group:<30} {topic:<30} {partition:<10} {offset:<15}")
    };
    if !plan.is_empty() {
        line("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")?;
    }
    for (group, offsets) in plan {
        for ((topic, partition), offset) in offsets {
            line(group, topic, &partition.to_string(), &offset.to_string())?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::{super::options::tests::options, *};

    fn rendered(plan: &Plan) -> String {
        let mut out = Vec::new();
        render(plan, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn new_offsets_are_a_table() {
        let offsets = [(("shop".to_owned(), 0), 1), (("shop".to_owned(), 2), 12)].into();
        assert_eq!(
            rendered(&[("idle".to_owned(), offsets)].into()),
            "\n\
             GROUP                          TOPIC                          PARTITION  NEW-OFFSET     \n\
             idle                           shop                           0          1              \n\
             idle                           shop                           2          12             \n"
        );
    }

    #[test]
    fn without_a_group_there_is_no_table() {
        assert_eq!(rendered(&Plan::new()), "\n");
    }

    #[test]
    fn a_time_is_counted_back_from_now() {
        let Ok(Scenario::Time(time)) = Scenario::of(&options(&["--by-duration", "PT1H"])) else { panic!("no time") };
        let ago = clock::wall_clock() - time;
        assert!((3_600_000..3_660_000).contains(&ago), "{ago}");
    }

    #[test]
    fn what_is_no_time_is_told_as_javas_tool_does() {
        let Err(Trouble::Failed { told, .. }) = Scenario::of(&options(&["--by-duration", "nope"])) else {
            panic!("it is refused")
        };
        assert_eq!(told, "Text cannot be parsed to a Duration");
    }
}
