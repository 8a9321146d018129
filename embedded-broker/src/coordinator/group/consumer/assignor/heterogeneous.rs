//! The uniform assignor where members subscribe to different topics: as equal as the subscriptions allow, with as few moves
//! as that takes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::{AssignedMember, Assignment, subscribers};

/// How often all topics are looked through at most: a move for one topic can unbalance another.
const MAX_ROUNDS: usize = 16;

pub(super) fn assign(members: &BTreeMap<Arc<str>, AssignedMember>) -> Assignment {
    let mut plan = Plan::new(members);
    plan.give_out_the_rest();
    plan.balance();
    let mut assignment: Assignment = members.keys().map(|id| (Arc::clone(id), Default::default())).collect();
    for topic in &plan.topics {
        for (owner, partition) in topic.owners.iter().zip(0..) {
            if let Some(has) = owner.and_then(|owner| plan.ids.get(owner)).and_then(|id| assignment.get_mut(*id)) {
                has.insert((topic.id, partition));
            }
        }
    }
    assignment
}

/// Members by their number in the order of ids, and who has what.
struct Plan<'a> {
    ids: Vec<&'a Arc<str>>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// Those with most partitions for each subscriber first.
    topics: Vec<Topic>,
}

struct Topic {
    id: Uuid,
    subscribers: Vec<usize>,
    /// The owner of each partition.
    owners: Vec<Option<usize>>,
}

impl<'a> Plan<'a> {
    /// Everybody keeps what it has of the topics it still subscribes to.
    fn new(members: &'a BTreeMap<Arc<str>, AssignedMember>) -> Self {
        let numbers: HashMap<&Arc<str>, usize> = members.keys().zip(0..).collect();
        let mut topics: Vec<Topic> = (subscribers(members).into_iter())
            .map(|(id, (partitions, subscribers))| Topic {
                id,
                subscribers: subscribers.iter().filter_map(|id| numbers.get(id).copied()).collect(),
                owners: vec![None; usize::try_from(partitions).unwrap_or(0)],
            })
            .collect();
        let by_number: Vec<&AssignedMember> = members.values().collect();
        let mut loads = vec![0; members.len()];
        for topic in &mut topics {
            for &subscriber in &topic.subscribers {
                let kept = by_number[subscriber].target.range((topic.id, i32::MIN)..=(topic.id, i32::MAX));
                for (_, partition) in kept {
                    let owner = usize::try_from(*partition).ok().and_then(|at| topic.owners.get_mut(at));
                    if let Some(owner @ None) = owner {
                        *owner = Some(subscriber);
                        loads[subscriber] += 1;
                    }
                }
            }
        }
        topics.sort_by(|a, b| {
            // a/b compared with c/d as ad with bc, so that nothing is rounded.
            let ratio = |x: &Topic, y: &Topic| x.owners.len() * y.subscribers.len();
            ratio(b, a).cmp(&ratio(a, b)).then(a.subscribers.len().cmp(&b.subscribers.len())).then(a.id.cmp(&b.id))
        });
        Self { ids: members.keys().collect(), loads, topics }
    }

    /// Each partition nobody has goes to the subscriber that has least.
    fn give_out_the_rest(&mut self) {
        for topic in &mut self.topics {
            let order = by_load(&topic.subscribers, &self.loads);
            for owner in topic.owners.iter_mut().filter(|owner| owner.is_none()) {
                let Some(poor) = least(&order, &self.loads) else { break };
                *owner = Some(poor);
                self.loads[poor] += 1;
            }
        }
    }

    /// Goes round the topics until a whole round moves nothing.
    fn balance(&mut self) {
        let movable: Vec<usize> = (0..self.topics.len()).filter(|&at| self.topics[at].subscribers.len() >= 2).collect();
        let mut last_moved = None;
        for _ in 0..MAX_ROUNDS {
            for &at in &movable {
                if last_moved == Some(at) {
                    return;
                }
                if self.balance_topic(at) || last_moved.is_none() {
                    last_moved = Some(at);
                }
            }
        }
    }

    /// Moves partitions of the topic from the subscriber that has most in all to the one that has least, while they differ
    /// by more than one. Whether anything was moved.
    fn balance_topic(&mut self, at: usize) -> bool {
        let topic = &mut self.topics[at];
        let order = by_load(&topic.subscribers, &self.loads);
        let mut to_give: HashMap<usize, Vec<usize>> = HashMap::new();
        for (partition, owner) in topic.owners.iter().enumerate() {
            to_give.entry(owner.unwrap_or(usize::MAX)).or_default().push(partition);
        }
        let mut moved = false;
        loop {
            let gives = |member: &&usize| to_give.get(*member).is_some_and(|partitions| !partitions.is_empty());
            let rich = order.iter().filter(gives).max_by_key(|&&member| self.loads[member]).copied();
            let (Some(rich), Some(poor)) = (rich, least(&order, &self.loads)) else { return moved };
            if self.loads[rich] <= self.loads[poor] + 1 {
                return moved;
            }
            let Some(partition) = to_give.get_mut(&rich).and_then(Vec::pop) else { return moved };
            topic.owners[partition] = Some(poor);
            self.loads[rich] -= 1;
            self.loads[poor] += 1;
            moved = true;
        }
    }
}

/// Members from the one that has least; among equals in the order of ids.
fn by_load(members: &[usize], loads: &[usize]) -> Vec<usize> {
    let mut order = members.to_vec();
    order.sort_by_key(|&member| (loads[member], member));
    order
}

/// Who has least now; among equals who comes first in this order.
fn least(order: &[usize], loads: &[usize]) -> Option<usize> {
    order.iter().min_by_key(|&&member| loads[member]).copied()
}
