//! `kafka-reassign-partitions`: partitions move to other brokers, and replicas to other directories of theirs.

mod assignment;
mod cancel;
mod execute;
mod generate;
mod log_dir_moves;
mod options;
mod plan;
mod throttles;
mod trouble;
mod verify;

pub(crate) use options::ReassignTool;

use std::{collections::BTreeMap, io::Write};

use options::Action;
use trouble::Trouble;

use super::{Output, ToolCommand};
use crate::{
    failure::Failure,
    wire::{Cluster, Reassignment, TopicPartition, list_reassignments},
};

impl ToolCommand for ReassignTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let action = self.action().map_err(Failure::Failed)?;
        match self.done(action, out).await {
            Ok(()) => Ok(0),
            Err(trouble) => trouble.tell(out),
        }
    }
}

impl ReassignTool {
    async fn done(&self, action: Action<'_>, out: &mut Output) -> Result<(), Trouble> {
        match action {
            Action::Generate(wish) => wish.done(&self.cluster("describeTopics").await?, out).await,
            Action::Execute(wish) => wish.done(&self.cluster("listPartitionReassignments").await?, out).await,
            Action::Verify(wish) => wish.done(&self.cluster("listPartitionReassignments").await?, out).await,
            Action::Cancel(wish) => wish.done(&self.cluster("listPartitionReassignments").await?, out).await,
            Action::List => {
                let cluster = self.cluster("listPartitionReassignments").await?;
                Ok(writeln!(out, "{}", told(&list_reassignments(&cluster, None).await?))?)
            }
        }
    }

    async fn cluster(&self, call: &str) -> Result<Cluster, Trouble> {
        Ok(Cluster::connect(self.connection.settings()?, call).await?)
    }
}

/// Which partitions move.
fn told(moves: &BTreeMap<TopicPartition, Reassignment>) -> String {
    if moves.is_empty() {
        return "No partition reassignments found.".to_owned();
    }
    let nodes = |what: &str, nodes: &[i32]| match nodes {
        [] => String::new(),
        nodes => format!(" {what}: {}.", ids(nodes)),
    };
    let line = |((topic, partition), reassignment): (&TopicPartition, &Reassignment)| {
        let Reassignment { replicas, adding, removing } = reassignment;
        let (adding, removing) = (nodes("adding", adding), nodes("removing", removing));
        format!("\n{topic}-{partition}: replicas: {}.{adding}{removing}", ids(replicas))
    };
    format!("Current partition reassignments:{}", moves.iter().map(line).collect::<String>())
}

/// Ids with commas between them.
fn ids(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Partitions with commas between them.
fn names<'p>(partitions: impl IntoIterator<Item = &'p TopicPartition>) -> String {
    let name = |(topic, partition): &TopicPartition| format!("{topic}-{partition}");
    partitions.into_iter().map(name).collect::<Vec<_>>().join(",")
}

/// The ending of a word for so many.
fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_listed_with_who_comes_and_who_goes() {
        assert_eq!(told(&BTreeMap::new()), "No partition reassignments found.");
        let reassignment = Reassignment { replicas: vec![3, 1, 2], adding: vec![3], removing: vec![1, 2] };
        let moves = BTreeMap::from([
            (("shop".to_owned(), 10), Reassignment::default()),
            (("shop".to_owned(), 2), reassignment),
        ]);
        let expected = "Current partition reassignments:\n\
                        shop-2: replicas: 3,1,2. adding: 3. removing: 1,2.\n\
                        shop-10: replicas: .";
        assert_eq!(told(&moves), expected);
    }
}
