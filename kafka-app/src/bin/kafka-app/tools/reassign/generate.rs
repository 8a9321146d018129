//! `--generate`: a proposal where the partitions of topics could lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use uuid::Uuid;

use super::{
    assignment::{self, Assignment},
    plan,
    trouble::Trouble,
};
use crate::{
    tools::{Output, java_order},
    wire::{Cluster, Node},
};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Generate<'o> {
    pub(super) file: &'o Path,
    pub(super) brokers: &'o str,
    pub(super) with_racks: bool,
}

impl Generate<'_> {
    /// Proposes it.
    ///
    /// # Errors
    /// The file or the brokers are no good, or a topic is not there.
    pub(super) async fn done(self, cluster: &Cluster, out: &mut Output) -> Result<(), Trouble> {
        let text = plan::read(self.file)?;
        let brokers = brokers(self.brokers)?;
        let topics = plan::topics(&text)?;
        let (topics, twice) = once(topics);
        if !twice.is_empty() {
            let mut twice: Vec<String> = twice.into_iter().collect();
            java_order::by_hash(&mut twice, java_order::DEFAULT_CAPACITY, |topic| topic);
            let words = format!("List of topics to reassign contains duplicate entries: [{}]", twice.join(", "));
            return Err(Trouble::refused(words));
        }
        let current = assignment::of_topics(cluster, &topics).await?;
        let nodes = usable(cluster.nodes().await, &brokers, self.with_racks)?;
        let proposed = propose(&current, &nodes)?;
        writeln!(out, "Current partition replica assignment\n{}\n", assignment::json(&current))?;
        writeln!(out, "Proposed partition reassignment configuration\n{}", assignment::json(&proposed))?;
        Ok(())
    }
}

fn brokers(list: &str) -> Result<BTreeSet<i32>, Trouble> {
    // Java leaves out what is empty at the end of a list, unless that is all there is.
    let trimmed = list.trim_end_matches(',');
    let ids = match trimmed {
        "" if !list.is_empty() => Vec::new(),
        ids => ids.split(',').map(number).collect::<Result<Vec<i32>, Trouble>>()?,
    };
    let (brokers, twice) = once(ids);
    if twice.is_empty() {
        return Ok(brokers);
    }
    let twice: Vec<String> = java_order::numbers(&twice).iter().map(ToString::to_string).collect();
    Err(Trouble::refused(format!("Broker list contains duplicate entries: [{}]", twice.join(", "))))
}

fn number(text: &str) -> Result<i32, Trouble> {
    text.parse()
        .map_err(|_| Trouble::thrown("java.lang.NumberFormatException", format!("For input string: \"{text}\"")))
}

/// All of them, and those that are there more than once.
fn once<T: Ord + Clone>(all: Vec<T>) -> (BTreeSet<T>, BTreeSet<T>) {
    let mut seen = BTreeSet::new();
    let twice = all.into_iter().filter(|one| !seen.insert(one.clone())).collect();
    (seen, twice)
}

/// Those of the brokers that are up, and their racks: all have one, or none.
fn usable(nodes: Vec<Node>, brokers: &BTreeSet<i32>, with_racks: bool) -> Result<Vec<(i32, Option<String>)>, Trouble> {
    let rack = |node: Node| (node.id, node.rack.filter(|_| with_racks));
    let usable: Vec<_> = nodes.into_iter().filter(|node| brokers.contains(&node.id)).map(rack).collect();
    let without = usable.iter().filter(|(_, rack)| rack.is_none()).count();
    if with_racks && without != 0 && without != usable.len() {
        return Err(Trouble::inoperable(
            "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica \
             assignment without rack information.",
        ));
    }
    Ok(usable)
}

/// A place for each partition, drawn anew for each topic.
fn propose(current: &Assignment, nodes: &[(i32, Option<String>)]) -> Result<Assignment, Trouble> {
    let mut topics: BTreeMap<&str, Vec<&Vec<i32>>> = BTreeMap::new();
    for ((topic, _), replicas) in current {
        topics.entry(topic).or_default().push(replicas);
    }
    let mut proposed = Assignment::new();
    for (topic, partitions) in topics {
        let factor = partitions.first().map_or(0, |replicas| replicas.len());
        let factor = i16::try_from(factor).unwrap_or(i16::MAX);
        let (seed, _) = Uuid::new_v4().as_u64_pair();
        let placed = embedded_broker::propose_placement(nodes, partitions.len(), factor, seed).map_err(|error| {
            Trouble::thrown("org.apache.kafka.common.errors.InvalidReplicationFactorException", error.message())
        })?;
        proposed.extend((0..).zip(placed).map(|(partition, replicas)| ((topic.to_owned(), partition), replicas)));
    }
    Ok(proposed)
}

#[cfg(test)]
mod tests {
    use super::{super::trouble::Exception, *};

    fn words<T>(done: Result<T, Trouble>) -> String {
        match done.err() {
            Some(Trouble::Thrown(exception, _)) => Exception::to_string(&exception),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn brokers_are_a_list_of_numbers() {
        assert_eq!(brokers("2,1,").unwrap(), BTreeSet::from([1, 2]));
        assert_eq!(words(brokers("1,x")), "java.lang.NumberFormatException: For input string: \"x\"");
        assert!(words(brokers("2,1,2,1")).ends_with(": Broker list contains duplicate entries: [1, 2]"));
    }

    #[test]
    fn each_topic_is_spread_over_the_brokers_with_as_many_replicas_as_it_has() {
        let current: Assignment = (0..6)
            .map(|number| (("a".to_owned(), number), vec![1, 2]))
            .chain([(("b".to_owned(), 0), vec![9])])
            .collect();
        let nodes = [(1, None), (2, None), (3, None)];
        let proposed = propose(&current, &nodes).unwrap();
        assert_eq!(proposed.keys().collect::<Vec<_>>(), current.keys().collect::<Vec<_>>());
        let leads = |id| proposed.iter().filter(|((topic, _), replicas)| topic == "a" && replicas[0] == id).count();
        assert_eq!([leads(1), leads(2), leads(3)], [2, 2, 2]);
        assert_eq!(proposed[&("b".to_owned(), 0)].len(), 1);
        assert!(words(propose(&current, &nodes[..1])).ends_with(
            "InvalidReplicationFactorException: The target replication factor of 2 cannot be reached because only 1 \
             broker(s) are registered."
        ));
    }

    #[test]
    fn racks_count_when_all_brokers_have_one() {
        let node = |id, rack: Option<&str>| Node { id, host: String::new(), port: 0, rack: rack.map(str::to_owned) };
        let all = BTreeSet::from([1, 2]);
        let nodes = || vec![node(1, Some("a")), node(2, None), node(3, None)];
        assert!(words(usable(nodes(), &all, true)).contains("Not all brokers have rack information."));
        assert_eq!(usable(nodes(), &all, false).unwrap(), [(1, None), (2, None)]);
        assert_eq!(usable(nodes(), &BTreeSet::from([1]), true).unwrap(), [(1, Some("a".to_owned()))]);
    }
}
