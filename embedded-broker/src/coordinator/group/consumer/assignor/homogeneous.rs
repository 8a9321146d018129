//! The uniform assignor where all members subscribe to the same topics: everybody gets its quota, and keeps of what it has
//! as much as that allows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{AssignedMember, Assignment};

pub(super) fn assign(members: &BTreeMap<Arc<str>, AssignedMember>) -> Assignment {
    let Some(topics) = members.values().next().map(|member| &member.topics) else { return Assignment::new() };
    let taken: HashSet<_> = members.values().flat_map(|member| &member.target).copied().collect();
    let all = topics.iter().flat_map(|(&topic, &partitions)| (0..partitions).map(move |partition| (topic, partition)));
    let (free, n_partitions) = all.fold((Vec::new(), 0), |(mut free, n), partition| {
        if !taken.contains(&partition) {
            free.push(partition);
        }
        (free, n + 1)
    });
    let mut quotas = Quotas::new(n_partitions, members.len());
    let mut assignment = Assignment::new();
    let mut free = free;
    let mut unfilled = Vec::new();
    for (id, member) in members {
        let quota = quotas.offer();
        let (kept, over) = keep(member, topics, quota);
        free.extend(over);
        let room = quotas.take(quota, kept.len());
        if room > 0 {
            unfilled.push((Arc::clone(id), room));
        }
        assignment.insert(Arc::clone(id), kept.into_iter().collect());
    }
    let mut free = free.into_iter();
    for (id, room) in unfilled {
        if let Some(has) = assignment.get_mut(&id) {
            has.extend(free.by_ref().take(room));
        }
    }
    assignment
}

type Partitions = Vec<(Uuid, i32)>;

/// What of its target a member keeps, and what it has over its quota. Topics that it does not subscribe to any more are
/// neither.
fn keep(member: &AssignedMember, topics: &BTreeMap<Uuid, i32>, quota: usize) -> (Partitions, Partitions) {
    let mut has: Partitions = member.target.iter().copied().filter(|(topic, _)| topics.contains_key(topic)).collect();
    let over = has.split_off(quota.min(has.len()));
    (has, over)
}

/// How many partitions each member may have: all the same, and some one more.
struct Quotas {
    least: usize,
    /// Members that get one more and are not found yet.
    extras: usize,
    /// Members that were not asked yet.
    members: usize,
}

impl Quotas {
    fn new(partitions: usize, members: usize) -> Self {
        Self { least: partitions / members, extras: partitions % members, members }
    }

    /// What the next member may have at most.
    fn offer(&self) -> usize {
        self.least + usize::from(self.extras > 0)
    }

    /// The member keeps so many of what it was offered; how many more it shall get. One that does not have one more than
    /// the least leaves it to somebody who has, while there are members enough to take them all.
    fn take(&mut self, offered: usize, kept: usize) -> usize {
        let has_extra = offered > self.least;
        let gives_up = has_extra && kept < offered && self.members > self.extras;
        self.members -= 1;
        self.extras -= usize::from(has_extra && !gives_up);
        offered - kept - usize::from(gives_up)
    }
}
