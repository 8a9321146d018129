//! `kafka-app consume`.

use std::time::Duration;

use embedded_broker::{EmbeddedBroker, ProducerRecord};
use serde_json::{Value, json};

use crate::program::{Program, run_for_a_line, run_with};

async fn consume(broker: &EmbeddedBroker, arguments: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    run_with(&[&["consume", "-b", broker.bootstrap_servers()], arguments].concat(), b"").await
}

/// What it prints when it succeeds.
async fn printed(broker: &EmbeddedBroker, arguments: &[&str]) -> Vec<u8> {
    let (code, printed, errors) = consume(broker, arguments).await;
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    printed
}

fn orders() -> EmbeddedBroker {
    let broker = EmbeddedBroker::builder().topic("orders", 2).start().unwrap();
    let record = |n: i64| {
        let record = ProducerRecord::new(format!("order {n}")).key(format!("k{n}"));
        record.header("trace", format!("t{n}")).timestamp(1_000 * n)
    };
    broker.topic("orders").append(0, (1..=4).map(record)).unwrap();
    broker.topic("orders").append(1, [ProducerRecord::new(b"\xff\0\xfe".to_vec())]).unwrap();
    broker
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_read_to_where_it_ends() {
    let broker = orders();
    let bytes = printed(&broker, &["orders", "--to-end"]).await;
    let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    assert_eq!(lines, [&b"order 1\n"[..], b"order 2\n", b"order 3\n", b"order 4\n", b"\xff\0\xfe\n"]);
    assert_eq!(printed(&broker, &["orders:1", "--to-end", "-o", "raw"]).await, b"\xff\0\xfe");
    assert_eq!(printed(&broker, &["orders", "--to-end", "--from", "latest"]).await, b"");
    assert_eq!(printed(&broker, &["orders", "-n", "0"]).await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_reading_begins_is_said_in_several_ways() {
    let broker = orders();
    for (from, expected) in [
        ("2", "order 3\norder 4\n"),
        ("-1", "order 4\n"),
        ("@1970-01-01T00:00:03Z", "order 3\norder 4\n"),
        ("@-1h", ""),
        ("99", ""),
    ] {
        let bytes = printed(&broker, &["orders", "--partition", "0", "--to-end", "--from", from]).await;
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_filtered_and_counted_after_that() {
    let broker = orders();
    for (filter, expected) in [
        (&["--key", "k3"][..], "order 3\n"),
        (&["--filter", "2"], "order 2\n"),
        (&["--grep", "[34]$"], "order 3\norder 4\n"),
        (&["--grep", "[34]$", "-n", "1"], "order 3\n"),
        (&["--header", "trace=t1"], "order 1\n"),
        (&["--header", "trace=t1", "--key", "k2"], ""),
    ] {
        let bytes = printed(&broker, &[&["orders:0", "-e"], filter].concat()).await;
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{filter:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_for_people_and_for_programs() {
    let broker = orders();
    let first = |form: &[&'static str]| [&["orders:0", "-n", "1", "--from", "earliest"], form].concat();
    let line = printed(&broker, &first(&["-o", "jsonl"])).await;
    let expected = json!({
        "topic": "orders", "partition": 0, "offset": 0, "timestamp": 1000,
        "headers": [{"key": "trace", "value": "t1"}], "key": "k1", "value": "order 1",
    });
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), expected);
    let table = String::from_utf8(printed(&broker, &first(&["-o", "table"])).await).unwrap();
    assert!(
        table.starts_with("PARTITION  OFFSET  TIMESTAMP") && table.contains("k1        trace=t1  order 1"),
        "{table}"
    );
    let parts = ["--print", "key,partition,offset,timestamp,headers", "-K", "|", "--delimiter", ";"];
    assert_eq!(printed(&broker, &first(&parts)).await, b"k1|0|0|1970-01-01T00:00:01.000Z|trace=t1|order 1;");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_took_back_is_read_only_if_it_is_asked_for() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one"]).unwrap();
    broker.topic("orders").append_aborted(0, ["two"]).unwrap();
    // The last offset is of a marker, which is no record.
    assert_eq!(printed(&broker, &["orders", "--to-end"]).await, b"one\n");
    assert_eq!(printed(&broker, &["orders", "--to-end", "--isolation", "uncommitted"]).await, b"one\ntwo\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_behind_what_was_printed() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one", "two", "three"]).unwrap();
    let of_group = ["orders", "--group", "debug", "--from", "earliest"];
    assert_eq!(printed(&broker, &[&of_group[..], &["-n", "2"]].concat()).await, b"one\ntwo\n");
    assert_eq!(broker.group("debug").committed_offset("orders", 0), Some(2));
    assert_eq!(printed(&broker, &[&of_group[..], &["--to-end"]].concat()).await, b"three\n");
    assert_eq!(printed(&broker, &[&of_group[..], &["--to-end"]].concat()).await, b"");
    assert_eq!(broker.group("debug").committed_offset("orders", 0), Some(3));
    // Without a group nothing is committed.
    printed(&broker, &["orders", "--to-end"]).await;
    assert_eq!(broker.group("kafka-app").committed_offset("orders", 0), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_follows_until_ctrl_c_which_commits_what_was_printed() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one"]).unwrap();
    let servers = broker.bootstrap_servers();
    let mut program =
        Program::start(&["consume", "orders", "-b", servers, "--group", "debug", "--from", "earliest", "--lag"]);
    assert_eq!(program.line().await, "one");
    broker.topic("orders").append(0, ["two"]).unwrap();
    assert_eq!(program.line().await, "two");
    let (code, rest, errors) = program.end_with("-INT").await;
    assert_eq!((code, rest.as_str()), (Some(130), ""), "{errors}");
    assert_eq!(broker.group("debug").committed_offset("orders", 0), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_read_enough_ends_it_though_nothing_more_comes() {
    let broker = orders();
    let ended = run_for_a_line(&["consume", "orders:0", "-b", broker.bootstrap_servers(), "--from", "earliest"]).await;
    assert_eq!(ended, ("order 1".to_owned(), Some(0), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let broker = orders();
    let (code, _, errors) = consume(&broker, &["invoices"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("topic invoices: "), "{errors}");
    let (code, _, errors) = consume(&broker, &["orders:7"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("it has 2 partitions, and none with the number 7"), "{errors}");
    let (code, _, errors) = consume(&broker, &["orders", "--group", "g", "--from", "-3"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("group reset"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_is_waited_for() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one"]).unwrap();
    let mut program = Program::start(&["consume", "orders", "-b", broker.bootstrap_servers(), "--from", "earliest"]);
    assert_eq!(program.line().await, "one");
    drop(broker);
    let waits = tokio::time::timeout(Duration::from_millis(300), program.line()).await;
    assert!(waits.is_err());
    let (code, ..) = program.end_with("-INT").await;
    assert_eq!(code, Some(130));
}
