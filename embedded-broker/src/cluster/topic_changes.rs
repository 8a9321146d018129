//! Changes of the set of topics: the one way for requests, for topics that are made by asking, and for tests.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{Cluster, recovery};
use crate::error::{Error, ErrorCode};
use crate::fault::random::Random;
use crate::internal_topics;
use crate::placement;
use crate::replication::Assignment;
use crate::state::TopicFacts;
use crate::topic::{NewTopic, Topic, Topics};

impl Cluster {
    /// Changes the set of topics: `change` works on a copy, which takes effect if it succeeds and anything is different.
    ///
    /// The copy, and the look at what has changed, are as long as the list of topics. So whatever one request asks of many
    /// topics is one change.
    pub(crate) fn change_topics<T>(&self, change: impl FnOnce(&mut Topics) -> Result<T, Error>) -> Result<T, Error> {
        let one_at_a_time = self.changes.lock();
        let before = self.topics();
        let mut after = Topics::clone(&before);
        let changed = change(&mut after)?;
        if after.version == before.version {
            return Ok(changed);
        }
        self.state.keep(|| recovery::changes(&before, &after))?;
        let of_coordinators = differ_in_internal(&before, &after);
        let gone: Vec<Arc<Topic>> = recovery::gone(&before, &after).cloned().collect();
        *self.topics.write() = Arc::new(after);
        self.forget(&gone);
        drop(one_at_a_time);
        self.metadata_changed();
        self.topic_watches.wake();
        if of_coordinators {
            self.leaders_changed();
        }
        if !gone.is_empty() {
            self.transactions.write_postponed(self);
        }
        Ok(changed)
    }

    /// As [`change_topics`](Self::change_topics), for changes of which each is made or refused by itself, in this order.
    /// `change` leaves the topics as they are when it refuses.
    pub(crate) fn change_each_topic<A, T>(
        &self,
        asked: &[A],
        mut change: impl FnMut(&mut Topics, &A) -> Result<T, Error>,
    ) -> Vec<Result<T, Error>> {
        let all = self.change_topics(|topics| Ok(asked.iter().map(|one| change(topics, one)).collect()));
        all.unwrap_or_else(|error| {
            let code = error.code().unwrap_or(ErrorCode::UnknownServerError);
            asked.iter().map(|_| Err(Error::with_code(code, error.to_string()))).collect()
        })
    }

    /// Forgets whatever is kept by the names of topics that are gone: their directories, the offsets that groups committed
    /// for them, and with the topic that Kafka keeps groups in all groups. It happens once it is kept that they are gone,
    /// and before anybody can make topics of these names again, whose directories and offsets would have the same.
    fn forget(&self, gone: &[Arc<Topic>]) {
        if gone.is_empty() {
            return;
        }
        gone.iter().flat_map(|topic| &topic.partitions).for_each(|partition| partition.delete());
        let names: HashSet<&str> = gone.iter().map(|topic| &*topic.name).collect();
        if names.contains(internal_topics::OFFSETS) {
            self.groups.forget_all(self);
        } else {
            self.groups.forget_topics(&names, self);
        }
    }

    /// Adds a new topic to a picture.
    ///
    /// # Errors
    ///
    /// Its name or configs are not valid, or it is there.
    pub(crate) fn add_topic(&self, topics: &mut Topics, new: NewTopic) -> Result<Arc<Topic>, Error> {
        let log_config = self.log_config(&new.configs)?;
        topics.check_new(&new.name)?;
        let facts = TopicFacts {
            id: Uuid::new_v4(),
            name: Arc::from(new.name.as_str()),
            replicas: new.replicas,
            moving: BTreeMap::new(),
            configs: new.configs,
        };
        Ok(topics.insert(self.new_topic(facts, &log_config)?))
    }

    /// Gives a topic of a picture more partitions, with these replicas.
    ///
    /// # Errors
    ///
    /// A partition cannot be kept.
    pub(crate) fn add_partitions(
        &self,
        topics: &mut Topics,
        topic: &Topic,
        replicas: Vec<Vec<i32>>,
    ) -> Result<(), Error> {
        let config = self.log_config(&topic.configs)?;
        let mut grown = Topic::clone(topic);
        for replicas in replicas {
            let replicas = Assignment::of(replicas);
            let partition = self.make_partition((&grown, grown.partitions.len()), replicas, &config, None)?;
            grown.partitions.push(partition);
        }
        topics.insert(grown);
        Ok(())
    }

    /// Chooses replicas for a new topic that is the next of a picture.
    ///
    /// # Errors
    ///
    /// `INVALID_REPLICATION_FACTOR`, as it is told of a new topic.
    pub(crate) fn place(&self, topics: &Topics, partitions: i32, replicas: i16) -> Result<Vec<Vec<i32>>, Error> {
        self.place_more(topics, partitions, replicas).map_err(|why| placement::unplaced(replicas, &why))
    }

    /// Chooses replicas for new partitions.
    ///
    /// # Errors
    ///
    /// `INVALID_REPLICATION_FACTOR`, as it is told of a topic that is there.
    pub(crate) fn place_more(&self, topics: &Topics, partitions: i32, replicas: i16) -> Result<Vec<Vec<i32>>, Error> {
        let partitions = usize::try_from(partitions).unwrap_or(0);
        let mut random = Random::of_placement(self.settings.fault_seed, topics.len());
        placement::place(&self.nodes().usable(), partitions, replicas, topics.len(), &mut random)
    }
}

/// Whether the topics of coordinators are others than before.
fn differ_in_internal(before: &Topics, after: &Topics) -> bool {
    [internal_topics::OFFSETS, internal_topics::TRANSACTIONS].into_iter().any(|name| {
        match (before.by_name(name), after.by_name(name)) {
            (Some(before), Some(after)) => !Arc::ptr_eq(before, after),
            (None, None) => false,
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::Node;
    use crate::config::layers::Configs;
    use crate::coordinator::group::OffsetToCommit;
    use crate::settings::BrokerSettings;

    fn cluster() -> Cluster {
        Cluster::new(Clock::real(), BrokerSettings::default(), vec![Node::of(1)])
    }

    fn add(cluster: &Cluster, topics: &mut Topics, name: &str) -> Result<(), Error> {
        let new = NewTopic { name: name.to_owned(), replicas: vec![vec![1]], configs: Configs::new() };
        cluster.add_topic(topics, new).map(drop)
    }

    #[test]
    fn many_changes_are_one_and_each_is_made_or_refused_by_itself() {
        let cluster = cluster();
        let before = cluster.metadata_offset();
        let made = cluster.change_each_topic(&["a_b", "a.b", "?", "c"], |topics, name| add(&cluster, topics, name));
        let codes: Vec<_> = made.iter().map(|made| made.as_ref().err().and_then(Error::code)).collect();
        let invalid = Some(ErrorCode::InvalidTopicException);
        assert_eq!(codes, [None, invalid, invalid, None]);
        assert_eq!(cluster.metadata_offset(), before + 1);
    }

    #[test]
    fn where_nothing_is_different_there_is_no_change() {
        let cluster = cluster();
        let (before, offset) = (cluster.topics(), cluster.metadata_offset());
        cluster.change_topics(|topics| Ok(topics.len())).unwrap();
        cluster.change_topics(|topics| add(&cluster, topics, "?")).unwrap_err();
        assert!(Arc::ptr_eq(&before, &cluster.topics()));
        assert_eq!(cluster.metadata_offset(), offset);
    }

    #[test]
    fn topics_that_are_gone_take_their_offsets_along() {
        let cluster = cluster();
        cluster.change_each_topic(&["a", "b", "stays"], |topics, name| add(&cluster, topics, name));
        let group = cluster.groups.find_or_create("g");
        let commit =
            |topic| OffsetToCommit { topic, partition: 0, offset: 1, leader_epoch: -1, metadata: "", retention: None };
        for topic in ["a", "b", "stays"] {
            group.turn(&cluster, |group, turn| group.commit_offset(&commit(topic), turn)).unwrap();
        }
        let removed = cluster.change_topics(|topics| Ok(["a", "b"].map(|name| topics.remove(name).is_some())));
        assert_eq!(removed.unwrap(), [true, true]);
        let left = group.look(|group| group.offsets.topics().map(|(topic, _)| topic.to_string()).collect::<Vec<_>>());
        assert_eq!(left, ["stays"]);
    }
}
