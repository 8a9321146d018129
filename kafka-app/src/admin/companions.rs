//! [`Companion`]: topics that go with another: retry topics and dead letter topics, made with the partitions it has.

use std::{collections::BTreeMap, time::Duration};

use super::{
    AdminClient, NewTopic,
    declared::{TopicChange, if_fatal, sizes, try_make_topics},
};
use crate::{
    config::{AdminProperties, DeadLetter, ResolvedListener, Subscription},
    error::Result,
};

/// A topic that goes with another, created and grown to its number of partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Companion {
    topic: String,
    /// The topic it goes with.
    of: String,
    n_replicas: Option<u16>,
    /// Of a retry topic: how long its records wait.
    delay: Option<Duration>,
}

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a retry topic keeps its records beyond their delay: Kafka's default for topics.
const RETENTION_DAYS: u64 = 7;

/// The companions of a listener's topics that it wants created.
pub(crate) fn companions(listener: &ResolvedListener) -> Vec<Companion> {
    let (Some(retry_topics), Subscription::Topics(sources)) = (&listener.retry_topics, &listener.subscription) else {
        return Vec::new();
    };
    if !retry_topics.auto_create || listener.stage.is_some() {
        return Vec::new();
    }
    let n_replicas = retry_topics.replication_factor;
    let of_source = |source: &String| {
        let retries = retry_topics.stages.iter().map(|stage| Companion {
            topic: format!("{source}{}", stage.suffix),
            of: source.clone(),
            n_replicas,
            delay: Some(stage.delay),
        });
        let dead_letters = match listener.dead_letter {
            DeadLetter::Topic(_) | DeadLetter::Suffix(_) => listener.dead_letter_topic(source),
            DeadLetter::Off | DeadLetter::Stop => None,
        };
        let dead_letters = dead_letters.map(|topic| Companion { topic, of: source.clone(), n_replicas, delay: None });
        retries.chain(dead_letters).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of_source).collect()
}

/// Creates and grows companions as `kafka.admin.*` says; without `fail-fast`, what cannot be done is logged.
///
/// # Errors
/// With `fail-fast`: no broker answered, or topics could not be made; all of them are told.
pub(crate) async fn make_companions(
    connection: &BTreeMap<String, String>,
    properties: &AdminProperties,
    companions: &[Companion],
) -> Result<Vec<TopicChange>> {
    if companions.is_empty() || !properties.auto_create {
        return Ok(Vec::new());
    }
    let make = async {
        let existing = sizes(&AdminClient::open(connection, properties.operation_timeout)?).await?;
        let wanted = wanted(companions, &existing);
        if wanted.is_empty() { Ok(Vec::new()) } else { try_make_topics(connection, properties, &wanted).await }
    };
    if_fatal(make.await, properties, "retry topics")
}

/// What is to be created or grown. A topic that exists keeps its configs, and partitions beyond those of the one it goes
/// with.
fn wanted(companions: &[Companion], existing: &BTreeMap<String, usize>) -> Vec<NewTopic> {
    let mut wanted: BTreeMap<&str, (Option<u32>, &Companion)> = BTreeMap::new();
    for companion in companions {
        let n_partitions = existing.get(&companion.of).and_then(|n| u32::try_from(*n).ok());
        let entry = wanted.entry(&companion.topic).or_insert((None, companion));
        entry.0 = entry.0.max(n_partitions);
    }
    let topic = |(topic, (n_partitions, companion)): (&str, (Option<u32>, &Companion))| {
        let new = NewTopic::new(topic);
        let new = n_partitions.map_or(new.clone(), |n| new.partitions(n));
        match existing.get(topic).and_then(|n| u32::try_from(*n).ok()) {
            Some(actual) => n_partitions.is_some_and(|n| n > actual).then_some(new),
            None => Some(companion.configured(new)),
        }
    };
    wanted.into_iter().filter_map(topic).collect()
}

impl Companion {
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    fn configured(&self, new: NewTopic) -> NewTopic {
        let new = self.n_replicas.map_or(new.clone(), |n| new.replicas(n));
        match self.delay {
            // Whatever the broker's defaults are: a record that waits is neither too old nor replaced by another of its key.
            Some(delay) => new.config("cleanup.policy", "delete").config("retention.ms", retention_ms(delay)),
            None => new,
        }
    }
}

/// In whole days, so that it is the same for similar delays; -1 is for ever.
fn retention_ms(delay: Duration) -> i64 {
    let days = delay.as_secs().div_ceil(DAY.as_secs()).saturating_add(RETENTION_DAYS);
    let ms = u128::from(days) * DAY.as_millis();
    if days > 36_500 { -1 } else { i64::try_from(ms).unwrap_or(-1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn companion(topic: &str, of: &str, delay: Option<u64>) -> Companion {
        let delay = delay.map(Duration::from_secs);
        Companion { topic: topic.to_owned(), of: of.to_owned(), n_replicas: Some(2), delay }
    }

    fn existing(topics: &[(&str, usize)]) -> BTreeMap<String, usize> {
        topics.iter().map(|(topic, n)| ((*topic).to_owned(), *n)).collect()
    }

    #[test]
    fn they_are_created_with_the_partitions_of_their_topic_and_keep_records_longer_than_they_wait() {
        let retry = companion("orders-retry", "orders", Some(60));
        let made = wanted(&[retry], &existing(&[("orders", 6)]));
        let expected = NewTopic::new("orders-retry")
            .partitions(6)
            .replicas(2)
            .config("cleanup.policy", "delete")
            .config("retention.ms", 8 * 24 * 3_600_000_i64);
        assert_eq!(made, [expected]);
        assert_eq!(retention_ms(Duration::from_secs(30 * 24 * 3600)), 37 * 24 * 3_600_000);
        assert_eq!(retention_ms(Duration::MAX), -1);
    }

    #[test]
    fn they_grow_with_their_topic_and_are_otherwise_left_alone() {
        let both = [companion("a-retry", "a", Some(1)), companion("dlt", "a", None), companion("dlt", "b", None)];
        let made = wanted(&both, &existing(&[("a", 6), ("b", 9), ("a-retry", 12), ("dlt", 6)]));
        assert_eq!(made, [NewTopic::new("dlt").partitions(9)]);
    }

    #[test]
    fn without_their_topic_they_have_the_brokers_number_of_partitions() {
        let made = wanted(&[companion("a-retry", "a", None)], &existing(&[]));
        assert_eq!(made, [NewTopic::new("a-retry").replicas(2)]);
    }
}
