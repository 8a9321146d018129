//! The range assignor: each topic by itself, cut into ranges in the order of its subscribers, static members first.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AssignedMember, Assignment, subscribers};

pub(super) fn assign(members: &BTreeMap<Arc<str>, AssignedMember>) -> Assignment {
    let mut assignment: Assignment = members.keys().map(|id| (Arc::clone(id), Default::default())).collect();
    for (topic, (partitions, mut subscribers)) in subscribers(members) {
        // A static member keeps its place under whatever id it comes back.
        subscribers.sort_by_key(|id| {
            let instance = members.get(*id).and_then(|member| member.instance_id.as_ref());
            (instance.is_none(), instance, *id)
        });
        let n_members = i32::try_from(subscribers.len()).unwrap_or(i32::MAX);
        let (share, extra) = (partitions / n_members, partitions % n_members);
        let mut next = 0;
        for (position, id) in (0..).zip(subscribers) {
            let end = next + share + i32::from(position < extra);
            if let Some(assigned) = assignment.get_mut(id) {
                assigned.extend((next..end).map(|partition| (topic, partition)));
            }
            next = end;
        }
    }
    assignment
}
