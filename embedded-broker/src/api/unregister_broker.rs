//! UnregisterBroker, version 0: forgets a broker that is gone for good.
//!
//! As Kafka: an id that is not registered is BROKER_ID_NOT_REGISTERED.
//! Different: a broker that runs is registered again at once. A Kafka of one node that is told to forget itself has no
//! broker any more and is of no use until it is restarted.

use kafka_protocol::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: UnregisterBrokerRequest,
) -> Result<UnregisterBrokerResponse, Refusal> {
    let id = request.broker_id.0;
    let known = if cx.cluster.node_ids().contains(&id) {
        Ok(())
    } else {
        let why = format!("Broker ID {id} is not currently registered");
        Err(Error::with_code(ErrorCode::BrokerIdNotRegistered, why))
    };
    let known = cx.authorize(Operation::Alter, Resource::Cluster).and(known);
    let (code, text) = outcome(&known);
    let text = text.or_else(|| Some(StrBytes::default()));
    Ok(UnregisterBrokerResponse::default().with_error_code(code).with_error_message(text))
}
