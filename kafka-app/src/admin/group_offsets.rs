//! What groups have committed, and how far they are behind.

use std::collections::{BTreeMap, BTreeSet};

use super::{AdminClient, GroupDescription, ListedOffset, OffsetQuery, PerItem};
use crate::{
    client::{AlterGroupOffsets, DeleteGroupOffsets, ListGroupOffsets},
    config::IsolationLevel,
    error::{Error, ErrorKind, Result},
    listener::PartitionLag,
    record::TopicPartition,
};

/// A position that a group has committed; Kafka's `OffsetAndMetadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedOffset {
    /// The next offset the group will read.
    pub offset: i64,
    /// The epoch of the leader that appended the record before it.
    pub leader_epoch: Option<i32>,
    /// What the client put beside it.
    pub metadata: String,
}

/// What is asked of a group's positions; by default all that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupOffsetsQuery {
    /// Of these partitions; `None`: of all for which it has committed.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Whether a position that an open transaction may change is answered with `UNSTABLE_OFFSET_COMMIT`.
    pub require_stable: bool,
}

impl GroupOffsetsQuery {
    /// All positions that there are.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those of these partitions, also where there are none.
    #[must_use]
    pub fn of(partitions: impl IntoIterator<Item = TopicPartition>) -> Self {
        Self { partitions: Some(once(partitions)), require_stable: false }
    }

    /// A position that an open transaction may change is answered with `UNSTABLE_OFFSET_COMMIT`.
    #[must_use]
    pub fn require_stable(self) -> Self {
        Self { require_stable: true, ..self }
    }
}

/// Each partition once: librdkafka takes none twice.
pub(super) fn once(partitions: impl IntoIterator<Item = TopicPartition>) -> Vec<TopicPartition> {
    partitions.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

impl AdminClient {
    /// What a group has committed; `None` of a partition that was asked for and has no position. A group that is not there
    /// has none.
    ///
    /// # Errors
    /// The group's coordinator did not answer in time, or refused.
    pub async fn list_group_offsets(
        &self,
        group: impl Into<String>,
        query: GroupOffsetsQuery,
    ) -> Result<PerItem<TopicPartition, Option<CommittedOffset>>> {
        if query.partitions.as_ref().is_some_and(Vec::is_empty) {
            return Ok(PerItem::new());
        }
        let group = group.into();
        self.ask(&format!("reading the positions of group `{group}`"), ListGroupOffsets { group, query }).await
    }

    /// Has a group go on at these offsets. Only for one without members: of a group with some, each partition is answered
    /// with `UNKNOWN_MEMBER_ID`. A group that is not there is made.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// use kafka_app::{TopicPartition, admin::{AdminClient, GroupOffsetsQuery}};
    ///
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let admin = AdminClient::connect(broker.bootstrap_servers())?;
    /// let at = TopicPartition::new("orders", 0);
    /// admin.alter_group_offsets("billing", [(at.clone(), 7)]).await?.remove(&at).unwrap()?;
    /// let positions = admin.list_group_offsets("billing", GroupOffsetsQuery::all()).await?;
    /// assert_eq!(positions[&at].as_ref().unwrap().as_ref().unwrap().offset, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The group's coordinator did not answer in time, or refused; or an offset is negative.
    pub async fn alter_group_offsets(
        &self,
        group: impl Into<String>,
        offsets: impl IntoIterator<Item = (TopicPartition, i64)>,
    ) -> Result<PerItem<TopicPartition, ()>> {
        let (group, offsets): (_, BTreeMap<_, _>) = (group.into(), offsets.into_iter().collect());
        if let Some((at, offset)) = offsets.iter().find(|(_, offset)| **offset < 0) {
            let text = format!("group `{group}` cannot go on at offset {offset} of {at}: it is negative");
            return Err(Error::new(ErrorKind::Config, text));
        }
        if offsets.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask(&format!("changing the positions of group `{group}`"), AlterGroupOffsets { group, offsets }).await
    }

    /// Has a group forget where it stands. Of a topic that its members read, `GROUP_SUBSCRIBED_TO_TOPIC`.
    ///
    /// # Errors
    /// The group's coordinator did not answer in time, or refused: `GROUP_ID_NOT_FOUND`.
    pub async fn delete_group_offsets(
        &self,
        group: impl Into<String>,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>> {
        let (group, partitions) = (group.into(), once(partitions));
        if partitions.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask(&format!("deleting positions of group `{group}`"), DeleteGroupOffsets { group, partitions }).await
    }

    /// How far a group is behind in each partition that it has committed for or that its members have. Of a partition whose
    /// topic is gone, why its end is not known. Two questions at once and a third, each within the timeout.
    ///
    /// ```no_run
    /// # use kafka_app::admin::AdminClient;
    /// # async fn example(admin: AdminClient) -> kafka_app::Result<()> {
    /// for (at, lag) in admin.group_lag("billing").await? {
    ///     println!("{at}: {}", lag?.lag());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or refused.
    pub async fn group_lag(&self, group: &str) -> Result<PerItem<TopicPartition, PartitionLag>> {
        let committed = self.list_group_offsets(group, GroupOffsetsQuery::all());
        let (committed, described) = tokio::join!(committed, self.describe_groups([group]));
        self.lags(&committed?, described?.remove(group).transpose()?.as_ref()).await
    }

    /// [`Self::group_lag`] of a group that was described: two questions.
    ///
    /// # Errors
    /// No broker answered in time, or refused.
    pub async fn group_lag_of(&self, group: &GroupDescription) -> Result<PerItem<TopicPartition, PartitionLag>> {
        let committed = self.list_group_offsets(group.group.as_str(), GroupOffsetsQuery::all()).await?;
        self.lags(&committed, Some(group)).await
    }

    async fn lags(
        &self,
        committed: &Committed,
        described: Option<&GroupDescription>,
    ) -> Result<PerItem<TopicPartition, PartitionLag>> {
        let asked = partitions_of(committed, described).into_iter().map(|at| (at, OffsetQuery::Latest));
        let ends = self.list_offsets(asked, IsolationLevel::ReadUncommitted).await?;
        Ok(lags(committed, ends))
    }
}

type Committed = PerItem<TopicPartition, Option<CommittedOffset>>;

/// Those that a group has committed for, and those that its members have.
fn partitions_of(committed: &Committed, described: Option<&GroupDescription>) -> BTreeSet<TopicPartition> {
    let members = described.into_iter().flat_map(|group| &group.members);
    let assigned = members.flat_map(|member| &member.assignment);
    committed.keys().chain(assigned).cloned().collect()
}

fn lags(committed: &Committed, ends: PerItem<TopicPartition, ListedOffset>) -> PerItem<TopicPartition, PartitionLag> {
    let lag = |(at, end): (TopicPartition, Result<ListedOffset, _>)| {
        let lag = end.and_then(|end| {
            let committed = committed.get(&at).cloned().transpose()?.flatten();
            Ok(PartitionLag {
                topic: at.topic.to_string(),
                partition: at.partition,
                committed: committed.map(|committed| committed.offset),
                end_offset: end.offset.unwrap_or(0),
            })
        });
        (at, lag)
    };
    ends.into_iter().map(lag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::BrokerError;

    fn at(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    fn position(offset: i64) -> CommittedOffset {
        CommittedOffset { offset, leader_epoch: None, metadata: String::new() }
    }

    fn end(offset: i64) -> ListedOffset {
        ListedOffset { offset: Some(offset), timestamp: None, leader_epoch: None }
    }

    #[test]
    fn lag_is_told_of_each_partition_and_an_error_of_its_own() {
        let gone = BrokerError::new(3, None, "");
        let committed =
            Committed::from([(at(0), Ok(Some(position(4)))), (at(2), Ok(None)), (at(3), Err(gone.clone()))]);
        let ends = [(at(0), Ok(end(10))), (at(1), Ok(end(5))), (at(2), Err(gone.clone())), (at(3), Ok(end(1)))].into();
        let lags = lags(&committed, ends);
        let of = |partition| lags[&at(partition)].as_ref().map(|lag| (lag.committed, lag.lag()));
        assert_eq!(of(0), Ok((Some(4), 6)));
        assert_eq!(of(1), Ok((None, 5)));
        assert_eq!((of(2), of(3)), (Err(&gone), Err(&gone)));
    }

    #[test]
    fn a_partition_is_asked_for_once() {
        assert_eq!(GroupOffsetsQuery::of([at(1), at(0), at(1)]).partitions, Some(vec![at(0), at(1)]));
    }
}
