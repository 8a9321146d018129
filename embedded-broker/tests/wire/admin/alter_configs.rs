//! IncrementalAlterConfigs and AlterConfigs.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::alter_configs_request::{
    AlterConfigsResource as LegacyResource, AlterableConfig as LegacyConfig,
};
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{AlterConfigsRequest, ApiVersionsRequest, IncrementalAlterConfigsRequest};

use super::{Answer, BROKER, TOPIC, describe, entry, make, ok, refused, synonyms, text, topic, with_config};

pub(super) const SET: i8 = 0;
pub(super) const DELETE: i8 = 1;
pub(super) const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Waits until a broker shows a value: a real one learns of changes after they are answered.
pub(super) fn await_value(
    client: &mut Client,
    kind: i8,
    resource: &str,
    key: &str,
    wanted: &str,
) -> DescribeConfigsResourceResult {
    // What Kafka does not list is not there at all before it is set.
    let seen = ask_until(
        || describe(client, 4, kind, resource, Some(&[key])).configs.pop(),
        |seen| seen.as_ref().and_then(|seen| seen.value.as_deref()) == Some(wanted),
    );
    seen.expect("it has the value")
}

pub(super) fn alter(client: &mut Client, kind: i8, resource: &str, op: i8, key: &str, value: Option<&str>) -> Answer {
    let config = AlterableConfig::default().with_name(text(key)).with_config_operation(op).with_value(value.map(text));
    alter_all(client, kind, resource, vec![config], false)
}

fn alter_all(
    client: &mut Client,
    kind: i8,
    resource: &str,
    configs: Vec<AlterableConfig>,
    validate_only: bool,
) -> Answer {
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(configs);
    let request =
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate_only);
    let result = client.call(1, &request).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

pub(super) fn replace(client: &mut Client, kind: i8, resource: &str, configs: &[(&str, Option<&str>)]) -> Answer {
    let of =
        |(key, value): &(&str, Option<&str>)| LegacyConfig::default().with_name(text(key)).with_value(value.map(text));
    let resource = LegacyResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(configs.iter().map(of).collect());
    let result = client.call(2, &AlterConfigsRequest::default().with_resources(vec![resource])).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

#[test]
fn a_topics_configs_are_set_and_deleted() {
    on_each_broker(|client| {
        let topic_name = unique("altered");
        make(client, topic(&topic_name, 1));
        let of = |client: &mut Client, op, key: &str, value| alter(client, TOPIC, &topic_name, op, key, value);
        assert_eq!(of(client, SET, "retention.ms", Some("1000")), ok());
        let set = await_value(client, TOPIC, &topic_name, "retention.ms", "1000");
        assert_eq!(set.config_source, 1);
        assert_eq!(synonyms(&set), [("retention.ms=1000".to_owned(), 1)]);
        let bad = "Invalid value x for configuration retention.ms: Not a number of type LONG";
        assert_eq!(of(client, SET, "retention.ms", Some("x")), refused(40, bad));
        assert_eq!(of(client, SET, "nope", Some("x")), refused(40, "Unknown topic config name: nope"));
        let null = refused(42, "Null value not supported for : retention.ms");
        assert_eq!(of(client, SET, "retention.ms", None), null);
        assert_eq!(of(client, DELETE, "retention.ms", None), ok());
        await_value(client, TOPIC, &topic_name, "retention.ms", "604800000");
        assert_eq!(of(client, DELETE, "retention.ms", None), ok());
        assert_eq!(of(client, DELETE, "nope", None), ok());
    });
}

#[test]
fn lists_are_appended_to_and_subtracted_from() {
    on_each_broker(|client| {
        let topic_name = unique("lists");
        make(client, topic(&topic_name, 1));
        let of = |client: &mut Client, op, key: &str, value| alter(client, TOPIC, &topic_name, op, key, Some(value));
        assert_eq!(of(client, APPEND, "cleanup.policy", "compact"), ok());
        assert_eq!(of(client, APPEND, "cleanup.policy", "compact"), ok());
        await_value(client, TOPIC, &topic_name, "cleanup.policy", "delete,compact");
        assert_eq!(of(client, SUBTRACT, "cleanup.policy", "delete"), ok());
        await_value(client, TOPIC, &topic_name, "cleanup.policy", "compact");
        assert_eq!(of(client, SUBTRACT, "cleanup.policy", "delete"), ok());
        let bad = "Invalid value shrink for configuration cleanup.policy: String must be one of: compact, delete";
        assert_eq!(of(client, APPEND, "cleanup.policy", "shrink"), refused(40, bad));
        let scalar = "Can't APPEND to key retention.ms because its type is not LIST.";
        assert_eq!(of(client, APPEND, "retention.ms", "5"), refused(40, scalar));
        let scalar = "Can't SUBTRACT to key retention.ms because its type is not LIST.";
        assert_eq!(of(client, SUBTRACT, "retention.ms", "5"), refused(40, scalar));
    });
}

#[test]
fn a_resource_changes_whole_or_not_at_all_and_not_when_only_validated() {
    on_each_broker(|client| {
        let topic_name = unique("whole");
        make(client, topic(&topic_name, 1));
        let set =
            |key: &str, value: &str| AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)));
        let half = vec![set("retention.ms", "5"), set("nope", "5")];
        assert_eq!(alter_all(client, TOPIC, &topic_name, half, false).0, 40);
        let seen = vec![set("retention.ms", "5")];
        assert_eq!(alter_all(client, TOPIC, &topic_name, seen, true), ok());
        let twice = vec![set("retention.ms", "5"), set("retention.ms", "6")];
        let why = refused(42, "Error due to duplicate config keys");
        assert_eq!(alter_all(client, TOPIC, &topic_name, twice, false), why);
        // A change that is taken comes after all of those, so what they did would show with it.
        assert_eq!(alter(client, TOPIC, &topic_name, SET, "flush.ms", Some("7")), ok());
        await_value(client, TOPIC, &topic_name, "flush.ms", "7");
        let retention = entry(client, TOPIC, &topic_name, "retention.ms");
        assert_eq!(retention.value, Some(text("604800000")));
    });
}

#[test]
fn what_is_no_topic_cannot_be_altered() {
    on_each_broker(|client| {
        let topic_name = unique("nope");
        let missing = refused(3, &format!("The topic '{topic_name}' does not exist."));
        assert_eq!(alter(client, TOPIC, &topic_name, SET, "retention.ms", Some("1")), missing);
        let all = refused(42, "Default topic resources are not allowed.");
        assert_eq!(alter(client, TOPIC, "", SET, "retention.ms", Some("1")), all);
        let bad = "Topic name is invalid: \
                   'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
        assert_eq!(alter(client, TOPIC, "a b", SET, "retention.ms", Some("1")), refused(17, bad));
        assert_eq!(alter(client, 77, "x", SET, "retention.ms", Some("1")).0, 42);
    });
}

#[test]
fn a_resource_that_is_named_twice_is_refused_twice() {
    on_each_broker(|client| {
        let topic_name = unique("named-twice");
        make(client, topic(&topic_name, 1));
        let resource = AlterConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text(&topic_name));
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone(), resource]);
        let answers = client.call(1, &request).responses;
        let why = Some(text("Each resource must appear at most once."));
        assert!(!answers.is_empty());
        assert!(answers.iter().all(|one| (one.error_code, &one.error_message) == (42, &why)), "{answers:?}");
    });
}

#[test]
fn broker_configs_that_are_read_at_start_cannot_be_altered() {
    on_each_broker(|client| {
        let read_only = refused(42, "Cannot update these configs dynamically: Set(num.partitions)");
        for broker in ["1", ""] {
            assert_eq!(alter(client, BROKER, broker, SET, "num.partitions", Some("3")), read_only);
        }
        assert_eq!(replace(client, BROKER, "1", &[("num.partitions", Some("3"))]), read_only);
        let bad = "Invalid value x for configuration log.cleaner.threads: Not a number of type INT";
        assert_eq!(alter(client, BROKER, "1", SET, "log.cleaner.threads", Some("x")), refused(42, bad));
        let scalar = "Config value append is not allowed for config key: log.cleaner.threads";
        assert_eq!(alter(client, BROKER, "1", APPEND, "log.cleaner.threads", Some("2")), refused(40, scalar));
        let stranger = refused(42, "Unexpected broker id, expected 1, but received 9");
        assert_eq!(alter(client, BROKER, "9", SET, "log.cleaner.threads", Some("2")), stranger);
        let no_number = refused(42, "Node id must be an integer, but it is: abc");
        assert_eq!(alter(client, BROKER, "abc", SET, "log.cleaner.threads", Some("2")), no_number);
        let isr = refused(40, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        assert_eq!(alter(client, BROKER, "1", SET, "min.insync.replicas", Some("2")), isr);
        let isr = refused(40, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
        assert_eq!(alter(client, BROKER, "", DELETE, "min.insync.replicas", None), isr);
        assert_eq!(alter(client, BROKER, "1", DELETE, "num.partitions", None), ok());
    });
}

#[test]
fn broker_configs_that_run_are_altered_within_kafkas_bounds() {
    on_each_broker(|client| {
        let of = |client: &mut Client, node: &str, key: &str, value: &str| {
            alter(client, BROKER, node, SET, key, Some(value))
        };
        let threads = "Invalid value org.apache.kafka.common.config.ConfigException: \
                       Dynamic thread count update validation failed for num.io.threads=100, \
                       value should not be greater than double the current value 8 \
                       for configuration Invalid dynamic configuration";
        assert_eq!(of(client, "", "num.io.threads", "100"), refused(42, threads));
        let retention = "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
        assert_eq!(of(client, "1", "log.retention.ms", "0"), refused(42, retention));
        assert_eq!(of(client, "1", "log.cleaner.threads", "0"), refused(42, "/ by zero"));
        let overrides = "max.connections.per.ip.overrides";
        let begin =
            "Error parsing configuration property 'max.connections.per.ip.overrides': begin 0, end -1, length 2";
        assert_eq!(of(client, "1", overrides, "zz"), refused(42, begin));
        assert_eq!(of(client, "1", overrides, "a:x"), refused(42, "For input string: \"x\""));
        let no_host = "max.connections.per.ip.overrides contains invalid addresses : no such host";
        assert_eq!(of(client, "1", overrides, "no such host:5"), refused(42, no_host));
        let nobody = "requirement failed: max.connections.per.ip can be set to zero only if \
                      max.connections.per.ip.overrides property is set.";
        assert_eq!(of(client, "1", "max.connections.per.ip", "0"), refused(42, nobody));
        let none = "Invalid value org.apache.kafka.common.config.ConfigException: Invalid max.connections 0 \
                    for configuration Invalid dynamic configuration";
        for key in ["max.connections", "listener.name.plaintext.max.connections"] {
            assert_eq!(of(client, "1", key, "0"), refused(42, none));
        }
        let isr = refused(40, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        assert_eq!(alter(client, BROKER, "1", DELETE, "min.insync.replicas", None), isr);
        let unknown = refused(42, "Unknown operations type 9");
        assert_eq!(alter(client, BROKER, "1", 9, "log.cleaner.threads", Some("1")), unknown);
        assert_eq!(alter(client, 32, "group", 9, "consumer.session.timeout.ms", Some("1")), (-1, None));
        let one_listener = "listener.name.plaintext.ssl.keystore.location";
        let why = "Cannot update these configs at default cluster level, broker id must be specified: \
                   Set(listener.name.plaintext.ssl.keystore.location)";
        assert_eq!(of(client, "", one_listener, "x"), refused(42, why));
        let all_listeners = "These security configs can be dynamically updated only per-listener using the listener prefix: \
                             HashSet(ssl.keystore.location)";
        assert_eq!(of(client, "1", "ssl.keystore.location", "x"), refused(42, all_listeners));
    });
}

#[test]
fn a_config_of_one_listener_hides_that_of_all() {
    on_each_broker(|client| {
        let name = "listener.name.plaintext.max.connections";
        assert_eq!(alter(client, BROKER, "1", SET, name, Some("5000")), ok());
        let set = await_value(client, BROKER, "1", name, "5000");
        assert_eq!((set.config_source, set.config_type, set.read_only, set.is_sensitive), (2, 3, true, false));
        let hidden = [(format!("{name}=5000"), 2), ("max.connections=2147483647".to_owned(), 5)];
        assert_eq!(synonyms(&set), hidden);
        assert_eq!(alter(client, BROKER, "1", DELETE, name, None), ok());
        let rate = "leader.replication.throttled.rate";
        assert_eq!(alter(client, BROKER, "1", SET, rate, Some("10000000")), ok());
        let set = await_value(client, BROKER, "1", rate, "10000000");
        assert_eq!((set.config_type, synonyms(&set)), (5, vec![(format!("{rate}=10000000"), 2)]));
        assert_eq!(alter(client, BROKER, "1", DELETE, rate, None), ok());
    });
}

#[test]
fn topics_take_up_what_is_set_for_their_broker() {
    on_each_broker(|client| {
        let topic_name = unique("inherits");
        make(client, topic(&topic_name, 1));
        assert_eq!(alter(client, BROKER, "1", SET, "log.segment.delete.delay.ms", Some("50000")), ok());
        let taken = await_value(client, TOPIC, &topic_name, "file.delete.delay.ms", "50000");
        assert_eq!(taken.config_source, 2);
        let all =
            [("log.segment.delete.delay.ms=50000".to_owned(), 2), ("log.segment.delete.delay.ms=60000".to_owned(), 5)];
        assert_eq!(synonyms(&taken), all);
        assert_eq!(alter(client, BROKER, "1", DELETE, "log.segment.delete.delay.ms", None), ok());
        await_value(client, TOPIC, &topic_name, "file.delete.delay.ms", "60000");
    });
}

#[test]
fn the_old_request_replaces_all_configs() {
    on_each_broker(|client| {
        let topic_name = unique("replaced");
        make(client, with_config(topic(&topic_name, 1), "retention.ms", "1000"));
        assert_eq!(replace(client, TOPIC, &topic_name, &[("flush.ms", Some("7"))]), ok());
        await_value(client, TOPIC, &topic_name, "flush.ms", "7");
        assert_eq!(entry(client, TOPIC, &topic_name, "retention.ms").value, Some(text("604800000")));
        let null = refused(42, "Null value not supported for : flush.ms");
        assert_eq!(replace(client, TOPIC, &topic_name, &[("flush.ms", None)]), null);
        let unknown = refused(40, "Unknown topic config name: nope");
        assert_eq!(replace(client, TOPIC, &topic_name, &[("nope", Some("1"))]), unknown);
    });
}

#[test]
fn what_a_request_alters_of_many_topics_is_one_change_and_each_is_answered_in_its_place() {
    let broker = EmbeddedBroker::builder().topic("a", 1).topic("b", 1).start().expect("the broker starts");
    let mut client = Client::of(&broker);
    let changes = |client: &mut Client| client.call(4, &client_software()).finalized_features_epoch;
    let before = changes(&mut client);
    let resource = |(kind, name): (i8, &str)| {
        let key = if kind == TOPIC { "retention.ms" } else { "num.io.threads" };
        let config = AlterableConfig::default().with_name(text(key)).with_value(Some(text("9")));
        let resource = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(name));
        resource.with_configs(vec![config])
    };
    let named = [(TOPIC, "nope"), (TOPIC, "a"), (BROKER, "1"), (TOPIC, "b"), (TOPIC, "")];
    let request = IncrementalAlterConfigsRequest::default().with_resources(named.map(resource).to_vec());
    let responses = client.call(1, &request).responses;
    let answers: Vec<_> = responses.iter().map(|one| (one.resource_name.as_str(), one.error_code)).collect();
    assert_eq!(answers, [("nope", 3), ("a", 0), ("1", 0), ("b", 0), ("", 42)]);
    assert_eq!(changes(&mut client), before + 2, "of the topics, and of the broker");
}

fn client_software() -> ApiVersionsRequest {
    ApiVersionsRequest::default().with_client_software_name(text("test")).with_client_software_version(text("1"))
}
