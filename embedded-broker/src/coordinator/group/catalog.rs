//! The topics there are, as far as a group has to know them.

use std::fmt::Debug;
use std::sync::Arc;

use uuid::Uuid;

/// Topics to subscribe to: the broker's, or a list of a test's.
pub(crate) trait Catalog: Debug {
    /// The id and the number of partitions of a topic.
    fn topic(&self, name: &str) -> Option<(Uuid, i32)>;

    /// The name of a topic that exists.
    fn name(&self, id: Uuid) -> Option<Arc<str>>;

    /// The names of all topics.
    fn names(&self) -> Vec<Arc<str>>;

    /// Goes up whenever a topic is made, grown or deleted: a group that saw this version need not look again.
    fn version(&self) -> u64;
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::*;

    /// Topics by name; the id of a topic is made of its name, the version of what is there.
    #[derive(Debug, Default)]
    pub(crate) struct TestTopics(pub(crate) BTreeMap<Arc<str>, i32>);

    impl Catalog for TestTopics {
        fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
            self.0.get(name).map(|&partitions| (topic_id(name), partitions))
        }

        fn name(&self, id: Uuid) -> Option<Arc<str>> {
            self.0.keys().find(|name| topic_id(name) == id).cloned()
        }

        fn names(&self) -> Vec<Arc<str>> {
            self.0.keys().cloned().collect()
        }

        fn version(&self) -> u64 {
            let mut hasher = DefaultHasher::new();
            self.0.hash(&mut hasher);
            hasher.finish()
        }
    }

    pub(crate) fn topic_id(name: &str) -> Uuid {
        Uuid::from_u128(name.bytes().fold(0, |id, byte| id * 256 + u128::from(byte)))
    }
}
