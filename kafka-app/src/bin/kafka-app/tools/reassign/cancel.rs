//! `--cancel`: the moves of a file go back.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    time::Duration,
};

use super::{
    execute::altered,
    log_dir_moves::{self, DirState},
    names,
    plan::{self, Plan, ReplicaOf},
    plural, throttles,
    trouble::Trouble,
};
use crate::{
    tools::Output,
    wire::{Cluster, TopicPartition, Wishes, list_reassignments},
};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Cancel<'o> {
    pub(super) file: &'o Path,
    pub(super) keeps_throttles: bool,
    pub(super) timeout: Duration,
}

impl Cancel<'_> {
    /// Cancels what moves of it.
    ///
    /// # Errors
    /// The file is no good, or the controller refuses.
    pub(super) async fn done(self, cluster: &Cluster, out: &mut Output) -> Result<(), Trouble> {
        let plan = Plan::parse(&plan::read(self.file)?)?;
        go_back(cluster, &plan, out).await?;
        let states = log_dir_moves::states(cluster, &plan.dirs).await?;
        // They stay where they are.
        let moving: BTreeMap<ReplicaOf, String> = states
            .into_iter()
            .filter_map(|dir| match dir.state {
                DirState::Moving { current, .. } => Some((dir.replica, current)),
                _ => None,
            })
            .collect();
        if moving.is_empty() {
            write!(out, "None of the specified partition moves are active.")?;
        } else {
            log_dir_moves::start(cluster, moving, self.timeout, out).await?;
        }
        if !self.keeps_throttles {
            throttles::clear_all(cluster, &plan, out).await?;
        }
        Ok(())
    }
}

async fn go_back(cluster: &Cluster, plan: &Plan, out: &mut Output) -> Result<(), Trouble> {
    let wanted: BTreeSet<TopicPartition> = plan.partitions.iter().map(|(partition, _)| partition.clone()).collect();
    let mut moves = list_reassignments(cluster, Some(&wanted)).await?;
    moves.retain(|_, reassignment| !reassignment.adding.is_empty() || !reassignment.removing.is_empty());
    if moves.is_empty() {
        return Ok(writeln!(out, "None of the specified partition reassignments are active.")?);
    }
    let wishes: Wishes = moves.into_keys().map(|partition| (partition, None)).collect();
    let errors = altered(cluster, &wishes, true).await;
    if !errors.is_empty() {
        let for_all = format!("Error cancelling partition reassignment{} for:\n", plural(errors.len()));
        return Err(Trouble::Told(for_all + &errors.join("\n")));
    }
    let count = plural(wishes.len());
    writeln!(out, "Successfully cancelled partition reassignment{count} for: {}", names(wishes.keys()))?;
    Ok(())
}
