//! Who may do what: rights that the brokers keep, added, found and taken back.

use super::{AclBinding, AclBindingFilter, AclOperation, AdminClient, BrokerError, ConfigResource};
use crate::{
    client::{CreateAcls, DeleteAcls, DescribeAcls},
    error::Result,
};

/// Kafka's numbers of what is said of a question for rights as a whole.
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const SECURITY_DISABLED: i16 = 54;

impl AdminClient {
    /// Adds rights; answers in their order. One that is there already stays.
    ///
    /// ```no_run
    /// use kafka_app::admin::{AclBinding, AclOperation, AclResourceType, AdminClient};
    ///
    /// # async fn example(admin: AdminClient) -> kafka_app::Result<()> {
    /// let read = AclBinding::allow("User:billing", AclOperation::Read, AclResourceType::Topic, "orders-").prefixed();
    /// for added in admin.create_acls(&[read]).await? {
    ///     added?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// No broker answered in time, or the client refuses one of them. Of a cluster that checks no rights, each is answered
    /// with `SECURITY_DISABLED`.
    pub async fn create_acls(&self, acls: &[AclBinding]) -> Result<Vec<Result<(), BrokerError>>> {
        if acls.is_empty() {
            return Ok(Vec::new());
        }
        self.ask("adding rights", CreateAcls(acls.to_vec())).await
    }

    /// The rights that a filter finds.
    ///
    /// # Errors
    /// No broker answered in time, or it refused: `SECURITY_DISABLED` of a cluster that checks no rights. Since librdkafka does
    /// not tell that, an empty answer has two more questions asked, each within the timeout.
    pub async fn describe_acls(&self, filter: &AclBindingFilter) -> Result<Vec<AclBinding>> {
        const WHAT: &str = "listing rights";
        let found = self.ask(WHAT, DescribeAcls(filter.clone())).await?;
        let why = if found.is_empty() { self.why_no_acls().await } else { None };
        why.map_or(Ok(found), |error| Err(self.failed(WHAT, error)))
    }

    /// librdkafka drops the error of an answer to a question for rights (`rd_kafka_DescribeAclsResponse_parse`), which is then
    /// empty: so that one is looked into. What the cluster does not tell is no error.
    async fn why_no_acls(&self) -> Option<BrokerError> {
        let cluster = self.describe_cluster().await.ok()?;
        let allowed = &cluster.authorized_operations;
        if !allowed.is_empty() && !allowed.contains(&AclOperation::Describe) {
            return Some(BrokerError::new(CLUSTER_AUTHORIZATION_FAILED, None, "Cluster authorization failed."));
        }
        let node = ConfigResource::Broker(cluster.nodes.first()?.id);
        let configs = self.describe_configs([node.clone()]).await.ok()?.remove(&node)?.ok()?;
        let authorizer = configs.get("authorizer.class.name")?.value.as_deref().unwrap_or_default();
        authorizer.is_empty().then(|| BrokerError::new(SECURITY_DISABLED, None, "No Authorizer is configured."))
    }

    /// Takes back the rights that filters find; answers in the order of the filters, each with what is gone, or with the
    /// first error there was.
    ///
    /// # Errors
    /// No broker answered in time, or it refused.
    pub async fn delete_acls(&self, filters: &[AclBindingFilter]) -> Result<Vec<Result<Vec<AclBinding>, BrokerError>>> {
        if filters.is_empty() {
            return Ok(Vec::new());
        }
        self.ask("deleting rights", DeleteAcls(filters.to_vec())).await
    }
}
