//! CreateTopics, versions 2 to 7.
//!
//! As Kafka: each topic succeeds or fails by itself and all of them are answered; a name that is there twice is refused
//! once; a manual assignment excludes counts; `validate_only` checks everything and makes nothing; from version 5 on the
//! answer shows what the topic has become, from version 7 on its id.
//! Better than Kafka: when the answer is sent, every partition has its leader and every node knows it; of two names of
//! one request that collide (`a.b` and `a_b`) the second is refused, where Kafka looks at those before the request only.

use std::collections::{BTreeMap, HashSet};

use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use uuid::Uuid;

use super::answer::{count, failure, invalid_request};
use super::{Refusal, RequestContext};
use crate::cluster::Cluster;
use crate::config::alter;
use crate::config::layers::Configs;
use crate::error::{Error, ErrorCode};
use crate::placement;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{NewTopic, Topics};

/// Kafka makes no more partitions than this in one request.
pub(super) const MAX_PARTITIONS: i64 = 10_000;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: CreateTopicsRequest) -> Result<CreateTopicsResponse, Refusal> {
    let named = count(request.topics.iter().map(|topic| topic.name.clone()));
    let too_many = request.topics.iter().map(partitions_asked).sum::<i64>() > MAX_PARTITIONS;
    let mut results = Vec::with_capacity(named.len());
    for (name, times) in &named {
        if *times > 1 {
            let (code, text) = failure(&invalid_request("Duplicate topic name."));
            results.push(
                CreatableTopicResult::default().with_name(name.clone()).with_error_code(code).with_error_message(text),
            );
        }
    }
    let asked: Vec<&CreatableTopic> =
        request.topics.iter().filter(|topic| named.get(&topic.name) == Some(&1)).collect();
    let made = cx.cluster.change_each_topic(&asked, |topics, topic| {
        if too_many { Err(too_many_partitions()) } else { create(cx, topics, topic, request.validate_only) }
    });
    let made = asked.iter().zip(made).map(|(topic, made)| {
        made.unwrap_or_else(|error| {
            let (code, text) = failure(&error);
            let result = CreatableTopicResult::default().with_error_code(code).with_error_message(text);
            result.with_name(topic.name.clone())
        })
    });
    results.extend(made);
    Ok(CreateTopicsResponse::default().with_topics(results))
}

fn partitions_asked(topic: &CreatableTopic) -> i64 {
    let manual = i64::try_from(topic.assignments.len()).unwrap_or(i64::MAX);
    if manual > 0 { manual } else { i64::from(topic.num_partitions.max(1)) }
}

fn too_many_partitions() -> Error {
    Error::with_code(ErrorCode::PolicyViolation, "Excessively large number of partitions per request.")
}

fn create(
    cx: &RequestContext<'_>,
    topics: &mut Topics,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Error> {
    let cluster = cx.cluster;
    if topic.name.as_str() == "__cluster_metadata" {
        return Err(invalid_request("Creation of internal topic __cluster_metadata is prohibited."));
    }
    let resource = Resource::Topic(&topic.name);
    if !cx.may(Operation::Create, Resource::Cluster) && !cx.may(Operation::Create, resource) {
        return Err(Error::with_code(resource.denied(), "Authorization failed."));
    }
    topics.check_new(&topic.name)?;
    let configs = configs(topic)?;
    alter::topic::check(&cluster.broker_configs(), cx.node_id, &configs)?;
    let replicas = replicas(cluster, topics, topic)?;
    let partitions = i32::try_from(replicas.len()).unwrap_or(i32::MAX);
    let replication_factor = replicas.first().map_or(0, Vec::len);
    cx.mutate(replicas.len(), 6)?;
    let shown = shown_configs(cluster, cx.node_id, &configs);
    let id = if validate_only {
        // As Kafka: that of a topic that never will be.
        Uuid::new_v4()
    } else {
        cluster.add_topic(topics, NewTopic { name: topic.name.to_string(), replicas, configs })?.id
    };
    let result = CreatableTopicResult::default().with_name(topic.name.clone()).with_error_message(None);
    if cx.version < 5 {
        return Ok(result);
    }
    if !cx.may(Operation::DescribeConfigs, resource) {
        let result = result.with_topic_config_error_code(resource.denied().code());
        return Ok(if cx.version >= 7 { result.with_topic_id(id) } else { result });
    }
    let result = result
        .with_num_partitions(partitions)
        .with_replication_factor(i16::try_from(replication_factor).unwrap_or(i16::MAX))
        .with_configs(Some(shown));
    Ok(if cx.version >= 7 { result.with_topic_id(id) } else { result })
}

fn configs(topic: &CreatableTopic) -> Result<Configs, Error> {
    let without_value = topic.configs.iter().filter(|config| config.value.is_none());
    let is_null: HashSet<&str> = without_value.map(|config| config.name.as_str()).collect();
    let names = topic.configs.iter().map(|config| config.name.as_str());
    let nulls: Vec<&str> = names.filter(|name| is_null.contains(name)).collect();
    if !nulls.is_empty() {
        let why = format!("Null value not supported for topic configs: {}", nulls.join(","));
        return Err(Error::with_code(ErrorCode::InvalidConfig, why));
    }
    let pairs = topic.configs.iter().map(|config| {
        let value = config.value.as_ref().map(ToString::to_string).unwrap_or_default();
        (config.name.to_string(), value)
    });
    Ok(pairs.collect())
}

/// For each partition the nodes that hold it: as the client wrote it, or chosen.
fn replicas(cluster: &Cluster, topics: &Topics, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, Error> {
    let settings = &cluster.settings;
    if !topic.assignments.is_empty() {
        return manual(cluster, topic);
    }
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        let why = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(Error::with_code(ErrorCode::InvalidReplicationFactor, why));
    }
    if topic.num_partitions < -1 || topic.num_partitions == 0 {
        let why = "Number of partitions was set to an invalid non-positive value.";
        return Err(Error::with_code(ErrorCode::InvalidPartitions, why));
    }
    let or_default = |asked: i32, default: i32| if asked == -1 { default } else { asked };
    let partitions = or_default(topic.num_partitions, settings.num_partitions);
    let replicas =
        if topic.replication_factor == -1 { settings.default_replication_factor } else { topic.replication_factor };
    cluster.place(topics, partitions, replicas)
}

fn manual(cluster: &Cluster, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, Error> {
    if topic.replication_factor != -1 {
        let why = "A manual partition assignment was specified, but replication factor was not set to -1.";
        return Err(invalid_request(why));
    }
    if topic.num_partitions != -1 {
        let why = "A manual partition assignment was specified, but numPartitions was not set to -1.";
        return Err(invalid_request(why));
    }
    let refused = |why: String| Error::with_code(ErrorCode::InvalidReplicaAssignment, why);
    let (nodes, alive) = (cluster.node_ids(), cluster.nodes());
    let mut by_index: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let mut expected = None;
    for CreatableReplicaAssignment { partition_index, broker_ids, .. } in &topic.assignments {
        if by_index.contains_key(partition_index) {
            return Err(refused(format!(
                "Found multiple manual partition assignments for partition {partition_index}"
            )));
        }
        let replicas: Vec<i32> = broker_ids.iter().map(|id| id.0).collect();
        placement::check_manual(&nodes, &replicas, expected)?;
        placement::check_alive(|id| alive.is_up(id), &replicas, *partition_index)?;
        expected = Some(replicas.len());
        by_index.insert(*partition_index, replicas);
    }
    if !by_index.keys().copied().eq((0..).take(by_index.len())) {
        return Err(refused("partitions should be a consecutive 0-based integer sequence".to_owned()));
    }
    Ok(by_index.into_values().collect())
}

/// What a new topic's configs are, by name.
fn shown_configs(cluster: &Cluster, node: i32, configs: &Configs) -> Vec<CreatableTopicConfigs> {
    let entries = cluster.broker_configs().describe_topic(node, configs).into_iter().map(|entry| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_string(entry.name.into_owned()))
            .with_value(entry.value.map(StrBytes::from_string))
            .with_read_only(entry.read_only)
            .with_config_source(entry.source.wire())
            .with_is_sensitive(entry.sensitive)
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}
