//! [`Find`]: which partitions a consumer takes by itself, and where it begins in each: asked of the broker.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::inquiry::Inquiry;
use crate::{
    config::{ByHand, Partitions, StartFrom},
    error::{Error, ErrorKind, Result},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// librdkafka's word for where the group has committed, and for what is to be done where it has not.
const STORED: i64 = -1000;
/// Its words for both ends.
const BEGINNING: i64 = -2;
const END: i64 = -1;

/// A position as librdkafka takes it without anybody asking the broker before; `None`: it has to be asked.
pub(crate) fn begins_at(spec: OffsetSpec) -> Option<i64> {
    match spec {
        OffsetSpec::Earliest => Some(BEGINNING),
        OffsetSpec::Latest => Some(END),
        OffsetSpec::Offset(offset) => Some(offset),
        OffsetSpec::AfterEarliest(_) | OffsetSpec::BeforeLatest(_) | OffsetSpec::Timestamp(_) => None,
    }
}

/// Which partitions a listener takes by itself, and where it begins; shared by its consumers.
pub(crate) struct Find {
    topics: Vec<String>,
    by_hand: ByHand,
    concurrency: u32,
    inquiry: Arc<dyn Inquiry>,
    /// How far its records were handled since it was started: there a client that is made anew goes on.
    handled: Mutex<BTreeMap<TopicPartition, i64>>,
}

impl Find {
    pub(crate) fn new(topics: Vec<String>, by_hand: ByHand, concurrency: u32, inquiry: Arc<dyn Inquiry>) -> Self {
        Self { topics, by_hand, concurrency, inquiry, handled: Mutex::default() }
    }

    /// Its positions are committed.
    pub(crate) fn commits(&self) -> bool {
        self.by_hand.commits
    }

    /// For consumer number `instance`. Waits for the network.
    pub(super) fn positions(&self, instance: u32) -> Result<Vec<(TopicPartition, i64)>> {
        let mine = share(
            chosen(&self.inquiry.partitions(&self.topics)?, &self.by_hand.partitions)?,
            instance,
            self.concurrency,
        );
        let handled = self.handled.lock().clone();
        let (known, new): (Vec<_>, Vec<_>) = mine.into_iter().partition(|at| handled.contains_key(at));
        let mut positions = match self.by_hand.from {
            StartFrom::Committed => new.into_iter().map(|at| (at, STORED)).collect(),
            StartFrom::At(spec) => self.inquiry.offsets(&new.into_iter().map(|at| (at, spec)).collect::<Vec<_>>())?,
        };
        positions.extend(known.into_iter().filter_map(|at| handled.get(&at).map(|offset| (at.clone(), *offset))));
        positions.sort_unstable();
        Ok(positions)
    }

    pub(super) fn has_handled(&self, at: &TopicPartition, offset: i64) {
        self.handled.lock().insert(at.clone(), offset);
    }

    /// It was stopped: the next start begins anew.
    pub(super) fn forget(&self, partitions: impl Iterator<Item = TopicPartition>) {
        let mut handled = self.handled.lock();
        for at in partitions {
            handled.remove(&at);
        }
    }
}

/// Those of all partitions that were asked for.
fn chosen(all: &[TopicPartition], partitions: &Partitions) -> Result<Vec<TopicPartition>> {
    let Partitions::These(numbers) = partitions else { return Ok(all.to_vec()) };
    let mut topics: Vec<_> = all.iter().map(|at| Arc::clone(&at.topic)).collect();
    topics.dedup();
    let mut chosen = Vec::new();
    for topic in topics {
        for number in numbers {
            let at = TopicPartition::new(Arc::clone(&topic), *number);
            if !all.contains(&at) {
                let n_partitions = all.iter().filter(|at| at.topic == topic).count();
                let text = format!("topic `{topic}` has {n_partitions} partitions, and no {number}");
                return Err(Error::new(ErrorKind::Config, text));
            }
            chosen.push(at);
        }
    }
    Ok(chosen)
}

/// What one of several consumers takes.
fn share(all: Vec<TopicPartition>, instance: u32, concurrency: u32) -> Vec<TopicPartition> {
    let (instance, step) = (instance as usize, concurrency.max(1) as usize);
    all.into_iter().skip(instance).step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{listener::PartitionLag, offset_spec::OffsetSpec};

    fn all() -> Vec<TopicPartition> {
        [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)].map(|(topic, n)| TopicPartition::new(topic, n)).to_vec()
    }

    #[test]
    fn numbers_are_those_of_each_topic_and_must_be_there() {
        let names = |these: [i32; 2]| chosen(&all(), &these.into()).map(|all| all.len());
        assert_eq!(names([0, 1]).expect("there"), 4);
        let error = names([0, 2]).expect_err("b has none").to_string();
        assert!(error.contains("topic `b` has 2 partitions, and no 2"), "{error}");
        assert_eq!(chosen(&all(), &Partitions::All).expect("there"), all());
    }

    /// A broker with these partitions, each from 10 to 20.
    struct Broker;

    impl Inquiry for Broker {
        fn offsets(&self, asked: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>> {
            Ok(asked.iter().filter_map(|(at, spec)| Some((at.clone(), spec.between(10, 20)?))).collect())
        }

        fn lag(&self, _: &[String]) -> Result<Vec<PartitionLag>> {
            Ok(Vec::new())
        }

        fn partitions(&self, _: &[String]) -> Result<Vec<TopicPartition>> {
            Ok(all())
        }

        fn is_unread(&self, _: &[(TopicPartition, i64)]) -> Result<bool> {
            Ok(false)
        }
    }

    fn find(from: StartFrom) -> Find {
        let by_hand = ByHand { partitions: [1].into(), from, commits: false };
        Find::new(vec!["a".to_owned(), "b".to_owned()], by_hand, 1, Arc::new(Broker))
    }

    #[test]
    fn a_client_that_is_made_anew_goes_on_where_records_were_handled_and_a_start_begins_anew() {
        let find = find(StartFrom::At(OffsetSpec::BeforeLatest(3)));
        let (a, b) = (TopicPartition::new("a", 1), TopicPartition::new("b", 1));
        let begins = |find: &Find| find.positions(0).expect("the broker answers");
        assert_eq!(begins(&find), [(a.clone(), 17), (b.clone(), 17)]);
        find.has_handled(&b, 19);
        assert_eq!(begins(&find), [(a.clone(), 17), (b.clone(), 19)]);
        find.forget([a.clone(), b.clone()].into_iter());
        assert_eq!(begins(&find), [(a, 17), (b, 17)]);
    }

    #[test]
    fn where_its_group_has_committed_is_for_the_client_to_find_out() {
        let positions = find(StartFrom::Committed).positions(0).expect("the broker answers");
        assert!(positions.iter().all(|(_, offset)| *offset == STORED), "{positions:?}");
    }

    #[test]
    fn consumers_share_all_and_more_of_them_than_partitions_have_none() {
        let shares: Vec<_> = (0..7).map(|instance| share(all(), instance, 7).len()).collect();
        assert_eq!(shares, [1, 1, 1, 1, 1, 0, 0]);
        let mut of_two = [share(all(), 0, 2), share(all(), 1, 2)].concat();
        of_two.sort();
        assert_eq!(of_two, all());
    }
}
