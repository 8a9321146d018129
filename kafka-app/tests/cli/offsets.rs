//! `kafka-get-offsets`, `kafka-delete-records` and `kafka-broker-api-versions`.

use std::io::Write;

use embedded_broker::EmbeddedBroker;
use tempfile::NamedTempFile;

use crate::{
    program::run,
    topics::{printed, script},
};

fn with_records() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().topic("shop", 11).topic("other", 1).start().unwrap();
    broker.topic("shop").append(0, ["a", "b", "c"]).unwrap();
    broker.topic("shop").append(2, ["d"]).unwrap();
    broker
}

#[tokio::test]
async fn offsets_are_listed_a_line_each_sorted_as_text() {
    let broker = with_records();
    let listed = printed(&broker, "kafka-get-offsets --topic shop").await;
    assert!(listed.starts_with("shop:0:3\nshop:1:0\nshop:10:0\nshop:2:1\nshop:3:0\n"), "{listed}");
    assert_eq!(
        printed(&broker, "kafka-get-offsets --topic shop --partitions 0,2 --time -2").await,
        "shop:0:0\nshop:2:0\n"
    );
    assert_eq!(
        printed(&broker, "kafka-get-offsets --topic-partitions shop:0-2,oth.*:0").await,
        "other:0:0\nshop:0:3\nshop:1:0\n"
    );
    assert_eq!(printed(&broker, "kafka-get-offsets --topic shop --time 4000000000000").await, "");
    for line in [
        "--topic ghost",
        "--topic shop --time nope",
        "--topic-partitions shop:a",
        "--topic shop --topic-partitions shop",
    ] {
        let (code, out, said) = script(&broker, &format!("kafka-get-offsets {line}")).await;
        assert_eq!((code, &*out), (Some(1), ""), "{line}");
        assert_ne!(said, "", "{line}");
    }
}

#[tokio::test]
async fn the_oldest_records_are_deleted() {
    let broker = with_records();
    let mut file = NamedTempFile::new().unwrap();
    let wanted = r#"{"partitions":[{"topic":"shop","partition":0,"offset":1},{"topic":"shop","partition":2,"offset":-1},
        {"topic":"other","partition":0,"offset":7}]}"#;
    file.write_all(wanted.as_bytes()).unwrap();
    let line = format!("kafka-delete-records --offset-json-file {}", file.path().display());
    assert_eq!(
        printed(&broker, &line).await,
        "Executing records delete operation\nRecords delete operation completed:\npartition: other-0\terror: \
         org.apache.kafka.common.errors.OffsetOutOfRangeException: The requested offset is not within the range of offsets \
         maintained by the server.\npartition: shop-0\tlow_watermark: 1\npartition: shop-2\tlow_watermark: 1\n"
    );
    assert_eq!(broker.topic("shop").start_offsets().unwrap()[..3], [1, 0, 1]);
    let (code, out, _) = script(&broker, "kafka-delete-records --offset-json-file /no/such/file").await;
    assert_eq!((code, &*out), (Some(1), ""));
}

#[tokio::test]
async fn each_broker_has_its_versions() {
    let broker = EmbeddedBroker::builder().brokers(2).start().unwrap();
    let told = printed(&broker, "kafka-broker-api-versions").await;
    assert_eq!(told.matches(" rack: null isFenced: false) -> (\n\tProduce(0): ").count(), 2, "{told}");
    let (code, out, said) = run(&["kafka-broker-api-versions", "--bootstrap-server", "nowhere"]).await;
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(said.contains("Invalid url in bootstrap.servers: nowhere"), "{said}");
}
