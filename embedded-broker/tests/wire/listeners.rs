//! Several listeners: each client is told the address of the one it came in by.

use embedded_broker::{EmbeddedBroker, Listener};
use kafka_protocol::messages::{DescribeClusterRequest, FindCoordinatorRequest, MetadataRequest};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;

/// The address of the node, as Metadata, DescribeCluster and FindCoordinator tell it.
fn told(client: &mut Client) -> [String; 3] {
    let metadata = client.call(12, &MetadataRequest::default()).brokers.remove(0);
    let cluster = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(1)).brokers.remove(0);
    let group = FindCoordinatorRequest::default().with_key(StrBytes::from_static_str("g"));
    let coordinator = client.call(2, &group);
    [
        format!("{}:{}", metadata.host, metadata.port),
        format!("{}:{}", cluster.host, cluster.port),
        format!("{}:{}", coordinator.host, coordinator.port),
    ]
}

#[test]
fn each_client_is_told_the_address_of_the_listener_it_came_in_by() {
    let broker = EmbeddedBroker::builder()
        .listener(Listener::plaintext())
        .listener(Listener::plaintext().name("inside").host("localhost"))
        .start()
        .unwrap();
    let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
    let (first, inside) = (broker.bootstrap_servers(), broker.bootstrap_servers_of("INSIDE").unwrap());
    assert_eq!(broker.bootstrap_servers_of("plaintext"), Some(first));
    assert_ne!(first, inside);
    assert_eq!(told(&mut Client::connect(first)), [first; 3]);
    let by_name = format!("localhost:{}", port(inside));
    assert_eq!(told(&mut Client::connect(inside)), [by_name.as_str(); 3]);
    assert_eq!(broker.bootstrap_servers_of("OUTSIDE"), None);
}

#[test]
fn clients_are_told_what_is_advertised() {
    let broker = EmbeddedBroker::builder()
        .config("listeners", "PLAINTEXT://127.0.0.1:0,INSIDE://127.0.0.1:0")
        .config("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT")
        .config("advertised.listeners", "PLAINTEXT://kafka.example:1234")
        .start()
        .unwrap();
    assert_eq!(told(&mut Client::of(&broker)), ["kafka.example:1234"; 3]);
    let mut inside = Client::connect(broker.bootstrap_servers_of("INSIDE").unwrap());
    assert!(inside.call(12, &MetadataRequest::default()).brokers.is_empty(), "nothing is told of this listener");
}

#[test]
fn a_listener_on_every_address_tells_the_one_that_was_reached() {
    let broker = EmbeddedBroker::builder().config("listeners", "PLAINTEXT://:0").start().unwrap();
    let port = broker.bootstrap_servers().rsplit_once(':').unwrap().1;
    let by_ipv4 = format!("127.0.0.1:{port}");
    assert_eq!(told(&mut Client::connect(&by_ipv4)), [by_ipv4.as_str(); 3]);
}

#[test]
fn listeners_are_said_once() {
    let twice = EmbeddedBroker::builder().port(0).listener(Listener::plaintext()).start().unwrap_err();
    assert!(twice.to_string().contains("`port` is of the listener that a broker has by itself"), "{twice}");
    let taken = EmbeddedBroker::builder().start().unwrap();
    let port = taken.bootstrap_servers().rsplit_once(':').unwrap().1.parse().unwrap();
    let refused = EmbeddedBroker::builder().listener(Listener::plaintext().port(port)).start().unwrap_err();
    assert!(refused.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{port}")), "{refused}");
}
