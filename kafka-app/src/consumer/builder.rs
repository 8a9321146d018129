//! [`KafkaConsumerBuilder`]: what a consumer reads, and as whom.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{KafkaConsumer, Wake};
use crate::{
    client::{self, Brokers, Inquirer, Inquiry as _},
    config::{self, KafkaProperties, Properties, Subscription},
    error::{Error, ErrorKind, Result},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// Most records of a chunk, as of a listener's batch.
const MAX_RECORDS: usize = 500;
/// What a client that joins no group is called there: librdkafka wants a name.
const NO_GROUP: &str = "kafka-app";

/// Says what a [`KafkaConsumer`] reads.
#[derive(Debug, Clone)]
#[must_use = "nothing is read before it is opened"]
pub struct KafkaConsumerBuilder {
    properties: KafkaProperties,
    subscription: Option<Subscription>,
    partitions: Vec<(TopicPartition, OffsetSpec)>,
    group: Option<String>,
    /// As it is configured, unless something was said here.
    instance_id: Option<Option<String>>,
    auto_commit: Option<Duration>,
    max_records: usize,
    tells_ends: bool,
}

impl KafkaConsumerBuilder {
    pub(super) fn new(properties: &KafkaProperties) -> Self {
        Self {
            group: properties.consumer.group_id.clone(),
            auto_commit: properties.consumer.auto_commit_interval,
            properties: properties.clone(),
            subscription: None,
            partitions: Vec::new(),
            instance_id: None,
            max_records: MAX_RECORDS,
            tells_ends: false,
        }
    }

    /// Topics by name, as a member of a group.
    pub fn topics<T: Into<String>>(self, topics: impl IntoIterator<Item = T>) -> Self {
        let topics = topics.into_iter().map(Into::into).collect();
        Self { subscription: Some(Subscription::Topics(topics)), ..self }
    }

    /// Topics whose whole name matches a regular expression, as a member of a group.
    pub fn topic_pattern(self, pattern: &str) -> Self {
        Self { subscription: Some(Subscription::Pattern(format!("^({pattern})$"))), ..self }
    }

    /// These partitions, each from a position on, without joining a group; nothing is committed.
    pub fn partitions(self, partitions: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>) -> Self {
        Self { partitions: partitions.into_iter().collect(), ..self }
    }

    /// The group whose member it becomes; default `kafka.consumer.group-id`.
    pub fn group(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }

    /// `group.instance.id`, a name that a member keeps over restarts; `None`: none, whatever is configured. A member takes the
    /// place of another one with its name, so that a tool on an application's configuration should have none, or one of its
    /// own. Default `group.instance.id` of `kafka.consumer.properties`, or none.
    pub fn group_instance_id<I: Into<String>>(self, id: Option<I>) -> Self {
        Self { instance_id: Some(id.map(Into::into)), ..self }
    }

    /// How often positions that were [stored](KafkaConsumer::store) are committed by themselves; `None`: only by
    /// [`KafkaConsumer::commit`]. Default `kafka.consumer.auto-commit-interval`, or never. One that commits by itself commits
    /// where each partition begins, too, as Kafka's own does: its group goes on there though no record of it came.
    pub fn auto_commit(self, interval: Option<Duration>) -> Self {
        Self { auto_commit: interval, ..self }
    }

    /// Most records of one [`Polled::Records`](super::Polled::Records), at least 1; default 500.
    pub fn max_records(self, n_records: usize) -> Self {
        Self { max_records: n_records.max(1), ..self }
    }

    /// Has it tell by [`Polled::End`](super::Polled::End) when there are no more records of a partition for now.
    pub fn tell_ends(self) -> Self {
        Self { tells_ends: true, ..self }
    }

    /// Makes the consumer. Nothing is connected yet, unless a position has to be asked for: with
    /// [`OffsetSpec::Timestamp`] and what is counted from an end.
    ///
    /// # Errors
    /// Nothing is said to be read, an offset is below zero, or the client refuses its properties; or the broker does
    /// not say where a position is.
    pub async fn open(self) -> Result<KafkaConsumer> {
        self.partitions.iter().try_for_each(|(_, at)| at.check())?;
        let is_by_hand = !self.partitions.is_empty();
        let group = match (&self.group, is_by_hand) {
            (Some(group), _) => group.clone(),
            (None, true) => NO_GROUP.to_owned(),
            (None, false) => return Err(wrong("a consumer of topics needs a group")),
        };
        let auto_commit = self.auto_commit.filter(|_| !is_by_hand);
        let mut properties = config::hand_held_properties(&self.properties, &group, auto_commit);
        if self.tells_ends || auto_commit.is_some() {
            config::tell_ends(&mut properties);
        }
        if let Some(instance_id) = &self.instance_id {
            config::set_instance_id(&mut properties, instance_id.as_deref());
        }
        let (wake, brokers) = (Arc::<Wake>::default(), Brokers::default());
        let signal = Arc::clone(&wake) as _;
        let (mut client, subscription) = match (&self.subscription, is_by_hand) {
            (Some(_), true) => return Err(wrong("a consumer reads topics of a group or partitions, and not both")),
            (None, false) => return Err(wrong("a consumer needs topics, a pattern or partitions to read")),
            (Some(subscription), false) => {
                (client::connect(&Properties::from(properties), &brokers, signal)?, subscription.clone())
            }
            (None, true) => {
                let positions = self.positions(&properties).await?;
                let client = client::read_from(&Properties::from(properties), positions, &brokers, signal)?;
                (client, Subscription::Topics(Vec::new()))
            }
        };
        client.subscribe(&subscription)?;
        Ok(KafkaConsumer {
            queues: Vec::new(),
            client,
            wake,
            told: VecDeque::new(),
            max_records: self.max_records,
            tells_ends: self.tells_ends,
            turn: 0,
            commits_by_itself: auto_commit.is_some(),
            has_stored: false,
            n_commits: 0,
            committed: None,
        })
    }

    /// Where each partition begins, as the client takes it: a name it knows of an end, or a number.
    async fn positions(
        &self,
        properties: &std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<(TopicPartition, i64)>> {
        let known: Option<Vec<_>> =
            self.partitions.iter().map(|(partition, at)| Some((partition.clone(), client::begins_at(*at)?))).collect();
        if let Some(known) = known {
            return Ok(known);
        }
        let inquirer = Inquirer::new(properties.clone(), self.properties.admin.operation_timeout);
        let asked = self.partitions.clone();
        client::blocking(move || inquirer.offsets(&asked)).await?
    }
}

fn wrong(text: &str) -> Error {
    Error::new(ErrorKind::Config, text)
}
