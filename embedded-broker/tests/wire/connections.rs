//! How many connections there may be and how fast they may come, changed while the broker runs.
//!
//! On the embedded broker alone: these limits are of a whole broker, and other tests would meet them.

use std::time::{Duration, Instant};

use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{AlterClientQuotasRequest, ApiVersionsRequest, IncrementalAlterConfigsRequest};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Sets a config of the broker; none takes it away.
fn set(client: &mut Client, key: &str, value: Option<&str>) {
    let config = AlterableConfig::default()
        .with_name(text(key))
        .with_value(value.map(text))
        .with_config_operation(i8::from(value.is_none()));
    let resource =
        AlterConfigsResource::default().with_resource_type(4).with_resource_name(text("1")).with_configs(vec![config]);
    let answer = client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
    assert_eq!(answer.responses[0].error_code, 0, "{:?}", answer.responses[0].error_message);
}

/// Bounds how many connections an address may open in a second.
fn bound_rate(client: &mut Client, ip: Option<&str>, rate: Option<f64>) {
    let entity = EntityData::default().with_entity_type(text("ip")).with_entity_name(ip.map(text));
    let op = OpData::default()
        .with_key(text("connection_creation_rate"))
        .with_value(rate.unwrap_or_default())
        .with_remove(rate.is_none());
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    let answer = client.call(1, &AlterClientQuotasRequest::default().with_entries(vec![entry]));
    assert_eq!(answer.entries[0].error_code, 0, "{:?}", answer.entries[0].error_message);
}

/// Asks something, so that the answer shows that the connection is served.
fn is_served(client: &mut Client) -> bool {
    client.call(0, &ApiVersionsRequest::default()).error_code == 0
}

/// A connection that was opened, and a request on it.
fn asking(broker: &EmbeddedBroker) -> Client {
    let mut client = Client::of(broker);
    client.send(0, &ApiVersionsRequest::default());
    client
}

#[test]
fn an_address_that_has_as_many_connections_as_it_may_is_turned_away() {
    let broker = EmbeddedBroker::builder().start().expect("the broker starts");
    let mut first = Client::of(&broker);
    set(&mut first, "max.connections.per.ip", Some("2"));
    let mut second = Client::of(&broker);
    assert!(is_served(&mut second));
    assert!(Client::of(&broker).is_closed());
    set(&mut first, "max.connections.per.ip.overrides", Some("127.0.0.1:3"));
    assert!(is_served(&mut Client::of(&broker)));
    set(&mut first, "max.connections.per.ip.overrides", None);
    set(&mut first, "max.connections.per.ip", None);
    assert!(is_served(&mut Client::of(&broker)));
}

#[test]
fn while_there_is_no_room_new_connections_wait() {
    for key in ["max.connections", "listener.name.plaintext.max.connections"] {
        let broker = EmbeddedBroker::builder().start().expect("the broker starts");
        let mut first = Client::of(&broker);
        let mut second = Client::of(&broker);
        assert!(is_served(&mut second));
        set(&mut first, key, Some("2"));
        let mut third = asking(&broker);
        assert!(is_served(&mut first) && third.is_quiet(), "{key}");
        drop(second);
        assert_eq!(third.receive::<ApiVersionsRequest>(0).error_code, 0, "{key}");
        let mut fourth = asking(&broker);
        set(&mut first, key, None);
        assert_eq!(fourth.receive::<ApiVersionsRequest>(0).error_code, 0, "{key}");
        // One that nobody lets in does not keep the broker from stopping.
        set(&mut first, key, Some("2"));
        let _waits = asking(&broker);
        broker.stop();
    }
}

#[test]
fn connections_that_come_too_fast_wait() {
    for key in ["max.connection.creation.rate", "listener.name.plaintext.max.connection.creation.rate"] {
        let broker = EmbeddedBroker::builder().start().expect("the broker starts");
        let mut first = Client::of(&broker);
        set(&mut first, key, Some("1"));
        // Ten windows of a second hold ten, and the first was one of them.
        let mut others: Vec<Client> = (0..9).map(|_| Client::of(&broker)).collect();
        assert!(others.iter_mut().all(is_served), "{key}");
        let came = Instant::now();
        assert!(is_served(&mut Client::of(&broker)) && came.elapsed() > Duration::from_millis(500), "{key}");
    }
}

#[test]
fn an_address_that_opens_connections_too_fast_is_turned_away() {
    let broker = EmbeddedBroker::builder().start().expect("the broker starts");
    let mut first = Client::of(&broker);
    bound_rate(&mut first, None, Some(1.0));
    let mut others: Vec<Client> = (0..10).map(|_| Client::of(&broker)).collect();
    assert!(others.iter_mut().all(is_served));
    let came = Instant::now();
    assert!(Client::of(&broker).is_closed() && came.elapsed() > Duration::from_millis(500), "it is kept busy with it");
    bound_rate(&mut first, Some("127.0.0.1"), Some(1000.0));
    assert!(is_served(&mut Client::of(&broker)), "it has a bound of its own");
    bound_rate(&mut first, Some("127.0.0.1"), None);
    bound_rate(&mut first, None, None);
    assert!(is_served(&mut Client::of(&broker)));
}
