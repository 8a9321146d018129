//! `--describe`: offsets and lag, members, or the state of groups.

mod members;
mod offsets;
mod state;

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use super::{
    list,
    options::{Options, View},
    trouble::{Trouble, Wrapped, print_error},
};
use crate::{
    tools::Output,
    wire::{Cluster, GroupDescription, GroupState, TopicPartition},
};

/// What stands for a value that is not known.
const MISSING: &str = "-";

pub(super) async fn run(cluster: &Cluster, options: &Options, view: View, out: &mut Output) -> Result<(), Trouble> {
    let groups = described(cluster, options).await?;
    match view {
        View::Offsets => offsets::run(cluster, &groups, options.verbose, out).await,
        View::Members => in_turn(&groups, out, |group, _, out| members::render(group, options.verbose, out)),
        View::State => in_turn(&groups, out, |group, is_there, out| match is_there {
            true => state::render(group, options.verbose, out),
            false => Ok(()),
        }),
    }
}

/// The groups that are asked for, by name: all are known before anything is printed.
async fn described(cluster: &Cluster, options: &Options) -> Result<Vec<GroupDescription>, Trouble> {
    let names = names(cluster, options).await?;
    let mut groups = Vec::with_capacity(names.len());
    for name in names {
        groups.push(cluster.describe_group(&name).await.map_err(|error| Trouble::of(&error, Wrapped::Once))?);
    }
    Ok(groups)
}

/// The groups that `--group` and `--all-groups` name, each once.
///
/// # Errors
/// The groups there are cannot be listed.
pub(super) async fn names(cluster: &Cluster, options: &Options) -> Result<BTreeSet<String>, Trouble> {
    if options.all_groups {
        let groups = list::consumer_groups(cluster).await.map_err(|error| Trouble::of(&error, Wrapped::Twice))?;
        return Ok(groups.into_iter().map(|group| group.group).collect());
    }
    Ok(options.group.iter().cloned().collect())
}

/// Prints groups one after the other, each after what there is to say of its state.
fn in_turn(
    groups: &[GroupDescription],
    out: &mut Output,
    render: impl Fn(&GroupDescription, bool, &mut Output) -> io::Result<()>,
) -> Result<(), Trouble> {
    for group in groups {
        let is_there = say_state(group, out)?;
        render(group, is_there, out)?;
    }
    Ok(())
}

/// Says what is unusual about the state of a group, and whether there is such a group at all.
fn say_state(group: &GroupDescription, out: &mut Output) -> Result<bool, Trouble> {
    let name = &group.group;
    let said = match group.state {
        GroupState::Dead => {
            print_error(out, &format!("Consumer group '{name}' does not exist."))?;
            return Ok(false);
        }
        GroupState::Empty => format!("Consumer group '{name}' has no active members."),
        GroupState::PreparingRebalance
        | GroupState::CompletingRebalance
        | GroupState::Assigning
        | GroupState::Reconciling => format!("Warning: Consumer group '{name}' is rebalancing."),
        GroupState::Stable => return Ok(true),
        state @ (GroupState::NotReady | GroupState::Unknown) => {
            return Err(Trouble::failed(format!("Expected a valid consumer group state, but found '{state}'.")));
        }
    };
    // On a terminal it stands before the group's table.
    out.flush()?;
    // Nobody is left to be told that this could not be said.
    let _ = writeln!(io::stderr(), "\n{said}");
    Ok(true)
}

/// A value, or what stands for none.
fn or_missing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |value| value.to_string())
}

/// The width of a column: that of its longest value, but not less than `least`.
fn width<'v>(values: impl Iterator<Item = &'v str>, least: usize) -> usize {
    values.map(|value| value.chars().count()).fold(least, usize::max)
}

/// Partitions as `shop:0,1;demo:0`.
fn by_topic(partitions: &BTreeSet<TopicPartition>) -> String {
    if partitions.is_empty() {
        return MISSING.to_owned();
    }
    let mut topics: Vec<String> = Vec::new();
    let mut last = None;
    for (topic, partition) in partitions {
        match topics.last_mut() {
            Some(list) if last == Some(topic) => *list += &format!(",{partition}"),
            _ => topics.push(format!("{topic}:{partition}")),
        }
        last = Some(topic);
    }
    topics.sort();
    topics.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{GroupMember, GroupType, Node};

    /// A stable classic group on a node at 127.0.0.1:19292.
    pub(super) fn group(name: &str, members: Vec<GroupMember>) -> GroupDescription {
        GroupDescription {
            group: name.to_owned(),
            kind: GroupType::Classic,
            state: GroupState::Stable,
            coordinator: Node { id: 1, host: "127.0.0.1".to_owned(), port: 19292, rack: None },
            assignor: "range".to_owned(),
            group_epoch: None,
            target_assignment_epoch: None,
            members,
        }
    }

    pub(super) fn member(id: &str, client_id: &str, assignment: &[i32]) -> GroupMember {
        GroupMember {
            id: id.to_owned(),
            client_id: client_id.to_owned(),
            host: "/127.0.0.1".to_owned(),
            assignment: shop(assignment),
            ..GroupMember::default()
        }
    }

    /// Partitions of the topic `shop`.
    pub(super) fn shop(partitions: &[i32]) -> BTreeSet<TopicPartition> {
        partitions.iter().map(|&partition| ("shop".to_owned(), partition)).collect()
    }

    pub(super) fn text(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        render(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn partitions_stand_behind_their_topics() {
        let mut partitions = shop(&[10, 2]);
        partitions.insert(("demo".to_owned(), 0));
        assert_eq!(by_topic(&partitions), "demo:0;shop:2,10");
        assert_eq!(by_topic(&BTreeSet::new()), "-");
    }
}
