//! `--execute`: partitions move to where a file says.

use std::{collections::BTreeSet, io::Write, path::Path, time::Duration};

use super::{
    assignment::{self, Assignment},
    log_dir_moves, names,
    plan::{self, Plan},
    plural,
    throttles::{self, Moves},
    trouble::Trouble,
};
use crate::{
    tools::{Output, java_order},
    wire::{Cluster, TopicPartition, Wishes, alter_reassignments, list_reassignments},
};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Execute<'o> {
    pub(super) file: &'o Path,
    pub(super) additional: bool,
    /// In bytes a second, between brokers.
    pub(super) throttle: Option<i64>,
    /// In bytes a second, between the directories of a broker.
    pub(super) log_dirs_throttle: Option<i64>,
    pub(super) timeout: Duration,
    pub(super) may_change_factor: bool,
}

impl Execute<'_> {
    /// Starts the moves.
    ///
    /// # Errors
    /// The file is no good, or the controller refuses.
    pub(super) async fn done(self, cluster: &Cluster, out: &mut Output) -> Result<(), Trouble> {
        let plan = Plan::parse(&plan::read(self.file)?)?;
        let proposed = checked(&plan)?;
        let moves = list_reassignments(cluster, None).await?;
        if !self.additional && !moves.is_empty() {
            return Err(Trouble::Told(
                "Cannot execute because there is an existing partition assignment.  Use --additional to override this \
                 and create a new partition assignment in addition to the existing one. The --additional flag can also \
                 be used to change the throttle by resubmitting the current reassignment."
                    .to_owned(),
            ));
        }
        check_brokers(cluster, &proposed).await?;
        let current = assignment::of_partitions(cluster, &proposed).await?;
        writeln!(
            out,
            "Current partition replica assignment\n\n{}\n\nSave this to use as the --reassignment-json-file option \
             during rollback",
            assignment::json(&current)
        )?;
        if self.throttle.is_some() || self.log_dirs_throttle.is_some() {
            let moves = Moves::of(&moves, &proposed, &current);
            self.set_throttles(cluster, &plan, &moves, out).await?;
        }
        let wishes: Wishes = proposed.into_iter().map(|(partition, replicas)| (partition, Some(replicas))).collect();
        let errors = altered(cluster, &wishes, self.may_change_factor).await;
        if !errors.is_empty() {
            return Err(Trouble::Told(format!("Error reassigning partition(s):\n{}", errors.join("\n"))));
        }
        let count = plural(wishes.len());
        writeln!(out, "Successfully started partition reassignment{count} for {}", names(wishes.keys()))?;
        log_dir_moves::start(cluster, plan.dirs, self.timeout, out).await
    }

    async fn set_throttles(
        &self,
        cluster: &Cluster,
        plan: &Plan,
        moves: &Moves,
        out: &mut Output,
    ) -> Result<(), Trouble> {
        writeln!(
            out,
            "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is \
             removed."
        )?;
        if let Some(rate) = self.throttle {
            throttles::set_between_brokers(cluster, moves, rate, out).await?;
        }
        if let Some(rate) = self.log_dirs_throttle {
            let brokers = plan.dirs.keys().map(|replica| replica.broker).collect();
            throttles::set_between_dirs(cluster, &brokers, rate, out).await?;
        }
        Ok(())
    }
}

/// Where each partition is to lie.
fn checked(plan: &Plan) -> Result<Assignment, Trouble> {
    if plan.partitions.is_empty() {
        return Err(Trouble::refused("Partition reassignment list cannot be empty"));
    }
    if plan.partitions.iter().any(|(_, replicas)| replicas.is_empty()) {
        return Err(Trouble::refused("Partition replica list cannot be empty"));
    }
    let mut assignment = Assignment::new();
    let mut twice: BTreeSet<TopicPartition> = BTreeSet::new();
    for (partition, replicas) in &plan.partitions {
        if assignment.insert(partition.clone(), replicas.clone()).is_some() {
            twice.insert(partition.clone());
        }
    }
    if !twice.is_empty() {
        let words = format!("Partition reassignment contains duplicate topic partitions: {}", names(&twice));
        return Err(Trouble::refused(words));
    }
    let repeated: Vec<String> =
        plan.partitions.iter().filter_map(|(partition, replicas)| repeats(partition, replicas)).collect();
    if repeated.is_empty() {
        return Ok(assignment);
    }
    let words = format!("Partition replica lists may not contain duplicate entries: {}", repeated.join(". "));
    Err(Trouble::refused(words))
}

/// What is said of a partition that is to have a broker twice.
fn repeats(partition: &TopicPartition, replicas: &[i32]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<i32> = replicas.iter().copied().filter(|broker| !seen.insert(*broker)).collect();
    let brokers = super::ids(&java_order::numbers(&twice));
    (!twice.is_empty()).then(|| format!("{} contains multiple entries for {brokers}", names([partition])))
}

async fn check_brokers(cluster: &Cluster, proposed: &Assignment) -> Result<(), Trouble> {
    let up: BTreeSet<i32> = cluster.nodes().await.into_iter().map(|node| node.id).collect();
    let wanted: BTreeSet<i32> = proposed.values().flatten().copied().collect();
    match java_order::numbers(&wanted).into_iter().find(|broker| !up.contains(broker)) {
        Some(broker) => Err(Trouble::refused(format!("Unknown broker id {broker}"))),
        None => Ok(()),
    }
}

/// Has partitions move, and gives what went wrong, a line a partition.
pub(super) async fn altered(cluster: &Cluster, wishes: &Wishes, may_change_factor: bool) -> Vec<String> {
    let line = |partition: &TopicPartition, problem: &str| format!("{}: {problem}", names([partition]));
    match alter_reassignments(cluster, wishes, may_change_factor).await {
        Ok(done) => {
            let failed = |(partition, done): (TopicPartition, Result<(), crate::wire::KafkaError>)| {
                done.err().map(|error| line(&partition, error.message()))
            };
            done.into_iter().filter_map(failed).collect()
        }
        Err(error) => wishes.keys().map(|partition| line(partition, &error.message())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(partitions: &[(&str, i32, &[i32])]) -> String {
        let partition =
            |&(topic, partition, replicas): &(&str, i32, &[i32])| ((topic.to_owned(), partition), replicas.to_vec());
        let partitions = partitions.iter().map(partition).collect();
        match checked(&Plan { partitions, ..Plan::default() }) {
            Err(Trouble::Thrown(exception, _)) => exception.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_names_each_partition_and_each_of_its_brokers_once() {
        for (partitions, words) in [
            (&[][..], "Partition reassignment list cannot be empty"),
            (&[("a", 0, &[][..])][..], "Partition replica list cannot be empty"),
            (
                &[("a", 1, &[1]), ("a", 0, &[1]), ("a", 1, &[2])],
                "Partition reassignment contains duplicate topic partitions: a-1",
            ),
            (
                &[("a", 0, &[1, 2, 1]), ("a", 1, &[3, 3])],
                "Partition replica lists may not contain duplicate entries: a-0 contains multiple entries for 1. a-1 \
                 contains multiple entries for 3",
            ),
        ] {
            let expected = format!("org.apache.kafka.tools.AdminCommandFailedException: {words}");
            assert_eq!(refused(partitions), expected);
        }
    }
}
