//! Metadata, versions 0 to 13: nodes, topics and who leads their partitions.
//!
//! As Kafka: version 0 asks for all topics with an empty list, later ones with null; a topic that does not exist is made
//! if the request (from version 4) and `auto.create.topics.enable` allow it, and answered UNKNOWN_TOPIC_OR_PARTITION by
//! the request that makes it, whatever becomes of it; from version 12 a topic can be asked for by id.
//! A topic that is made is ready for the next request: Kafka's may have to ask several times.
//! What a client may do is told when it asks (version 8 and later); topics it may not describe are refused by name and left
//! out of all.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use uuid::Uuid;

use super::create_topics::MAX_PARTITIONS;
use super::{Refusal, RequestContext, describe_cluster};
use crate::cluster::{Cluster, Picture};
use crate::error::ErrorCode;
use crate::internal_topics::is_internal;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};

pub(crate) fn handle(cx: &RequestContext<'_>, request: MetadataRequest) -> Result<MetadataResponse, Refusal> {
    let cluster = cx.cluster;
    let topic_operations = request.include_topic_authorized_operations && cx.version >= 8;
    let cluster_operations = request.include_cluster_authorized_operations && (8..=10).contains(&cx.version);
    let goes_by_id = |topic: &MetadataRequestTopic| topic.name.is_none() || topic.topic_id != Uuid::nil();
    if cx.version < 12 && request.topics.iter().flatten().any(goes_by_id) {
        return Ok(by_id_too_early(request.topics.unwrap_or_default()));
    }
    let makes_topics = request.allow_auto_topic_creation
        && cluster.settings.auto_create_topics
        && new_partitions(cluster, request.topics.iter().flatten()) <= MAX_PARTITIONS;
    let asked = request.topics.filter(|asked| !(cx.version == 0 && asked.is_empty()));
    let asked: Option<Vec<_>> = asked.map(|asked| once_each(asked).collect());
    // What it makes is not told by this request: the picture is of before.
    let picture = cluster.picture(cx.node_id);
    let not_to_be_made = match &asked {
        Some(asked) if makes_topics => make_topics(cx, asked),
        _ => HashSet::new(),
    };
    let mut topics: Vec<MetadataResponseTopic> = match asked {
        Some(asked) => asked.into_iter().map(|asked| one(cx, &picture, asked, &not_to_be_made)).collect(),
        None => {
            let topics = picture.topics.iter();
            let allowed = topics.filter(|topic| cx.may(Operation::Describe, Resource::Topic(&topic.name)));
            allowed.map(|topic| describe(&picture, topic)).collect()
        }
    };
    if topic_operations {
        for topic in topics.iter_mut().filter(|topic| topic.error_code != ErrorCode::TopicAuthorizationFailed.code()) {
            let name = topic.name.as_ref().map_or("", |name| name.as_str());
            topic.topic_authorized_operations = cx.operations(Resource::Topic(name));
        }
    }
    let brokers = picture.nodes.listed().filter_map(|node| {
        let (host, port) = cx.address_of(node)?;
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(node.id))
            .with_host(host)
            .with_port(port)
            .with_rack(node.rack.clone().filter(|_| cx.version >= 1).map(StrBytes::from_string));
        Some(broker)
    });
    let response = MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_cluster_id(Some(StrBytes::from_string(cluster.id.clone())))
        .with_controller_id(BrokerId(picture.nodes.controller()))
        .with_topics(topics);
    Ok(if cluster_operations {
        response.with_cluster_authorized_operations(describe_cluster::operations(cx))
    } else {
        response
    })
}

/// Makes what is asked for and not there. Returns what the client may not make.
fn make_topics(cx: &RequestContext<'_>, asked: &[MetadataRequestTopic]) -> HashSet<TopicName> {
    let topics = cx.cluster.topics();
    let missing = asked.iter().filter(|asked| asked.topic_id == Uuid::nil()).filter_map(|asked| asked.name.as_ref());
    let missing = missing
        .filter(|name| topics.by_name(name).is_none() && cx.may(Operation::Describe, Resource::Topic(name.as_str())));
    let (allowed, denied): (Vec<_>, Vec<_>) = missing.partition(|name| may_create(cx, name));
    let names: Vec<&str> = allowed.iter().map(|name| name.as_str()).collect();
    if !names.is_empty() {
        // As Kafka's controller, which is asked in the background: why a topic cannot be made is not told to who asked for it.
        cx.cluster.auto_create_topics(&names);
    }
    denied.into_iter().cloned().collect()
}

fn one(
    cx: &RequestContext<'_>,
    picture: &Picture,
    asked: MetadataRequestTopic,
    not_to_be_made: &HashSet<TopicName>,
) -> MetadataResponseTopic {
    let version = cx.version;
    let known = find(&picture.topics, &asked);
    let refused = |code: ErrorCode| {
        // Before version 12 a name must be there.
        let name = asked.name.clone().filter(|_| code != ErrorCode::UnknownTopicId || version < 12);
        MetadataResponseTopic::default()
            .with_error_code(code.code())
            .with_is_internal(name.as_ref().is_some_and(|name| is_internal(name)) && version >= 1)
            .with_name(name)
            .with_topic_id(asked.topic_id)
    };
    let named = known.map(|topic| &*topic.name).or(asked.name.as_ref().map(|name| name.as_str()));
    if let Some(name) = named.filter(|_| known.is_some() || asked.topic_id == Uuid::nil())
        && !cx.may(Operation::Describe, Resource::Topic(name))
    {
        return denied(asked);
    }
    match (known, &asked.name) {
        (Some(topic), _) => describe(picture, topic),
        (None, None) => refused(ErrorCode::UnknownTopicId),
        (None, Some(_)) if asked.topic_id != Uuid::nil() => refused(ErrorCode::UnknownTopicId),
        (None, Some(name)) if not_to_be_made.contains(name) => refused(ErrorCode::TopicAuthorizationFailed),
        (None, Some(name)) if crate::topic::check_name(name).is_err() => refused(ErrorCode::InvalidTopicException),
        (None, Some(_)) => refused(ErrorCode::UnknownTopicOrPartition),
    }
}

/// How many partitions it would take to make what is asked for. As Kafka, which makes the topics of one request in one
/// request of its own: if these are too many, none is made.
fn new_partitions<'a>(cluster: &Cluster, asked: impl Iterator<Item = &'a MetadataRequestTopic>) -> i64 {
    let topics = cluster.topics();
    let is_new = |name: &&TopicName| topics.by_name(name).is_none();
    let new = asked.filter_map(|topic| topic.name.as_ref()).filter(is_new).count();
    i64::try_from(new).unwrap_or(i64::MAX).saturating_mul(i64::from(cluster.settings.num_partitions))
}

fn may_create(cx: &RequestContext<'_>, name: &str) -> bool {
    cx.may(Operation::Create, Resource::Cluster) || cx.may(Operation::Create, Resource::Topic(name))
}

/// As Kafka: by name nothing is told of the topic, by id its id.
fn denied(asked: MetadataRequestTopic) -> MetadataResponseTopic {
    let by_id = asked.topic_id != Uuid::nil();
    MetadataResponseTopic::default()
        .with_error_code(ErrorCode::TopicAuthorizationFailed.code())
        .with_name(asked.name.filter(|_| !by_id))
        .with_topic_id(asked.topic_id)
}

/// As Kafka: versions 10 and 11 have a field for topic ids, which counts only from version 12 on.
fn by_id_too_early(asked: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let refused = asked.into_iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_error_code(ErrorCode::InvalidRequest.code())
            .with_name(topic.name.or_else(|| Some(TopicName::default())))
            .with_topic_id(topic.topic_id)
    });
    MetadataResponse::default().with_cluster_id(None).with_topics(refused.collect()).with_controller_id(BrokerId(-1))
}

/// As Kafka: a topic that is asked for twice is answered once. By its id it is the same whatever name is said with it.
fn once_each(asked: Vec<MetadataRequestTopic>) -> impl Iterator<Item = MetadataRequestTopic> {
    let mut seen = HashSet::with_capacity(asked.len());
    asked.into_iter().filter(move |topic| {
        let name = topic.name.clone().filter(|_| topic.topic_id == Uuid::nil());
        seen.insert((topic.topic_id, name))
    })
}

fn find<'a>(topics: &'a Topics, asked: &MetadataRequestTopic) -> Option<&'a Arc<Topic>> {
    if asked.topic_id != Uuid::nil() {
        return topics.by_id(asked.topic_id);
    }
    asked.name.as_ref().and_then(|name| topics.by_name(name))
}

fn describe(picture: &Picture, topic: &Topic) -> MetadataResponseTopic {
    let to_wire = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
    let partitions = picture.partitions(topic).map(|(index, leadership)| {
        let code = if leadership.leader < 0 { ErrorCode::LeaderNotAvailable } else { ErrorCode::None };
        MetadataResponsePartition::default()
            .with_error_code(code.code())
            .with_partition_index(index)
            .with_leader_id(BrokerId(leadership.leader))
            .with_leader_epoch(leadership.leader_epoch)
            .with_isr_nodes(to_wire(&leadership.in_sync))
            .with_offline_replicas(to_wire(&picture.nodes.offline_among(&leadership.replicas)))
            .with_replica_nodes(to_wire(&leadership.replicas))
    });
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.as_ref().to_owned()))))
        .with_topic_id(topic.id)
        .with_is_internal(is_internal(&topic.name))
        .with_partitions(partitions.collect())
}
