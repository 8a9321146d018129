//! Which nodes hold the replicas of which partition: chosen, or as a client wrote it.

use crate::error::{Error, ErrorCode};

/// Chooses replicas for `partitions` partitions, the leader first, so that leaders and followers are spread evenly.
/// `start` turns the ring of nodes, so that not every topic begins on the same one.
///
/// # Errors
///
/// `INVALID_REPLICATION_FACTOR` when there are fewer nodes than replicas.
pub(crate) fn place(nodes: &[i32], partitions: usize, replicas: i16, start: usize) -> Result<Vec<Vec<i32>>, Error> {
    let wanted = usize::try_from(replicas).unwrap_or(0);
    if wanted > nodes.len() {
        let why = format!(
            "Unable to replicate the partition {replicas} time(s): The target replication factor of {replicas} cannot be \
             reached because only {} broker(s) are registered.",
            nodes.len()
        );
        return Err(Error::with_code(ErrorCode::InvalidReplicationFactor, why));
    }
    let node = |index: usize| nodes[index % nodes.len()];
    Ok((start..start + partitions)
        .map(|leader| (0..wanted).map(|follower| node(leader + follower)).collect())
        .collect())
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
    fn leaders_and_followers_are_spread_around_the_ring() {
        let placed = place(&[1, 2, 3], 4, 2, 1).expect("enough nodes");
        assert_eq!(placed, [[2, 3], [3, 1], [1, 2], [2, 3]]);
    }

    #[test]
    fn more_replicas_than_nodes_are_refused_in_kafkas_words() {
        let refused = place(&[1], 1, 3, 0).expect_err("too few nodes");
        assert_eq!(
            refused.message(),
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because \
             only 1 broker(s) are registered."
        );
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
