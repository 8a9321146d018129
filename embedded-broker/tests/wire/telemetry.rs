//! GetTelemetrySubscriptions and PushTelemetry (KIP-714).

use bytes::Bytes;
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    ApiVersionsRequest, GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
    IncrementalAlterConfigsRequest, PushTelemetryRequest,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::each_broker::{alone_with_subscriptions, on_each_broker, unique};
use crate::patience::ask_until;

const CLIENT_METRICS: i8 = 16;
const THROTTLED: i16 = 89;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn get(client: &mut Client, id: Uuid) -> GetTelemetrySubscriptionsResponse {
    client.call(0, &GetTelemetrySubscriptionsRequest::default().with_client_instance_id(id))
}

/// A client that has asked for its subscriptions: its id and the subscriptions' id.
fn subscribed(client: &mut Client) -> (Uuid, i32) {
    let response = get(client, Uuid::nil());
    assert_eq!(response.error_code, 0);
    (response.client_instance_id, response.subscription_id)
}

fn push(client: &mut Client, (id, subscription): (Uuid, i32), change: impl FnOnce(&mut PushTelemetryRequest)) -> i16 {
    let mut request = PushTelemetryRequest::default()
        .with_client_instance_id(id)
        .with_subscription_id(subscription)
        .with_metrics(Bytes::from_static(b"metrics"));
    change(&mut request);
    client.call(0, &request).error_code
}

fn set(client: &mut Client, name: &str, configs: &[(&str, Option<&str>)]) {
    let config = |(key, value): &(&str, Option<&str>)| {
        let op = i8::from(value.is_none());
        AlterableConfig::default().with_name(text(key)).with_config_operation(op).with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(CLIENT_METRICS)
        .with_resource_name(text(name))
        .with_configs(configs.iter().map(config).collect());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(client.call(1, &request).responses[0].error_code, 0);
}

#[test]
fn a_client_is_given_an_id_and_asks_once_an_interval() {
    let _alone = alone_with_subscriptions();
    on_each_broker(|client| {
        let response = get(client, Uuid::nil());
        assert_eq!((response.error_code, response.push_interval_ms), (0, 300_000));
        assert_eq!((response.telemetry_max_bytes, response.delta_temporality), (1 << 20, true));
        assert_eq!(response.accepted_compression_types, [4, 3, 1, 2]);
        assert!(response.requested_metrics.is_empty() && !response.client_instance_id.is_nil());
        let again = get(client, response.client_instance_id);
        assert_eq!((again.error_code, again.push_interval_ms), (THROTTLED, 0));
        let own = Uuid::new_v4();
        assert_eq!(get(client, own).client_instance_id, own);
    });
}

#[test]
fn pushes_are_judged_in_kafkas_order() {
    let _alone = alone_with_subscriptions();
    on_each_broker(|client| {
        let known = subscribed(client);
        assert_eq!(push(client, known, |_| ()), 0);
        assert_eq!(push(client, known, |_| ()), THROTTLED);
        assert_eq!(push(client, known, |push| push.subscription_id += 1), THROTTLED);
        assert_eq!(get(client, known.0).error_code, THROTTLED);

        let known = subscribed(client);
        assert_eq!(push(client, known, |push| push.subscription_id += 1), 117);
        assert_eq!(get(client, known.0).error_code, 0, "it may ask what its subscription is");
        assert_eq!(push(client, known, |_| ()), THROTTLED);

        let known = subscribed(client);
        assert_eq!(push(client, known, |push| push.compression_type = 9), 76);
        assert_eq!(get(client, known.0).error_code, 0);

        let known = subscribed(client);
        assert_eq!(push(client, known, |push| push.metrics = vec![0; (1 << 20) + 1].into()), 118);
        assert_eq!(get(client, known.0).error_code, THROTTLED);

        let known = subscribed(client);
        assert_eq!(push(client, known, |_| ()), 0);
        assert_eq!(push(client, known, |push| push.terminating = true), 0);
        assert_eq!(push(client, known, |push| push.terminating = true), 42, "none follows the last");

        for reserved in [Uuid::nil(), Uuid::from_u128(1)] {
            assert_eq!(push(client, (reserved, 0), |_| ()), 42);
        }
        assert_eq!(push(client, (Uuid::new_v4(), 5), |_| ()), 117, "of a client nobody knows");
    });
}

#[test]
fn clients_are_told_what_their_subscriptions_say() {
    let _alone = alone_with_subscriptions();
    on_each_broker(|client| {
        let name = unique("metrics");
        let id = Uuid::new_v4();
        // The pattern keeps other tests on the same broker out of it.
        let pattern = format!("client_instance_id={}", base64(id));
        set(client, &name, &[("metrics", Some("b,a")), ("interval.ms", Some("100")), ("match", Some(&pattern))]);
        let told = ask_until(|| get(client, id), |told| !told.requested_metrics.is_empty());
        let mut metrics: Vec<String> = told.requested_metrics.iter().map(ToString::to_string).collect();
        metrics.sort();
        assert_eq!((metrics, told.push_interval_ms), (vec!["a".to_owned(), "b".to_owned()], 100));
        set(client, &name, &[("metrics", Some("*,a"))]);
        let every = ask_until(|| get(client, id), |told| told.error_code == 0 && told.requested_metrics.len() == 1);
        assert_eq!(every.requested_metrics, [text("*")]);
        assert_ne!(every.subscription_id, told.subscription_id);
        set(client, &name, &[("metrics", None), ("interval.ms", None), ("match", None)]);
        ask_until(|| get(client, id), |told| told.error_code == 0 && told.requested_metrics.is_empty());
    });
}

/// Waits until the broker knows that no subscription is left that is for all clients.
pub(crate) fn await_no_subscription(client: &mut Client) {
    ask_until(|| get(client, Uuid::new_v4()).push_interval_ms, |interval| *interval == 300_000);
}

/// An id as Kafka writes it in patterns.
fn base64(id: Uuid) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = id.as_u128();
    let digit = |shifted: u128| char::from(ALPHABET[usize::try_from(shifted & 63).expect("six bits")]);
    (0..21).map(|i| digit(bits >> (122 - 6 * i))).chain([digit(bits << 4)]).collect()
}

#[test]
fn only_a_broker_that_receives_metrics_lists_the_requests_and_keeps_what_is_pushed() {
    let listed = |broker: &EmbeddedBroker| {
        let keys = Client::of(broker).call(0, &ApiVersionsRequest::default()).api_keys;
        keys.iter().filter(|key| key.api_key == 71 || key.api_key == 72).count()
    };
    assert_eq!(listed(&EmbeddedBroker::builder().start().expect("the broker starts")), 0);
    let broker = EmbeddedBroker::builder().receive_client_metrics().start().expect("the broker starts");
    assert_eq!(listed(&broker), 2);
    let mut client = Client::of(&broker);
    let known = subscribed(&mut client);
    assert_eq!(push(&mut client, known, |_| ()), 0);
    let pushed = broker.pushed_metrics();
    assert_eq!((pushed.len(), &pushed[0].metrics[..]), (1, &b"metrics"[..]));
    assert_eq!((pushed[0].client_id.as_str(), pushed[0].terminating), ("wire-test", false));
    assert_eq!(pushed[0].client_instance_id, base64(known.0));
    let known = subscribed(&mut client);
    assert_eq!(push(&mut client, known, |push| push.compression_type = 4), 87, "it does not unpack");
}
