//! Elections of leaders.

use super::{AdminClient, PerItem, group_offsets::once};
use crate::{client::ElectLeaders, error::Result, record::TopicPartition};

/// Who is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElectionType {
    /// The first of the partition's replicas, if it is in sync.
    Preferred,
    /// Whoever is up, of a partition that has no leader: what only the others have is lost.
    Unclean,
}

impl AdminClient {
    /// Has partitions led by another replica. Of one that is led by the right one already, `ELECTION_NOT_NEEDED`.
    ///
    /// ```no_run
    /// use kafka_app::{TopicPartition, admin::{AdminClient, ElectionType}};
    ///
    /// # async fn example(admin: AdminClient) -> kafka_app::Result<()> {
    /// let at = TopicPartition::new("orders", 0);
    /// match admin.elect_leaders(ElectionType::Preferred, [at.clone()]).await?.remove(&at).unwrap() {
    ///     Err(error) if error.name() == "ELECTION_NOT_NEEDED" => {}
    ///     elected => elected?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or it refused.
    pub async fn elect_leaders(
        &self,
        election: ElectionType,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<PerItem<TopicPartition, ()>> {
        let partitions = once(partitions);
        if partitions.is_empty() {
            return Ok(PerItem::new());
        }
        self.ask("electing leaders", ElectLeaders { election, partitions: Some(partitions) }).await
    }

    /// As [`AdminClient::elect_leaders`], of every partition of the cluster; answered for those that were to be led by
    /// another.
    ///
    /// # Errors
    /// As there.
    pub async fn elect_all_leaders(&self, election: ElectionType) -> Result<PerItem<TopicPartition, ()>> {
        self.ask("electing leaders", ElectLeaders { election, partitions: None }).await
    }
}
