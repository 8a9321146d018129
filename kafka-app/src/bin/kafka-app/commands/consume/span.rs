//! [`Span`]: from where to where a partition is read.

use kafka_app::{TopicPartition, admin::AdminClient, config::IsolationLevel};

use super::super::position::{Bounds, Position};
use crate::failure::Failure;

/// From where to where a partition is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: TopicPartition,
    pub(crate) from: i64,
    /// Where it ended when that was asked.
    pub(crate) end: i64,
}

impl Span {
    /// Asks where partitions begin and end; steps of `from` count back from the end of each.
    ///
    /// # Errors
    /// Somebody does not say so, of any of them.
    pub(crate) async fn of_all(
        admin: &AdminClient,
        all: &[TopicPartition],
        from: Position,
        isolation: IsolationLevel,
    ) -> Result<Vec<Self>, Failure> {
        let span = |(at, bounds): (_, Bounds)| Self { at, from: from.resolve(bounds, bounds.end), end: bounds.end };
        Ok(Bounds::of_all(admin, all, from, isolation).await?.into_iter().map(span).collect())
    }
}
