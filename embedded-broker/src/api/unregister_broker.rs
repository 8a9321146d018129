//! UnregisterBroker, version 0: forgets a broker that is gone for good.
//!
//! As Kafka: an id that is not registered is BROKER_ID_NOT_REGISTERED; partitions keep replicas on a broker that is
//! forgotten, but it is out of sync and leads nothing; one that runs goes on, alone, and is registered again when it is
//! restarted. Different: a broker that is the only node is registered again at once. A Kafka of one node that is told
//! to forget itself has no broker any more and is of no use until it is restarted.

use kafka_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: UnregisterBrokerRequest,
) -> Result<UnregisterBrokerResponse, Refusal> {
    let id = request.broker_id.0;
    let forgotten = cx.authorize(Operation::Alter, Resource::Cluster).and_then(|()| cx.cluster.unregister(id));
    let (code, text) = outcome(&forgotten);
    let text = text.or_else(|| Some(StrBytes::default()));
    Ok(UnregisterBrokerResponse::default().with_error_code(code).with_error_message(text))
}
