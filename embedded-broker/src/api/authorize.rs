//! May this client do that? One line in each request that asks.
//!
//! Without an authorizer the answer is yes, and costs nothing.

use super::RequestContext;
use crate::error::{Error, ErrorCode};
use crate::security::acl::authorizer::Client;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

impl RequestContext<'_> {
    /// Whether the client may do this.
    pub(crate) fn may(&self, operation: Operation, resource: Resource<'_>) -> bool {
        let authorizer = self.cluster.authorizer.as_ref();
        authorizer.is_none_or(|authorizer| authorizer.authorize(self.client(), operation, resource))
    }

    /// Whether there is a topic to which the client may do this.
    pub(crate) fn may_to_any_topic(&self, operation: Operation) -> bool {
        let authorizer = self.cluster.authorizer.as_ref();
        authorizer.is_none_or(|authorizer| authorizer.authorize_any_topic(self.client(), operation))
    }

    /// The error of a client that may not.
    pub(crate) fn require(&self, operation: Operation, resource: Resource<'_>) -> Result<(), ErrorCode> {
        if self.may(operation, resource) { Ok(()) } else { Err(resource.denied()) }
    }

    /// The same for requests that tell errors with words.
    pub(crate) fn authorize(&self, operation: Operation, resource: Resource<'_>) -> Result<(), Error> {
        if self.may(operation, resource) { Ok(()) } else { Err(resource.denied_error()) }
    }

    /// Everything the client may do to a resource, as the bits that Kafka tells.
    pub(crate) fn operations(&self, resource: Resource<'_>) -> i32 {
        let operations = resource.operations().iter();
        let allowed = operations.filter(|&&operation| self.may(operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << operation.wire())
    }

    fn client(&self) -> Client<'_> {
        Client { principal: &self.session.principal, host: &self.session.host }
    }
}
