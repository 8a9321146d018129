//! Deletes groups.

use kafka_protocol::{
    messages::{DeleteGroupsRequest, GroupId},
    protocol::StrBytes,
};

use crate::wire::{Cluster, KafkaError, Target, WireError};

impl Cluster {
    /// Deletes a group with its offsets.
    ///
    /// # Errors
    /// There is none, it has members, or it may not be deleted.
    pub(crate) async fn delete_group(&self, group: &str) -> Result<(), WireError> {
        let names = vec![GroupId(StrBytes::from_string(group.to_owned()))];
        self.retrying("deleteConsumerGroups", async || {
            let request = |_| DeleteGroupsRequest::default().with_groups_names(names.clone());
            let answer = self.send(Target::Group(group), request).await?;
            let codes = answer.results.iter().map(|deleted| KafkaError::check(deleted.error_code, None));
            Ok(codes.collect::<Result<(), _>>()?)
        })
        .await
    }
}
