//! The producer against librdkafka's mock cluster: nothing acknowledged is lost, nothing waits for ever.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rdkafka::{
    ClientContext, Message, Offset, TopicPartitionList,
    config::ClientConfig,
    consumer::{BaseConsumer, Consumer},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{Producer, RecordSink, cut_off::CloseReport};
use crate::{
    ErrorKind, KafkaTemplate, ProducerRecord, Topic,
    client::{Outbound, TransactionFaultKind, TransactionalClient},
    error::Result,
    producer::Interceptors,
    record::{Headers, SendResult},
};

type Mock = MockCluster<'static, DefaultProducerContext>;

fn cluster(topic: &str, n_partitions: i32) -> Mock {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(topic, n_partitions, 1).unwrap();
    mock
}

fn producer_of(servers: &str, properties: &[(&str, &str)]) -> Producer {
    let defaults = [
        ("bootstrap.servers", servers),
        ("enable.idempotence", "true"),
        ("partitioner", "murmur2_random"),
        ("linger.ms", "1"),
    ];
    let properties: BTreeMap<_, _> =
        defaults.iter().chain(properties).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Producer::create(&properties, Interceptors::default(), &Arc::default()).unwrap()
}

fn template(mock: &Mock, properties: &[(&str, &str)]) -> KafkaTemplate<str, str> {
    KafkaTemplate::new(producer_of(&mock.bootstrap_servers(), properties), None)
}

fn empty() -> &'static ProducerRecord {
    static EMPTY: LazyLock<ProducerRecord> = LazyLock::new(ProducerRecord::default);
    &EMPTY
}

/// Key and payload of every record of a partition, in order.
fn records_of<C: ClientContext>(
    mock: &MockCluster<'_, C>,
    topic: &str,
    partition: i32,
    n: usize,
) -> Vec<(String, String)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", mock.bootstrap_servers())
        .set("group.id", "reader")
        .set("fetch.wait.max.ms", "5")
        .create()
        .unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
    (0..n)
        .map(|i| match consumer.poll(Duration::from_secs(10)) {
            Some(Ok(message)) => (text(message.key()), text(message.payload())),
            other => panic!("record {i} of {n} of {topic}-{partition}: {other:?}"),
        })
        .collect()
}

fn high_watermark(mock: &Mock, topic: &str, partition: i32) -> i64 {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", mock.bootstrap_servers()).create().unwrap();
    consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).unwrap().1
}

#[tokio::test]
async fn a_send_resolves_with_partition_and_offset() -> Result<()> {
    let mock = cluster("orders", 1);
    let template = template(&mock, &[]);
    assert_eq!(template.send("orders", "a", "first").await?, SendResult { partition: 0, offset: 0 });
    assert_eq!(template.send("orders", "a", "second").await?, SendResult { partition: 0, offset: 1 });
    assert_eq!(
        records_of(&mock, "orders", 0, 2),
        [("a".to_owned(), "first".to_owned()), ("a".to_owned(), "second".to_owned())]
    );
    Ok(())
}

#[tokio::test]
async fn every_record_of_send_all_arrives_in_order_with_its_offset() -> Result<()> {
    const N: usize = 5_000;
    let mock = cluster("orders", 3);
    let template = template(&mock, &[]);
    let records: Vec<(String, String)> = (0..N).map(|i| (format!("key-{}", i % 50), i.to_string())).collect();
    let sent = template.send_all("orders", records.iter().map(|(k, v)| (k.as_str(), v.as_str()))).await?;
    assert_eq!(sent.len(), N);
    for partition in 0..3 {
        let expected: Vec<_> =
            sent.iter().zip(&records).filter(|(s, _)| s.partition == partition).map(|(_, r)| r.clone()).collect();
        let offsets: Vec<_> = sent.iter().filter(|s| s.partition == partition).map(|s| s.offset).collect();
        assert_eq!(offsets, (0..).take(expected.len()).collect::<Vec<i64>>());
        assert_eq!(records_of(&mock, "orders", partition, expected.len()), expected);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tiny_queue_holds_senders_back_and_loses_nothing() -> Result<()> {
    let mock = cluster("orders", 2);
    let template = template(&mock, &[("queue.buffering.max.messages", "10")]);
    let senders: Vec<_> = (0..20)
        .map(|sender| {
            let template = template.clone();
            tokio::spawn(async move {
                for i in 0..50 {
                    template.send("orders", &*format!("k{sender}"), &*format!("{sender}:{i}")).await?;
                }
                Ok::<(), crate::SendError>(())
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap()?;
    }
    let many: Vec<_> = (0..1_000).map(|i| i.to_string()).collect();
    assert_eq!(template.send_all("orders", many.iter().map(|i| (i.as_str(), "x"))).await?.len(), 1_000);
    assert_eq!(high_watermark(&mock, "orders", 0) + high_watermark(&mock, "orders", 1), 2_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_full_of_bytes_is_waited_for() -> Result<()> {
    let mock = cluster("orders", 1);
    // Two and a half records fill the queue of 1 MiB, long before the permits are spent.
    let template = template(&mock, &[("queue.buffering.max.kbytes", "1024"), ("linger.ms", "0")]);
    let payload = "x".repeat(400 * 1024);
    let senders: Vec<_> = (0..10)
        .map(|_| {
            let (template, payload) = (template.clone(), payload.clone());
            tokio::spawn(async move { template.send("orders", "k", &payload).await })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap()?;
    }
    let sent = template.send_all("orders", (0..10).map(|_| ("k", payload.as_str()))).await?;
    assert_eq!(sent.last().map(|s| s.offset), Some(19));
    Ok(())
}

#[tokio::test]
async fn an_oversized_record_is_refused_with_its_size_and_the_limit_and_comes_back() {
    let mock = cluster("orders", 1);
    let template = template(&mock, &[("message.max.bytes", "2000")]);
    let error = template.send("orders", "k", &"x".repeat(3_000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = error.to_string();
    assert!(text.contains("`orders`") && text.contains("3001 bytes") && text.contains("2000 bytes"), "{text}");
    let (record, _) = error.into_parts();
    assert_eq!(record.payload.map(|p| p.len()), Some(3_000));

    let big = "x".repeat(3_000);
    let error = template.send_all("orders", [("a", "small"), ("b", big.as_str()), ("c", "small")]).await.unwrap_err();
    assert_eq!((error.n_sent(), error.failures().len(), error.failures()[0].0), (2, 1, 1));
    assert_eq!(high_watermark(&mock, "orders", 0), 2);
}

#[tokio::test]
async fn a_record_larger_than_the_whole_queue_is_refused_instead_of_waiting_for_ever() {
    let mock = cluster("orders", 1);
    let properties = [("queue.buffering.max.kbytes", "1"), ("message.max.bytes", "1000000")];
    let error = template(&mock, &properties).send("orders", "k", &"x".repeat(2_000)).await.unwrap_err();
    assert!(error.to_string().contains("queue.buffering.max.kbytes"), "{error}");
}

#[tokio::test]
async fn an_unreachable_broker_gives_the_record_back_and_names_the_servers() {
    // A port nobody listens on: bound, its number taken, closed.
    let servers = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().to_string()
    };
    let producer = producer_of(&servers, &[("delivery.timeout.ms", "300")]);
    let mut headers = Headers::new();
    headers.push("trace", Some("7".into()));
    headers.push("empty", None);
    let record = ProducerRecord { partition: Some(2), timestamp: Some(77), headers, ..ProducerRecord::to("orders") }
        .key("k".into())
        .payload("kept".into());
    let pending = producer.enqueue(record.clone()).await.unwrap();
    let error = pending.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&servers), "{error}");
    assert_eq!(error.into_parts().0, record);

    let template: KafkaTemplate<str, str> = KafkaTemplate::new(producer, None);
    let error = template.send_all("orders", [("k", "a"), ("k", "b")]).await.unwrap_err();
    let back: Vec<_> = error.into_failures().into_iter().map(|(i, e)| (i, e.into_parts().0.payload.unwrap())).collect();
    assert_eq!(back, [(0, "a".into()), (1, "b".into())]);
}

#[tokio::test]
async fn try_send_fails_when_there_is_no_room() {
    let mock = cluster("orders", 1);
    // Two permits, and a linger that keeps what took them.
    let template = template(&mock, &[("queue.buffering.max.messages", "4"), ("linger.ms", "60000")]);
    let first = template.try_send("orders", "k", "1").unwrap();
    let second = template.try_send("orders", "k", "2").unwrap();
    let error = template.try_send("orders", "k", "3").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.record().payload.as_deref(), Some(&b"3"[..]));
    template.flush().await.unwrap();
    assert_eq!((first.await.unwrap().offset, second.await.unwrap().offset), (0, 1));
    assert!(template.try_send("orders", "k", "3").is_ok());
}

#[tokio::test]
async fn what_is_handed_over_at_once_has_receipts_and_leaves_nothing_behind() {
    let mock = cluster("orders", 1);
    let producer = producer_of(&mock.bootstrap_servers(), &[("message.max.bytes", "1000")]);
    producer.partitions_for("orders").await.unwrap();
    let receipts = producer.receipts(4);
    let record = |payload: &'static [u8]| Outbound { payload: Some(payload), ..Outbound::of("orders", empty()) };
    assert!(producer.try_enqueue(&record(b"a"), &receipts, 0));
    assert!(!producer.try_enqueue(&record(&[0; 1_001]), &receipts, 1), "`enqueue` tells why");
    assert!(producer.try_enqueue(&record(b"c"), &receipts, 3));
    let chosen = Outbound { partition: Some(0), ..record(b"d") };
    assert!(!producer.try_enqueue(&chosen, &receipts, 2), "what was chosen for it would be lost with it");
    assert!(!producer.try_enqueue(&record(b"e"), &receipts, 4), "there is no slot");
    for index in [3, 0] {
        poll_fn(|cx| receipts.poll(index, cx)).await.unwrap();
        assert!(receipts.is_acknowledged(index));
    }
    assert_eq!(high_watermark(&mock, "orders", 0), 2);
    assert!(producer.core().batches.lock().get(0).is_some(), "there may be more");
    drop(receipts);
    assert!(producer.core().batches.lock().get(0).is_none());
}

#[tokio::test]
async fn a_record_that_was_handed_over_at_once_and_is_given_up_comes_back() {
    let mock = cluster("orders", 1);
    let producer = producer_of(&mock.bootstrap_servers(), &[("linger.ms", "60000")]);
    producer.partitions_for("orders").await.unwrap();
    let receipts = producer.receipts(1);
    let record = Outbound { payload: Some(b"a"), key: Some(b"k"), ..Outbound::of("orders", empty()) };
    assert!(producer.try_enqueue(&record, &receipts, 0));
    producer.close(Duration::ZERO).await.unwrap();
    let failed = poll_fn(|cx| receipts.poll(0, cx)).await.unwrap_err();
    let given_back = failed.record();
    assert_eq!((given_back.topic.as_deref(), given_back.partition), (Some("orders"), None));
    assert_eq!((given_back.key.as_deref(), given_back.payload.as_deref()), (Some(&b"k"[..]), Some(&b"a"[..])));
}

#[tokio::test]
async fn flush_sends_what_lingers() {
    let mock = cluster("orders", 1);
    let template = template(&mock, &[("linger.ms", "60000")]);
    for _ in 0..10 {
        template.send_and_forget("orders", "k", "v").await.unwrap();
    }
    template.flush().await.unwrap();
    assert_eq!(high_watermark(&mock, "orders", 0), 10);
}

#[tokio::test]
async fn closing_reports_what_was_cut_off_and_gives_it_back() {
    let mock = cluster("orders", 1);
    mock.broker_down(1).unwrap();
    let producer = producer_of(&mock.bootstrap_servers(), &[]);
    let template: KafkaTemplate<str, str> = KafkaTemplate::new(producer.clone(), None);
    let pending = template.enqueue("orders", "k", "v").await.unwrap();
    let report = producer.close(Duration::from_millis(50)).await.unwrap();
    assert_eq!(report, CloseReport { n_unsent: 1, n_in_doubt: 0 });
    let error = pending.await.unwrap_err();
    assert_eq!((error.kind(), error.record().payload.as_deref()), (ErrorKind::Stopped, Some(&b"v"[..])));
    let error = template.send("orders", "k", "late").await.unwrap_err();
    assert_eq!((error.kind(), error.record().payload.as_deref()), (ErrorKind::Stopped, Some(&b"late"[..])));
}

#[tokio::test]
async fn a_transaction_tells_an_outage_from_a_record_that_is_refused() {
    for is_its_own in [false, true] {
        let mock = cluster("orders", 1);
        let properties = [("transactional.id", "billing"), ("delivery.timeout.ms", "1500")];
        let producer = producer_of(&mock.bootstrap_servers(), &properties);
        producer.init().unwrap();
        producer.begin().unwrap();
        match is_its_own {
            true => {
                mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
            }
            false => mock.broker_down(1).unwrap(),
        }
        producer.entrust(ProducerRecord::to("orders")).await.unwrap();
        let fault = loop {
            match TransactionalClient::flush(&producer) {
                Err(fault) if fault.kind == TransactionFaultKind::Retry => {}
                flushed => break flushed.unwrap_err(),
            }
        };
        assert_eq!(fault.kind, TransactionFaultKind::Abort, "{fault}");
        let failure = producer.failure().unwrap();
        assert_eq!((failure.is_its_own, producer.is_broken()), (is_its_own, !is_its_own), "{failure:?}");
    }
}

#[tokio::test]
async fn closing_after_everything_is_acknowledged_reports_nothing() {
    let mock = cluster("orders", 1);
    let producer = producer_of(&mock.bootstrap_servers(), &[("linger.ms", "60000")]);
    let pending = producer.enqueue(ProducerRecord::to("orders")).await.unwrap();
    assert_eq!(producer.close(Duration::from_secs(10)).await.unwrap(), CloseReport::default());
    assert_eq!(pending.await.unwrap().offset, 0);
}

#[tokio::test]
async fn a_send_that_waits_for_room_ends_when_the_producer_closes() {
    let mock = cluster("orders", 1);
    mock.broker_down(1).unwrap();
    let producer = producer_of(&mock.bootstrap_servers(), &[("queue.buffering.max.messages", "2")]);
    let template: KafkaTemplate<str, str> = KafkaTemplate::new(producer.clone(), None);
    let _first = template.enqueue("orders", "k", "1").await.unwrap();
    let waiting = template.enqueue("orders", "k", "2");
    let (waiting, report) = tokio::join!(waiting, producer.close(Duration::from_millis(50)));
    assert_eq!(waiting.unwrap_err().record().payload.as_deref(), Some(&b"2"[..]));
    assert_eq!(report.unwrap().n_unsent, 1);
}

#[tokio::test]
async fn keys_go_to_the_partitions_javas_producer_chooses() -> Result<()> {
    // Partitions of 12 as org.apache.kafka.common.utils.Utils.murmur2 gives them, from its unit test's hashes.
    let hashes: [(&str, i32); 5] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ];
    let mock = cluster("orders", 12);
    let template = template(&mock, &[]);
    for (key, hash) in hashes {
        let sent = template.send("orders", key, "v").await?;
        assert_eq!(sent.partition, (hash & 0x7fff_ffff) % 12, "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn a_partition_chosen_by_hand_is_kept_and_one_that_is_not_there_is_refused() {
    let mock = cluster("orders", 3);
    let template: KafkaTemplate<String, String> = template(&mock, &[]).typed();
    let record = |partition| {
        ProducerRecord::to("orders").key("k".to_owned()).payload("v".to_owned()).partition(partition).header("a", "b")
    };
    for partition in 0..3 {
        assert_eq!(template.send_record(record(partition)).await.unwrap().partition, partition);
    }
    let error = template.send_record(record(3)).await.unwrap_err();
    assert!(error.to_string().contains("no partition 3"), "{error}");
}

#[tokio::test]
async fn typed_topics_default_topics_and_records_without_any() -> Result<()> {
    const ORDERS: Topic<String, String> = Topic::new("orders");
    let mock = cluster("orders", 1);
    let template: KafkaTemplate<String, String> = template(&mock, &[]).typed();
    let payload = "v".to_owned();
    template.send_to(&ORDERS, "k", &payload).await?;
    template.send(ORDERS, "k", &payload).await?;
    assert_eq!(template.send_default("k", &payload).await.unwrap_err().kind(), ErrorKind::Config);
    let template = template.with_default_topic("orders");
    assert_eq!(template.send_default("k", &payload).await?.offset, 2);
    assert_eq!(template.send_unkeyed("orders", &payload).await?.offset, 3);
    let tombstone: ProducerRecord<String, String> = ProducerRecord { topic: None, ..ProducerRecord::to("") };
    assert_eq!(template.send_record(tombstone.key("k".to_owned())).await?.offset, 4);
    Ok(())
}

#[tokio::test]
async fn partitions_of_a_topic_are_told_in_order() {
    let mock = cluster("orders", 3);
    let partitions = template(&mock, &[]).partitions_for("orders").await.unwrap();
    assert_eq!(partitions.iter().map(|p| p.partition).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(partitions.iter().all(|p| p.leader == Some(1)));
}

#[test]
fn a_property_librdkafka_refuses_is_an_error_that_names_it() {
    let properties = BTreeMap::from([("no.such.property".to_owned(), "1".to_owned())]);
    let error = Producer::create(&properties, Interceptors::default(), &Arc::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("no.such.property"), "{error}");
}

/// On the embedded broker: what the mock cluster does not model.
mod on_the_embedded_broker {
    use embedded_broker::EmbeddedBroker;

    use super::*;

    fn template(broker: &EmbeddedBroker, properties: &[(&str, &str)]) -> KafkaTemplate<str, str> {
        KafkaTemplate::new(producer_of(broker.bootstrap_servers(), properties), None)
    }

    #[tokio::test]
    async fn an_unknown_topic_is_refused_and_accepted_as_soon_as_it_exists() {
        let broker = EmbeddedBroker::builder().config("auto.create.topics.enable", false).start().unwrap();
        let template = template(&broker, &[("topic.metadata.propagation.max.ms", "100")]);
        for _ in 0..2 {
            let error = template.send("orders", "k", "v").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.to_string().contains("`orders`") && error.to_string().contains("does not exist"), "{error}");
            assert_eq!(error.record().payload.as_deref(), Some(&b"v"[..]));
        }
        let error = template.send_all("orders", [("k", "a"), ("k", "b")]).await.unwrap_err();
        assert_eq!(error.failures().len(), 2);
        // librdkafka would go on refusing until its next periodic refresh, minutes later.
        broker.create_topic("orders", 1).unwrap();
        assert_eq!(template.send_all("orders", [("k", "a"), ("k", "b")]).await.unwrap()[1].offset, 1);
        assert_eq!(template.send("orders", "k", "v").await.unwrap().offset, 2);
    }

    #[tokio::test]
    async fn a_topic_is_created_by_its_first_record_where_the_broker_does_that() {
        let broker = EmbeddedBroker::builder().start().unwrap();
        assert_eq!(template(&broker, &[]).send("orders", "k", "v").await.unwrap().offset, 0);
    }

    #[tokio::test]
    async fn a_record_too_large_for_its_topic_is_refused_by_the_broker_and_comes_back() {
        let broker = EmbeddedBroker::builder().config("message.max.bytes", 2_000).topic("orders", 1).start().unwrap();
        let template = template(&broker, &[]);
        let error = template.send("orders", "k", &"x".repeat(3_000)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains("max.message.bytes"), "{error}");
        assert_eq!(error.record().payload.as_ref().map(bytes::Bytes::len), Some(3_000));
        assert_eq!(template.send("orders", "k", "small").await.unwrap().offset, 0);
    }

    #[tokio::test]
    async fn a_broker_that_goes_gives_what_was_under_way_back() {
        let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
        let template = template(&broker, &[("delivery.timeout.ms", "3000"), ("linger.ms", "0")]);
        template.send("orders", "k", "first").await.unwrap();
        broker.stop();
        let error = template.send("orders", "k", "second").await.unwrap_err();
        assert_eq!((error.kind(), error.record().payload.as_deref()), (ErrorKind::Unavailable, Some(&b"second"[..])));
    }

    #[tokio::test]
    async fn headers_keys_and_times_arrive_as_they_were_sent() {
        let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
        let template: KafkaTemplate<String, String> = template(&broker, &[]).typed();
        let record = ProducerRecord::to("orders")
            .key("k".to_owned())
            .payload("v".to_owned())
            .timestamp(1_234)
            .header("a", "1")
            .header("a", "2");
        template.send_record(record).await.unwrap();
        let records = broker.topic("orders").await_records(1).await.unwrap();
        let header = |i: usize| (records[0].headers[i].0.clone(), records[0].headers[i].1.clone());
        assert_eq!(records[0].timestamp, 1_234);
        assert_eq!(header(0), ("a".into(), Some("1".into())));
        assert_eq!(header(1), ("a".into(), Some("2".into())));
    }
}
