//! Replicas that move to another directory of their broker.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    plan::ReplicaOf,
    plural,
    trouble::{Exception, Trouble},
};
use crate::{
    tools::Output,
    wire::{Cluster, LogDir, TopicPartition, WireError, alter_log_dirs, describe_log_dirs},
};

const REPLICA_NOT_AVAILABLE: i16 = 9;

/// A replica that is to lie in a directory, and how far that is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DirMove {
    pub(super) replica: ReplicaOf,
    wanted: String,
    pub(super) state: DirState,
}

/// How far the move of a replica is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DirState {
    /// It is in no directory that works.
    Missing,
    Moving {
        current: String,
        future: String,
    },
    Completed,
    /// It lies here, and does not move.
    Elsewhere {
        current: String,
    },
}

impl DirState {
    /// Whether nothing is to come.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Completed | Self::Elsewhere { .. })
    }
}

/// How far the moves are.
///
/// # Errors
/// A broker does not answer.
pub(super) async fn states(cluster: &Cluster, wanted: &BTreeMap<ReplicaOf, String>) -> Result<Vec<DirMove>, Trouble> {
    let brokers: BTreeSet<i32> = wanted.keys().map(|replica| replica.broker).collect();
    let mut known = BTreeMap::new();
    for broker in brokers {
        known.insert(broker, describe_log_dirs(cluster, "describeReplicaLogDirs", broker).await?);
    }
    let one = |(replica, wanted): (&ReplicaOf, &String)| DirMove {
        replica: replica.clone(),
        wanted: wanted.clone(),
        state: state(known.get(&replica.broker).map(Vec::as_slice).unwrap_or_default(), &replica.partition, wanted),
    };
    Ok(wanted.iter().map(one).collect())
}

fn state(dirs: &[LogDir], partition: &TopicPartition, wanted: &str) -> DirState {
    let dir = |is_future| {
        let holds = |dir: &&LogDir| {
            dir.replicas.iter().any(|replica| replica.partition == *partition && replica.is_future == is_future)
        };
        dirs.iter().find(holds).map(|dir| dir.path.clone())
    };
    match (dir(false), dir(true)) {
        (None, _) => DirState::Missing,
        (Some(current), Some(future)) => DirState::Moving { current, future },
        (Some(current), None) if current == wanted => DirState::Completed,
        (Some(current), None) => DirState::Elsewhere { current },
    }
}

/// What is said of the moves.
pub(super) fn told(moves: &[DirMove]) -> String {
    let line = |DirMove { replica, wanted, state }: &DirMove| {
        let ReplicaOf { broker, partition: (topic, partition) } = replica;
        match state {
            DirState::Missing => format!(
                "Partition {topic}-{partition} is not found in any live log dir on broker {broker}. There is likely an \
                 offline log directory on the broker."
            ),
            DirState::Moving { future, .. } if future == wanted => {
                format!("Reassignment of replica {replica} is still in progress.")
            }
            DirState::Moving { future, .. } => format!(
                "Partition {topic}-{partition} on broker {broker} is being moved to log dir {future} instead of \
                 {wanted}."
            ),
            DirState::Completed => format!("Reassignment of replica {replica} completed successfully."),
            DirState::Elsewhere { current } => format!(
                "Partition {topic}-{partition} on broker {broker} is not being moved from log dir {current} to \
                 {wanted}."
            ),
        }
    };
    moves.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Starts the moves. A replica that is yet to come to its broker is asked for again and again.
///
/// # Errors
/// A broker refuses, or does not have a replica in time.
pub(super) async fn start(
    cluster: &Cluster,
    mut wanted: BTreeMap<ReplicaOf, String>,
    within: Duration,
    out: &mut Output,
) -> Result<(), Trouble> {
    let begun = Instant::now();
    while !wanted.is_empty() {
        for replica in started(cluster, &wanted).await? {
            let Some(dir) = wanted.remove(&replica) else { continue };
            let ReplicaOf { broker, partition: (topic, partition) } = replica;
            writeln!(
                out,
                "Successfully started moving log directory to {dir} for replica {topic}-{partition} with broker \
                 {broker} "
            )?;
        }
        if wanted.is_empty() {
            break;
        }
        if begun.elapsed() >= within {
            let late: Vec<String> = wanted.keys().map(ToString::to_string).collect();
            let (count, late) = (plural(late.len()), late.join(","));
            return Err(Trouble::Told(format!(
                "Timed out before log directory move{count} could be started for: {late}"
            )));
        }
        sleep(cluster.retry_backoff()).await;
    }
    Ok(())
}

/// Those that their brokers have begun to move.
async fn started(cluster: &Cluster, wanted: &BTreeMap<ReplicaOf, String>) -> Result<BTreeSet<ReplicaOf>, Trouble> {
    let mut by_broker: BTreeMap<i32, BTreeMap<TopicPartition, String>> = BTreeMap::new();
    for (replica, dir) in wanted {
        by_broker.entry(replica.broker).or_default().insert(replica.partition.clone(), dir.clone());
    }
    let mut started = BTreeSet::new();
    let mut refused = None;
    for (broker, wishes) in by_broker {
        let replica = |partition: &TopicPartition| ReplicaOf { broker, partition: partition.clone() };
        let answers = match alter_log_dirs(cluster, broker, &wishes).await {
            Ok(answers) => answers.into_iter().map(|(one, done)| (one, done.map_err(WireError::Kafka))).collect(),
            Err(error) => wishes.keys().map(|one| (one.clone(), Err(error.clone()))).collect::<BTreeMap<_, _>>(),
        };
        for (partition, done) in answers {
            match done {
                Ok(()) => drop(started.insert(replica(&partition))),
                Err(WireError::Kafka(error)) if error.code() == REPLICA_NOT_AVAILABLE => {}
                Err(error) => drop(refused.get_or_insert((replica(&partition), error))),
            }
        }
    }
    match refused {
        None => Ok(started),
        Some((replica, error)) => Err(Trouble::for_a_call(
            Exception::new(
                "org.apache.kafka.tools.AdminCommandFailedException",
                format!("Failed to alter dir for {replica}"),
            ),
            Exception::of(&error),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Replica;

    fn dir(path: &str, replicas: &[(i32, bool)]) -> LogDir {
        let replica = |&(partition, is_future): &(i32, bool)| Replica {
            partition: ("a".to_owned(), partition),
            size: 0,
            offset_lag: 0,
            is_future,
        };
        LogDir { path: path.to_owned(), error: None, replicas: replicas.iter().map(replica).collect() }
    }

    #[test]
    fn a_replica_is_there_or_on_its_way_or_elsewhere() {
        let dirs = [dir("/x", &[(0, false), (1, false)]), dir("/y", &[(1, true), (2, false)])];
        let told_of = |partition: i32, wanted: &str| {
            let partition = ("a".to_owned(), partition);
            let state = state(&dirs, &partition, wanted);
            let is_done = state.is_done();
            (
                told(&[DirMove { replica: ReplicaOf { broker: 7, partition }, wanted: wanted.to_owned(), state }]),
                is_done,
            )
        };
        for (partition, wanted, words, is_done) in [
            (0, "/x", "Reassignment of replica a-0-7 completed successfully.", true),
            (0, "/y", "Partition a-0 on broker 7 is not being moved from log dir /x to /y.", true),
            (1, "/y", "Reassignment of replica a-1-7 is still in progress.", false),
            (1, "/z", "Partition a-1 on broker 7 is being moved to log dir /y instead of /z.", false),
            (
                9,
                "/x",
                "Partition a-9 is not found in any live log dir on broker 7. There is likely an offline log directory \
                 on the broker.",
                false,
            ),
        ] {
            assert_eq!(told_of(partition, wanted), (words.to_owned(), is_done));
        }
        assert_eq!(told(&[]), "");
    }
}
