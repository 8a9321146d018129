//! CreateTopics.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::CreateTopicsRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopicConfig;

use super::{
    answer_of, await_topic, create_as, describe_topic, make, manual, ok, refused, text, topic, validate, with_config,
};

#[test]
fn a_topic_is_made_in_every_version() {
    on_each_broker(|client| {
        for version in 2..=7 {
            let topic_name = unique("made");
            let result = create_as(client, version, false, topic(&topic_name, 3));
            assert_eq!(answer_of(&result), ok(), "version {version}");
            if version >= 5 {
                assert_eq!((result.num_partitions, result.replication_factor), (3, 1), "version {version}");
                assert!(result.configs.is_some_and(|configs| configs.len() == 33), "version {version}");
            }
            await_topic(client, &topic_name, |topic| topic.partitions.len() == 3);
            if version >= 7 {
                assert_eq!(result.topic_id, describe_topic(client, &topic_name).topic_id);
            }
        }
    });
}

#[test]
fn a_new_topic_shows_its_configs_with_their_sources() {
    on_each_broker(|client| {
        let new = with_config(topic(&unique("shown"), 1), "retention.ms", " 1000 ");
        let configs = create_as(client, 7, false, new).configs.expect("configs");
        let shown = |key: &str| {
            let config = configs.iter().find(|config| config.name.as_str() == key).expect("a config");
            (
                config.value.as_ref().map(ToString::to_string),
                config.config_source,
                config.read_only,
                config.is_sensitive,
            )
        };
        assert_eq!(shown("cleanup.policy"), (Some("delete".to_owned()), 5, false, false));
        assert_eq!(shown("min.insync.replicas"), (Some("1".to_owned()), 3, false, false));
        assert_eq!(shown("retention.ms").1, 1);
    });
}

#[test]
fn validating_makes_nothing() {
    on_each_broker(|client| {
        let topic_name = unique("validated");
        let result = create_as(client, 7, true, topic(&topic_name, 3));
        assert_eq!(answer_of(&result), ok());
        assert_eq!((result.num_partitions, result.replication_factor), (3, 1));
        assert_eq!(describe_topic(client, &topic_name).error_code, 3);
    });
}

#[test]
fn a_topic_without_counts_has_the_brokers_defaults() {
    on_each_broker(|client| {
        let asked = topic(&unique("defaults"), -1).with_replication_factor(-1);
        let result = create_as(client, 7, true, asked);
        assert_eq!((answer_of(&result), result.num_partitions, result.replication_factor), (ok(), 1, 1));
    });
}

#[test]
fn names_and_counts_are_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let known = unique("known.topic");
        make(client, topic(&known, 1));
        let exists = refused(36, &format!("Topic '{known}' already exists."));
        assert_eq!(validate(client, topic(&known, 1)), exists);
        let twin = known.replace('.', "_");
        let collides = refused(17, &format!("Topic '{twin}' collides with existing topic: {known}"));
        assert_eq!(validate(client, topic(&twin, 1)), collides);
        let long = "x".repeat(250);
        for (bad, why) in [
            (".", "'.' is not allowed".to_owned()),
            ("..", "'..' is not allowed".to_owned()),
            ("", "the empty string is not allowed".to_owned()),
            (
                "a b",
                "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'".to_owned(),
            ),
            (&long, format!("the length of '{long}' is longer than the max allowed length 249")),
        ] {
            assert_eq!(validate(client, topic(bad, 1)), refused(17, &format!("Topic name is invalid: {why}")));
        }
        let fresh = unique("fresh");
        let asked = |partitions, replicas| topic(&fresh, partitions).with_replication_factor(replicas);
        let metadata = refused(42, "Creation of internal topic __cluster_metadata is prohibited.");
        assert_eq!(validate(client, topic("__cluster_metadata", 1)), metadata);
        let no_replicas = refused(38, "Replication factor must be larger than 0, or -1 to use the default value.");
        assert_eq!(validate(client, asked(1, 0)), no_replicas);
        assert_eq!(validate(client, asked(1, -2)), no_replicas);
        let no_partitions = refused(37, "Number of partitions was set to an invalid non-positive value.");
        assert_eq!(validate(client, asked(0, 1)), no_partitions);
        assert_eq!(validate(client, asked(-2, 1)), no_partitions);
        let too_many = refused(44, "Excessively large number of partitions per request.");
        assert_eq!(validate(client, asked(10_001, 1)), too_many);
        let (code, why) = validate(client, asked(1, 77));
        assert_eq!(code, 38);
        let why = why.expect("a text");
        let start =
            "Unable to replicate the partition 77 time(s): The target replication factor of 77 cannot be reached";
        assert!(why.starts_with(start), "{why}");
    });
}

#[test]
fn manual_assignments_are_taken_or_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let fresh = unique("manual");
        let mut of = |assignments: &[(i32, &[i32])]| validate(client, manual(&fresh, assignments));
        assert_eq!(of(&[(0, &[1]), (1, &[1])]), ok());
        let gap = refused(39, "partitions should be a consecutive 0-based integer sequence");
        assert_eq!(of(&[(0, &[1]), (2, &[1])]), gap);
        let again = refused(39, "Found multiple manual partition assignments for partition 0");
        assert_eq!(of(&[(0, &[1]), (0, &[1])]), again);
        let stranger = "The manual partition assignment includes broker 99, but no such broker is registered.";
        assert_eq!(of(&[(0, &[99])]), refused(39, stranger));
        let twice = "The manual partition assignment includes the broker 1 more than once.";
        assert_eq!(of(&[(0, &[1, 1])]), refused(39, twice));
        let empty = "The manual partition assignment includes an empty replica list.";
        assert_eq!(of(&[(0, &[])]), refused(39, empty));
        let counted = manual(&fresh, &[(0, &[1])]).with_num_partitions(1);
        let why = "A manual partition assignment was specified, but numPartitions was not set to -1.";
        assert_eq!(validate(client, counted), refused(42, why));
        let counted = manual(&fresh, &[(0, &[1])]).with_replication_factor(1);
        let why = "A manual partition assignment was specified, but replication factor was not set to -1.";
        assert_eq!(validate(client, counted), refused(42, why));
    });
}

#[test]
fn topic_configs_are_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let fresh = unique("configured");
        for (key, value, why) in [
            ("nope", "1", "Unknown topic config name: nope"),
            ("retention.ms", "x", "Invalid value x for configuration retention.ms: Not a number of type LONG"),
            ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
            (
                "cleanup.policy",
                "shrink",
                "Invalid value shrink for configuration cleanup.policy: String must be one of: compact, delete",
            ),
            (
                "compression.type",
                "zip",
                "Invalid value zip for configuration compression.type: \
                 String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
            ),
            (
                "compression.gzip.level",
                "0",
                "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
            ),
            (
                "min.cleanable.dirty.ratio",
                "2",
                "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
            ),
            (
                "preallocate",
                "maybe",
                "Invalid value maybe for configuration preallocate: Expected value to be either true or false",
            ),
            (
                "leader.replication.throttled.replicas",
                "x",
                "Invalid value [x] for configuration leader.replication.throttled.replicas: \
                 leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following \
                 format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            ),
            (
                "remote.storage.enable",
                "true",
                "Tiered Storage functionality is disabled in the broker. \
                 Topic cannot be configured with remote log storage.",
            ),
        ] {
            assert_eq!(validate(client, with_config(topic(&fresh, 1), key, value)), refused(40, why));
        }
        let null = CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(None);
        let why = "Null value not supported for topic configs: retention.ms";
        assert_eq!(validate(client, topic(&fresh, 1).with_configs(vec![null])), refused(40, why));
        for good in [("retention.ms", " 100 "), ("cleanup.policy", ""), ("min.insync.replicas", "5")] {
            assert_eq!(validate(client, with_config(topic(&fresh, 1), good.0, good.1)), ok(), "{good:?}");
        }
    });
}

#[test]
fn each_topic_of_a_request_succeeds_or_fails_by_itself() {
    on_each_broker(|client| {
        let (good, bad, twice) = (unique("good"), unique("bad"), unique("twice"));
        let topics = vec![topic(&good, 1), topic(&bad, 0), topic(&twice, 1), topic(&twice, 2)];
        let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(10_000);
        let results = client.call(7, &request).topics;
        let of = |name: &str| {
            let mut found = results.iter().filter(|result| result.name.as_str() == name);
            let answer = answer_of(found.next().expect("every topic is answered"));
            assert!(found.next().is_none(), "{name} is answered once");
            answer
        };
        assert_eq!(of(&good), ok());
        assert_eq!(of(&bad), refused(37, "Number of partitions was set to an invalid non-positive value."));
        assert_eq!(of(&twice), refused(42, "Duplicate topic name."));
    });
}

/// Kafka looks at the topics as they were before the request, and makes both.
#[test]
fn names_that_metrics_cannot_tell_apart_collide_within_a_request_as_well() {
    let broker = EmbeddedBroker::builder().start().expect("the broker starts");
    let request = CreateTopicsRequest::default().with_topics(vec![topic("a.b", 1), topic("a_b", 1)]);
    let results = Client::of(&broker).call(7, &request).topics;
    let answers: Vec<_> = results.iter().map(answer_of).collect();
    assert_eq!(answers, [ok(), refused(17, "Topic 'a_b' collides with existing topic: a.b")]);
}
