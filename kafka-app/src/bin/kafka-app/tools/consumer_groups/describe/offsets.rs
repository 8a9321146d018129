//! `--describe`, or `--describe --offsets`: how far a group is in each partition, and who reads it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use super::{MISSING, or_missing, say_state, width};
use crate::{
    tools::{
        Output,
        consumer_groups::trouble::{Trouble, Wrapped},
    },
    wire::{
        Cluster, CommittedOffset, GroupDescription, GroupMember, IsolationLevel, OffsetSpec, TopicPartition, WireError,
        list_offsets,
    },
};

/// A partition that a group reads or has committed something of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    group: String,
    topic: String,
    partition: i32,
    committed: Option<CommittedOffset>,
    end: Option<i64>,
    consumer: String,
    host: String,
    client: String,
}

impl Row {
    fn lag(&self) -> Option<i64> {
        Some(self.end? - self.committed?.offset)
    }
}

pub(super) async fn run(
    cluster: &Cluster,
    groups: &[GroupDescription],
    verbose: bool,
    out: &mut Output,
) -> Result<(), Trouble> {
    let mut tables = Vec::with_capacity(groups.len());
    for group in groups {
        let committed =
            cluster.committed_offsets(&group.group).await.map_err(|error| Trouble::of(&error, Wrapped::Twice))?;
        let ends = log_end_offsets(cluster, read_or_committed(group, &committed)).await;
        tables.push(rows(group, &committed, &ends.map_err(|error| Trouble::of(&error, Wrapped::Twice))?));
    }
    for (group, rows) in groups.iter().zip(&tables) {
        if say_state(group, out)? && !rows.is_empty() {
            render(rows, verbose, out)?;
        }
    }
    Ok(())
}

/// Where partitions end.
///
/// # Errors
/// One of them is not there, or its leader does not answer in time.
async fn log_end_offsets(
    cluster: &Cluster,
    partitions: BTreeSet<TopicPartition>,
) -> Result<BTreeMap<TopicPartition, i64>, WireError> {
    let ends = list_offsets(cluster, partitions, OffsetSpec::Latest, IsolationLevel::ReadUncommitted).await;
    ends.into_iter().map(|(partition, end)| Ok((partition, end?.offset))).collect()
}

fn read_or_committed(
    group: &GroupDescription,
    committed: &BTreeMap<TopicPartition, CommittedOffset>,
) -> BTreeSet<TopicPartition> {
    let read = group.members.iter().flat_map(|member| &member.assignment);
    read.chain(committed.keys()).cloned().collect()
}

/// Those with members first, of members with many partitions before those with few; then what nobody reads.
fn rows(
    group: &GroupDescription,
    committed: &BTreeMap<TopicPartition, CommittedOffset>,
    ends: &BTreeMap<TopicPartition, i64>,
) -> Vec<Row> {
    let row = |partition: &TopicPartition, member: Option<&GroupMember>| Row {
        group: group.group.clone(),
        topic: partition.0.clone(),
        partition: partition.1,
        committed: committed.get(partition).copied(),
        end: ends.get(partition).copied(),
        consumer: member.map_or(MISSING, |member| &member.id).to_owned(),
        host: member.map_or(MISSING, |member| &member.host).to_owned(),
        client: member.map_or(MISSING, |member| &member.client_id).to_owned(),
    };
    let mut members: Vec<&GroupMember> = group.members.iter().collect();
    members.sort_by_key(|member| Reverse(member.assignment.len()));
    let is_read = |partition: &TopicPartition| members.iter().any(|member| member.assignment.contains(partition));
    let unread = committed.keys().filter(|&partition| !is_read(partition)).map(|partition| row(partition, None));
    let mut rows = Vec::new();
    for &member in &members {
        rows.extend(member.assignment.iter().map(|partition| row(partition, Some(member))));
    }
    rows.extend(unread);
    rows
}

fn render(rows: &[Row], verbose: bool, out: &mut impl Write) -> io::Result<()> {
    let of = |cell: fn(&Row) -> &String| width(rows.iter().map(|row| cell(row).as_str()), 15);
    let (group, topic) = (of(|row| &row.group), of(|row| &row.topic));
    let (consumer, host) = (of(|row| &row.consumer), of(|row| &row.host));
    let mut line = |cells: [&str; 10]| {
        let [name, on, partition, epoch, offset, end, lag, id, at, client] = cells;
        write!(out, "\n{name:<group$} {on:<topic$} {partition:<10} ")?;
        if verbose {
            write!(out, "{epoch:<15} ")?;
        }
        write!(out, "{offset:<15} {end:<15} {lag:<15} {id:<consumer$} {at:<host$} {client}")
    };
    let offsets = ["LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET"];
    let [epoch, offset, end] = offsets;
    line(["GROUP", "TOPIC", "PARTITION", epoch, offset, end, "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"])?;
    for row in rows {
        let epoch = or_missing(row.committed.and_then(|committed| committed.leader_epoch));
        let offset = or_missing(row.committed.map(|committed| committed.offset));
        let (partition, end, lag) = (row.partition.to_string(), or_missing(row.end), or_missing(row.lag()));
        let Row { group, topic, consumer, host, client, .. } = row;
        line([group, topic, &partition, &epoch, &offset, &end, &lag, consumer, host, client])?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::{super::tests, *};

    fn shop(offsets: &[(i32, i64)]) -> BTreeMap<TopicPartition, i64> {
        offsets.iter().map(|&(partition, offset)| (("shop".to_owned(), partition), offset)).collect()
    }

    fn committed(offsets: &[(i32, i64)]) -> BTreeMap<TopicPartition, CommittedOffset> {
        let at = |(partition, offset)| (partition, CommittedOffset { offset, leader_epoch: Some(0) });
        shop(offsets).into_iter().map(at).collect()
    }

    const INST: &str = "inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c";
    const APP: &str = "app-1-050a205e-12ea-4272-906a-6d9464309123";

    fn busy() -> GroupDescription {
        tests::group("busy", vec![tests::member(APP, "app-1", &[2]), tests::member(INST, "app-2", &[0, 1])])
    }

    fn ends() -> BTreeMap<TopicPartition, i64> {
        shop(&[(0, 8), (1, 12), (2, 10)])
    }

    #[test]
    fn who_reads_most_comes_first() {
        let rows = rows(&busy(), &committed(&[(0, 8), (1, 12), (2, 10)]), &ends());
        assert_eq!(
            tests::text(|out| render(&rows, false, out)),
            "\n\
             GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID                                 HOST            CLIENT-ID\n\
             busy            shop            0          8               8               0               inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c /127.0.0.1      app-2\n\
             busy            shop            1          12              12              0               inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c /127.0.0.1      app-2\n\
             busy            shop            2          10              10              0               app-1-050a205e-12ea-4272-906a-6d9464309123  /127.0.0.1      app-1\n"
        );
    }

    #[test]
    fn the_leader_epoch_is_for_who_wants_to_know_more() {
        let rows = rows(&busy(), &committed(&[(0, 8), (1, 12), (2, 10)]), &ends());
        let shown = tests::text(|out| render(&rows, true, out));
        assert_eq!(
            shown.lines().nth(2).unwrap(),
            "busy            shop            0          0               8               8               0               inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c /127.0.0.1      app-2"
        );
    }

    #[test]
    fn nobody_may_read_what_was_committed() {
        let rows = rows(&tests::group("idle", Vec::new()), &committed(&[(0, 2), (1, 0), (2, 10)]), &ends());
        assert_eq!(
            tests::text(|out| render(&rows, false, out)),
            "\n\
             GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n\
             idle            shop            0          2               8               6               -               -               -\n\
             idle            shop            1          0               12              12              -               -               -\n\
             idle            shop            2          10              10              0               -               -               -\n"
        );
    }

    #[test]
    fn nothing_may_be_committed_of_what_is_read() {
        let rows = rows(&tests::group("nocommit", vec![tests::member("m", "app-4", &[2])]), &BTreeMap::new(), &ends());
        assert_eq!((rows[0].committed, rows[0].lag(), rows[0].end), (None, None, Some(10)));
        let shown = tests::text(|out| render(&rows, false, out));
        assert!(shown.contains("2          -               10              -               m "), "{shown}");
    }

    #[test]
    fn lag_is_negative_where_a_topic_was_made_anew() {
        let rows = rows(&tests::group("busy", Vec::new()), &committed(&[(0, 8)]), &shop(&[(0, 0)]));
        assert_eq!(rows[0].lag(), Some(-8));
    }

    #[test]
    fn a_member_without_partitions_has_no_line() {
        assert_eq!(rows(&tests::group("g", vec![tests::member("m", "c", &[])]), &BTreeMap::new(), &ends()), []);
    }
}
