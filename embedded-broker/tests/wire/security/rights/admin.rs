//! Requests of administrators, which ask for the cluster or for one topic.

use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource as Resource, AlterableConfig};
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, BrokerId,
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DescribeClientQuotasRequest,
    DescribeLogDirsRequest, DescribeQuorumRequest, ElectLeadersRequest, GetTelemetrySubscriptionsRequest,
    IncrementalAlterConfigsRequest, ListConfigResourcesRequest, UnregisterBrokerRequest, UpdateFeaturesRequest,
};

use super::Right::{Cluster, Group, Topic};
use super::*;
use crate::records::name;

/// A code and its text. Where Kafka's controller refuses it prints the request, addresses of objects and all; the embedded
/// broker says what brokers say.
fn shown(code: i16, message: Option<&StrBytes>) -> String {
    let text = message.map(|text| if text.starts_with("Request Request(") { NO_CLUSTER_TEXT } else { text.as_str() });
    format!("{code} {text:?}")
}

const NO_CLUSTER_TEXT: &str = "Cluster authorization failed.";

fn describe_quotas(client: &mut Client, _: &World) -> String {
    let told = client.call(1, &DescribeClientQuotasRequest::default().with_components(Vec::new()).with_strict(true));
    format!("{} {}", shown(told.error_code, told.error_message.as_ref()), told.entries.is_some())
}

fn alter_quotas(client: &mut Client, world: &World) -> String {
    let entity = EntityData::default().with_entity_type(text("user")).with_entity_name(Some(text(&world.id)));
    let op = OpData::default().with_key(text("producer_byte_rate")).with_value(1e9);
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    let request = AlterClientQuotasRequest::default().with_entries(vec![entry]).with_validate_only(true);
    let told = client.call(1, &request).entries.remove(0);
    shown(told.error_code, told.error_message.as_ref())
}

fn reassign(client: &mut Client, world: &World) -> String {
    let partition = ReassignablePartition::default().with_replicas(None);
    let topic = ReassignableTopic::default().with_name(name(&world.names.topic)).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let told = client.call(1, &request);
    let each = told.responses.iter().flat_map(|topic| &topic.partitions);
    let each: Vec<_> = each.map(|one| shown(one.error_code, one.error_message.as_ref())).collect();
    format!("{} {each:?}", shown(told.error_code, told.error_message.as_ref()))
}

fn elect(client: &mut Client, world: &World, version: i16) -> String {
    let topic = TopicPartitions::default().with_topic(name(&world.names.topic)).with_partitions(vec![0]);
    let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![topic])).with_timeout_ms(10_000);
    let told = client.call(version, &request);
    let each = told.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
    let each: Vec<_> = each.map(|one| shown(one.error_code, one.error_message.as_ref())).collect();
    format!("{} {each:?}", told.error_code)
}

fn elect_leader(client: &mut Client, world: &World) -> String {
    elect(client, world, 2)
}

fn elect_leader_as_of_old(client: &mut Client, world: &World) -> String {
    elect(client, world, 0)
}

fn elect_all(client: &mut Client, _: &World) -> String {
    let told = client.call(2, &ElectLeadersRequest::default().with_topic_partitions(None).with_timeout_ms(10_000));
    let each = told.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
    format!("{} {}", told.error_code, each.count())
}

fn create_partitions(client: &mut Client, world: &World) -> String {
    let topic =
        CreatePartitionsTopic::default().with_name(name(&world.names.topic)).with_count(2).with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let told = client.call(3, &request.with_validate_only(true)).results.remove(0);
    shown(told.error_code, told.error_message.as_ref())
}

fn create_topic(client: &mut Client, world: &World) -> String {
    let topic = CreatableTopic::default().with_name(name(&world.id)).with_num_partitions(1).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let told = client.call(7, &request.with_validate_only(true)).topics.remove(0);
    shown(told.error_code, told.error_message.as_ref())
}

fn create_that_topic(client: &mut Client, world: &World) -> String {
    let topic =
        CreatableTopic::default().with_name(name(&world.names.topic)).with_num_partitions(1).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    client.call(7, &request.with_validate_only(true)).topics[0].error_code.to_string()
}

fn delete_records(client: &mut Client, world: &World) -> String {
    let topic = DeleteRecordsTopic::default()
        .with_name(name(&world.names.topic))
        .with_partitions(vec![DeleteRecordsPartition::default()]);
    let told = client.call(2, &DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000));
    let told = &told.topics[0].partitions[0];
    format!("{} {}", told.error_code, told.low_watermark)
}

fn log_dirs(client: &mut Client, _: &World) -> String {
    let told = client.call(4, &DescribeLogDirsRequest::default().with_topics(None));
    format!("{} {}", told.error_code, told.results.len())
}

/// The first version that says why has no place for the reason.
fn log_dirs_as_of_old(client: &mut Client, _: &World) -> String {
    client.call(1, &DescribeLogDirsRequest::default().with_topics(None)).results.len().to_string()
}

fn move_to_dir(client: &mut Client, world: &World) -> String {
    let topic = AlterReplicaLogDirTopic::default().with_name(name(&world.names.topic)).with_partitions(vec![0]);
    let dir = AlterReplicaLogDir::default().with_path(text("/nowhere")).with_topics(vec![topic]);
    let told = client.call(2, &AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]));
    told.results[0].partitions[0].error_code.to_string()
}

fn update_features(client: &mut Client, _: &World) -> String {
    let update =
        FeatureUpdateKey::default().with_feature(text("group.version")).with_max_version_level(1).with_upgrade_type(1);
    let request = UpdateFeaturesRequest::default().with_feature_updates(vec![update]).with_timeout_ms(10_000);
    let told = client.call(2, &request.with_validate_only(true));
    told.error_code.to_string()
}

fn quorum(client: &mut Client, _: &World) -> String {
    let told = client.call(2, &DescribeQuorumRequest::default());
    shown(told.error_code, told.error_message.as_ref())
}

fn unregister(client: &mut Client, _: &World) -> String {
    let told = client.call(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(77)));
    shown(told.error_code, told.error_message.as_ref())
}

fn config_resources(client: &mut Client, _: &World) -> String {
    client.call(1, &ListConfigResourcesRequest::default()).error_code.to_string()
}

/// Who may nothing may push metrics.
fn telemetry(client: &mut Client, _: &World) -> String {
    client.call(0, &GetTelemetrySubscriptionsRequest::default()).error_code.to_string()
}

fn alter(client: &mut Client, kind: i8, resource: &str, (key, value): (&str, &str)) -> String {
    let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)));
    let resource =
        Resource::default().with_resource_type(kind).with_resource_name(text(resource)).with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(true);
    let told = client.call(1, &request).responses.remove(0);
    shown(told.error_code, told.error_message.as_ref())
}

fn alter_topic(client: &mut Client, world: &World) -> String {
    alter(client, 2, &world.names.topic, ("retention.ms", "1000"))
}

fn alter_brokers(client: &mut Client, _: &World) -> String {
    alter(client, 4, "", ("log.cleaner.backoff.ms", "1000"))
}

fn alter_group(client: &mut Client, world: &World) -> String {
    alter(client, 32, &world.names.group, ("consumer.session.timeout.ms", "50000"))
}

fn alter_client_metrics(client: &mut Client, world: &World) -> String {
    alter(client, 16, &world.id, ("interval.ms", "1000"))
}

const NO_CLUSTER: &str = "31 Some(\"Cluster authorization failed.\")";
const TABLE: &[Row] = &[
    Row {
        asked: "describe quotas",
        ask: describe_quotas,
        needs: &[(Cluster(DESCRIBE_CONFIGS), "31 None false")],
        allowed: "0 Some(\"\") true",
    },
    Row { asked: "alter quotas", ask: alter_quotas, needs: &[(Cluster(ALTER_CONFIGS), NO_CLUSTER)], allowed: "0 None" },
    Row {
        asked: "reassign",
        ask: reassign,
        needs: &[(
            Cluster(ALTER),
            "31 Some(\"Cluster authorization failed.\") [\"31 Some(\\\"Cluster authorization failed.\\\")\"]",
        )],
        allowed: "0 None [\"85 None\"]",
    },
    Row {
        asked: "elect a leader",
        ask: elect_leader,
        needs: &[(Cluster(ALTER), "31 [\"31 Some(\\\"Cluster authorization failed.\\\")\"]")],
        allowed: "0 [\"84 Some(\\\"Leader election not needed for topic partition.\\\")\"]",
    },
    Row {
        asked: "elect a leader, v0",
        ask: elect_leader_as_of_old,
        needs: &[(Cluster(ALTER), "0 [\"31 Some(\\\"Cluster authorization failed.\\\")\"]")],
        allowed: "0 [\"84 Some(\\\"Leader election not needed for topic partition.\\\")\"]",
    },
    Row { asked: "elect all leaders", ask: elect_all, needs: &[(Cluster(ALTER), "31 0")], allowed: "0 0" },
    Row { asked: "create partitions", ask: create_partitions, needs: &[(Topic(ALTER), "29 None")], allowed: "0 None" },
    Row {
        asked: "create a topic",
        ask: create_topic,
        needs: &[(Cluster(CREATE), "29 Some(\"Authorization failed.\")")],
        allowed: "0 None",
    },
    Row { asked: "create that topic", ask: create_that_topic, needs: &[(Topic(CREATE), "29")], allowed: "36" },
    Row { asked: "delete records", ask: delete_records, needs: &[(Topic(DELETE), "29 -1")], allowed: "0 0" },
    Row { asked: "log dirs", ask: log_dirs, needs: &[(Cluster(DESCRIBE), "31 0")], allowed: "0 1" },
    Row { asked: "log dirs, v1", ask: log_dirs_as_of_old, needs: &[(Cluster(DESCRIBE), "0")], allowed: "1" },
    Row { asked: "move to a dir", ask: move_to_dir, needs: &[(Cluster(ALTER), "31")], allowed: "57" },
    Row { asked: "update features", ask: update_features, needs: &[(Cluster(ALTER), "31")], allowed: "0" },
    Row { asked: "quorum", ask: quorum, needs: &[(Cluster(DESCRIBE), NO_CLUSTER)], allowed: "0 Some(\"\")" },
    Row {
        asked: "unregister",
        ask: unregister,
        needs: &[(Cluster(ALTER), NO_CLUSTER)],
        allowed: "102 Some(\"Broker ID 77 is not currently registered\")",
    },
    Row { asked: "config resources", ask: config_resources, needs: &[(Cluster(DESCRIBE_CONFIGS), "31")], allowed: "0" },
    Row { asked: "telemetry", ask: telemetry, needs: &[], allowed: "0" },
    Row {
        asked: "alter a topic",
        ask: alter_topic,
        needs: &[(Topic(ALTER_CONFIGS), "29 Some(\"Topic authorization failed.\")")],
        allowed: "0 None",
    },
    Row {
        asked: "alter brokers",
        ask: alter_brokers,
        needs: &[(Cluster(ALTER_CONFIGS), NO_CLUSTER)],
        allowed: "0 None",
    },
    Row {
        asked: "alter a group",
        ask: alter_group,
        needs: &[(Group(ALTER_CONFIGS), "30 Some(\"Group authorization failed.\")")],
        allowed: "0 None",
    },
    Row {
        asked: "alter client metrics",
        ask: alter_client_metrics,
        needs: &[(Cluster(ALTER_CONFIGS), NO_CLUSTER)],
        allowed: "0 None",
    },
];

#[test]
fn administrators_ask_for_the_cluster_or_the_topic() {
    check(TABLE);
}
