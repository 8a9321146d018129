//! What is about the whole cluster, or about a transactional id.

use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialDeletion;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, DescribeClusterRequest, DescribeLogDirsRequest, DescribeQuorumRequest,
    DescribeUserScramCredentialsRequest, ListConfigResourcesRequest, ListGroupsRequest,
    ListPartitionReassignmentsRequest, MetadataRequest,
};

use super::super::acls::*;
use super::asked::*;
use super::*;
use crate::each_broker::unique;

/// What one client is answered to what is about the whole cluster, or about a transactional id.
fn of_cluster(client: &mut Client, id: &str) -> Vec<String> {
    let cluster = client.call(
        1,
        &DescribeClusterRequest::default().with_endpoint_type(1).with_include_cluster_authorized_operations(true),
    );
    let metadata =
        MetadataRequest::default().with_topics(Some(Vec::new())).with_include_cluster_authorized_operations(true);
    let scram = client.call(0, &DescribeUserScramCredentialsRequest::default());
    let stranger = ScramCredentialDeletion::default().with_name(text("nobody")).with_mechanism(1);
    let altered = client.call(0, &AlterUserScramCredentialsRequest::default().with_deletions(vec![stranger]));
    let reassignments = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(None));
    let quorum = client.call(1, &DescribeQuorumRequest::default());
    let is_denied = |answer: &str| format!("denied {}", answer.starts_with("53 "));
    let lines = [
        ("cluster", cluster.cluster_authorized_operations.to_string()),
        ("metadata", client.call(9, &metadata).cluster_authorized_operations.to_string()),
        ("config resources", client.call(1, &ListConfigResourcesRequest::default()).error_code.to_string()),
        ("broker configs", describe_configs(client, 4, "1")),
        ("alter broker configs", alter_configs(client, 4, "1")),
        ("scram users", format!("{} {:?}", scram.error_code, scram.error_message.is_some())),
        ("alter scram users", altered.results[0].error_code.to_string()),
        ("log dirs", client.call(4, &DescribeLogDirsRequest::default()).error_code.to_string()),
        ("reassignments", reassignments.error_code.to_string()),
        ("quorum", quorum.error_code.to_string()),
        ("groups", client.call(4, &ListGroupsRequest::default()).error_code.to_string()),
        ("idempotent producer", init_producer_id(client, None)),
        ("transactional producer", is_denied(&init_producer_id(client, Some(id)))),
        ("transaction coordinator", is_denied(&coordinator(client, 4, id, 1))),
    ];
    lines.into_iter().map(|(asked, answered)| format!("{asked}: {answered}")).collect()
}

#[test]
fn what_is_about_the_cluster_asks_for_the_cluster() {
    on_each_secured_broker(|admin, address| {
        // A user nobody else makes ACLs for, as there is one cluster for all tests.
        let id = unique("transaction");
        let carol = unique("carol");
        let mut client = logged_in_by_token(address, &carol);
        compare(&of_cluster(&mut client, &id), include_str!("seen/no_cluster.txt"));
        let on_cluster = |operations: &[i8]| {
            operations.iter().map(|operation| allow(&carol, *operation, CLUSTER, "kafka-cluster")).collect::<Vec<_>>()
        };
        grant(admin, &on_cluster(&[DESCRIBE, DESCRIBE_CONFIGS]));
        compare(&of_cluster(&mut client, &id), include_str!("seen/sees_cluster.txt"));
        let mut acls = on_cluster(&[ALTER, ALTER_CONFIGS, IDEMPOTENT_WRITE]);
        acls.push(allow(&carol, WRITE, TRANSACTIONAL_ID, &id));
        grant(admin, &acls);
        compare(&of_cluster(&mut client, &id), include_str!("seen/changes_cluster.txt"));
    });
}
