//! A cluster as facts, and facts as a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::stores::NewStores;
use super::{Cluster, ProducerIds};
use crate::config::client_metrics::Subscription;
use crate::error::Error;
use crate::internal_topics::is_internal;
use crate::log::LogConfig;
use crate::partition::Partition;
use crate::replication::{Assignment, Remembered};
use crate::state::{StateImage, StateRecord, TopicFacts};
use crate::topic::{Topic, Topics};

/// The facts that make the one picture of the topics the other.
pub(super) fn changes(before: &Topics, after: &Topics) -> Vec<StateRecord> {
    let is_new = |topic: &&Arc<Topic>| before.by_id(topic.id).is_none_or(|known| !Arc::ptr_eq(known, topic));
    let deleted = gone(before, after).map(|topic| StateRecord::TopicDeleted(topic.id));
    let of_topic = |topic: &Arc<Topic>| {
        let leaders = topic.partitions.iter().filter_map(|partition| partition.unwritten()).collect::<Vec<_>>();
        std::iter::once(StateRecord::Topic(facts(topic))).chain(leaders)
    };
    deleted.chain(after.iter().filter(is_new).flat_map(of_topic)).collect()
}

/// What is remembered of partitions that are made again, by their topic and number.
pub(super) type Past = BTreeMap<(Uuid, i32), Remembered>;

/// The topics that the second picture does not have any more.
pub(super) fn gone<'a>(before: &'a Topics, after: &'a Topics) -> impl Iterator<Item = &'a Arc<Topic>> {
    before.iter().filter(|topic| after.by_id(topic.id).is_none())
}

pub(super) fn facts(topic: &Topic) -> TopicFacts {
    let assignments: Vec<_> = topic.partitions.iter().map(|partition| partition.assignment()).collect();
    TopicFacts {
        id: topic.id,
        name: Arc::clone(&topic.name),
        replicas: assignments.iter().map(|one| one.replicas.clone()).collect(),
        moving: assignments.into_iter().enumerate().filter(|(_, one)| one.is_moving()).collect(),
        configs: topic.configs.clone(),
    }
}

impl Cluster {
    /// Makes everything true again that a state log says; the cluster is new, and nobody has been told of it.
    ///
    /// # Errors
    ///
    /// If a config that was legal once is not any more, or the log of a partition cannot be opened.
    pub(crate) fn recover(&self, image: StateImage) -> Result<(), Error> {
        *self.producer_ids.lock() = ProducerIds { next: image.next_producer_id, reserved: image.next_producer_id };
        self.recover_configs(&image)?;
        self.recover_access(&image)?;
        self.recover_topics(&image)?;
        for (id, group) in image.groups {
            self.groups.load(&id, group, self);
        }
        for (id, metadata) in image.transactions {
            self.transactions.load(&id, metadata, self);
        }
        self.leaders_changed();
        self.transactions.write_markers(self);
        Ok(())
    }

    fn recover_configs(&self, image: &StateImage) -> Result<(), Error> {
        let mut layers = (*self.broker_configs()).clone();
        for (node, configs) in &image.broker_configs {
            match node {
                Some(node) => drop(layers.dynamic.insert(*node, configs.clone())),
                None => layers.dynamic_default.clone_from(configs),
            }
        }
        // As in Kafka, a listener whose store has gone meanwhile begins with that of the start.
        match NewStores::read(self, &self.broker_configs(), &layers) {
            Ok(stores) => stores.take_up(),
            Err(error) => tracing::error!(%error, "what was set of listeners while the broker ran is not taken up"),
        }
        *self.configs.write() = Arc::new(layers);
        self.take_up_configs();
        let mut resources = (*self.resource_configs()).clone();
        for (group, configs) in &image.group_configs {
            resources.set_group(group, configs.clone(), &self.group_defaults);
        }
        for (name, configs) in &image.client_metrics {
            resources.set_client_metrics(name, configs.clone(), Arc::new(Subscription::read(configs)?));
        }
        *self.resource_configs.write() = Arc::new(resources);
        Ok(())
    }

    fn recover_topics(&self, image: &StateImage) -> Result<(), Error> {
        self.sweep(image)?;
        let mut topics = Topics::clone(&self.topics());
        for facts in image.topics.values() {
            let config = self.log_config(&facts.configs)?;
            topics.insert(self.make_topic(facts.clone(), &config, Some(&image.replicas))?);
        }
        let leaders = || topics.iter().flat_map(|topic| &topic.partitions).filter_map(|one| one.unwritten());
        self.state.keep(|| leaders().collect::<Vec<_>>())?;
        topics.iter().flat_map(|topic| &topic.partitions).for_each(|one| one.written());
        *self.topics.write() = Arc::new(topics);
        self.go_on_moving();
        Ok(())
    }

    /// A new topic of these facts.
    pub(crate) fn new_topic(&self, facts: TopicFacts, config: &Arc<LogConfig>) -> Result<Topic, Error> {
        self.make_topic(facts, config, None)
    }

    /// A topic of these facts; if there is a past, what is kept of it is there again.
    fn make_topic(&self, facts: TopicFacts, config: &Arc<LogConfig>, past: Option<&Past>) -> Result<Topic, Error> {
        let TopicFacts { id, name, replicas, mut moving, configs } = facts;
        let mut topic = Topic { name, id, partitions: Vec::with_capacity(replicas.len()), configs };
        for (index, replicas) in replicas.into_iter().enumerate() {
            let assignment = moving.remove(&index).unwrap_or_else(|| Assignment::of(replicas));
            let past = past.map(|past| remembered(past, (topic.id, index), assignment.clone()));
            topic.partitions.push(self.make_partition((&topic, index), assignment, config, past)?);
        }
        Ok(topic)
    }

    /// A partition for a topic that is made or grown; if it has a past, what is kept of it is there again.
    pub(super) fn make_partition(
        &self,
        (topic, index): (&Topic, usize),
        assignment: Assignment,
        config: &Arc<LogConfig>,
        past: Option<Remembered>,
    ) -> Result<Arc<Partition>, Error> {
        let config = Arc::clone(config);
        // What was written down with who leads is as new as that.
        let assignment = past.as_ref().map_or(assignment, |past| past.assignment.clone());
        let placed = self.placed(topic.id, index, assignment, &config, past.as_ref());
        let Some(storage) = &self.storage else { return Ok(Arc::new(Partition::new(config, placed))) };
        if !is_internal(&topic.name) {
            return storage.partition((topic, index), placed, config, self.clock.clone(), past);
        }
        // Nothing is in internal topics: fifty empty directories each would only cost time and open files. But whoever leads
        // one again, does so in a newer epoch.
        let past = past.filter(|_| storage.is_of_several());
        Ok(Arc::new(match past {
            Some(past) => Partition::again(config, placed, &past),
            None => Partition::new(config, placed),
        }))
    }
}

/// What is remembered of a partition; of one of which nothing was written down, that it is as it was made.
fn remembered(past: &Past, (topic, index): (Uuid, usize), assignment: Assignment) -> Remembered {
    let written = i32::try_from(index).ok().and_then(|index| past.get(&(topic, index)));
    written.cloned().unwrap_or_else(|| Remembered::of_new(assignment))
}
