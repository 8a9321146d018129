//! DescribeCluster.

use crate::each_broker::on_each_broker;
use kafka_protocol::messages::{DescribeClusterRequest, MetadataRequest};

#[test]
fn a_cluster_describes_its_nodes() {
    on_each_broker(|client| {
        let metadata = client.call(12, &MetadataRequest::default().with_topics(Some(Vec::new())));
        for version in 0..=2 {
            let response = client.call(version, &DescribeClusterRequest::default());
            assert_eq!(response.error_code, 0, "version {version}");
            assert_eq!(Some(response.cluster_id), metadata.cluster_id, "version {version}");
            assert_eq!(response.brokers.len(), metadata.brokers.len(), "version {version}");
            assert_eq!(response.brokers[0].port, metadata.brokers[0].port, "version {version}");
            assert_eq!(response.cluster_authorized_operations, i32::MIN, "version {version}");
        }
        let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
        assert_eq!(client.call(1, &asked).cluster_authorized_operations, 0b1_1111_1010_0000);
        let controllers = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(2));
        assert_eq!(controllers.error_code, 114);
        let strange = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(7));
        assert_eq!(strange.error_code, 115);
    });
}
