//! DescribeConfigs and ListConfigResources.

use embedded_broker::EmbeddedBroker;

use crate::each_broker::{on_each_broker, on_each_broker_of, unique};
use kafka_protocol::messages::ListConfigResourcesRequest;

use super::{BROKER, TOPIC, describe, entry, make, refused, synonyms, text, topic};

#[test]
fn a_topics_configs_are_all_described_in_every_version() {
    on_each_broker(|client| {
        let topic_name = unique("described");
        make(client, topic(&topic_name, 1));
        for version in 1..=4 {
            let result = describe(client, version, TOPIC, &topic_name, None);
            assert_eq!((result.error_code, result.configs.len()), (0, 33), "version {version}");
            assert_eq!(result.error_message, Some(text("")), "version {version}");
        }
        let policy = entry(client, TOPIC, &topic_name, "cleanup.policy");
        assert_eq!((policy.value.clone(), policy.config_source, policy.config_type), (Some(text("delete")), 5, 7));
        assert_eq!(synonyms(&policy), [("log.cleanup.policy=delete".to_owned(), 5)]);
        assert_eq!(policy.documentation, None);
        let isr = entry(client, TOPIC, &topic_name, "min.insync.replicas");
        assert_eq!((isr.value.clone(), isr.config_source), (Some(text("1")), 3));
        let both = [("min.insync.replicas=1".to_owned(), 3), ("min.insync.replicas=1".to_owned(), 5)];
        assert_eq!(synonyms(&isr), both);
        assert_eq!(synonyms(&entry(client, TOPIC, &topic_name, "retention.ms")), []);
    });
}

#[test]
fn a_broker_describes_itself_and_the_default_of_all() {
    on_each_broker(|client| {
        let result = describe(client, 4, BROKER, "1", None);
        assert_eq!(result.error_code, 0);
        for known in ["num.partitions", "log.retention.hours", "ssl.key.password", "message.max.bytes", "node.id"] {
            assert!(result.configs.iter().any(|config| config.name.as_str() == known), "{known}");
        }
        let id = entry(client, BROKER, "1", "node.id");
        assert_eq!((id.value.clone(), id.config_source, id.read_only), (Some(text("1")), 4, true));
        assert_eq!(synonyms(&id), [("node.id=1".to_owned(), 4)]);
        let password = entry(client, BROKER, "1", "ssl.key.password");
        assert_eq!((password.value.clone(), password.is_sensitive), (None, true));
        let hours = entry(client, BROKER, "1", "log.retention.hours");
        assert_eq!(synonyms(&hours), [("log.retention.hours=168".to_owned(), 5)]);
        let default = entry(client, BROKER, "", "min.insync.replicas");
        assert_eq!((default.value.clone(), default.config_source), (Some(text("1")), 3));
    });
}

#[test]
fn what_a_broker_is_started_with_is_told_once_and_the_rest_is_kafkas() {
    let started = EmbeddedBroker::builder().config("node.id", 1);
    on_each_broker_of(started, |client| {
        assert_eq!(synonyms(&entry(client, BROKER, "1", "node.id")), [("node.id=1".to_owned(), 4)]);
        let both = [("broker.id=1".to_owned(), 4), ("broker.id=-1".to_owned(), 5)];
        assert_eq!(synonyms(&entry(client, BROKER, "1", "broker.id")), both);
        let delay = entry(client, BROKER, "1", "connection.failed.authentication.delay.ms");
        assert_eq!((delay.value, delay.config_source), (Some(text("100")), 5));
    });
}

#[test]
fn what_cannot_be_described_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let mut answer = |kind, resource: &str| {
            let result = describe(client, 4, kind, resource, None);
            assert!(result.configs.is_empty());
            (result.error_code, result.error_message.map(|text| text.to_string()))
        };
        assert_eq!(answer(TOPIC, &unique("nope")), refused(3, ""));
        let empty = refused(17, "Topic name is invalid: the empty string is not allowed");
        assert_eq!(answer(TOPIC, ""), empty);
        let other = refused(42, "Unexpected broker id, expected 1 or empty string, but received 9");
        assert_eq!(answer(BROKER, "9"), other);
        let no_number = refused(42, "Broker id must be an integer, but it is: abc");
        assert_eq!(answer(BROKER, "abc"), no_number);
        assert_eq!(answer(77, "x").0, 42);
    });
}

#[test]
fn the_resources_that_have_configs_are_listed() {
    on_each_broker(|client| {
        let topic_name = unique("listed");
        make(client, topic(&topic_name, 1));
        let mut list = |version, kinds: Vec<i8>| {
            let response = client.call(version, &ListConfigResourcesRequest::default().with_resource_types(kinds));
            let resources = response.config_resources.into_iter();
            let resources: Vec<_> = resources.map(|one| (one.resource_type, one.resource_name.to_string())).collect();
            (response.error_code, resources)
        };
        let (code, brokers) = list(1, vec![BROKER]);
        assert!(code == 0 && brokers.iter().all(|(kind, _)| *kind == BROKER));
        assert!(brokers.contains(&(BROKER, "1".to_owned())));
        let (code, topics) = list(1, vec![TOPIC]);
        assert!(code == 0 && topics.contains(&(TOPIC, topic_name.clone())));
        let (code, all) = list(1, Vec::new());
        assert!(code == 0 && all.contains(&(TOPIC, topic_name)) && all.contains(&(BROKER, "1".to_owned())));
        assert_eq!(list(1, vec![77]).0, 35);
        assert_eq!(list(0, Vec::new()).0, 0);
    });
}
