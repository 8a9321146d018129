//! FindCoordinator, versions 0 to 6: which node coordinates a group or a transactional id.
//!
//! One key until version 3, many from 4. Every node answers alike: keys are spread over the partitions of
//! `__consumer_offsets` and `__transaction_state` by the hash that Java gives a string, and who leads the partition
//! coordinates. The first who asks has the topic made; it is ready at once, where Kafka says COORDINATOR_NOT_AVAILABLE first.
//! Left out: coordinators of share groups (key type 2) are INVALID_REQUEST, as there are no share groups.

use std::cell::OnceCell;

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::cluster::Picture;
use crate::error::{Error, ErrorCode};
use crate::internal_topics;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: FindCoordinatorRequest,
) -> Result<FindCoordinatorResponse, Refusal> {
    // One for all keys, of the time when the topic is there.
    let picture = OnceCell::new();
    let find = |key: &StrBytes| match denied(cx, key, request.key_type) {
        // As Kafka: with words where one key is asked for, without where many are.
        Some(error) => refused(key, &error, cx.version < 4),
        None => find(cx, &picture, key, request.key_type).unwrap_or_else(|error| refused(key, &error, true)),
    };
    if cx.version >= 4 {
        let found = request.coordinator_keys.iter().map(find);
        return Ok(FindCoordinatorResponse::default().with_coordinators(found.collect()));
    }
    let found = find(&request.key);
    // As Kafka: the text of success is the name of its code.
    let message = if found.error_code == 0 { Some(StrBytes::from_static_str("NONE")) } else { found.error_message };
    let response = FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_error_message(message.filter(|_| cx.version >= 1))
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port);
    Ok(response)
}

/// Why the client may not know who coordinates a key.
fn denied(cx: &RequestContext<'_>, key: &str, key_type: i8) -> Option<Error> {
    let resource = match key_type {
        GROUP => Resource::Group(key),
        TRANSACTION => Resource::TransactionalId(key),
        _ => return None,
    };
    cx.authorize(Operation::Describe, resource).err()
}

fn refused(key: &StrBytes, error: &Error, with_words: bool) -> Coordinator {
    let (code, message) = failure(error);
    Coordinator::default()
        .with_key(key.clone())
        .with_error_code(code)
        .with_error_message(Some(message.filter(|_| with_words).unwrap_or_default()))
        .with_node_id(BrokerId(-1))
        .with_port(-1)
}

fn find(
    cx: &RequestContext<'_>,
    picture: &OnceCell<Picture>,
    key: &StrBytes,
    key_type: i8,
) -> Result<Coordinator, Error> {
    let settings = &cx.cluster.settings;
    let (topic, spread) = match key_type {
        GROUP => (internal_topics::OFFSETS, &settings.offsets_topic),
        TRANSACTION => (internal_topics::TRANSACTIONS, &settings.transactions_topic),
        _ => {
            let why = "the embedded broker coordinates groups and transactions only";
            return Err(Error::with_code(ErrorCode::InvalidRequest, why));
        }
    };
    let unavailable = |why: &str| Error::with_code(ErrorCode::CoordinatorNotAvailable, why);
    cx.cluster.ensure_internal_topic(topic).map_err(|error| unavailable(error.message()))?;
    let picture = picture.get_or_init(|| cx.cluster.picture(cx.node_id));
    let topic = picture.topics.by_name(topic);
    let leadership = topic.and_then(|topic| picture.leadership(topic, spread.partition_of(key)));
    let leader = leadership.map_or(-1, |leadership| leadership.leader);
    let node = picture
        .nodes
        .listed()
        .find(|node| node.id == leader)
        .ok_or_else(|| unavailable("no node leads its partition"))?;
    let (host, port) = cx.address_of(node).ok_or_else(|| unavailable("the node has no address by this listener"))?;
    Ok(Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(node.id)).with_host(host).with_port(port))
}
