//! Containers against the embedded broker.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use embedded_broker::EmbeddedBroker;

use super::{NobodyAnswers, PATIENCE, Recorder, guards};
use crate::{
    KafkaTemplate,
    client::{self, Producer},
    config::{AckMode, Delivery, KafkaProperties, Properties, ResolvedListener, consumer_properties},
    listener::{ChunkRunner, Container, ContainerSpec, EventBus, HANGS_AFTER, ListenerState, supervisor::Connect},
    producer::Interceptors,
};

fn broker(n_partitions: i32) -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("orders", n_partitions).start().expect("the broker starts")
}

fn connect(servers: &str, listener: &ResolvedListener) -> Connect {
    let (servers, listener) = (servers.to_owned(), listener.clone());
    Arc::new(move |instance, brokers, signal| {
        let mut properties = consumer_properties(&KafkaProperties::default(), &listener, instance);
        properties.insert("bootstrap.servers".into(), servers.clone());
        properties.insert("auto.offset.reset".into(), "earliest".into());
        client::connect(&Properties::from(properties), brokers, signal)
    })
}

fn container(broker: &EmbeddedBroker, listener: ResolvedListener, runner: Arc<dyn ChunkRunner>) -> Arc<Container> {
    let connect = connect(broker.bootstrap_servers(), &listener);
    Container::new(ContainerSpec {
        listener: Arc::new(listener),
        takes_batches: false,
        runner,
        metrics: Arc::default(),
        events: EventBus::default().sink("bill"),
        guards: guards(),
        connect,
        inquiry: Arc::new(NobodyAnswers),
        open_producer: None,
        stages: Vec::new(),
        hangs_after: HANGS_AFTER,
    })
}

async fn produce(broker: &EmbeddedBroker, n_records: usize) {
    let properties: BTreeMap<_, _> =
        [("bootstrap.servers", broker.bootstrap_servers()), ("linger.ms", "0"), ("partitioner", "murmur2_random")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    let producer = Producer::create(&properties, Interceptors::default(), &Arc::default()).expect("a producer");
    let template: KafkaTemplate<str, str> = KafkaTemplate::new(producer, None);
    for n in 0..n_records {
        let key = n.to_string();
        let send = template.send("orders", key.as_str(), "payload");
        tokio::time::timeout(PATIENCE, send).await.expect("in time").expect("it is acknowledged");
    }
}

fn committed(broker: &EmbeddedBroker) -> i64 {
    broker.group("billing").committed().values().map(|committed| committed.offset).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_all_partitions_are_handled_in_order_and_committed_at_the_stop() {
    let broker = broker(3);
    produce(&broker, 200).await;
    let recorder = Recorder::new();
    let container = container(&broker, ResolvedListener::new("bill", "orders", "billing"), Arc::clone(&recorder) as _);
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("the group answers");
    assert_eq!(container.assignment().len(), 3);
    recorder.has_seen(200).await;
    let report = container.stop(PATIENCE).await;
    assert!(report.is_clean(), "{report:?}");
    assert!(matches!(container.state(), ListenerState::Stopped));
    let seen = recorder.seen();
    assert_eq!(seen.len(), 200);
    for partition in 0..3 {
        let offsets: Vec<i64> = seen.iter().filter(|(p, _)| *p == partition).map(|(_, offset)| *offset).collect();
        assert!(offsets.iter().zip(0..).all(|(offset, expected)| *offset == expected), "{partition}: {offsets:?}");
    }
    assert_eq!(committed(&broker), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_listener_goes_on_where_it_stopped() {
    let broker = broker(1);
    produce(&broker, 10).await;
    let recorder = Recorder::new();
    let container = container(&broker, ResolvedListener::new("bill", "orders", "billing"), Arc::clone(&recorder) as _);
    container.start().expect("it starts");
    recorder.has_seen(10).await;
    container.stop(PATIENCE).await;
    produce(&broker, 5).await;
    container.start().expect("it starts again");
    recorder.has_seen(15).await;
    container.stop(PATIENCE).await;
    let offsets: Vec<i64> = recorder.seen().into_iter().map(|(_, offset)| offset).collect();
    assert_eq!(offsets, (0..15).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_is_committed_before_it_is_handled() {
    let broker = Arc::new(broker(1));
    produce(&broker, 20).await;
    let recorder = Recorder::new();
    let listener =
        ResolvedListener { delivery: Delivery::AtMostOnce, ..ResolvedListener::new("bill", "orders", "billing") };
    let container = container(&broker, listener, Arc::clone(&recorder) as _);
    container.start().expect("it starts");
    recorder.has_seen(20).await;
    assert_eq!(committed(&broker), 20);
    assert!(container.stop(PATIENCE).await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_listener_gets_nothing_until_it_is_resumed() {
    let broker = broker(2);
    let recorder = Recorder::new();
    let container = container(&broker, ResolvedListener::new("bill", "orders", "billing"), Arc::clone(&recorder) as _);
    container.set_paused(true);
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("the group answers");
    assert!(matches!(container.state(), ListenerState::Paused));
    produce(&broker, 10).await;
    assert_eq!(recorder.seen(), []);
    container.set_paused(false);
    recorder.has_seen(10).await;
    container.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seek_reads_a_partition_again() {
    let broker = broker(1);
    produce(&broker, 10).await;
    let recorder = Recorder::new();
    let container = container(&broker, ResolvedListener::new("bill", "orders", "billing"), Arc::clone(&recorder) as _);
    container.start().expect("it starts");
    recorder.has_seen(10).await;
    let handles = crate::ListenerRegistry::new([Arc::clone(&container)]);
    let handle = handles.listener("bill").expect("it is there");
    tokio::time::timeout(PATIENCE, handle.seek("orders", 0, 4)).await.expect("in time").expect("it is assigned");
    recorder.has_seen(16).await;
    container.stop(PATIENCE).await;
    let offsets: Vec<i64> = recorder.seen().into_iter().map(|(_, offset)| offset).collect();
    assert_eq!(offsets, (0..10).chain(4..10).collect::<Vec<_>>());
    assert!(handles.listener("ship").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_share_and_take_over_without_loss_or_doubles_with_cooperative_sticky() {
    consumers_share_and_take_over(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_share_and_take_over_without_loss_or_doubles_with_an_eager_assignor() {
    consumers_share_and_take_over(&[("partition.assignment.strategy", "range")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_share_and_take_over_without_loss_or_doubles_with_the_consumer_protocol() {
    consumers_share_and_take_over(&[("group.protocol", "consumer")]).await;
}

async fn consumers_share_and_take_over(properties: &[(&str, &str)]) {
    let broker = broker(4);
    let recorder = Recorder::new();
    let listener = ResolvedListener {
        properties: properties.iter().copied().collect(),
        ..ResolvedListener::new("bill", "orders", "billing")
    };
    let first = container(&broker, listener.clone(), Arc::clone(&recorder) as _);
    let second = container(&broker, listener, Arc::clone(&recorder) as _);
    first.start().expect("it starts");
    first.ready(PATIENCE).await.expect("the group answers");
    produce(&broker, 50).await;
    second.start().expect("it starts");
    produce(&broker, 50).await;
    second.ready(PATIENCE).await.expect("the group answers");
    produce(&broker, 50).await;
    recorder.has_seen(150).await;
    assert!(first.stop(PATIENCE).await.is_clean());
    produce(&broker, 50).await;
    recorder.has_seen(200).await;
    assert!(second.stop(PATIENCE).await.is_clean());
    let mut seen = recorder.seen();
    seen.sort_unstable();
    let total = seen.len();
    seen.dedup();
    assert_eq!((total, seen.len()), (200, 200));
    assert_eq!(committed(&broker), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ack_mode_record_commits_without_waiting_for_a_timer() {
    let broker = broker(1);
    produce(&broker, 3).await;
    let recorder = Recorder::new();
    let listener = ResolvedListener {
        ack_mode: AckMode::Record,
        ack_time: Duration::from_secs(3600),
        ..ResolvedListener::new("bill", "orders", "billing")
    };
    let container = container(&broker, listener, Arc::clone(&recorder) as _);
    container.start().expect("it starts");
    let all_committed = async {
        while committed(&broker) < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_committed).await.expect("committed in time");
    container.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_broker_is_an_error_of_ready_and_stops_quickly() {
    let listener = ResolvedListener::new("bill", "orders", "billing");
    // A port of nobody: bound, never listened on.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("its address").to_string();
    drop(socket);
    let connect = connect(&address, &listener);
    let spec = ContainerSpec {
        listener: Arc::new(listener),
        takes_batches: false,
        runner: Recorder::new(),
        metrics: Arc::default(),
        events: EventBus::default().sink("bill"),
        guards: guards(),
        connect,
        inquiry: Arc::new(NobodyAnswers),
        open_producer: None,
        stages: Vec::new(),
        hangs_after: HANGS_AFTER,
    };
    let container = Container::new(spec);
    container.start().expect("it starts");
    let error = container.ready(Duration::from_millis(1500)).await.expect_err("nobody answers");
    let text = error.to_string();
    assert!(text.contains("listener `bill`: group `billing` did not answer within 1.5s"), "{text}");
    assert!(text.contains("refused") || text.contains("down"), "{text}");
    tokio::time::timeout(PATIENCE, container.stop(Duration::from_secs(5))).await.expect("it stops");
}
