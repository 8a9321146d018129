//! Configs of groups, client metrics and loggers.

use crate::client::Client;
use crate::each_broker::{alone_with_subscriptions, on_each_broker, unique};
use crate::patience::ask_until;
use crate::telemetry::await_no_subscription;
use kafka_protocol::messages::ListConfigResourcesRequest;

use super::alter_configs::{APPEND, DELETE, SET, alter, await_value, replace};
use super::{describe, entry, ok, refused, synonyms, text};

const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

fn await_listed(client: &mut Client, kind: i8, name: &str, is_listed: bool) {
    ask_until(|| listed(client, kind), |listed| listed.iter().any(|one| one == name) == is_listed);
}

fn listed(client: &mut Client, kind: i8) -> Vec<String> {
    let request = ListConfigResourcesRequest::default().with_resource_types(vec![kind]);
    client.call(1, &request).config_resources.into_iter().map(|one| one.resource_name.to_string()).collect()
}

#[test]
fn a_group_need_not_exist_to_have_configs() {
    on_each_broker(|client| {
        let group = unique("configured");
        let all = describe(client, 4, GROUP, &group, None);
        assert_eq!((all.error_code, all.configs.len()), (0, 10));
        let timeout = entry(client, GROUP, &group, "consumer.session.timeout.ms");
        assert_eq!((timeout.value.clone(), timeout.config_source, timeout.config_type), (Some(text("45000")), 5, 3));
        assert_eq!(synonyms(&timeout), [("consumer.session.timeout.ms=45000".to_owned(), 5)]);
        assert!(!listed(client, GROUP).contains(&group));

        assert_eq!(alter(client, GROUP, &group, SET, "consumer.session.timeout.ms", Some("50000")), ok());
        let set = await_value(client, GROUP, &group, "consumer.session.timeout.ms", "50000");
        assert_eq!((set.config_source, synonyms(&set)), (8, vec![("consumer.session.timeout.ms=50000".to_owned(), 8)]));
        await_listed(client, GROUP, &group, true);

        assert_eq!(replace(client, GROUP, &group, &[("share.auto.offset.reset", Some("by_duration:PT1H"))]), ok());
        await_value(client, GROUP, &group, "share.auto.offset.reset", "by_duration:PT1H");
        await_value(client, GROUP, &group, "consumer.session.timeout.ms", "45000");
        assert_eq!(alter(client, GROUP, &group, DELETE, "share.auto.offset.reset", None), ok());
        assert_eq!(alter(client, GROUP, &group, DELETE, "nope", None), ok());
        assert!(listed(client, GROUP).contains(&group), "it stays listed without configs");
    });
}

#[test]
fn a_groups_configs_are_checked_in_kafkas_words() {
    on_each_broker(|client| {
        let group = unique("checked");
        let of = |client: &mut Client, key: &str, value: &str| alter(client, GROUP, &group, SET, key, Some(value));
        let low = |name: &str, bound: &str| refused(40, &format!("{name} must be greater than or equal to {bound}"));
        let high = |name: &str, bound: &str| refused(40, &format!("{name} must be less than or equal to {bound}"));
        for kind in ["consumer", "share", "streams"] {
            let (session, heartbeat) = (format!("{kind}.session.timeout.ms"), format!("{kind}.heartbeat.interval.ms"));
            let bound = |end: &str, name: &str| format!("group.{kind}.{end}.{name}");
            assert_eq!(of(client, &session, "44999"), low(&session, &bound("min", "session.timeout.ms")));
            assert_eq!(of(client, &session, "60001"), high(&session, &bound("max", "session.timeout.ms")));
            assert_eq!(of(client, &heartbeat, "4999"), low(&heartbeat, &bound("min", "heartbeat.interval.ms")));
            assert_eq!(of(client, &heartbeat, "15001"), high(&heartbeat, &bound("max", "heartbeat.interval.ms")));
        }
        let lock = "share.record.lock.duration.ms";
        assert_eq!(of(client, lock, "14999"), low(lock, "group.share.min.record.lock.duration.ms"));
        assert_eq!(of(client, lock, "60001"), high(lock, "group.share.max.record.lock.duration.ms"));
        let standby = "streams.num.standby.replicas";
        assert_eq!(of(client, standby, "3"), high(standby, "group.streams.max.standby.replicas"));
        assert_eq!(of(client, "nope", "1"), refused(40, "Unknown group config name: nope"));
        let level = "Invalid value foo for configuration share.isolation.level: \
                     String must be one of: read_committed, read_uncommitted";
        assert_eq!(of(client, "share.isolation.level", "foo"), refused(40, level));
        let reset = "Invalid value foo for configuration share.auto.offset.reset: \
                     Invalid value `foo` for configuration share.auto.offset.reset. \
                     The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.";
        assert_eq!(of(client, "share.auto.offset.reset", "foo"), refused(40, reset));
        let list = refused(40, "Can't APPEND to key consumer.session.timeout.ms because its type is not LIST.");
        assert_eq!(alter(client, GROUP, &group, APPEND, "consumer.session.timeout.ms", Some("1")), list);
        let all = refused(42, "Default group resources are not allowed.");
        assert_eq!(alter(client, GROUP, "", SET, "consumer.session.timeout.ms", Some("50000")), all);
        let nameless = describe(client, 4, GROUP, "", None);
        assert_eq!((nameless.error_code, nameless.error_message), (42, Some(text("Group name must not be empty"))));
    });
}

#[test]
fn client_metrics_are_listed_while_they_have_configs() {
    let _alone = alone_with_subscriptions();
    on_each_broker(|client| {
        let metrics = unique("metrics");
        let all = describe(client, 4, CLIENT_METRICS, &metrics, None);
        assert_eq!((all.error_code, all.configs.len()), (0, 3));
        assert_eq!(synonyms(&entry(client, CLIENT_METRICS, &metrics, "interval.ms")), []);
        assert_eq!(alter(client, CLIENT_METRICS, &metrics, SET, "interval.ms", Some("2000")), ok());
        let set = await_value(client, CLIENT_METRICS, &metrics, "interval.ms", "2000");
        assert_eq!((set.config_source, set.config_type), (7, 3));
        assert_eq!(synonyms(&set), [("interval.ms=2000".to_owned(), 7)]);
        await_listed(client, CLIENT_METRICS, &metrics, true);
        let old = client.call(0, &ListConfigResourcesRequest::default()).config_resources;
        assert!(old.iter().any(|one| one.resource_name.as_str() == metrics));
        assert_eq!(alter(client, CLIENT_METRICS, &metrics, DELETE, "interval.ms", None), ok());
        await_value(client, CLIENT_METRICS, &metrics, "interval.ms", "300000");
        await_listed(client, CLIENT_METRICS, &metrics, false);
        await_no_subscription(client);
    });
}

#[test]
fn client_metrics_are_checked_in_kafkas_words() {
    on_each_broker(|client| {
        let metrics = unique("metrics");
        let of = |client: &mut Client, op, key: &str, value: &str| {
            alter(client, CLIENT_METRICS, &metrics, op, key, Some(value))
        };
        let interval = "Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)";
        assert_eq!(of(client, SET, "interval.ms", "99"), refused(42, interval));
        let number = "Invalid value x for configuration interval.ms: Not a number of type INT";
        assert_eq!(of(client, SET, "interval.ms", "x"), refused(40, number));
        assert_eq!(of(client, SET, "nope", "1"), refused(42, "Unknown client metrics configuration: nope"));
        for pattern in ["foo=bar", "client_id", "client_id=["] {
            let why = format!("Illegal client matching pattern: {pattern}");
            assert_eq!(of(client, SET, "match", pattern), refused(40, &why));
        }
        let list = refused(40, "Can't APPEND to key metrics because its type is not LIST.");
        assert_eq!(of(client, APPEND, "metrics", "c"), list);
        let nameless = refused(42, "Subscription name can't be empty");
        assert_eq!(alter(client, CLIENT_METRICS, "", SET, "interval.ms", Some("1000")), nameless);
        let nameless = describe(client, 4, CLIENT_METRICS, "", None);
        let why = text("Client metrics subscription name must not be empty");
        assert_eq!((nameless.error_code, nameless.error_message), (42, Some(why)));
    });
}

#[test]
fn loggers_have_levels() {
    on_each_broker(|client| {
        let of = |client: &mut Client, op, name: &str, level| alter(client, BROKER_LOGGER, "1", op, name, level);
        let root = entry(client, BROKER_LOGGER, "1", "root");
        assert_eq!((root.config_source, root.config_type, root.read_only), (6, 0, false));
        assert_eq!((synonyms(&root), root.documentation), (Vec::new(), Some(text(""))));
        let before = root.value.expect("a level").to_string();
        assert_eq!(of(client, SET, "root", Some("WARN")), ok());
        await_value(client, BROKER_LOGGER, "1", "root", "WARN");
        assert_eq!(of(client, SET, "root", Some(&before)), ok());
        let why = "Cannot set the log level of root to info as it is not a supported log level. \
                   Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN";
        assert_eq!(of(client, SET, "root", Some("info")), refused(40, why));
        assert_eq!(of(client, SET, "nope.x", Some("INFO")), refused(40, "Logger nope.x does not exist!"));
        let append = "APPEND operation is not allowed for the BROKER_LOGGER resource";
        assert_eq!(of(client, APPEND, "root", Some("INFO")), refused(42, append));
        let root = "Removing the log level of the root logger is not allowed";
        assert_eq!(of(client, DELETE, "root", None), refused(42, root));
        let other = refused(42, "Unexpected node id. Expected 1, but received 9");
        assert_eq!(alter(client, BROKER_LOGGER, "9", SET, "root", Some("INFO")), other);
        let nobody = refused(42, "Node id must be an integer, but it is: ");
        assert_eq!(alter(client, BROKER_LOGGER, "", SET, "root", Some("INFO")), nobody);
        assert_eq!(
            replace(client, BROKER_LOGGER, "1", &[("root", Some("INFO"))]),
            refused(42, "Unknown resource type 8")
        );
        let answer = |client: &mut Client, resource: &str| {
            let result = describe(client, 4, BROKER_LOGGER, resource, None);
            (result.error_code, result.error_message.map(|text| text.to_string()))
        };
        assert_eq!(answer(client, ""), refused(42, "Broker id must not be empty"));
        assert_eq!(answer(client, "9"), refused(42, "Unexpected broker id, expected 1 but received 9"));
    });
}
