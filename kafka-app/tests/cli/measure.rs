//! The tools that measure and those of Kafka's own system tests.

use embedded_broker::EmbeddedBroker;
use kafka_app::{KafkaApp, KafkaTemplate, config::KafkaProperties};

use crate::program::{Program, run};

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("fast", 1).start().unwrap()
}

/// Numbers that differ each time as N.
fn numberless(text: &str) -> String {
    let mut numberless = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if numberless.ends_with('N') => {}
            '0'..='9' => numberless.push('N'),
            other => numberless.push(other),
        }
    }
    numberless
}

#[tokio::test]
async fn records_are_sent_and_read_and_it_is_told_how_fast() {
    let broker = broker();
    let servers = broker.bootstrap_servers();
    let (code, printed, said) = run(&[
        "kafka-producer-perf-test",
        "--topic",
        "fast",
        "--num-records",
        "2000",
        "--record-size",
        "100",
        "--throughput",
        "-1",
        "--producer-props",
        &format!("bootstrap.servers={servers}"),
        "acks=1",
    ])
    .await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(printed.starts_with("2000 records sent, "), "{printed}");
    assert_eq!(
        numberless(&printed),
        "N records sent, N records/sec (N MB/sec), N ms avg latency, N ms max latency, N ms Nth, N ms Nth, N ms Nth, N ms Nth.\n"
    );
    let records = broker.topic("fast").records().unwrap();
    assert_eq!((records.len(), records[0].value.as_ref().map(|value| value.len())), (2000, Some(100)));

    let (code, printed, said) =
        run(&["kafka-consumer-perf-test", "--topic", "fast", "--messages", "2000", "--bootstrap-server", servers])
            .await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let lines: Vec<_> = printed.lines().collect();
    let header = "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, \
        fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec";
    assert_eq!((lines[0], lines.len()), (header, 2));
    let fields: Vec<_> = lines[1].split(", ").collect();
    assert_eq!((fields.len(), fields[2], fields[4]), (10, "0.1907", "2000"), "{printed}");
}

#[tokio::test]
async fn records_are_sent_in_transactions_and_payloads_count() {
    let broker = broker();
    let (code, _, said) = run(&[
        "kafka-producer-perf-test",
        "--topic",
        "fast",
        "--num-records",
        "5",
        "--payload-monotonic",
        "--throughput",
        "-1",
        "--transactional-id",
        "tx",
        "--bootstrap-server",
        broker.bootstrap_servers(),
    ])
    .await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let committed = broker.topic("fast").committed_records().unwrap();
    let values: Vec<_> = committed.iter().filter_map(|record| record.value_str()).collect();
    assert_eq!(values, ["0", "1", "2", "3", "4"]);
    let ids: Vec<_> = broker.transactions().all().into_iter().map(|one| one.transactional_id).collect();
    assert_eq!(ids, ["tx"], "as it was said");
}

/// What the tool says its id by.
#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_are_given_one_id_take_turns_and_fence_nobody() {
    let broker = broker();
    let properties = KafkaProperties::builder()
        .set("kafka.bootstrap-servers", broker.bootstrap_servers())
        .set("kafka.producer.transactional-id", "till");
    let app = KafkaApp::with_configuration(properties).start().await.unwrap();
    let template: KafkaTemplate<String, String> = app.template();
    let send = async |value: &str, fails: bool| {
        let work = move |tx: KafkaTemplate<String, String>| async move {
            tx.send("fast", "k", &value.to_owned()).await.map_err(|error| error.to_string())?;
            if fails { Err("given up".to_owned()) } else { Ok(()) }
        };
        template.in_transaction(work).await.is_ok()
    };
    assert_eq!(tokio::join!(send("1", false), send("2", true), send("3", false)), (true, false, true));
    assert!(send("4", false).await);
    let committed = broker.topic("fast").committed_records().unwrap();
    let mut values: Vec<_> = committed.iter().filter_map(|record| record.value_str()).collect();
    values.sort_unstable();
    assert_eq!(values, ["1", "3", "4"]);
    let ids: Vec<_> = broker.transactions().all().into_iter().map(|one| one.transactional_id).collect();
    assert_eq!(ids, ["till"]);
    app.stop().await.expect_clean();
}

#[tokio::test]
async fn who_waits_in_vain_for_records_says_so() {
    let broker = broker();
    let (code, printed, _) = run(&[
        "kafka-consumer-perf-test",
        "--topic",
        "fast",
        "--messages",
        "1",
        "--timeout",
        "500",
        "--hide-header",
        "--bootstrap-server",
        broker.bootstrap_servers(),
    ])
    .await;
    assert_eq!(code, Some(0));
    let warning = "WARNING: Exiting before consuming the expected number of messages: timeout (500 ms) exceeded. You can use \
        the --timeout option to increase the timeout.\n";
    assert!(printed.starts_with(warning), "{printed}");
}

#[tokio::test]
async fn help_of_these_is_an_answer_and_wrong_usage_is_not() {
    let (code, printed, said) = run(&["kafka-producer-perf-test"]).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(printed.contains("--num-records"), "{printed}");
    let (code, printed, said) = run(&["kafka-verifiable-producer", "--topic", "x"]).await;
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.contains("--bootstrap-server"), "{said}");
}

/// Lines of JSON without their times, and rates.
fn timeless(printed: &str) -> Vec<String> {
    let timeless = printed.lines().map(|line| {
        let line = line.split_once(",\"name\":").map_or(line, |(_, rest)| rest);
        line.split(",\"avg_throughput\"").next().unwrap_or_default().to_owned()
    });
    timeless.collect()
}

#[tokio::test]
async fn each_record_is_a_line_for_its_sender_and_each_step_for_its_reader() {
    let broker = broker();
    let servers = broker.bootstrap_servers();
    let (code, printed, said) = run(&[
        "kafka-verifiable-producer",
        "--topic",
        "fast",
        "--max-messages",
        "2",
        "--value-prefix",
        "7",
        "--repeating-keys",
        "5",
        "--bootstrap-server",
        servers,
    ])
    .await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let expected = [
        r#""startup_complete"}"#,
        r#""producer_send_success","key":"0","value":"7.0","offset":0,"topic":"fast","partition":0}"#,
        r#""producer_send_success","key":"1","value":"7.1","offset":1,"topic":"fast","partition":0}"#,
        r#""shutdown_complete"}"#,
        r#""tool_data","sent":2,"acked":2,"target_throughput":-1"#,
    ];
    assert_eq!(timeless(&printed), expected);

    let tool = ["kafka-verifiable-consumer", "--topic", "fast", "--group-id", "g", "--bootstrap-server", servers];
    let (code, printed, said) = run(&[&tool[..], &["--max-messages", "1", "--verbose"]].concat()).await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let expected = [
        r#""startup_complete"}"#,
        r#""partitions_assigned","partitions":[{"topic":"fast","partition":0}]}"#,
        r#""record_data","key":"0","value":"7.0","topic":"fast","partition":0,"offset":0}"#,
        r#""records_consumed","count":2,"partitions":[{"topic":"fast","partition":0,"count":1,"minOffset":0,"maxOffset":0}]}"#,
        r#""offsets_committed","offsets":[{"topic":"fast","partition":0,"offset":1}],"success":true}"#,
        r#""partitions_revoked","partitions":[{"topic":"fast","partition":0}]}"#,
        r#""shutdown_complete"}"#,
    ];
    assert_eq!(timeless(&printed), expected);
    assert_eq!(broker.group("g").committed_offset("fast", 0), Some(1));
}

#[tokio::test]
async fn a_signal_ends_them_in_order() {
    let broker = broker();
    let servers = broker.bootstrap_servers();
    let mut producer = Program::start(&[
        "kafka-verifiable-producer",
        "--topic",
        "fast",
        "--throughput",
        "50",
        "--bootstrap-server",
        servers,
    ]);
    for line in ["startup_complete", "producer_send_success"] {
        assert!(producer.line().await.contains(line));
    }
    let (code, printed, said) = producer.end_with("-TERM").await;
    assert_eq!((code, said.as_str()), (Some(143), ""));
    assert!(printed.contains("shutdown_complete") && printed.contains("tool_data"), "{printed}");
    let mut consumer = Program::start(&[
        "kafka-verifiable-consumer",
        "--topic",
        "fast",
        "--group-id",
        "g",
        "--bootstrap-server",
        servers,
    ]);
    for line in ["startup_complete", "partitions_assigned", "records_consumed"] {
        assert!(consumer.line().await.contains(line));
    }
    let (code, printed, _) = consumer.end_with("-INT").await;
    assert_eq!(code, Some(130));
    assert!(printed.contains("partitions_revoked") && printed.ends_with("\"shutdown_complete\"}\n"), "{printed}");
}
