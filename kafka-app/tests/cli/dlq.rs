//! `kafka-app dlq`.

use embedded_broker::{EmbeddedBroker, ProducerRecord};
use serde_json::{Value, json};

use crate::program::run;

async fn dlq(broker: &EmbeddedBroker, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(&[&["dlq"], arguments, &["-b", broker.bootstrap_servers()]].concat()).await
}

async fn json_of(broker: &EmbeddedBroker, arguments: &[&str]) -> Value {
    let (code, said, errors) = dlq(broker, &[arguments, &["-o", "json"]].concat()).await;
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    serde_json::from_str(&said).unwrap()
}

/// Three letters of `orders`, one of them in a partition that `orders` has not got, and one of nowhere.
fn letters() -> EmbeddedBroker {
    let broker =
        EmbeddedBroker::builder().topic("orders", 2).topic("orders-dlt", 2).topic("paid.DLT", 1).start().unwrap();
    let letter = |n: u8, partition: u8| {
        ProducerRecord::new(format!("order {n}"))
            .key(format!("k{n}"))
            .timestamp(1_000 * i64::from(n))
            .header("trace", format!("t{n}"))
            .header("kafka_dlt-original-topic", "orders")
            .header("kafka_dlt-original-partition", [0, 0, 0, partition])
            .header("kafka_dlt-original-offset", [0, 0, 0, 0, 0, 0, 0, n])
            .header("kafka_dlt-exception-fqcn", "Busy")
            .header("kafka_dlt-exception-message", "the till is closed")
    };
    broker.topic("orders-dlt").append(0, [letter(1, 0), letter(2, 1)]).unwrap();
    broker.topic("orders-dlt").append(1, [letter(3, 7), ProducerRecord::new("lost").timestamp(9_000)]).unwrap();
    broker
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_topics_are_listed_with_how_much_is_in_them() {
    let broker = letters();
    let expected = json!([
        {"topic": "orders-dlt", "partitions": 2, "messages": 4,
         "oldest": "1970-01-01T00:00:01.000Z", "newest": "1970-01-01T00:00:09.000Z"},
        {"topic": "paid.DLT", "partitions": 1, "messages": 0, "oldest": null, "newest": null},
    ]);
    assert_eq!(json_of(&broker, &["list"]).await, expected);
    assert_eq!(json_of(&broker, &["list", "--non-empty", "--suffix", "orders"]).await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_tells_where_it_came_from_and_why() {
    let broker = letters();
    let shown = json_of(&broker, &["show", "orders-dlt", "--key", "k2"]).await;
    let expected = json!([{
        "partition": 0, "offset": 1, "timestamp": 2000, "original_topic": "orders", "original_partition": 1,
        "original_offset": 2, "exception": "Busy", "message": "the till is closed", "key": "k2", "value": "order 2",
    }]);
    assert_eq!(shown, expected);
    let (_, table, errors) = dlq(&broker, &["show", "orders-dlt", "-n", "3"]).await;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(errors.contains("there are more than these 3"), "{errors}");
    assert_eq!(json_of(&broker, &["show", "paid.DLT"]).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_go_back_once_and_only_when_told_to() {
    let broker = letters();
    let dry = json_of(&broker, &["replay", "orders-dlt"]).await;
    assert_eq!((&dry["n_replayed"], &dry["n_left"]), (&json!(3), &json!(1)));
    assert_eq!(dry["replayed"], json!([{"to": "orders", "letters": 3}]));
    assert_eq!(broker.topic("orders").records().unwrap().len(), 0);

    let some = json_of(&broker, &["replay", "orders-dlt", "--max", "2", "--execute"]).await;
    assert_eq!(some["n_replayed"], 2);
    let rest = json_of(&broker, &["replay", "orders-dlt", "--execute"]).await;
    assert_eq!(rest["n_replayed"], 1, "{rest}");
    // The one that cannot go back is passed in either, as its partition is read sooner or later.
    let left: Vec<_> = [&some, &rest].into_iter().filter_map(|run| run["left"].as_array()).flatten().collect();
    assert!(matches!(left[..], [letter] if letter["offset"] == 1), "{some} {rest}");
    let again = json_of(&broker, &["replay", "orders-dlt", "--execute"]).await;
    assert_eq!((&again["n_replayed"], &again["n_left"]), (&json!(0), &json!(0)));
    assert_eq!(broker.group("kafka-app-replay-orders-dlt").committed_offset("orders-dlt", 1), Some(2));

    let mut records = broker.topic("orders").records().unwrap();
    records.sort_by_key(|record| record.key.clone());
    let values: Vec<_> =
        records.iter().map(|record| (record.key_str().unwrap(), record.value_str().unwrap())).collect();
    assert_eq!(values, [("k1", "order 1"), ("k2", "order 2"), ("k3", "order 3")]);
    assert_eq!((records[0].partition, records[1].partition), (0, 1));
    let names: Vec<_> = records[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["trace", "kafka_app-replays"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_letters_are_chosen_and_what_is_not_chosen_stays_to_be_replayed() {
    let broker = letters();
    let chosen = ["replay", "orders-dlt", "--filter", "order 2", "--to", "mended", "--execute"];
    assert_eq!(json_of(&broker, &chosen).await["replayed"], json!([{"to": "mended", "letters": 1}]));
    assert_eq!(broker.topic("mended").records().unwrap()[0].value_str(), Some("order 2"));
    assert_eq!(json_of(&broker, &["replay", "orders-dlt", "--execute"]).await["n_replayed"], 3);
    let (code, _, errors) = dlq(&broker, &["replay", "orders-dlt", "--to", "orders-dlt"]).await;
    assert_eq!(code, Some(2), "{errors}");
    let (code, _, errors) = dlq(&broker, &["replay", "nothing-dlt"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("nothing-dlt"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_purged_after_a_question() {
    let broker = letters();
    let (code, _, errors) = dlq(&broker, &["purge", "orders-dlt"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("--yes"), "{errors}");
    let (code, said, _) = dlq(&broker, &["purge", "orders-dlt:0", "--before", "1", "--yes"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "orders-dlt-0 begins at offset 1\n"));
    let (code, ..) = dlq(&broker, &["purge", "orders-dlt", "--yes"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(json_of(&broker, &["show", "orders-dlt"]).await, json!([]));
    let (code, _, errors) = dlq(&broker, &["purge", "orders", "--yes"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("topic trim orders"), "{errors}");
}
