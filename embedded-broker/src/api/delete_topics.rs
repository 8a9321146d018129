//! DeleteTopics, versions 1 to 6: by name, and from version 6 on by id.
//!
//! As Kafka: each topic is answered by itself; what is named twice is refused; the offsets that groups committed for the
//! topic go with it.

use std::collections::{HashMap, HashSet};

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use uuid::Uuid;

use super::answer::{count, invalid_request, outcome};
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

pub(crate) fn handle(cx: &RequestContext<'_>, request: DeleteTopicsRequest) -> Result<DeleteTopicsResponse, Refusal> {
    let by_name = |name: TopicName| DeleteTopicState::default().with_name(Some(name));
    let asked: Vec<DeleteTopicState> =
        if cx.version >= 6 { request.topics } else { request.topic_names.into_iter().map(by_name).collect() };
    let asked = Asked::new(&asked);
    let mut seen = HashSet::new();
    // What can be deleted once only is answered once only.
    let keys: Vec<&Key> =
        asked.keys.iter().filter(|key| matches!(key, Key::Malformed(..)) || seen.insert(*key)).collect();
    let responses = cx.cluster.change_topics(|topics| {
        Ok(keys.into_iter().filter_map(|key| delete(cx, topics, &asked, key)).collect::<Vec<_>>())
    });
    // Nobody is answered by a broker that cannot keep what it has done.
    let responses = responses.map_err(|error| Refusal::without_blame(error.to_string()))?;
    Ok(DeleteTopicsResponse::default().with_responses(responses))
}

/// Deletes a topic from the picture, and answers for it unless another key does.
fn delete(cx: &RequestContext<'_>, topics: &mut Topics, asked: &Asked, key: &Key) -> Option<DeletableTopicResult> {
    let found = asked.find(topics, key)?;
    let found = if cx.cluster.settings.delete_topics {
        if let Some(denied) = denied(cx, key, &found) {
            return Some(denied);
        }
        found
    } else {
        Err(deletion_disabled(cx.version))
    };
    let deleted = found.and_then(|found| {
        cx.mutate(topics.by_name(&found.name).map_or(0, |topic| topic.partitions.len()), 5)?;
        topics.remove(&found.name);
        Ok(found)
    });
    Some(answer(cx.version, key, deleted))
}

/// How a request names one topic.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Name(TopicName),
    Id(Uuid),
    /// By both or by neither.
    Malformed(Option<TopicName>, Uuid),
}

/// All that a request names, and how often.
struct Asked {
    keys: Vec<Key>,
    names: HashMap<TopicName, usize>,
    ids: HashMap<Uuid, usize>,
}

/// A topic that may be deleted.
struct Found {
    name: TopicName,
    id: Uuid,
}

impl Asked {
    fn new(states: &[DeleteTopicState]) -> Self {
        let key = |state: &DeleteTopicState| match (&state.name, state.topic_id) {
            (Some(name), id) if id.is_nil() => Key::Name(name.clone()),
            (None, id) if !id.is_nil() => Key::Id(id),
            (name, id) => Key::Malformed(name.clone(), id),
        };
        let keys: Vec<Key> = states.iter().map(key).collect();
        let names =
            count(keys.iter().filter_map(|key| if let Key::Name(name) = key { Some(name.clone()) } else { None }));
        let ids = count(keys.iter().filter_map(|key| if let Key::Id(id) = key { Some(*id) } else { None }));
        Self { keys, names, ids }
    }

    /// The topic, or why it is not deleted; nothing when another key of the request answers for it.
    fn find(&self, topics: &Topics, key: &Key) -> Option<Result<Found, Error>> {
        let topic = match key {
            Key::Malformed(Some(_), _) => {
                return Some(Err(invalid_request("You may not specify both topic name and topic id.")));
            }
            Key::Malformed(None, _) => {
                return Some(Err(invalid_request("Neither topic name nor id were specified.")));
            }
            Key::Name(name) if self.names.get(name) != Some(&1) => {
                return Some(Err(invalid_request("Duplicate topic name.")));
            }
            Key::Id(id) if self.ids.get(id) != Some(&1) => {
                return Some(Err(invalid_request("Duplicate topic id.")));
            }
            Key::Name(name) => topics.by_name(name).ok_or_else(|| {
                let why = "This server does not host this topic-partition.";
                Error::with_code(ErrorCode::UnknownTopicOrPartition, why)
            }),
            Key::Id(id) => topics.by_id(*id).ok_or_else(|| {
                let why = "This server does not host this topic ID.";
                Error::with_code(ErrorCode::UnknownTopicId, why)
            }),
        };
        let found = topic.map(|topic| Found {
            name: TopicName(StrBytes::from_string(topic.name.as_ref().to_owned())),
            id: topic.id,
        });
        match (key, &found) {
            (Key::Name(_), Ok(found)) if self.ids.contains_key(&found.id) => {
                Some(Err(invalid_request("The provided topic name maps to an ID that was already supplied.")))
            }
            (Key::Id(_), Ok(found)) if self.names.contains_key(&found.name) => None,
            _ => Some(found),
        }
    }
}

/// What a client is told that may not delete a topic. As Kafka: of a name it may not describe it does not learn whether it
/// is there, and of an id not the name.
fn denied(cx: &RequestContext<'_>, key: &Key, found: &Result<Found, Error>) -> Option<DeletableTopicResult> {
    let name = match (key, found) {
        (_, Ok(found)) => &found.name,
        (Key::Name(name), Err(error)) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => name,
        _ => return None,
    };
    if cx.may(Operation::Delete, Resource::Cluster) {
        return None;
    }
    let describable = cx.may(Operation::Describe, Resource::Topic(name));
    if describable && (found.is_err() || cx.may(Operation::Delete, Resource::Topic(name))) {
        return None;
    }
    let refused = answer(cx.version, key, Err(Resource::Topic(name).denied_error()));
    Some(if describable { refused.with_name(Some(name.clone())) } else { refused })
}

fn answer(version: i16, key: &Key, deleted: Result<Found, Error>) -> DeletableTopicResult {
    let (code, text) = outcome(&deleted);
    let (name, id) = match (deleted, key) {
        (Ok(found), _) => (Some(found.name), found.id),
        (Err(_), Key::Name(name)) => (Some(name.clone()), Uuid::nil()),
        (Err(_), Key::Id(id)) => (None, *id),
        (Err(_), Key::Malformed(name, id)) => (name.clone(), *id),
    };
    let result = DeletableTopicResult::default().with_name(name).with_error_code(code);
    let result = if version >= 5 { result.with_error_message(text) } else { result };
    if version >= 6 { result.with_topic_id(id) } else { result }
}

fn deletion_disabled(version: i16) -> Error {
    let code = if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
    Error::with_code(code, "This version does not support topic deletion.")
}
