//! Requests about replicas, directories, features and the quorum, as a cluster of one node answers them.

use std::collections::BTreeSet;

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::Node;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, ApiVersionsRequest, BrokerId,
    ConsumerGroupHeartbeatRequest, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeQuorumRequest,
    ElectLeadersRequest, GroupId, ListPartitionReassignmentsRequest, UnregisterBrokerRequest, UpdateFeaturesRequest,
};

use super::{Answer, make, name, ok, refused, text, topic};
use crate::records::{batch, produce};

#[test]
fn log_dirs_tell_the_size_of_each_partition() {
    on_each_broker(|client| {
        let topic_name = unique("sizes");
        make(client, topic(&topic_name, 2));
        let sent = batch(&["a", "b"], (-1, -1, -1));
        let code = ask_until(|| produce(client, &topic_name, 1, sent.clone()).error_code, |code| *code != 6);
        assert_eq!(code, 0);
        let asked = |name_: &str, partitions: Vec<i32>| {
            DescribableLogDirTopic::default().with_topic(name(name_)).with_partitions(partitions)
        };
        for version in 1..=4 {
            let topics = vec![asked(&topic_name, vec![0, 1, 7]), asked(&unique("ghost"), vec![0])];
            let request = DescribeLogDirsRequest::default().with_topics(Some(topics));
            // A real broker makes the log of a new partition a little later than it says.
            let has_both = |response: &DescribeLogDirsResponse| {
                response.results.iter().flat_map(|dir| &dir.topics).any(|one| one.partitions.len() == 2)
            };
            let response = ask_until(|| client.call(version, &request), has_both);
            assert_eq!((response.error_code, response.results.len()), (0, 1), "version {version}");
            let dir = &response.results[0];
            assert_eq!((dir.error_code, dir.topics.len()), (0, 1));
            let mut sizes: Vec<_> =
                dir.topics[0].partitions.iter().map(|one| (one.partition_index, one.partition_size)).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, [(0, 0), (1, i64::try_from(sent.len()).expect("it is small"))]);
            assert!(dir.topics[0].partitions.iter().all(|one| one.offset_lag == 0 && !one.is_future_key));
        }
        let all = client.call(4, &DescribeLogDirsRequest::default().with_topics(None));
        assert!(all.results[0].topics.iter().any(|one| one.name.as_str() == topic_name));
        let none = client.call(4, &DescribeLogDirsRequest::default().with_topics(Some(Vec::new())));
        assert!(none.results[0].topics.is_empty());
    });
}

#[test]
fn replicas_are_where_they_are() {
    on_each_broker(|client| {
        let topic_name = unique("moved");
        make(client, topic(&topic_name, 1));
        let described = client.call(4, &DescribeLogDirsRequest::default().with_topics(Some(Vec::new())));
        let own = described.results[0].log_dir.to_string();
        let mut move_to = |path: &str| {
            let topic = AlterReplicaLogDirTopic::default().with_name(name(&topic_name)).with_partitions(vec![0, 9]);
            let dir = AlterReplicaLogDir::default().with_path(text(path)).with_topics(vec![topic]);
            let response = client.call(2, &AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]));
            let partitions = response.results[0].partitions.iter();
            partitions.map(|one| (one.partition_index, one.error_code)).collect::<BTreeSet<_>>()
        };
        assert_eq!(move_to(&own), BTreeSet::from([(0, 0), (9, 3)]));
        assert_eq!(move_to("/nowhere"), BTreeSet::from([(0, 57), (9, 57)]));
    });
}

fn elect(client: &mut Client, version: i16, kind: i8, topics: Option<&[(&str, &[i32])]>) -> (i16, Vec<(i32, Answer)>) {
    let topics = topics.map(|topics| {
        let topic = |(topic, partitions): &(&str, &[i32])| {
            TopicPartitions::default().with_topic(name(topic)).with_partitions(partitions.to_vec())
        };
        topics.iter().map(topic).collect()
    });
    let request = ElectLeadersRequest::default().with_election_type(kind).with_topic_partitions(topics);
    let response = client.call(version, &request.with_timeout_ms(5000));
    let results = response.replica_election_results.into_iter().flat_map(|topic| topic.partition_result);
    let answer = |text: Option<_>| text.map(|text: kafka_protocol::protocol::StrBytes| text.to_string());
    (response.error_code, results.map(|one| (one.partition_id, (one.error_code, answer(one.error_message)))).collect())
}

#[test]
fn leaders_that_lead_need_no_election() {
    on_each_broker(|client| {
        let (topic_name, ghost) = (unique("led"), unique("ghost"));
        make(client, topic(&topic_name, 1));
        let needless = refused(84, "Leader election not needed for topic partition.");
        let expected = vec![
            (0, needless.clone()),
            (9, refused(3, &format!("No such partition as {topic_name}-9"))),
            (0, refused(3, &format!("No such topic as {ghost}"))),
        ];
        for version in 0..=2 {
            let asked: &[(&str, &[i32])] = &[(&topic_name, &[0, 9]), (&ghost, &[0])];
            assert_eq!(elect(client, version, 0, Some(asked)), (0, expected.clone()), "version {version}");
        }
        let one: &[(&str, &[i32])] = &[(&topic_name, &[0])];
        assert_eq!(elect(client, 2, 1, Some(one)), (0, vec![(0, needless)]));
        assert_eq!(elect(client, 2, 7, Some(one)), (42, vec![(0, refused(42, "Unknown election type 7"))]));
        assert_eq!(elect(client, 2, 0, None), (0, Vec::new()), "those that need none are left out");
    });
}

fn reassign(client: &mut Client, topic: &str, index: i32, replicas: Option<&[i32]>) -> Answer {
    let replicas = replicas.map(|ids| ids.iter().copied().map(BrokerId).collect());
    let partition = ReassignablePartition::default().with_partition_index(index).with_replicas(replicas);
    let topic = ReassignableTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(5000);
    let mut response = client.call(1, &request);
    assert_eq!((response.error_code, response.error_message), (0, None));
    assert!(response.allow_replication_factor_change);
    let answer = response.responses.remove(0).partitions.remove(0);
    (answer.error_code, answer.error_message.map(|text| text.to_string()))
}

#[test]
fn partitions_can_only_be_assigned_to_the_one_node() {
    on_each_broker(|client| {
        let (topic_name, ghost) = (unique("assigned"), unique("ghost"));
        make(client, topic(&topic_name, 1));
        assert_eq!(reassign(client, &topic_name, 0, Some(&[1])), ok());
        assert_eq!(reassign(client, &topic_name, 0, None), (85, None));
        let none = refused(3, &format!("Unable to find partition {topic_name}:9."));
        assert_eq!(reassign(client, &topic_name, 9, Some(&[1])), none);
        let none = refused(3, &format!("Unable to find a topic named {ghost}."));
        assert_eq!(reassign(client, &ghost, 0, None), none);
        let why = "The manual partition assignment includes broker 2, but no such broker is registered.";
        assert_eq!(reassign(client, &topic_name, 0, Some(&[1, 2])), refused(39, why));
        let why = "The manual partition assignment includes an empty replica list.";
        assert_eq!(reassign(client, &topic_name, 0, Some(&[])), refused(39, why));
        let why = "The manual partition assignment includes the broker 1 more than once.";
        assert_eq!(reassign(client, &topic_name, 0, Some(&[1, 1])), refused(39, why));
        let nothing = client.call(1, &AlterPartitionReassignmentsRequest::default());
        assert_eq!((nothing.error_code, nothing.error_message), (0, Some(text(""))));
        let listed = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(None));
        assert_eq!((listed.error_code, listed.error_message, listed.topics.len()), (0, None, 0));
    });
}

fn quorum_request(topic: &str, partitions: &[i32]) -> DescribeQuorumRequest {
    let partition = |index: &i32| PartitionData::default().with_partition_index(*index);
    let topic =
        TopicData::default().with_topic_name(name(topic)).with_partitions(partitions.iter().map(partition).collect());
    DescribeQuorumRequest::default().with_topics(vec![topic])
}

#[test]
fn the_quorum_is_the_one_node() {
    on_each_broker(|client| {
        for version in 0..=2 {
            let response = client.call(version, &quorum_request("__cluster_metadata", &[0]));
            let partition = &response.topics[0].partitions[0];
            assert_eq!((response.error_code, partition.error_code), (0, 0), "version {version}");
            assert_eq!(partition.leader_id, BrokerId(1));
            assert!(partition.leader_epoch > 0 && partition.high_watermark > 0 && partition.observers.is_empty());
            let voter = &partition.current_voters[0];
            assert_eq!((voter.replica_id, voter.log_end_offset), (BrokerId(1), partition.high_watermark));
            assert_eq!(voter.last_fetch_timestamp > 0, version >= 1);
            let listeners = |node: &Node| node.listeners.iter().map(|one| one.name.to_string()).collect::<Vec<_>>();
            let nodes: Vec<_> = response.nodes.iter().map(|node| (node.node_id, listeners(node))).collect();
            let controller = (BrokerId(1), vec!["CONTROLLER".to_owned()]);
            assert_eq!(nodes, if version >= 2 { vec![controller] } else { vec![] });
        }
        for (topic, partitions) in [("other", &[0][..]), ("__cluster_metadata", &[1]), ("__cluster_metadata", &[0, 1])]
        {
            let response = client.call(2, &quorum_request(topic, partitions));
            let why = Some(text("This server does not host this topic-partition."));
            for partition in &response.topics[0].partitions {
                assert_eq!((partition.error_code, &partition.error_message), (3, &why), "{topic} {partitions:?}");
            }
            assert_eq!(response.topics[0].partitions.len(), partitions.len());
        }
    });
}

#[test]
fn the_voter_is_told_where_the_configs_have_its_controller() {
    let broker = EmbeddedBroker::builder()
        .config("listeners", "PLAINTEXT://127.0.0.1:0,INNER://127.0.0.1:9093")
        .config("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT")
        .config("controller.listener.names", "INNER")
        .start()
        .expect("the broker starts");
    let response = Client::of(&broker).call(2, &quorum_request("__cluster_metadata", &[0]));
    let listener = &response.nodes[0].listeners[0];
    assert_eq!((listener.name.as_str(), listener.host.as_str(), listener.port), ("INNER", "127.0.0.1", 9093));
}

fn update(client: &mut Client, version: i16, feature: &str, level: i16, kind: i8) -> Answer {
    let update = FeatureUpdateKey::default().with_feature(text(feature)).with_max_version_level(level);
    let update = if version >= 1 { update.with_upgrade_type(kind) } else { update.with_allow_downgrade(kind > 1) };
    let request = UpdateFeaturesRequest::default().with_feature_updates(vec![update]);
    let request = if version >= 1 { request.with_validate_only(true) } else { request };
    let response = client.call(version, &request);
    let expected = usize::from(version < 2 && response.error_code == 0);
    assert_eq!(response.results.len(), expected, "version {version}");
    assert!(response.results.iter().all(|one| one.error_message == Some(text("NONE"))));
    (response.error_code, response.error_message.map(|text| text.to_string()))
}

#[test]
fn features_change_by_kafkas_rules() {
    on_each_broker(|client| {
        let failed = |why: &str| {
            refused(95, &format!("The update failed for all features since the following feature had an error: {why}"))
        };
        for version in 0..=2 {
            assert_eq!(update(client, version, "group.version", 1, 1), ok(), "version {version}");
            let why = "Invalid update version 1 for feature nope. Local controller 1 does not support this feature.";
            assert_eq!(update(client, version, "nope", 1, 1), failed(why));
        }
        let down = "Can't downgrade the version of this feature without setting the upgrade type to either safe or \
                    unsafe downgrade.";
        for (feature, level, kind, why) in [
            ("group.version", 0, 1, down),
            ("group.version", 2, 1, "Local controller 1 only supports versions 0-1"),
            ("group.version", -1, 1, "A feature version cannot be less than 0."),
            ("group.version", 1, 0, "The controller does not support the given upgrade type."),
            ("metadata.version", 28, 1, "Local controller 1 only supports versions 7-27"),
            ("metadata.version", 26, 1, down),
            ("kraft.version", 1, 2, "Can't downgrade to a newer version."),
            ("nope", 0, 1, "Feature nope not found."),
            ("streams.version", 1, 1, "Local controller 1 does not support this feature."),
        ] {
            let why = format!("Invalid update version {level} for feature {feature}. {why}");
            assert_eq!(update(client, 2, feature, level, kind), failed(&why));
        }
        for off in ["share.version", "streams.version"] {
            assert_eq!(update(client, 2, off, 0, 1), ok());
        }
        let why = "Refusing to perform the requested downgrade because it might delete metadata information.";
        let lost = failed(&format!("Invalid metadata.version 22. {why}"));
        assert_eq!(update(client, 2, "metadata.version", 22, 2), lost);
        assert_eq!(update(client, 2, "metadata.version", 23, 2), ok());
    });
}

#[test]
fn a_broker_that_is_not_registered_cannot_be_unregistered() {
    on_each_broker(|client| {
        let response = client.call(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(9)));
        let why = Some(text("Broker ID 9 is not currently registered"));
        assert_eq!((response.error_code, response.error_message), (102, why));
    });
}

#[test]
fn consumer_groups_end_where_their_feature_is_set_back() {
    let broker = EmbeddedBroker::builder().start().expect("the broker starts");
    let mut client = Client::of(&broker);
    let mut set = |level, kind| {
        let update = FeatureUpdateKey::default().with_feature(text("group.version")).with_max_version_level(level);
        let request = UpdateFeaturesRequest::default().with_feature_updates(vec![update.with_upgrade_type(kind)]);
        assert_eq!(client.call(2, &request).error_code, 0);
        let heartbeat = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(GroupId(text("group")))
            .with_member_id(text("member"))
            .with_rebalance_timeout_ms(1000)
            .with_subscribed_topic_names(Some(vec![name("t")]))
            .with_topic_partitions(Some(Vec::new()));
        let heard = client.call(1, &heartbeat).error_code;
        let versions = ApiVersionsRequest::default()
            .with_client_software_name(text("test"))
            .with_client_software_version(text("1"));
        let features = client.call(4, &versions).finalized_features;
        (heard, features.iter().any(|feature| feature.name.as_str() == "group.version"))
    };
    assert_eq!(set(0, 2), (35, false));
    assert_eq!(set(1, 1), (0, true));
}
