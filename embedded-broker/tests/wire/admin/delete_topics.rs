//! DeleteTopics.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::DeleteTopicsRequest;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use uuid::Uuid;

use super::{Answer, await_topic, describe_topic, make, name, refused, text, topic};

fn delete(client: &mut Client, topic: &str) -> Answer {
    let state = DeleteTopicState::default().with_name(Some(name(topic)));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(10_000);
    let result = client.call(6, &request).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

#[test]
fn a_topic_is_deleted_by_name_in_every_version() {
    on_each_broker(|client| {
        for version in 1..=6 {
            let topic_name = unique("deleted");
            make(client, topic(&topic_name, 1));
            let request = if version >= 6 {
                let state = DeleteTopicState::default().with_name(Some(name(&topic_name)));
                DeleteTopicsRequest::default().with_topics(vec![state])
            } else {
                DeleteTopicsRequest::default().with_topic_names(vec![name(&topic_name)])
            };
            let result = client.call(version, &request.with_timeout_ms(10_000)).responses.remove(0);
            assert_eq!(result.error_code, 0, "version {version}");
            assert_eq!(result.name, Some(name(&topic_name)), "version {version}");
            assert_eq!(result.topic_id == Uuid::nil(), version < 6, "version {version}");
            await_topic(client, &topic_name, |topic| topic.error_code == 3);
        }
    });
}

#[test]
fn a_topic_is_deleted_by_id_and_comes_back_with_another() {
    on_each_broker(|client| {
        let topic_name = unique("by-id");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let state = DeleteTopicState::default().with_name(None).with_topic_id(id);
        let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(10_000);
        let result = client.call(6, &request).responses.remove(0);
        assert_eq!((result.error_code, result.name, result.topic_id), (0, Some(name(&topic_name)), id));
        let result = client.call(6, &request).responses.remove(0);
        let text = result.error_message.map(|text| text.to_string());
        assert_eq!(
            (result.error_code, text, result.name, result.topic_id),
            (100, TOPIC_ID_GONE.map(str::to_owned), None, id)
        );
        await_topic(client, &topic_name, |topic| topic.error_code == 3);
        make(client, topic(&topic_name, 1));
        await_topic(client, &topic_name, |topic| topic.topic_id != id);
    });
}

/// What Kafka says of a topic id it does not know.
const TOPIC_ID_GONE: Option<&str> = Some("This server does not host this topic ID.");

/// What Kafka says of a topic it does not know.
const TOPIC_GONE: Option<&str> = Some("This server does not host this topic-partition.");

#[test]
fn what_cannot_be_deleted_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        assert_eq!(delete(client, &unique("nope")), (3, TOPIC_GONE.map(str::to_owned)));
        let topic_name = unique("kept");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let state = |topic: Option<&str>, id| DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id);
        let mut answers = |states: Vec<DeleteTopicState>| -> Vec<Answer> {
            let request = DeleteTopicsRequest::default().with_topics(states).with_timeout_ms(10_000);
            let results = client.call(6, &request).responses;
            results.into_iter().map(|one| (one.error_code, one.error_message.map(|text| text.to_string()))).collect()
        };
        let nil = Uuid::nil();
        let both = refused(42, "You may not specify both topic name and topic id.");
        assert_eq!(answers(vec![state(Some(&topic_name), id)]), [both]);
        let neither = refused(42, "Neither topic name nor id were specified.");
        assert_eq!(answers(vec![state(None, nil)]), [neither]);
        let twice = refused(42, "Duplicate topic name.");
        assert_eq!(answers(vec![state(Some(&topic_name), nil), state(Some(&topic_name), nil)]), [twice]);
        let twice = refused(42, "Duplicate topic id.");
        assert_eq!(answers(vec![state(None, id), state(None, id)]), [twice]);
        assert_eq!(describe_topic(client, &topic_name).topic_id, id);
    });
}

#[test]
fn a_topic_that_is_named_by_name_and_by_id_is_kept() {
    on_each_broker(|client| {
        let topic_name = unique("name-and-id");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let states = vec![
            DeleteTopicState::default().with_name(Some(name(&topic_name))),
            DeleteTopicState::default().with_name(None).with_topic_id(id),
        ];
        let request = DeleteTopicsRequest::default().with_topics(states).with_timeout_ms(10_000);
        let results = client.call(6, &request).responses;
        let why = Some(text("The provided topic name maps to an ID that was already supplied."));
        assert!(!results.is_empty());
        assert!(results.iter().all(|one| (one.error_code, &one.error_message) == (42, &why)), "{results:?}");
        assert_eq!(describe_topic(client, &topic_name).topic_id, id);
    });
}

#[test]
fn topics_cannot_be_deleted_where_that_is_off() {
    let broker = EmbeddedBroker::builder().topic("t", 1).config("delete.topic.enable", false).start().expect("a start");
    let client = &mut Client::of(&broker);
    let why = "This version does not support topic deletion.";
    assert_eq!(delete(client, "t"), refused(73, why));
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name("t")]);
    assert_eq!(client.call(2, &request).responses[0].error_code, 42);
}
