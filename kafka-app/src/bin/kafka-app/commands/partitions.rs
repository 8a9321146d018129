//! [`TopicPartitions`]: a topic, or some of its partitions, as they are written.

use std::{collections::BTreeMap, fmt, str::FromStr};

use kafka_app::{
    TopicPartition,
    admin::{AdminClient, ListedOffset, OffsetQuery},
    config::IsolationLevel,
};

use crate::failure::Failure;

/// `orders`, `orders:0` or `orders:0,2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicPartitions {
    topic: String,
    /// All of them if it is empty.
    partitions: Vec<i32>,
}

impl TopicPartitions {
    /// Its name.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether only some partitions are meant.
    pub(super) fn is_part(&self) -> bool {
        !self.partitions.is_empty()
    }

    /// With these partitions, unless it names some itself.
    pub(super) fn or_partitions(&self, partitions: &[i32]) -> Self {
        let own = if self.is_part() { &self.partitions } else { partitions };
        Self { topic: self.topic.clone(), partitions: own.to_vec() }
    }

    /// The partitions that are meant, all of which are there.
    ///
    /// # Errors
    /// The topic or a partition of it is not there.
    pub(super) async fn resolve(&self, admin: &AdminClient) -> Result<Vec<TopicPartition>, Failure> {
        let described = admin.describe_topics([self.topic.as_str()]).await?.remove(&self.topic);
        let not_there = |why: String| Failure::Failed(format!("topic {}: {why}", self.topic));
        let described = described.ok_or_else(|| not_there("no broker knows it".to_owned()))?;
        let described = described.map_err(|error| not_there(error.to_string()))?;
        let known: Vec<i32> = described.partitions.iter().map(|partition| partition.partition).collect();
        if let Some(unknown) = self.partitions.iter().find(|partition| !known.contains(partition)) {
            return Err(not_there(format!("it has {} partitions, and none with the number {unknown}", known.len())));
        }
        let meant = if self.partitions.is_empty() { &known } else { &self.partitions };
        Ok(meant.iter().map(|&partition| TopicPartition::new(self.topic.as_str(), partition)).collect())
    }
}

/// One offset of each partition, all of which have to tell it; `None`: there is no such record.
///
/// # Errors
/// No broker answers, or not of all of them.
pub(super) async fn offsets(
    admin: &AdminClient,
    partitions: impl IntoIterator<Item = &TopicPartition>,
    query: OffsetQuery,
    isolation: IsolationLevel,
) -> Result<BTreeMap<TopicPartition, Option<i64>>, Failure> {
    let asked: Vec<_> = partitions.into_iter().map(|at| (at.clone(), query)).collect();
    let offset = |(at, listed): (TopicPartition, Result<ListedOffset, _>)| match listed {
        Ok(listed) => Ok((at, listed.offset)),
        Err(error) => Err(Failure::Failed(format!("{at}: {error}"))),
    };
    admin.list_offsets(asked, isolation).await?.into_iter().map(offset).collect()
}

impl FromStr for TopicPartitions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (topic, partitions) = match text.split_once(':') {
            None => (text, Vec::new()),
            Some((topic, partitions)) => {
                let number = |text: &str| match text.trim().parse::<i32>() {
                    Ok(number) if number >= 0 => Ok(number),
                    _ => Err(format!("{text} is no number of a partition: it is TOPIC or TOPIC:0,1")),
                };
                (topic, partitions.split(',').map(number).collect::<Result<_, _>>()?)
            }
        };
        if topic.is_empty() {
            return Err("the name of the topic is missing".to_owned());
        }
        Ok(Self { topic: topic.to_owned(), partitions })
    }
}

impl fmt::Display for TopicPartitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topic)?;
        for (place, partition) in self.partitions.iter().enumerate() {
            write!(f, "{}{partition}", if place == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_stands_alone_or_with_numbers_of_partitions() {
        for (text, topic, partitions) in
            [("orders", "orders", vec![]), ("orders:0", "orders", vec![0]), ("a.b:2,0", "a.b", vec![2, 0])]
        {
            let read: TopicPartitions = text.parse().unwrap();
            assert_eq!(read, TopicPartitions { topic: topic.to_owned(), partitions });
            assert_eq!(read.to_string(), text);
        }
        for crooked in ["", ":0", "orders:", "orders:x", "orders:-1", "orders:0,"] {
            assert!(crooked.parse::<TopicPartitions>().is_err(), "{crooked}");
        }
    }
}
