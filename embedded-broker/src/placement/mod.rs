//! Which nodes hold the replicas of which partition: chosen, or as a client wrote it.

use crate::error::{Error, ErrorCode};
use crate::fault::random::Random;

mod striped;

use striped::Stripes;
pub(crate) use striped::Usable;

/// Chooses replicas for `partitions` partitions, the leader first, so that leaders and followers are spread evenly over racks and
/// nodes. `start` turns the ring of nodes, so that not every topic begins on the same one.
///
/// # Errors
///
/// `INVALID_REPLICATION_FACTOR` when there are fewer nodes than replicas, or none lives.
pub(crate) fn place(
    nodes: &[Usable],
    partitions: usize,
    replicas: i16,
    start: usize,
    random: &mut Random,
) -> Result<Vec<Vec<i32>>, Error> {
    let refused = |why: String| Err(Error::with_code(ErrorCode::InvalidReplicationFactor, why));
    let wanted = usize::try_from(replicas).unwrap_or(0);
    if nodes.iter().all(|node| node.fenced) {
        return refused("All brokers are currently fenced.".to_owned());
    }
    if wanted > nodes.len() {
        return refused(format!(
            "The target replication factor of {replicas} cannot be reached because only {} broker(s) are registered.",
            nodes.len()
        ));
    }
    let mut stripes = Stripes::new(nodes, start, random);
    Ok((0..partitions).map(|_| stripes.place(wanted)).collect())
}

/// Chooses replicas as a tool proposes them, which knows the nodes that live and their racks; `seed` is chance.
///
/// # Errors
///
/// As `place`.
pub fn propose(
    nodes: &[(i32, Option<String>)],
    partitions: usize,
    replicas: i16,
    seed: u64,
) -> Result<Vec<Vec<i32>>, Error> {
    let usable = |(id, rack): &(i32, Option<String>)| Usable { id: *id, rack: rack.clone(), fenced: false };
    let nodes: Vec<Usable> = nodes.iter().map(usable).collect();
    let start = usize::try_from(seed >> 32).unwrap_or(0);
    place(&nodes, partitions, replicas, start, &mut Random::of_placement(seed, 0))
}

/// What a client is told whose new topic has no place.
pub(crate) fn unplaced(replicas: i16, why: &Error) -> Error {
    let code = why.code().unwrap_or(ErrorCode::InvalidReplicationFactor);
    Error::with_code(code, format!("Unable to replicate the partition {replicas} time(s): {}", why.message()))
}

/// Checks that somebody could lead a partition whose replicas a client wrote.
///
/// # Errors
///
/// `INVALID_REPLICA_ASSIGNMENT`, with Kafka's words, when none of them lives.
pub(crate) fn check_alive(alive: impl Fn(i32) -> bool, replicas: &[i32], partition: i32) -> Result<(), Error> {
    if replicas.iter().any(|id| alive(*id)) {
        return Ok(());
    }
    let why = format!(
        "All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled \
         shutdown."
    );
    Err(Error::with_code(ErrorCode::InvalidReplicaAssignment, why))
}

/// Checks the replicas a client wrote for one partition; `expected` is how many the topic's other partitions have.
///
/// # Errors
///
/// `INVALID_REPLICA_ASSIGNMENT`, with Kafka's words.
pub(crate) fn check_manual(nodes: &[i32], replicas: &[i32], expected: Option<usize>) -> Result<(), Error> {
    let refused = |why: String| Err(Error::with_code(ErrorCode::InvalidReplicaAssignment, why));
    if replicas.is_empty() {
        return refused("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    if let Some(node) = sorted.iter().find(|node| !nodes.contains(node)) {
        return refused(format!(
            "The manual partition assignment includes broker {node}, but no such broker is registered."
        ));
    }
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return refused(format!("The manual partition assignment includes the broker {} more than once.", twice[0]));
    }
    match expected {
        Some(expected) if expected != replicas.len() => refused(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {expected} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_replicas_than_nodes_are_refused_in_kafkas_words() {
        let nodes = |fenced| vec![Usable { id: 1, rack: None, fenced }];
        let refused = |fenced, replicas| {
            let placed = place(&nodes(fenced), 1, replicas, 0, &mut Random::of_placement(0, 0));
            unplaced(replicas, &placed.expect_err("too few nodes")).to_string()
        };
        assert_eq!(
            refused(false, 3),
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because \
             only 1 broker(s) are registered."
        );
        assert_eq!(refused(true, 1), "Unable to replicate the partition 1 time(s): All brokers are currently fenced.");
    }

    #[test]
    fn a_proposal_begins_on_whichever_node_chance_has_it() {
        let nodes = [(1, None), (2, None), (3, None)];
        let leaders: std::collections::BTreeSet<i32> =
            (0..9).map(|seed| propose(&nodes, 1, 2, seed << 32).expect("there are nodes")[0][0]).collect();
        assert_eq!(leaders.len(), 3);
        assert!(propose(&nodes, 1, 4, 0).is_err() && propose(&[], 1, 1, 0).is_err());
    }

    #[test]
    fn a_manual_assignment_names_each_known_node_once_and_is_even() {
        let why = |replicas: &[i32], expected| check_manual(&[1, 2], replicas, expected).map_err(|e| e.to_string());
        assert_eq!(why(&[2, 1], Some(2)), Ok(()));
        assert_eq!(
            why(&[9], None),
            Err("The manual partition assignment includes broker 9, but no such broker is registered.".to_owned())
        );
        assert_eq!(
            why(&[1, 1], None),
            Err("The manual partition assignment includes the broker 1 more than once.".to_owned())
        );
        assert_eq!(why(&[], None), Err("The manual partition assignment includes an empty replica list.".to_owned()));
        assert_eq!(
            why(&[1], Some(2)),
            Err("The manual partition assignment includes a partition with 1 replica(s), but this is not consistent \
                 with previous partitions, which have 2 replica(s)."
                .to_owned())
        );
    }
}
