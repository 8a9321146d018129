//! `--describe --members`.

use std::{io, io::Write};

use super::{by_topic, or_missing, width};
use crate::wire::{GroupDescription, GroupMember};

pub(super) fn render(group: &GroupDescription, verbose: bool, out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<Row> = group.members.iter().map(|member| Row::of(group, member)).collect();
    let columns = Columns::of(group, &rows, verbose);
    writeln!(out)?;
    columns.line(&Row::head(), out)?;
    rows.iter().try_for_each(|row| columns.line(row, out))
}

struct Row {
    group: String,
    id: String,
    instance_id: String,
    host: String,
    client_id: String,
    partitions: String,
    epoch: String,
    assignment: String,
    target_epoch: String,
    target_assignment: String,
    upgraded: String,
}

impl Row {
    fn head() -> Self {
        let [group, id, instance_id, host, client_id, partitions] =
            ["GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"].map(str::to_owned);
        let [epoch, assignment, target_epoch, target_assignment, upgraded] =
            ["CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT", "UPGRADED"].map(str::to_owned);
        Self {
            group,
            id,
            instance_id,
            host,
            client_id,
            partitions,
            epoch,
            assignment,
            target_epoch,
            target_assignment,
            upgraded,
        }
    }

    fn of(group: &GroupDescription, member: &GroupMember) -> Self {
        Self {
            group: group.group.clone(),
            id: member.id.clone(),
            instance_id: member.instance_id.clone().unwrap_or_default(),
            host: member.host.clone(),
            client_id: member.client_id.clone(),
            partitions: member.assignment.len().to_string(),
            epoch: or_missing(member.epoch),
            assignment: by_topic(&member.assignment),
            target_epoch: or_missing(group.target_assignment_epoch),
            target_assignment: member.target_assignment.as_ref().map_or_else(|| "-".to_owned(), by_topic),
            upgraded: or_missing(member.is_upgraded),
        }
    }
}

/// How wide columns are, and which of those there are that not every group has.
struct Columns {
    group: usize,
    id: usize,
    instance_id: Option<usize>,
    host: usize,
    client_id: usize,
    assignment: usize,
    target_assignment: usize,
    verbose: bool,
    /// While members move from one protocol to the other.
    with_upgraded: bool,
}

impl Columns {
    fn of(group: &GroupDescription, rows: &[Row], verbose: bool) -> Self {
        let of = |least, cell: fn(&Row) -> &String| width(rows.iter().map(|row| cell(row).as_str()), least);
        let speaks = |newer| group.members.iter().any(|member| member.is_upgraded == Some(newer));
        let has_instances = rows.iter().any(|row| !row.instance_id.is_empty());
        Self {
            group: of(15, |row| &row.group),
            id: of(15, |row| &row.id),
            instance_id: has_instances.then(|| of(17, |row| &row.instance_id)),
            host: of(15, |row| &row.host),
            client_id: of(15, |row| &row.client_id),
            assignment: of(20, |row| &row.assignment),
            target_assignment: of(20, |row| &row.target_assignment),
            verbose,
            with_upgraded: speaks(true) && speaks(false),
        }
    }

    fn line(&self, row: &Row, out: &mut impl Write) -> io::Result<()> {
        let mut cell = |value: &str, width: usize, end: &str| write!(out, "{value:<width$}{end}");
        cell(&row.group, self.group, " ")?;
        cell(&row.id, self.id, " ")?;
        if let Some(width) = self.instance_id {
            cell(&row.instance_id, width, " ")?;
        }
        cell(&row.host, self.host, " ")?;
        cell(&row.client_id, self.client_id, " ")?;
        cell(&row.partitions, 15, " ")?;
        if self.verbose {
            cell(&row.epoch, 15, " ")?;
            cell(&row.assignment, self.assignment, " ")?;
            cell(&row.target_epoch, 15, " ")?;
            cell(&row.target_assignment, self.target_assignment, "")?;
            if self.with_upgraded {
                cell(" ", 1, "")?;
                cell(&row.upgraded, 0, "")?;
            }
        }
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests, *};

    fn busy() -> GroupDescription {
        let inst = "inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c";
        let first = GroupMember { instance_id: Some("inst-2".to_owned()), ..tests::member(inst, "app-2", &[1, 0]) };
        let second = tests::member("app-1-050a205e-12ea-4272-906a-6d9464309123", "app-1", &[2]);
        tests::group("busy", vec![first, second])
    }

    #[test]
    fn static_members_have_a_column_more() {
        assert_eq!(
            tests::text(|out| render(&busy(), false, out)),
            "\n\
             GROUP           CONSUMER-ID                                 GROUP-INSTANCE-ID HOST            CLIENT-ID       #PARTITIONS     \n\
             busy            inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c inst-2            /127.0.0.1      app-2           2               \n\
             busy            app-1-050a205e-12ea-4272-906a-6d9464309123                    /127.0.0.1      app-1           1               \n"
        );
    }

    #[test]
    fn a_classic_group_has_no_epochs_and_no_target() {
        assert_eq!(
            tests::text(|out| render(&busy(), true, out)),
            "\n\
             GROUP           CONSUMER-ID                                 GROUP-INSTANCE-ID HOST            CLIENT-ID       #PARTITIONS     CURRENT-EPOCH   CURRENT-ASSIGNMENT   TARGET-EPOCH    TARGET-ASSIGNMENT   \n\
             busy            inst-2-2004d04a-dc02-432f-a6fe-a12d844fbf5c inst-2            /127.0.0.1      app-2           2               -               shop:0,1             -               -                   \n\
             busy            app-1-050a205e-12ea-4272-906a-6d9464309123                    /127.0.0.1      app-1           1               -               shop:2               -               -                   \n"
        );
    }

    fn next() -> GroupDescription {
        let member = GroupMember {
            target_assignment: Some(tests::shop(&[0, 1, 2])),
            epoch: Some(1),
            is_upgraded: Some(true),
            ..tests::member("Ys8Sb8HuR2iPN2CFfpgOzg", "app-3", &[0, 1, 2])
        };
        GroupDescription { target_assignment_epoch: Some(1), ..tests::group("next", vec![member]) }
    }

    #[test]
    fn the_newer_protocol_has_epochs_and_targets() {
        assert_eq!(
            tests::text(|out| render(&next(), true, out)),
            "\n\
             GROUP           CONSUMER-ID            HOST            CLIENT-ID       #PARTITIONS     CURRENT-EPOCH   CURRENT-ASSIGNMENT   TARGET-EPOCH    TARGET-ASSIGNMENT   \n\
             next            Ys8Sb8HuR2iPN2CFfpgOzg /127.0.0.1      app-3           3               1               shop:0,1,2           1               shop:0,1,2          \n"
        );
    }

    #[test]
    fn while_members_move_to_the_newer_protocol_each_says_which_it_speaks() {
        let mut group = next();
        group.members.push(GroupMember { is_upgraded: Some(false), ..tests::member("old", "app-4", &[]) });
        let shown = tests::text(|out| render(&group, true, out));
        let ends: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(ends, ["UPGRADED", "true", "false"]);
        assert!(!tests::text(|out| render(&group, false, out)).contains("UPGRADED"));
    }

    #[test]
    fn without_members_there_is_the_head() {
        assert_eq!(
            tests::text(|out| render(&tests::group("idle", Vec::new()), false, out)),
            "\nGROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     \n"
        );
    }
}
