//! What `kafka-topics --describe` shows: lines of topics and of their partitions. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use crate::{
    tools::{
        java_order::{DEFAULT_CAPACITY, by_hash},
        kafka_uuid,
    },
    wire::{Config, Partition, Reassignment, Source, Topic, TopicPartition},
};

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Topics and their partitions.
    All,
    /// Topics with configs that are not the default, without their partitions.
    Overrides,
    /// Partitions only, of which one of these has to be true.
    Partitions { under_replicated: bool, unavailable: bool, under_min_isr: bool, at_min_isr: bool },
}

/// What is known of the cluster besides the topic.
#[derive(Debug, Clone, Default)]
pub(super) struct Circumstances {
    pub(super) live: BTreeSet<i32>,
    pub(super) moves: BTreeMap<TopicPartition, Reassignment>,
}

/// The lines of a topic, each with its line end; none if nothing of it is to be seen.
pub(super) fn render(topic: &Topic, configs: &[Config], around: &Circumstances, view: View) -> String {
    let mut lines = String::new();
    let move_of = |partition: &Partition| around.moves.get(&(topic.name.clone(), partition.index));
    let overridden = configs.iter().any(|config| config.source != Source::DEFAULT);
    if view == View::All || (view == View::Overrides && overridden) {
        let factor = topic.partitions.first().map_or(0, |first| replication_factor(first, move_of(first)));
        lines.push_str(&head(topic, factor, configs));
    }
    if view != View::Overrides {
        let shown = topic
            .partitions
            .iter()
            .filter(|&partition| is_shown(partition, move_of(partition), configs, &around.live, view));
        lines.extend(shown.map(|partition| line(&topic.name, partition, move_of(partition))));
    }
    lines
}

fn head(topic: &Topic, replication_factor: usize, configs: &[Config]) -> String {
    let mut configs: Vec<&Config> = configs.iter().collect();
    by_hash(&mut configs, DEFAULT_CAPACITY, |config| &config.name);
    let configs = configs.into_iter().filter(|config| config.source != Source::DEFAULT);
    let configs: Vec<String> =
        configs.map(|config| format!("{}={}", config.name, config.value.as_deref().unwrap_or("null"))).collect();
    let id = match topic.id {
        id if id == [0; 16] => String::new(),
        id => format!("\tTopicId: {}", kafka_uuid::format(id)),
    };
    format!(
        "Topic: {}{id}\tPartitionCount: {}\tReplicationFactor: {replication_factor}\tConfigs: {}\n",
        topic.name,
        topic.partitions.len(),
        configs.join(",")
    )
}

fn line(topic: &str, partition: &Partition, reassignment: Option<&Reassignment>) -> String {
    let leader = partition.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let moving = reassignment.map_or(String::new(), |moving| {
        format!("\tAdding Replicas: {}\tRemoving Replicas: {}", list(&moving.adding), list(&moving.removing))
    });
    let eligible = |ids: &Option<Vec<i32>>| ids.as_ref().map_or_else(|| "N/A".to_owned(), |ids| list(ids));
    format!(
        "\tTopic: {topic}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}{moving}\tElr: {}\tLastKnownElr: {}\n",
        partition.index,
        list(&partition.replicas),
        list(&partition.in_sync),
        eligible(&partition.eligible),
        eligible(&partition.last_known_eligible),
    )
}

fn is_shown(
    partition: &Partition,
    reassignment: Option<&Reassignment>,
    configs: &[Config],
    live: &BTreeSet<i32>,
    view: View,
) -> bool {
    let View::Partitions { under_replicated, unavailable, under_min_isr, at_min_isr } = view else { return true };
    let in_sync = partition.in_sync.len();
    let minimum = || {
        let config = configs.iter().find(|config| config.name == "min.insync.replicas");
        config.and_then(|config| config.value.as_ref()?.parse::<usize>().ok()).unwrap_or(1)
    };
    (under_replicated && replication_factor(partition, reassignment) > in_sync)
        || (unavailable && partition.leader.is_none_or(|leader| !live.contains(&leader)))
        || (under_min_isr && (partition.leader.is_none() || in_sync < minimum()))
        || (at_min_isr && in_sync == minimum())
}

/// Without the replicas that a move adds, as long as it goes on.
fn replication_factor(partition: &Partition, reassignment: Option<&Reassignment>) -> usize {
    let goes_on = |moving: &&Reassignment| {
        partition.replicas.iter().any(|id| moving.adding.contains(id) || moving.removing.contains(id))
    };
    match reassignment.filter(goes_on) {
        Some(moving) => moving.replicas.len().saturating_sub(moving.adding.len()),
        None => partition.replicas.len(),
    }
}

fn list(ids: &[impl Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONLY: View =
        View::Partitions { under_replicated: false, unavailable: false, under_min_isr: false, at_min_isr: false };

    fn topic(partitions: Vec<Partition>) -> Topic {
        let id = kafka_uuid::parse("n0LEPEQVSFamkBrS1NYoUg").unwrap();
        Topic { name: "compacted".to_owned(), id, is_internal: false, partitions }
    }

    fn partition(index: i32, leader: Option<i32>, replicas: &[i32], in_sync: &[i32]) -> Partition {
        let (eligible, last_known_eligible) = (Some(Vec::new()), Some(Vec::new()));
        let (replicas, in_sync) = (replicas.to_vec(), in_sync.to_vec());
        Partition { index, leader, replicas, in_sync, eligible, last_known_eligible }
    }

    fn config(name: &str, value: &str, source: Source) -> Config {
        let (name, value) = (name.to_owned(), Some(value.to_owned()));
        Config { name, value, source, is_sensitive: false, synonyms: Vec::new() }
    }

    fn live() -> Circumstances {
        Circumstances { live: BTreeSet::from([1, 2]), moves: BTreeMap::new() }
    }

    #[test]
    fn a_topic_has_a_line_and_each_partition_another() {
        let configs = [
            config("min.insync.replicas", "1", Source::DYNAMIC_DEFAULT_BROKER),
            config("compression.type", "producer", Source::DEFAULT),
        ];
        let shown = render(&topic(vec![partition(0, Some(1), &[1], &[1])]), &configs, &live(), View::All);
        assert_eq!(
            shown,
            "Topic: compacted\tTopicId: n0LEPEQVSFamkBrS1NYoUg\tPartitionCount: 1\tReplicationFactor: 1\t\
             Configs: min.insync.replicas=1\n\
             \tTopic: compacted\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n"
        );
    }

    #[test]
    fn without_a_leader_and_without_eligible_leaders_it_says_so() {
        let lost =
            Partition { eligible: None, last_known_eligible: Some(vec![2, 1]), ..partition(3, None, &[1, 2], &[]) };
        assert_eq!(
            line("t", &lost, None),
            "\tTopic: t\tPartition: 3\tLeader: none\tReplicas: 1,2\tIsr: \tElr: N/A\tLastKnownElr: 2,1\n"
        );
    }

    #[test]
    fn only_topics_with_other_configs_than_the_default_have_overrides() {
        let topic = topic(vec![partition(0, Some(1), &[1], &[1])]);
        let default = [config("retention.ms", "1", Source::DEFAULT)];
        assert_eq!(render(&topic, &default, &live(), View::Overrides), "");
        let set = [config("retention.ms", "1", Source::DYNAMIC_TOPIC)];
        assert!(render(&topic, &set, &live(), View::Overrides).ends_with("\tConfigs: retention.ms=1\n"));
    }

    #[test]
    fn partitions_are_shown_for_what_is_wrong_with_them() {
        let partitions = vec![
            partition(0, Some(1), &[1, 2], &[1, 2]),
            partition(1, Some(1), &[1, 2], &[1]),
            partition(2, Some(3), &[3, 1], &[3, 1]),
            partition(3, None, &[1, 2], &[1, 2]),
        ];
        let minimum = [config("min.insync.replicas", "2", Source::DYNAMIC_TOPIC)];
        let shown = |view| {
            let shown = render(&topic(partitions.clone()), &minimum, &live(), view);
            let number = |line: &str| line.split('\t').nth(2).unwrap_or_default().replace("Partition: ", "");
            shown.lines().map(number).collect::<Vec<_>>().join(" ")
        };
        let View::Partitions { under_replicated, unavailable, under_min_isr, at_min_isr } = ONLY else { panic!() };
        assert_eq!(shown(ONLY), "");
        let under_replicated_too = View::Partitions { under_replicated: true, unavailable, under_min_isr, at_min_isr };
        assert_eq!(shown(under_replicated_too), "1");
        let unavailable_too = View::Partitions { under_replicated, unavailable: true, under_min_isr, at_min_isr };
        assert_eq!(shown(unavailable_too), "2 3");
        let under_min = View::Partitions { under_replicated, unavailable, under_min_isr: true, at_min_isr };
        assert_eq!(shown(under_min), "1 3");
        let at_min = View::Partitions { under_replicated, unavailable, under_min_isr, at_min_isr: true };
        assert_eq!(shown(at_min), "0 2 3");
    }

    #[test]
    fn replicas_that_a_move_adds_do_not_count_until_it_is_done() {
        let moving = Reassignment { replicas: vec![2, 1], adding: vec![2], removing: vec![1] };
        let moves = BTreeMap::from([(("compacted".to_owned(), 0), moving)]);
        let around = Circumstances { moves, ..live() };
        let shown = render(&topic(vec![partition(0, Some(1), &[2, 1], &[1])]), &[], &around, View::All);
        assert!(shown.contains("\tReplicationFactor: 1\t"), "{shown}");
        assert!(shown.contains("\tIsr: 1\tAdding Replicas: 2\tRemoving Replicas: 1\tElr: \t"), "{shown}");
    }
}
