//! `kafka-app produce`.

use std::fs;

use embedded_broker::{EmbeddedBroker, Record};
use tempfile::TempDir;

use crate::program::{Program, run, run_with};

async fn produce(broker: &EmbeddedBroker, arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let arguments = [&["produce", "-b", broker.bootstrap_servers()], arguments].concat();
    let (code, _, said) = run_with(&arguments, input).await;
    (code, said)
}

/// What it says when it succeeds.
async fn sent(broker: &EmbeddedBroker, arguments: &[&str], input: &[u8]) -> String {
    let (code, said) = produce(broker, arguments, input).await;
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("orders", 1).start().unwrap()
}

/// Key and value of a record.
type Parts = (Option<Vec<u8>>, Option<Vec<u8>>);

fn parts(broker: &EmbeddedBroker) -> Vec<Parts> {
    let part = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let record = |record: &Record| (part(record.key.as_deref()), part(record.value.as_deref()));
    broker.topic("orders").records().unwrap().iter().map(record).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_become_records_with_the_bytes_they_have() {
    let broker = broker();
    let said = sent(&broker, &["orders"], b"one\n\ntwo\xff\r\nlast").await;
    assert!(said.starts_with("4 records sent, 15 B in "), "{said}");
    let values: Vec<_> = parts(&broker).into_iter().map(|(_, value)| value.unwrap()).collect();
    assert_eq!(values, [&b"one"[..], b"", b"two\xff\r", b"last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_headers_and_tombstones_are_said_by_options() {
    let broker = broker();
    sent(&broker, &["orders", "-K", r"\t", "-H", "trace=t1", "--tombstones", "-q"], b"a\t1\nb\t\n").await;
    sent(&broker, &["orders", "--key", "c", "--partition", "0", "--compression", "gzip", "--acks", "1"], b"3\n").await;
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    let expected = [(bytes("a"), bytes("1")), (bytes("b"), None), (bytes("c"), bytes("3"))];
    assert_eq!(parts(&broker), expected);
    assert_eq!(broker.topic("orders").records().unwrap()[0].header("trace"), Some(&b"t1"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_by_the_line_or_whole() {
    let (broker, folder) = (broker(), TempDir::new().unwrap());
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let (first, second) = (file("first", b"one\ntwo\n"), file("second", b"x\n\0\xffy"));
    sent(&broker, &["orders", "--file", &first, "--file", "-"], b"three\n").await;
    sent(&broker, &["orders", "--whole", "--file", &second], b"").await;
    let values: Vec<_> = parts(&broker).into_iter().map(|(_, value)| value.unwrap()).collect();
    assert_eq!(values, [&b"one"[..], b"two", b"three", b"x\n\0\xffy"]);
    let (code, said) = produce(&broker, &["orders", "--file", "/nowhere/to/be/found"], b"").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("/nowhere/to/be/found: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_consume_prints_goes_in_again() {
    let broker = EmbeddedBroker::builder().topic("orders", 2).topic("copy", 2).start().unwrap();
    let record = |n: i64| {
        let record = embedded_broker::ProducerRecord::new([0xff, b'0' + u8::try_from(n).unwrap()]).key(format!("k{n}"));
        record.header("trace", [0xfe]).timestamp(1_000 * n)
    };
    broker.topic("orders").append(1, (1..=3).map(record)).unwrap();
    broker.topic("orders").append(0, [embedded_broker::ProducerRecord::tombstone("gone")]).unwrap();
    let servers = broker.bootstrap_servers();
    let (code, lines, _) = run_with(&["consume", "-b", servers, "orders", "-e", "-o", "jsonl"], b"").await;
    assert_eq!(code, Some(0));
    sent(&broker, &["copy", "--format", "jsonl"], &lines).await;
    let of = |topic: &str| {
        let record = |record: Record| {
            (record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
        };
        broker.topic(topic).records().unwrap().into_iter().map(record).collect::<Vec<_>>()
    };
    assert_eq!(of("copy"), of("orders"));
    // Without a topic each goes where its line says.
    sent(&broker, &["--format", "jsonl", "--any-partition"], &lines).await;
    assert_eq!(of("orders").len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_record_stops_it_or_is_counted() {
    let broker = broker();
    let lines = b"{\"value\":\"1\"}\n{\"value\":2}\n{\"value\":\"3\"}\n";
    let (code, said) = produce(&broker, &["orders", "--format", "jsonl"], lines).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("error: standard input:2: ") && said.contains("with 1 records sent"), "{said}");
    assert_eq!(parts(&broker).len(), 1);
    let said = sent(&broker, &["orders", "--format", "jsonl", "--skip-bad"], lines).await;
    assert!(said.contains("2 records sent") && said.contains("1 lines are no records"), "{said}");
    let (code, said) = produce(&broker, &["orders", "-K", ":"], b"a:1\nb\n").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("standard input:2: there is no separator \":\" in it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_records_are_the_topics_to_refuse() {
    let broker = broker();
    let create =
        ["topic", "create", "large", "--config", "max.message.bytes=20000000", "-b", broker.bootstrap_servers()];
    assert_eq!(run(&create).await.0, Some(0));
    let large = vec![b'x'; 10_000_000];
    let said = sent(&broker, &["large"], &large).await;
    assert!(said.starts_with("1 records sent"), "{said}");
    let arguments = ["consume", "-b", broker.bootstrap_servers(), "large", "-e", "-o", "raw"];
    let (code, printed, _) = run_with(&arguments, b"").await;
    assert_eq!((code, printed == large), (Some(0), true));
    let (code, said) = produce(&broker, &["orders"], &large).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("error: standard input:1: ") && said.contains("1 records could not be sent"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_at_a_rate_and_ctrl_c_waits_for_those_that_are_sent() {
    let broker = broker();
    let servers = broker.bootstrap_servers();
    let mut program = Program::start(&["produce", "orders", "-b", servers, "--rate", "5/s"]);
    let input = (0..1000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    program.say(&input).await;
    broker.topic("orders").await_records(3).wait().unwrap();
    let (code, _, said) = program.end_with("-INT").await;
    assert_eq!(code, Some(130), "{said}");
    let n_records = broker.topic("orders").records().unwrap().len();
    assert!(n_records < 100, "{n_records}");
    assert!(said.contains(&format!("{n_records} records sent")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_cannot_send_is_said() {
    let broker = EmbeddedBroker::builder().config("auto.create.topics.enable", "false").start().unwrap();
    let (code, said) = produce(&broker, &["orders"], b"one\n").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("topic orders: ") && said.contains("topic create orders"), "{said}");
    let (code, said) = produce(&broker, &[], b"one\n").await;
    assert_eq!(code, Some(2));
    assert!(said.contains("TOPIC"), "{said}");
}
