//! DescribeCluster, versions 0 to 2: the nodes, the controller and the cluster's id.
//!
//! As Kafka: what a client may do is told when it asks; asking a broker for the
//! controllers is MISMATCHED_ENDPOINT_TYPE. Nodes that are up are listed, and none of them is fenced.

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

/// What the client may do with the cluster; nothing, if it may not so much as describe it.
pub(super) fn operations(cx: &RequestContext<'_>) -> i32 {
    if cx.may(Operation::Describe, Resource::Cluster) { cx.operations(Resource::Cluster) } else { 0 }
}

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeClusterRequest,
) -> Result<DescribeClusterResponse, Refusal> {
    let refused = |code: ErrorCode, why: String| {
        let response = DescribeClusterResponse::default().with_error_code(code.code());
        Ok(response.with_error_message(Some(StrBytes::from_string(why))))
    };
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let why =
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
            return refused(ErrorCode::MismatchedEndpointType, why.to_owned());
        }
        other => {
            return refused(ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}"));
        }
    }
    let nodes = cx.cluster.picture(cx.node_id).nodes;
    let told = nodes.iter().filter(|node| request.include_fenced_brokers || !nodes.is_fenced(node.id));
    let brokers = told.filter_map(|node| {
        let (host, port) = cx.address_of(node)?;
        let broker = DescribeClusterBroker::default()
            .with_broker_id(BrokerId(node.id))
            .with_host(host)
            .with_port(port)
            .with_is_fenced(nodes.is_fenced(node.id))
            .with_rack(node.rack.clone().map(StrBytes::from_string));
        Some(broker)
    });
    let response = DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_string(cx.cluster.id.clone()))
        .with_controller_id(BrokerId(nodes.controller()))
        .with_brokers(brokers.collect());
    Ok(if request.include_cluster_authorized_operations {
        response.with_cluster_authorized_operations(operations(cx))
    } else {
        response
    })
}
