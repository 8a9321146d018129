//! DeleteTopics, versions 1 to 6: by name, and from version 6 on by id.
//!
//! As Kafka: each topic is answered by itself; what is named twice is refused; the offsets that groups committed for the
//! topic go with it.

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use uuid::Uuid;

use super::answer::{count, invalid_request, outcome};
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::topic::Topics;

pub(crate) fn handle(cx: &RequestContext<'_>, request: DeleteTopicsRequest) -> Result<DeleteTopicsResponse, Refusal> {
    let by_name = |name: TopicName| DeleteTopicState::default().with_name(Some(name));
    let asked: Vec<DeleteTopicState> =
        if cx.version >= 6 { request.topics } else { request.topic_names.into_iter().map(by_name).collect() };
    let topics = cx.cluster.topics();
    let names = count(asked.iter().filter_map(|one| one.name.clone()));
    let ids = count(asked.iter().map(|one| one.topic_id).filter(|id| *id != Uuid::nil()));
    let mut responses: Vec<DeletableTopicResult> = Vec::new();
    for one in asked {
        let twice = one.name.as_ref().is_some_and(|name| names.get(name) != Some(&1));
        let id_twice = ids.get(&one.topic_id).is_some_and(|times| *times != 1);
        let result = if !cx.cluster.settings.delete_topics {
            Err(deletion_disabled(cx.version))
        } else if twice && one.topic_id == Uuid::nil() {
            Err(invalid_request("Duplicate topic name."))
        } else if id_twice && one.name.is_none() {
            Err(invalid_request("Duplicate topic id."))
        } else {
            find(&topics, &one).and_then(|found| {
                if one.name.is_none() && names.contains_key(&found.name) {
                    return Err(invalid_request("The provided topic name maps to an ID that was already supplied."));
                }
                Ok(found)
            })
        };
        let refused_before = |known: &DeletableTopicResult| known.name == one.name && known.topic_id == one.topic_id;
        if (twice || id_twice) && responses.iter().any(refused_before) {
            continue;
        }
        responses.push(answer(cx, &one, result));
    }
    Ok(DeleteTopicsResponse::default().with_responses(responses))
}

/// A topic that was found, by what it takes to answer.
struct Found {
    name: TopicName,
    id: Uuid,
}

fn find(topics: &Topics, asked: &DeleteTopicState) -> Result<Found, Error> {
    let found = match (&asked.name, asked.topic_id) {
        (Some(_), id) if id != Uuid::nil() => {
            return Err(invalid_request("You may not specify both topic name and topic id."));
        }
        (None, id) if id == Uuid::nil() => {
            return Err(invalid_request("Neither topic name nor id were specified."));
        }
        (Some(name), _) => topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition),
        (None, id) => topics.by_id(id).ok_or(ErrorCode::UnknownTopicId),
    };
    let topic = found.map_err(|code| Error::with_code(code, ""))?;
    let name = crate::protocol::StrBytes::from_string(topic.name.as_ref().to_owned());
    Ok(Found { name: TopicName(name), id: topic.id })
}

fn answer(cx: &RequestContext<'_>, asked: &DeleteTopicState, found: Result<Found, Error>) -> DeletableTopicResult {
    let deleted = found.and_then(|found| cx.cluster.delete_topic(&found.name).map(|_| found));
    let (code, text) = outcome(&deleted);
    let (name, id) = match deleted {
        Ok(found) => (Some(found.name), found.id),
        Err(_) => (asked.name.clone(), asked.topic_id),
    };
    let result = DeletableTopicResult::default().with_name(name).with_error_code(code);
    let result = if cx.version >= 5 { result.with_error_message(text) } else { result };
    if cx.version >= 6 { result.with_topic_id(id) } else { result }
}

fn deletion_disabled(version: i16) -> Error {
    let code = if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
    Error::with_code(code, "This version does not support topic deletion.")
}
