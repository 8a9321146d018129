//! `--delete` and `--delete-offsets`.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    describe::names,
    options::Options,
    topics::{self, Named},
    trouble::{Trouble, print_error},
};
use crate::{
    tools::Output,
    wire::{Cluster, KafkaError, TopicPartition, WireError},
};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_GROUP_ID: i16 = 24;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const GROUP_AUTHORIZATION_FAILED: i16 = 30;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;
const GROUP_SUBSCRIBED_TO_TOPIC: i16 = 86;

/// Stands for all partitions of a topic that is not there.
const NO_PARTITION: i32 = -1;

pub(super) async fn groups(cluster: &Cluster, options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let mut done = BTreeMap::new();
    for group in names(cluster, options).await? {
        let deleted = cluster.delete_group(&group).await;
        done.insert(group, deleted);
    }
    Ok(render_groups(&done, out)?)
}

fn render_groups(done: &BTreeMap<String, Result<(), WireError>>, out: &mut impl Write) -> io::Result<()> {
    let deleted: Vec<String> =
        done.iter().filter(|(_, done)| done.is_ok()).map(|(group, _)| format!("'{group}'")).collect();
    let deleted = deleted.join(", ");
    let failed: Vec<(&String, &WireError)> =
        done.iter().filter_map(|(group, done)| Some((group, done.as_ref().err()?))).collect();
    if failed.is_empty() {
        return writeln!(out, "Deletion of requested consumer groups ({deleted}) was successful.");
    }
    print_error(out, "Deletion of some consumer groups failed:")?;
    for (group, error) in failed {
        writeln!(out, "* Group '{group}' could not be deleted due to: {error}")?;
    }
    if !deleted.is_empty() {
        writeln!(out, "\nThese consumer groups were deleted successfully: {deleted}")?;
    }
    Ok(())
}

pub(super) async fn offsets(cluster: &Cluster, options: &Options, out: &mut Output) -> Result<(), Trouble> {
    let named = Named::parse(&options.topic).map_err(Trouble::Usage)?;
    // Of several groups the script takes none either.
    let [group] = &options.group[..] else {
        return Err(Trouble::Usage("Found multiple arguments for option group, but you asked for only one".to_owned()));
    };
    let mut rows = BTreeMap::new();
    let mut partitions = named.partitions;
    let described = topics::partitions_of(cluster, &named.topics).await;
    let described = match described {
        Ok(described) => described,
        Err(error) => return Err(Trouble::failed(error.to_string())),
    };
    for (topic, found) in described {
        match found {
            Ok(found) => partitions.extend(found.into_iter().map(|partition| (topic.clone(), partition))),
            Err(error) => drop(rows.insert((topic, NO_PARTITION), Err(error.into()))),
        }
    }
    let done = cluster.delete_offsets(group, &partitions).await;
    let first_error = match &done {
        Err(error) => Some(error.clone()),
        Ok(done) => done.values().find_map(|done| done.clone().err()).map(WireError::Kafka),
    };
    for partition in partitions {
        let done = match &done {
            Err(error) => Err(error.clone()),
            Ok(done) => done.get(&partition).cloned().unwrap_or(Ok(())).map_err(WireError::Kafka),
        };
        rows.insert(partition, done);
    }
    match first_error {
        None => writeln!(out, "Request succeeded for deleting offsets from group {group}.")?,
        Some(error) => print_error(out, &in_all(&error))?,
    }
    Ok(render_offsets(&rows, out)?)
}

/// What is said of all partitions together.
fn in_all(error: &WireError) -> String {
    let code = if let WireError::Kafka(error) = error { error.code() } else { -1 };
    let general = KafkaError::check(code, None).err();
    match (code, general) {
        (INVALID_GROUP_ID | GROUP_ID_NOT_FOUND | GROUP_AUTHORIZATION_FAILED | NON_EMPTY_GROUP, Some(error)) => {
            error.message().to_owned()
        }
        (GROUP_SUBSCRIBED_TO_TOPIC | TOPIC_AUTHORIZATION_FAILED | UNKNOWN_TOPIC_OR_PARTITION, _) => {
            "Encountered some partition-level error, see the follow-up details.".to_owned()
        }
        _ => format!("Encountered some unknown error: {}", error.message()),
    }
}

fn render_offsets(rows: &BTreeMap<TopicPartition, Result<(), WireError>>, out: &mut impl Write) -> io::Result<()> {
    let width = rows.keys().map(|(topic, _)| topic.chars().count()).fold(15, usize::max);
    let mut line =
        |topic: &str, partition: &str, status: &str| write!(out, "\n{topic:<width$} {partition:<10} {status:<15}");
    line("TOPIC", "PARTITION", "STATUS")?;
    let mut rows: Vec<_> = rows.iter().collect();
    // As the script has them, which takes name and number for one text: 10 comes before 2.
    rows.sort_by_key(|((topic, partition), _)| format!("{topic}{partition}"));
    for ((topic, partition), done) in rows {
        let partition = if *partition == NO_PARTITION { "-".to_owned() } else { partition.to_string() };
        let status = match done {
            Ok(()) => "Successful".to_owned(),
            Err(error) => format!("Error: {error}"),
        };
        line(topic, &partition, &status)?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i16) -> Result<(), WireError> {
        Ok(KafkaError::check(code, None)?)
    }

    fn text(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        render(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn deleted(groups: &[(&str, i16)]) -> String {
        let done = groups.iter().map(|&(group, code)| (group.to_owned(), error(code))).collect();
        text(|out| render_groups(&done, out))
    }

    #[test]
    fn what_was_deleted_is_named() {
        assert_eq!(deleted(&[("idle", 0)]), "Deletion of requested consumer groups ('idle') was successful.\n");
        assert_eq!(deleted(&[]), "Deletion of requested consumer groups () was successful.\n");
    }

    #[test]
    fn a_group_that_stays_keeps_no_other_one() {
        assert_eq!(
            deleted(&[("fresh", 0), ("nosuch", GROUP_ID_NOT_FOUND)]),
            "\n\
             Error: Deletion of some consumer groups failed:\n\
             * Group 'nosuch' could not be deleted due to: org.apache.kafka.common.errors.GroupIdNotFoundException: \
             The group id does not exist.\n\
             \n\
             These consumer groups were deleted successfully: 'fresh'\n"
        );
    }

    #[test]
    fn each_partition_has_its_status() {
        let rows = [
            (("shop".to_owned(), 2), Ok(())),
            (("shop".to_owned(), 10), Ok(())),
            (("ghost".to_owned(), NO_PARTITION), error(UNKNOWN_TOPIC_OR_PARTITION)),
        ];
        assert_eq!(
            text(|out| render_offsets(&rows.into(), out)),
            "\n\
             TOPIC           PARTITION  STATUS         \n\
             ghost           -          Error: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: \
             This server does not host this topic-partition.\n\
             shop            10         Successful     \n\
             shop            2          Successful     \n"
        );
    }

    #[test]
    fn an_error_of_the_group_is_said_once_for_all() {
        let said = |code| in_all(&error(code).unwrap_err());
        assert_eq!(said(GROUP_ID_NOT_FOUND), "The group id does not exist.");
        assert_eq!(
            said(GROUP_SUBSCRIBED_TO_TOPIC),
            "Encountered some partition-level error, see the follow-up details."
        );
        assert!(said(44).starts_with("Encountered some unknown error: "));
    }
}
