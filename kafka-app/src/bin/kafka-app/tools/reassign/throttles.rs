//! How fast partitions may move: configs of brokers and topics that are set for the time of the moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use super::{assignment::Assignment, ids, plan::Plan, plural, trouble::Trouble};
use crate::{
    at_once::at_once,
    tools::{Output, java_order},
    wire::{Change, Cluster, Reassignment, ResourceType, TopicPartition, WireError, alter_configs},
};

const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";
const DIRS_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";
const LEADER_REPLICAS: &str = "leader.replication.throttled.replicas";
const FOLLOWER_REPLICAS: &str = "follower.replication.throttled.replicas";

/// Between which brokers partitions move.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moves(BTreeMap<TopicPartition, Ends>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    sources: BTreeSet<i32>,
    destinations: BTreeSet<i32>,
}

impl Moves {
    /// Those that are under way, and those that are to come.
    pub(super) fn of(
        under_way: &BTreeMap<TopicPartition, Reassignment>,
        proposed: &Assignment,
        current: &Assignment,
    ) -> Self {
        let ends = |(partition, reassignment): (&TopicPartition, &Reassignment)| {
            let destinations: BTreeSet<i32> = reassignment.adding.iter().copied().collect();
            let all: BTreeSet<i32> = reassignment.replicas.iter().copied().collect();
            (partition.clone(), Ends { sources: &all - &destinations, destinations })
        };
        let mut moves: BTreeMap<TopicPartition, Ends> = under_way.iter().map(ends).collect();
        for (partition, replicas) in proposed {
            let now = || current.get(partition).into_iter().flatten().copied().collect();
            let sources = moves.remove(partition).map_or_else(now, |ends| ends.sources);
            let wanted: BTreeSet<i32> = replicas.iter().copied().collect();
            moves.insert(partition.clone(), Ends { destinations: &wanted - &sources, sources });
        }
        Self(moves)
    }

    /// The value of a topic's config, by topic: `PARTITION:BROKER,...`, in the order of the letters.
    fn replicas(&self, ends: impl Fn(&Ends) -> &BTreeSet<i32>) -> BTreeMap<&str, String> {
        let mut topics: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for ((topic, partition), of) in &self.0 {
            let replicas = topics.entry(topic).or_default();
            replicas.extend(ends(of).iter().map(|broker| format!("{partition}:{broker}")));
        }
        let joined =
            |(topic, replicas): (_, BTreeSet<String>)| (topic, replicas.into_iter().collect::<Vec<_>>().join(","));
        topics.into_iter().map(joined).collect()
    }

    fn brokers(&self) -> BTreeSet<i32> {
        self.0.values().flat_map(|ends| ends.sources.union(&ends.destinations)).copied().collect()
    }
}

/// Slows the moves between brokers down to so many bytes a second.
///
/// # Errors
/// A broker refuses.
pub(super) async fn set_between_brokers(
    cluster: &Cluster,
    moves: &Moves,
    rate: i64,
    out: &mut Output,
) -> Result<(), Trouble> {
    let mut followers = moves.replicas(|ends| &ends.destinations);
    let of_topic = |(topic, leaders): (&str, String)| {
        let followers = followers.remove(topic).unwrap_or_default();
        (topic.to_owned(), vec![set(LEADER_REPLICAS, leaders), set(FOLLOWER_REPLICAS, followers)])
    };
    let topics: Vec<_> = moves.replicas(|ends| &ends.sources).into_iter().map(of_topic).collect();
    alter(cluster, ResourceType::Topic, topics).await?;
    let changes = [set(LEADER_RATE, rate.to_string()), set(FOLLOWER_RATE, rate.to_string())];
    alter(cluster, ResourceType::Broker, of_brokers(&moves.brokers(), &changes)).await?;
    writeln!(out, "The inter-broker throttle limit was set to {rate} B/s")?;
    Ok(())
}

/// Slows the moves between the directories of these brokers down to so many bytes a second.
///
/// # Errors
/// A broker refuses.
pub(super) async fn set_between_dirs(
    cluster: &Cluster,
    brokers: &BTreeSet<i32>,
    rate: i64,
    out: &mut Output,
) -> Result<(), Trouble> {
    alter(cluster, ResourceType::Broker, of_brokers(brokers, &[set(DIRS_RATE, rate.to_string())])).await?;
    writeln!(out, "The replica-alter-dir throttle limit was set to {rate} B/s")?;
    Ok(())
}

/// Clears the throttles of all brokers, as nobody knows any more which the partitions came from, and of the plan's topics.
///
/// # Errors
/// A broker does not answer, or a topic is not there.
pub(super) async fn clear_all(cluster: &Cluster, plan: &Plan, out: &mut Output) -> Result<(), Trouble> {
    let mut brokers: BTreeSet<i32> = cluster.nodes().await.into_iter().map(|node| node.id).collect();
    brokers.extend(plan.partitions.iter().flat_map(|(_, replicas)| replicas));
    let (count, told) = (plural(brokers.len()), ids(&java_order::numbers(&brokers)));
    writeln!(out, "Clearing broker-level throttles on broker{count} {told}")?;
    out.flush()?;
    let changes = [LEADER_RATE, FOLLOWER_RATE, DIRS_RATE].map(unset);
    alter(cluster, ResourceType::Broker, of_brokers(&brokers, &changes)).await?;
    let topics: BTreeSet<&String> = plan.partitions.iter().map(|((topic, _), _)| topic).collect();
    let mut topics: Vec<String> = topics.into_iter().cloned().collect();
    java_order::by_hash(&mut topics, java_order::DEFAULT_CAPACITY, |topic| topic);
    writeln!(out, "Clearing topic-level throttles on topic{} {}", plural(topics.len()), topics.join(","))?;
    let changes = [LEADER_REPLICAS, FOLLOWER_REPLICAS].map(unset);
    alter(cluster, ResourceType::Topic, topics.into_iter().map(|topic| (topic, changes.to_vec())).collect()).await
}

fn set(name: &str, value: String) -> (String, Change) {
    (name.to_owned(), Change::Set(value))
}

fn unset(name: &str) -> (String, Change) {
    (name.to_owned(), Change::Delete)
}

type Changes = Vec<(String, Vec<(String, Change)>)>;

fn of_brokers(brokers: &BTreeSet<i32>, changes: &[(String, Change)]) -> Changes {
    brokers.iter().map(|broker| (broker.to_string(), changes.to_vec())).collect()
}

/// Changes all at once, as one that does not answer takes its time, and even if one fails.
async fn alter(cluster: &Cluster, kind: ResourceType, changes: Changes) -> Result<(), Trouble> {
    let alter = |(name, changes): (String, Vec<_>)| async move { alter_configs(cluster, kind, &name, &changes).await };
    let done: Result<(), WireError> = at_once(changes, alter).await.into_iter().collect();
    Ok(done?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: i32, replicas: &[i32]) -> Assignment {
        Assignment::from([(("a".to_owned(), partition), replicas.to_vec())])
    }

    #[test]
    fn a_partition_comes_from_where_it_is_and_goes_to_where_it_is_not() {
        let moves = Moves::of(&BTreeMap::new(), &at(0, &[3, 1]), &at(0, &[1, 2]));
        assert_eq!(moves.replicas(|ends| &ends.sources), BTreeMap::from([("a", "0:1,0:2".to_owned())]));
        assert_eq!(moves.replicas(|ends| &ends.destinations), BTreeMap::from([("a", "0:3".to_owned())]));
        assert_eq!(moves.brokers(), BTreeSet::from([1, 2, 3]));
    }

    #[test]
    fn one_that_moves_already_comes_from_where_it_was_before() {
        let reassignment = Reassignment { replicas: vec![4, 5, 1], adding: vec![4, 5], removing: vec![1] };
        let under_way =
            BTreeMap::from([(("a".to_owned(), 10), reassignment.clone()), (("a".to_owned(), 2), reassignment)]);
        let moves = Moves::of(&under_way, &at(2, &[6]), &at(2, &[4, 5, 1]));
        assert_eq!(moves.replicas(|ends| &ends.sources)["a"], "10:1,2:1");
        assert_eq!(moves.replicas(|ends| &ends.destinations)["a"], "10:4,10:5,2:6");
    }

    #[test]
    fn a_partition_that_only_loses_replicas_has_no_followers_to_slow_down() {
        let moves = Moves::of(&BTreeMap::new(), &at(0, &[1]), &at(0, &[1, 2]));
        assert_eq!(moves.replicas(|ends| &ends.destinations), BTreeMap::from([("a", String::new())]));
    }
}
