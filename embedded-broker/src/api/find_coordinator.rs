//! FindCoordinator, versions 0 to 6: which node coordinates a group or a transactional id.
//!
//! One key until version 3, many from 4. Every node answers alike: keys are spread over fifty virtual partitions by the
//! hash that Java gives a string, as Kafka spreads them over `__consumer_offsets`, and those over the nodes.
//! Left out: coordinators of share groups (key type 2) are INVALID_REQUEST, as there are no share groups.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::cluster::Node;
use crate::coordinator::virtual_partition;
use crate::error::{Error, ErrorCode};
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
    let nodes = cx.cluster.nodes();
    let find = |key: &StrBytes| match denied(cx, key, request.key_type) {
        // As Kafka: with words where one key is asked for, without where many are.
        Some(error) => refused(key, &error, cx.version < 4),
        None => find(nodes, |node| cx.address_of(node), key, request.key_type),
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
    nodes: &[Node],
    address_of: impl Fn(&Node) -> Option<(StrBytes, i32)>,
    key: &StrBytes,
    key_type: i8,
) -> Coordinator {
    let refused = |error, message| refused(key, &Error::with_code(error, message), true);
    if key_type != GROUP && key_type != TRANSACTION {
        return refused(ErrorCode::InvalidRequest, "the embedded broker coordinates groups and transactions only");
    }
    let node = nodes.get(usize::try_from(virtual_partition(key)).unwrap_or(0) % nodes.len().max(1));
    let Some((node, (host, port))) = node.and_then(|node| Some((node, address_of(node)?))) else {
        return refused(ErrorCode::CoordinatorNotAvailable, "no node is up");
    };
    Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(node.id)).with_host(host).with_port(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_gives_the_same_answer_and_every_node_is_used() {
        let nodes: Vec<_> = (1..=3).map(Node::of).collect();
        let address = |_: &Node| Some((StrBytes::default(), 1));
        let coordinator = |n| find(&nodes, address, &StrBytes::from_string(format!("group-{n}")), GROUP);
        let mut used: Vec<i32> = (0..30).map(|n| coordinator(n).node_id.0).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, [1, 2, 3]);
    }

    #[test]
    fn a_key_type_nobody_coordinates_is_refused() {
        let refused = find(&[], |_| None, &"s".into(), 2);
        assert_eq!(refused.error_code, ErrorCode::InvalidRequest.code());
    }
}
