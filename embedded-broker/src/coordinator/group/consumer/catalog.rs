//! The topics there are, as far as a group has to know them.

use std::sync::Arc;

use uuid::Uuid;

/// Topics to subscribe to: the broker's, or a list of a test's.
pub(crate) trait Catalog {
    /// The id and the number of partitions of a topic.
    fn topic(&self, name: &str) -> Option<(Uuid, i32)>;

    /// The names of all topics.
    fn names(&self) -> Vec<Arc<str>>;
}
