//! What a cluster consists of.

use rdkafka::bindings::{self as sys, rd_kafka_admin_op_t as Op};

use super::{
    call::{Answer, Call, Request, taken},
    owned::lent,
};
use crate::{
    admin::{AclOperation, ClusterDescription, Node},
    client::ffi::text::c_text,
    error::Result,
};

/// Asks for the nodes.
pub(crate) struct DescribeCluster;

impl Request for DescribeCluster {
    type Answer = ClusterDescription;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        // SAFETY: client, options and queue are alive; the error object is ours.
        unsafe {
            taken(sys::rd_kafka_AdminOptions_set_include_authorized_operations(call.options(), 1))?;
            sys::rd_kafka_DescribeCluster(call.client(), call.options(), call.queue());
        }
        Ok(())
    }

    fn read(answer: &Answer) -> ClusterDescription {
        // SAFETY: the event is alive, and of this kind or null is returned; all of it is copied.
        unsafe {
            let result = sys::rd_kafka_event_DescribeCluster_result(answer.event());
            if result.is_null() {
                return ClusterDescription::default();
            }
            let nodes = lent(result, sys::rd_kafka_DescribeCluster_result_nodes);
            let mut nodes: Vec<_> = nodes.into_iter().filter_map(|found| node(found)).collect();
            nodes.sort_by_key(|node| node.id);
            ClusterDescription {
                cluster_id: Some(c_text(sys::rd_kafka_DescribeCluster_result_cluster_id(result)))
                    .filter(|id| !id.is_empty()),
                authorized_operations: operations(result),
                controller: node(sys::rd_kafka_DescribeCluster_result_controller(result)).map(|node| node.id),
                nodes,
            }
        }
    }
}

/// What the client's user may do with the cluster.
///
/// # Safety
/// The result is alive.
unsafe fn operations(result: *const sys::rd_kafka_DescribeCluster_result_t) -> Vec<AclOperation> {
    let mut n_operations = 0;
    // SAFETY: the caller's promise; the array has that many entries, which are numbers of the broker's.
    unsafe {
        let first =
            sys::rd_kafka_DescribeCluster_result_authorized_operations(result, &raw mut n_operations).cast::<i32>();
        let n_operations = if first.is_null() { 0 } else { n_operations };
        (0..n_operations).map(|i| AclOperation::of(first.add(i).read())).collect()
    }
}

/// A copy of a node; `None` where there is none.
///
/// # Safety
/// The node is null or alive.
pub(super) unsafe fn node(node: *const sys::rd_kafka_Node_t) -> Option<Node> {
    if node.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let id = sys::rd_kafka_Node_id(node);
        let rack = sys::rd_kafka_Node_rack(node);
        (id >= 0).then(|| Node {
            id,
            host: c_text(sys::rd_kafka_Node_host(node)),
            port: sys::rd_kafka_Node_port(node),
            rack: (!rack.is_null()).then(|| c_text(rack)),
        })
    }
}
