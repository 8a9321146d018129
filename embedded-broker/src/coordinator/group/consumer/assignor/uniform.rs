//! The uniform assignor: equal numbers for all, as few moves as that takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AssignedMember, Assignment, subscribers};

type Members = BTreeMap<Arc<str>, AssignedMember>;

pub(super) fn assign(members: &Members) -> Assignment {
    let mut assignment: Assignment = members.iter().map(|(id, member)| (Arc::clone(id), kept(member))).collect();
    give_out_the_rest(members, &mut assignment);
    while move_one(members, &mut assignment) {}
    assignment
}

/// What of its target a member may keep: partitions that exist, of topics it still subscribes to.
fn kept(member: &AssignedMember) -> super::TopicPartitions {
    let exists = |(topic, partition): &(uuid::Uuid, i32)| member.topics.get(topic).is_some_and(|n| partition < n);
    member.target.iter().copied().filter(exists).collect()
}

/// Each partition nobody has goes to the subscriber that has least.
fn give_out_the_rest(members: &Members, assignment: &mut Assignment) {
    let taken: std::collections::HashSet<_> = assignment.values().flatten().copied().collect();
    for (topic, (partitions, subscribers)) in subscribers(members) {
        for partition in (0..partitions).map(|partition| (topic, partition)).filter(|p| !taken.contains(p)) {
            let least = subscribers.iter().min_by_key(|id| assignment.get(**id).map_or(0, |has| has.len()));
            if let Some(has) = least.and_then(|id| assignment.get_mut(*id)) {
                has.insert(partition);
            }
        }
    }
}

/// Moves one partition from a member to one that has at least two less, from the poorest on. Each move makes
/// the sum of squares smaller, so there is an end to them.
fn move_one(members: &Members, assignment: &mut Assignment) -> bool {
    let mut by_load: Vec<(usize, Arc<str>)> = assignment.iter().map(|(id, has)| (has.len(), Arc::clone(id))).collect();
    by_load.sort();
    for (load, poor) in &by_load {
        let Some(wishes) = members.get(poor) else { continue };
        for (more, rich) in by_load.iter().rev().take_while(|(more, _)| *more >= load + 2) {
            debug_assert!(more > load);
            let movable = |(topic, _): &&(uuid::Uuid, i32)| wishes.topics.contains_key(topic);
            let Some(&partition) = assignment.get(rich).and_then(|has| has.iter().rev().find(movable)) else {
                continue;
            };
            if let Some(has) = assignment.get_mut(rich) {
                has.remove(&partition);
            }
            if let Some(has) = assignment.get_mut(poor) {
                has.insert(partition);
            }
            return true;
        }
    }
    false
}
