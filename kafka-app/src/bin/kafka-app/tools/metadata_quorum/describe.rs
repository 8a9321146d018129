//! `describe`: who leads the controllers, and how far those are who follow.

use std::io::Write;

use clap::Args;

use crate::{
    clock::wall_clock,
    failure::Failure,
    tools::{AnyConnection, Output, kafka_uuid},
    wire::{Follower, Quorum, describe_quorum},
};

/// How it is to be described.
#[derive(Debug, Args)]
pub(super) struct Describe {
    /// A short summary
    #[arg(long)]
    status: bool,

    /// A line a node that follows
    #[arg(long)]
    replication: bool,

    /// With --replication: how long ago something was, instead of when
    #[arg(long)]
    human_readable: bool,
}

impl Describe {
    /// Describes it.
    ///
    /// # Errors
    /// Options exclude each other, or no node answers.
    pub(super) async fn done(&self, connection: &AnyConnection, out: &mut Output) -> Result<u8, Failure> {
        let Self { status, replication, human_readable } = *self;
        let refused = |words: &str| Err(Failure::Failed(words.to_owned()));
        match (status, replication) {
            (true, true) => {
                return refused("Only one of --status or --replication should be specified with describe sub-command");
            }
            (false, false) => {
                return refused("One of --status or --replication must be specified with describe sub-command");
            }
            (true, false) if human_readable => {
                return refused("The option --human-readable is only supported along with --replication");
            }
            _ => {}
        }
        let cluster = connection.cluster("describeMetadataQuorum").await?;
        let quorum = describe_quorum(&cluster).await?;
        let Some(leader) = quorum.voters.iter().find(|voter| voter.node == quorum.leader) else {
            return refused("The leader of the quorum is not among its voters");
        };
        let printed = if status {
            self::status(&cluster.id().await?, &quorum, leader)
        } else {
            let now = human_readable.then(wall_clock);
            self::replication(&quorum, leader, now)
        };
        out.write_all(printed.as_bytes())?;
        Ok(0)
    }
}

fn status(cluster_id: &str, quorum: &Quorum, leader: &Follower) -> String {
    let last = quorum.voters.iter().min_by_key(|voter| voter.end_offset).unwrap_or(leader);
    let behind_ms = match (leader.last_caught_up, last.last_caught_up) {
        _ if last == leader => 0,
        (Some(leader), Some(last)) => leader - last,
        _ => -1,
    };
    let nodes = |followers: &[Follower]| followers.iter().map(node).collect::<Vec<_>>().join(", ");
    format!(
        "ClusterId:              {cluster_id}\n\
         LeaderId:               {}\n\
         LeaderEpoch:            {}\n\
         HighWatermark:          {}\n\
         MaxFollowerLag:         {}\n\
         MaxFollowerLagTimeMs:   {behind_ms}\n\
         CurrentVoters:          [{}]\n\
         CurrentObservers:       [{}]\n",
        quorum.leader,
        quorum.leader_epoch,
        quorum.high_watermark,
        leader.end_offset - last.end_offset,
        nodes(&quorum.voters),
        nodes(&quorum.observers),
    )
}

fn node(follower: &Follower) -> String {
    let directory = match follower.directory {
        id if id == [0; 16] => String::new(),
        id => format!(", \"directoryId\": \"{}\"", kafka_uuid::format(id)),
    };
    let endpoints: Vec<String> = follower.endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
    let endpoints = match endpoints[..] {
        [] => String::new(),
        _ => format!(", \"endpoints\": [{}]", endpoints.join(", ")),
    };
    format!("{{\"id\": {}{directory}{endpoints}}}", follower.node)
}

/// A table whose columns are as wide as they have to be; with `now`, of how long ago something was.
fn replication(quorum: &Quorum, leader: &Follower, now: Option<i64>) -> String {
    let time = |time: Option<i64>| match (time, now) {
        (None, _) => "-1".to_owned(),
        (Some(time), None) => time.to_string(),
        (Some(time), Some(now)) => format!("{} ms ago", now.saturating_sub(time).max(0)),
    };
    let row = |follower: &Follower, status: &str| {
        [
            follower.node.to_string(),
            kafka_uuid::format(follower.directory),
            follower.end_offset.to_string(),
            (leader.end_offset - follower.end_offset).to_string(),
            time(follower.last_fetch),
            time(follower.last_caught_up),
            status.to_owned(),
        ]
    };
    let head =
        ["NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status"];
    let mut rows = vec![head.map(str::to_owned), row(leader, "Leader")];
    let others = quorum.voters.iter().filter(|voter| voter.node != leader.node);
    rows.extend(others.map(|voter| row(voter, "Follower")));
    rows.extend(quorum.observers.iter().map(|observer| row(observer, "Observer")));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}\t"));
        format!("{}\n", cells.collect::<String>())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quorum() -> Quorum {
        let voter = |node, end_offset, last_caught_up| Follower {
            node,
            end_offset,
            last_fetch: Some(1_000),
            last_caught_up: Some(last_caught_up),
            endpoints: vec![format!("CONTROLLER://127.0.0.1:{node}")],
            ..Follower::default()
        };
        let voters = vec![voter(1, 2249, 1_000), voter(2, 2240, 990)];
        let observers = vec![Follower { node: 3, last_fetch: None, endpoints: Vec::new(), ..voter(3, 0, 0) }];
        Quorum { leader: 1, leader_epoch: 4, high_watermark: 2246, voters, observers }
    }

    #[test]
    fn the_status_is_who_leads_and_who_is_behind_most() {
        let quorum = quorum();
        assert_eq!(
            status("ID", &quorum, &quorum.voters[0]),
            "ClusterId:              ID\n\
             LeaderId:               1\n\
             LeaderEpoch:            4\n\
             HighWatermark:          2246\n\
             MaxFollowerLag:         9\n\
             MaxFollowerLagTimeMs:   10\n\
             CurrentVoters:          [{\"id\": 1, \"endpoints\": [\"CONTROLLER://127.0.0.1:1\"]}, \
             {\"id\": 2, \"endpoints\": [\"CONTROLLER://127.0.0.1:2\"]}]\n\
             CurrentObservers:       [{\"id\": 3}]\n"
        );
    }

    #[test]
    fn replication_has_a_line_a_node_and_columns_as_wide_as_needed() {
        let quorum = quorum();
        let told = replication(&quorum, &quorum.voters[0], Some(1_005));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines[0],
            "NodeId\tDirectoryId           \tLogEndOffset\tLag \tLastFetchTimestamp\tLastCaughtUpTimestamp\tStatus  \t"
        );
        assert_eq!(
            lines[1],
            "1     \tAAAAAAAAAAAAAAAAAAAAAA\t2249        \t0   \t5 ms ago          \t5 ms ago             \tLeader  \t"
        );
        assert!(lines[3].starts_with("3     \tAAAAAAAAAAAAAAAAAAAAAA\t0           \t2249\t-1 "), "{told}");
        assert!(lines[3].ends_with("\tObserver\t"), "{told}");
    }
}
