//! Who leads instead (KIP-951): what a client is told that has asked the wrong node, so that it need not ask for metadata.

use std::collections::BTreeSet;

use bytes::{BufMut, BytesMut};

use super::RequestContext;
use crate::partition::Partition;
use crate::wire::Writer;

/// The leader of a partition, and its epoch; -1 for what there is none of.
pub(super) type Leader = (i32, i32);

/// The leaders that an answer names. Their addresses come at its end, as Kafka's do in the order of ids.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeSet<i32>);

impl Named {
    /// Notes the leader of a partition that is led by another node.
    pub(super) fn note(&mut self, partition: &Partition) -> Leader {
        let leader = partition.leader();
        if leader.0 >= 0 {
            self.0.insert(leader.0);
        }
        leader
    }

    /// Ends a response, with the addresses of the leaders as its first tagged field, if there are any.
    pub(super) fn write(&self, cx: &RequestContext<'_>, out: &mut Writer<'_>) {
        if self.0.is_empty() {
            return out.no_tags();
        }
        let nodes = cx.cluster.nodes();
        let known = self.0.iter().filter_map(|id| nodes.listed().find(|node| node.id == *id));
        let told: Vec<_> = known.filter_map(|node| Some((node, cx.address_of(node)?))).collect();
        if told.is_empty() {
            return out.no_tags();
        }
        let mut field = BytesMut::new();
        let mut inner = Writer { out: &mut field, flexible: true };
        inner.len(told.len());
        for (node, (host, port)) in told {
            inner.out.put_i32(node.id);
            inner.nullable_string(Some(&host));
            inner.out.put_i32(port);
            inner.nullable_string(node.rack.as_deref());
            inner.no_tags();
        }
        out.one_tag(0, &field);
    }
}

/// Ends a partition of a response, with its leader as the tagged field of this number.
pub(super) fn write_leader(out: &mut Writer<'_>, tag: u8, (leader, epoch): Leader) {
    let mut field = [0; 9];
    field[..4].copy_from_slice(&leader.to_be_bytes());
    field[4..8].copy_from_slice(&epoch.to_be_bytes());
    out.one_tag(tag, &field);
}
