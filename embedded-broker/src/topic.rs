//! Topics, their ids and partitions, as an immutable picture that is replaced whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Error, ErrorCode};
use crate::partition::Partition;

/// One topic at one moment. Its partitions outlive the picture.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    pub(crate) partitions: Vec<Arc<Partition>>,
    /// What was set for this topic, as it was said; what it means is in each partition's [`LogConfig`].
    pub(crate) configs: BTreeMap<String, String>,
}

impl Topic {
    /// How many replicas a new partition gets: as Kafka, as many as the first one has.
    pub(crate) fn replication_factor(&self) -> i16 {
        let first = self.partitions.first().map_or(0, |partition| partition.assignment().replicas.len());
        i16::try_from(first).unwrap_or(i16::MAX)
    }

    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        usize::try_from(index).ok().and_then(|index| self.partitions.get(index))
    }
}

/// What it takes to make a topic.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    /// For each partition the nodes that hold it, the leader first.
    pub(crate) replicas: Vec<Vec<i32>>,
    pub(crate) configs: BTreeMap<String, String>,
}

/// All topics at one moment.
#[derive(Debug, Default, Clone)]
pub(crate) struct Topics {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
    /// Names with a dot or an underscore, by what Kafka's metrics make of them.
    by_metric_name: HashMap<String, Arc<str>>,
    /// Goes up with whatever is different from the picture before.
    pub(crate) version: u64,
}

impl Topics {
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Every topic, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// What the topic with this id is called.
    pub(crate) fn name_of(&self, id: Uuid) -> Option<Arc<str>> {
        self.by_id(id).map(|topic| Arc::clone(&topic.name))
    }

    pub(crate) fn insert(&mut self, topic: Topic) -> Arc<Topic> {
        self.version += 1;
        let topic = Arc::new(topic);
        if let Some(metric_name) = metric_name(&topic.name) {
            self.by_metric_name.insert(metric_name, Arc::clone(&topic.name));
        }
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), Arc::clone(&topic));
        topic
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Arc<Topic>> {
        let topic = self.by_name.remove(name)?;
        self.version += 1;
        self.by_id.remove(&topic.id);
        if let Some(metric_name) = metric_name(name) {
            self.by_metric_name.remove(&metric_name);
        }
        Some(topic)
    }

    /// Checks that a topic of this name may be made.
    ///
    /// # Errors
    ///
    /// `INVALID_TOPIC_EXCEPTION` or `TOPIC_ALREADY_EXISTS`, with Kafka's words.
    pub(crate) fn check_new(&self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        if self.by_name(name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(Error::with_code(ErrorCode::TopicAlreadyExists, message));
        }
        if let Some(other) = metric_name(name).and_then(|name| self.by_metric_name.get(&name)) {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            return Err(Error::with_code(ErrorCode::InvalidTopicException, message));
        }
        Ok(())
    }
}

/// What Kafka's metrics call a topic whose name they cannot tell from others: `a.b` and `a_b` collide.
fn metric_name(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}

/// The longest name a topic may have.
const MAX_NAME_LEN: usize = 249;

/// Checks a topic's name by Kafka's rules, and says what is wrong in Kafka's words.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let invalid =
        |why: String| Err(Error::with_code(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}")));
    if name.is_empty() {
        return invalid("the empty string is not allowed".to_owned());
    }
    if name == "." || name == ".." {
        return invalid(format!("'{name}' is not allowed"));
    }
    if name.len() > MAX_NAME_LEN {
        let why = format!("the length of '{name}' is longer than the max allowed length {MAX_NAME_LEN}");
        return invalid(why);
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return invalid(format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        for good in ["a", "orders-retry.1_x", &"n".repeat(249)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a b", "ä", "a/b", &"n".repeat(250)] {
            let refused = check_name(bad).unwrap_err();
            assert_eq!(refused.code(), Some(ErrorCode::InvalidTopicException), "{bad}");
        }
    }
}
