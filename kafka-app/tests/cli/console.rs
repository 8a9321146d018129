//! `kafka-console-producer` and `kafka-console-consumer`, piped as their users pipe them.

use std::fs;

use embedded_broker::{EmbeddedBroker, Listener, ProducerRecord};
use tempfile::TempDir;

use crate::program::{Program, run_for_a_line, run_with};

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("demo", 1).start().unwrap()
}

/// The exit code and what was said on standard error.
async fn produce(broker: &EmbeddedBroker, options: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let tool = ["kafka-console-producer", "--topic", "demo", "--bootstrap-server", broker.bootstrap_servers()];
    let (code, printed, said) = run_with(&[&tool, options].concat(), input).await;
    assert_eq!(printed, b"", "no prompt without a terminal");
    (code, said)
}

async fn consume(broker: &EmbeddedBroker, options: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let tool = ["kafka-console-consumer", "--topic", "demo", "--bootstrap-server", broker.bootstrap_servers()];
    run_with(&[&tool, options].concat(), b"").await
}

/// What is printed of the first records.
async fn printed(broker: &EmbeddedBroker, n_records: &str, options: &[&str]) -> String {
    let (code, printed, said) =
        consume(broker, &[&["--from-beginning", "--max-messages", n_records], options].concat()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with(&format!("Processed a total of {n_records} messages\n")), "{said}");
    String::from_utf8(printed).unwrap()
}

#[tokio::test]
async fn lines_become_records_and_records_lines() {
    let broker = broker();
    let keyed = ["--property", "parse.key=true", "--reader-property", "key.separator=:"];
    assert_eq!(produce(&broker, &[], b"one\ntwo\r\n\n").await, (Some(0), String::new()));
    produce(&broker, &keyed, b"k1:v1\nk3:\n:v4\n").await;
    produce(&broker, &[&keyed[..], &["--property", "parse.headers=true"]].concat(), b"h1:a,h2:b\tk10:v10").await;
    produce(&broker, &["--sync", "--compression-codec"], b"packed").await;
    assert_eq!(printed(&broker, "3", &[]).await, "one\ntwo\n\n");
    let all = [
        "--property",
        "print.key=true",
        "--property",
        "print.headers=true",
        "--formatter-property",
        "print.offset=true",
    ];
    let expected = "Offset:0\tNO_HEADERS\tnull\tone\nOffset:1\tNO_HEADERS\tnull\ttwo\nOffset:2\tNO_HEADERS\tnull\t\n\
        Offset:3\tNO_HEADERS\tk1\tv1\nOffset:4\tNO_HEADERS\tk3\t\nOffset:5\tNO_HEADERS\t\tv4\n\
        Offset:6\th1:a,h2:b\tk10\tv10\nOffset:7\tNO_HEADERS\tnull\tpacked\n";
    assert_eq!(printed(&broker, "8", &all).await, expected);
}

#[tokio::test]
async fn bytes_that_are_no_text_come_through_as_they_are() {
    let broker = broker();
    let input: Vec<u8> = (0..=255).filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    assert_eq!(produce(&broker, &[], &input).await, (Some(0), String::new()));
    let (code, printed, _) = consume(&broker, &["--from-beginning", "--max-messages", "1"]).await;
    assert_eq!((code, printed), (Some(0), [&input[..], b"\n"].concat()));
}

#[tokio::test]
async fn a_record_of_ten_megabytes_comes_through() {
    let limit = "11000000";
    let broker = EmbeddedBroker::builder().config("message.max.bytes", limit).topic("demo", 1).start().unwrap();
    let line = b"0123456789".repeat(1_000_000);
    let largest = format!("max.request.size={limit}");
    assert_eq!(produce(&broker, &["--producer-property", &largest], &line).await, (Some(0), String::new()));
    let (code, printed, _) = consume(&broker, &["--from-beginning", "--max-messages", "1"]).await;
    assert_eq!((code, printed.len()), (Some(0), line.len() + 1));
    assert!(printed[..line.len()] == line);
}

#[tokio::test]
async fn a_line_that_is_no_record_ends_it_and_the_lines_before_are_sent() {
    let broker = broker();
    let (code, said) = produce(&broker, &["--property", "parse.key=true"], b"k\tv\nnokey\nk\tw\n").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("No key separator found on line number 2: 'nokey'"), "{said}");
    assert_eq!(broker.topic("demo").records().unwrap().len(), 1);
}

#[tokio::test]
async fn records_that_cannot_be_sent_are_told_and_only_one_that_is_waited_for_is_an_error() {
    let broker = EmbeddedBroker::builder().config("auto.create.topics.enable", "false").start().unwrap();
    let waits = ["--max-block-ms", "300"];
    let (code, said) = produce(&broker, &waits, b"one\ntwo\n").await;
    assert_eq!(code, Some(0), "{said}");
    let told = "Error when sending message to topic demo with key: null, value: 3 bytes with error: Topic demo not present \
        in metadata after 300 ms.";
    assert_eq!(said.matches(told).count(), 2, "{said}");
    let (code, said) = produce(&broker, &[&waits[..], &["--sync"]].concat(), b"one\ntwo\n").await;
    assert_eq!(code, Some(1), "{said}");
}

#[tokio::test]
async fn a_broker_that_goes_away_in_the_middle_costs_no_line_that_is_not_told() {
    let broker = broker();
    let servers = broker.bootstrap_servers().to_owned();
    let mut producer = Program::start(&[
        "kafka-console-producer",
        "--topic",
        "demo",
        "--bootstrap-server",
        &servers,
        "--producer-property",
        "delivery.timeout.ms=2000",
    ]);
    producer.say("sent").await;
    broker.topic("demo").await_records(1).await.unwrap();
    broker.stop();
    producer.say("lost").await;
    producer.say("lost too").await;
    producer.say_no_more();
    let (code, _, said) = producer.end().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("value: 4 bytes with error") && said.contains("value: 8 bytes with error"), "{said}");
}

#[tokio::test]
async fn who_reads_the_first_lines_only_ends_it_without_a_mistake() {
    let broker = broker();
    produce(&broker, &[], format!("{}\n", "x".repeat(99)).repeat(20_000).as_bytes()).await;
    let servers = broker.bootstrap_servers();
    let (line, code, said) = run_for_a_line(&[
        "kafka-console-consumer",
        "--topic",
        "demo",
        "--from-beginning",
        "--bootstrap-server",
        servers,
    ])
    .await;
    assert_eq!((line.len(), code), (99, Some(0)), "{said}");
    assert!(said.contains("Unable to write to standard out, closing consumer.\nProcessed a total of "), "{said}");
}

#[tokio::test]
async fn who_reads_no_more_ends_it_while_it_waits() {
    let broker = broker();
    produce(&broker, &[], b"one\n").await;
    let servers = broker.bootstrap_servers();
    let tool = ["kafka-console-consumer", "--topic", "demo", "--from-beginning", "--bootstrap-server", servers];
    let (line, code, said) = run_for_a_line(&tool).await;
    assert_eq!((line.as_str(), code), ("one", Some(0)), "{said}");
    assert!(said.contains("Processed a total of 1 messages"), "{said}");
}

#[tokio::test]
async fn what_was_printed_is_the_position_of_the_group() {
    let broker = broker();
    produce(&broker, &[], b"1\n2\n3\n4\n5\n").await;
    let group = ["--group", "g"];
    assert_eq!(printed(&broker, "3", &group).await, "1\n2\n3\n");
    assert_eq!(broker.group("g").committed_offset("demo", 0), Some(3));
    assert_eq!(printed(&broker, "1", &group).await, "4\n");
    let (code, rest, said) = consume(&broker, &["--group", "g", "--timeout-ms", "1000"]).await;
    assert_eq!((code, &rest[..]), (Some(0), &b"5\n"[..]), "{said}");
    assert!(said.contains("Error processing message, terminating consumer process: "), "{said}");
    // Without a group nothing is committed.
    assert_eq!(printed(&broker, "1", &[]).await, "1\n");
}

#[tokio::test]
async fn records_come_out_as_they_trickle_in_and_a_signal_ends_it_with_its_exit_code() {
    let broker = broker();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut consumer = Program::start(&[
            "kafka-console-consumer",
            "--topic",
            "demo",
            "--partition",
            "0",
            "--offset",
            "earliest",
            "--bootstrap-server",
            broker.bootstrap_servers(),
        ]);
        broker.topic("demo").append(0, ["one"]).unwrap();
        assert_eq!(consumer.line().await, "one");
        let (ended, _, said) = consumer.end_with(signal).await;
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains("Processed a total of "), "{said}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_printed_is_an_error_or_skipped() {
    let broker = broker();
    broker.topic("demo").append(0, [ProducerRecord::new("no number"), ProducerRecord::new([0, 0, 0, 7])]).unwrap();
    let class = ["--value-deserializer", "org.apache.kafka.common.serialization.IntegerDeserializer"];
    let (code, _, said) = consume(&broker, &[&["--from-beginning", "--max-messages", "2"], &class[..]].concat()).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("Processed a total of 1 messages"), "{said}");
    assert!(said.contains("Size of data received by IntegerDeserializer is not 4"), "{said}");
    let skips = [&class[..], &["--skip-message-on-error"]].concat();
    assert_eq!(printed(&broker, "2", &skips).await, "7\n");
}

#[tokio::test]
async fn the_properties_of_a_java_client_log_in() {
    let listener = Listener::sasl_plaintext();
    let broker =
        EmbeddedBroker::builder().listener(listener).user("alice", "s${e}cret").topic("demo", 1).start().unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("client.properties");
    let properties = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\ninterceptor.classes=x.Y\nsasl.jaas.config=\
        org.apache.kafka.common.security.plain.PlainLoginModule required username=\"alice\" password=\"s${e}cret\";\n";
    fs::write(&file, properties).unwrap();
    let (file, servers) = (file.display().to_string(), broker.bootstrap_servers_of("SASL_PLAINTEXT").unwrap());
    let topic = ["--topic", "demo", "--bootstrap-server", servers];
    let producer = [&["kafka-console-producer"], &topic[..], &["--producer.config", &file]].concat();
    let (code, _, said) = run_with(&producer, b"one\n").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("`interceptor.classes` is left out"), "{said}");
    let consumer = [&["kafka-console-consumer"], &topic[..], &["--command-config", &file, "--from-beginning"]].concat();
    let (code, printed, said) = run_with(&[&consumer[..], &["--max-messages", "1"]].concat(), b"").await;
    assert_eq!((code, printed.as_slice()), (Some(0), &b"one\n"[..]), "{said}");
    // Who may not log in is told so, and waits for nothing.
    fs::write(folder.path().join("client.properties"), properties.replace("alice", "bob")).unwrap();
    let (code, _, said) = run_with(&consumer, b"").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Error processing message, terminating consumer process: "), "{said}");
}

/// As Apache's, whose groups have positions in empty partitions, too: recorded of a Kafka 4.1.1.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_a_position_in_every_partition_though_nothing_came_of_it() {
    for protocol in ["classic", "consumer"] {
        let broker = EmbeddedBroker::builder().topic("demo", 4).start().unwrap();
        broker.topic("demo").append(0, ["1", "2"]).unwrap();
        broker.topic("demo").append_aborted(1, ["lost"]).unwrap();
        let protocol = format!("group.protocol={protocol}");
        let ended = async |more: &[&str]| {
            let group =
                ["--timeout-ms", "3000", "--consumer-property", &protocol, "--isolation-level", "read_committed"];
            let (code, printed, said) = consume(&broker, &[&group[..], more].concat()).await;
            assert_eq!(code, Some(0), "{said}");
            printed
        };
        let end = broker.topic("demo").end_offsets().unwrap()[1];
        let committed =
            |group: &str| [0, 1, 2, 3].map(|partition| broker.group(group).committed_offset("demo", partition));
        assert_eq!(ended(&["--group", "all", "--from-beginning"]).await, b"1\n2\n");
        assert_eq!(committed("all"), [Some(2), Some(end), Some(0), Some(0)], "{protocol}");
        assert_eq!(ended(&["--group", "new"]).await, b"");
        assert_eq!(committed("new"), [Some(2), Some(end), Some(0), Some(0)], "{protocol}");
        assert_eq!(ended(&["--group", "one", "--from-beginning", "--max-messages", "1"]).await, b"1\n");
        assert_eq!(committed("one")[0], Some(1), "{protocol}");
        assert!(committed("one").iter().all(Option::is_some), "{protocol}: {:?}", committed("one"));
    }
}
