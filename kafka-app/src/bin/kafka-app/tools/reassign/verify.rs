//! `--verify`: how far the moves of a file are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
};

use super::{
    assignment::is_unknown,
    ids, log_dir_moves,
    plan::{self, Plan},
    throttles,
    trouble::Trouble,
};
use crate::{
    tools::Output,
    wire::{Cluster, KafkaError, Reassignment, Replicas, TopicPartition, WireError, list_reassignments, replicas_of},
};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Verify<'o> {
    pub(super) file: &'o Path,
    pub(super) keeps_throttles: bool,
}

impl Verify<'_> {
    /// Tells it, and clears the throttles when nothing moves any more.
    ///
    /// # Errors
    /// The file is no good, or no broker answers.
    pub(super) async fn done(self, cluster: &Cluster, out: &mut Output) -> Result<(), Trouble> {
        let plan = Plan::parse(&plan::read(self.file)?)?;
        let moves = list_reassignments(cluster, None).await?;
        let looked_up = plan.partitions.iter().filter(|(partition, _)| !moves.contains_key(partition));
        let topics: BTreeSet<String> = looked_up.map(|((topic, _), _)| topic.clone()).collect();
        let known = replicas_of(cluster, &topics).await?;
        writeln!(out, "{}", told(&states(&plan, &moves, &known)?))?;
        let dirs = log_dir_moves::states(cluster, &plan.dirs).await?;
        writeln!(out, "{}", log_dir_moves::told(&dirs))?;
        let all_done = moves.is_empty() && dirs.iter().all(|dir| dir.state.is_done());
        if all_done && !self.keeps_throttles {
            throttles::clear_all(cluster, &plan, out).await?;
        }
        Ok(())
    }
}

/// How far the move of a partition is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Moving,
    Completed,
    /// It does not move, and has these replicas instead of the others.
    Elsewhere {
        current: Vec<i32>,
        wanted: Vec<i32>,
    },
}

fn states(
    plan: &Plan,
    moves: &BTreeMap<TopicPartition, Reassignment>,
    known: &BTreeMap<String, Result<Replicas, KafkaError>>,
) -> Result<BTreeMap<TopicPartition, State>, Trouble> {
    let mut states = BTreeMap::new();
    for (partition, wanted) in &plan.partitions {
        let state = if moves.contains_key(partition) {
            State::Moving
        } else {
            match current(partition, known)? {
                current if current == *wanted => State::Completed,
                current => State::Elsewhere { current, wanted: wanted.clone() },
            }
        };
        states.insert(partition.clone(), state);
    }
    Ok(states)
}

/// The replicas of a partition that does not move; none, if it is not there.
fn current(
    (topic, partition): &TopicPartition,
    known: &BTreeMap<String, Result<Replicas, KafkaError>>,
) -> Result<Vec<i32>, Trouble> {
    match known.get(topic) {
        Some(Ok(partitions)) => {
            let count = partitions.len();
            match partitions.get(partition) {
                Some(replicas) => Ok(replicas.clone()),
                None if usize::try_from(*partition).is_ok_and(|index| index > count) => Ok(Vec::new()),
                // As the script has it, which looks one further.
                None => Err(Trouble::thrown(
                    "java.lang.IndexOutOfBoundsException",
                    format!("Index {partition} out of bounds for length {count}"),
                )),
            }
        }
        Some(Err(error)) if !is_unknown(error) => Err(WireError::Kafka(error.clone()).into()),
        _ => Ok(Vec::new()),
    }
}

fn told(states: &BTreeMap<TopicPartition, State>) -> String {
    let line = |((topic, partition), state): (&TopicPartition, &State)| {
        let name = format!("{topic}-{partition}");
        match state {
            State::Moving => format!("\nReassignment of partition {name} is still in progress."),
            State::Completed => format!("\nReassignment of partition {name} is completed."),
            State::Elsewhere { current, wanted } => format!(
                "\nThere is no active reassignment of partition {name}, but replica set is {} rather than {}.",
                ids(current),
                ids(wanted)
            ),
        }
    };
    format!("Status of partition reassignment:{}", states.iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn plan(partitions: &[(&str, i32, &[i32])]) -> Plan {
        let partition =
            |&(topic, partition, replicas): &(&str, i32, &[i32])| ((topic.to_owned(), partition), replicas.to_vec());
        Plan { partitions: partitions.iter().map(partition).collect(), ..Plan::default() }
    }

    fn known() -> BTreeMap<String, Result<Replicas, KafkaError>> {
        let unknown = KafkaError::check(3, Some(&StrBytes::from_static_str("none"))).map(|()| Replicas::new());
        let shop = Replicas::from([(0, vec![1, 2]), (1, vec![2, 3])]);
        BTreeMap::from([("shop".to_owned(), Ok(shop)), ("ghost".to_owned(), unknown)])
    }

    #[test]
    fn partitions_move_or_are_where_they_should_be_or_are_not() {
        let plan = plan(&[("shop", 1, &[2, 3]), ("shop", 0, &[3, 1]), ("ghost", 0, &[1]), ("more", 0, &[1])]);
        let moves = BTreeMap::from([(("more".to_owned(), 0), Reassignment::default())]);
        let expected = "Status of partition reassignment:\n\
            There is no active reassignment of partition ghost-0, but replica set is  rather than 1.\n\
            Reassignment of partition more-0 is still in progress.\n\
            There is no active reassignment of partition shop-0, but replica set is 1,2 rather than 3,1.\n\
            Reassignment of partition shop-1 is completed.";
        assert_eq!(told(&states(&plan, &moves, &known()).unwrap()), expected);
    }

    #[test]
    fn a_partition_past_the_last_one_is_not_there_and_the_next_one_is_javas_mistake() {
        let of = |partition| states(&plan(&[("shop", partition, &[1])]), &BTreeMap::new(), &known());
        assert!(told(&of(3).unwrap()).ends_with("partition shop-3, but replica set is  rather than 1."));
        let Err(Trouble::Thrown(exception, _)) = of(2) else { panic!("it is refused") };
        assert!(exception.to_string().ends_with("Index 2 out of bounds for length 2"));
    }
}
