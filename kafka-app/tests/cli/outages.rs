//! A broker that goes away while records are sent or read, by our own commands and by Kafka's lines.

use std::sync::Arc;

use embedded_broker::{Api, EmbeddedBroker, Outcome, ProducerRecord};
use tokio::sync::Notify;

use crate::program::{Program, run};

pub(crate) fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("demo", 1).start().unwrap()
}

/// Both commands that print the topic from its start.
pub(crate) fn readers(servers: &str) -> [Vec<&str>; 2] {
    let tool = ["kafka-console-consumer", "--topic", "demo", "--bootstrap-server", servers, "--from-beginning"];
    [vec!["consume", "demo", "-b", servers, "--from", "earliest"], tool.to_vec()]
}

/// Both commands that send lines to it.
pub(crate) fn senders(servers: &str) -> [Vec<&str>; 2] {
    let tool = ["kafka-console-producer", "--topic", "demo", "--bootstrap-server", servers];
    [vec!["produce", "demo", "-b", servers], tool.to_vec()]
}

/// What the two of them say when the broker is away.
pub(crate) const AWAY: [&str; 2] = ["cannot be reached", "Connection refused"];

pub(crate) fn values(broker: &EmbeddedBroker) -> Vec<String> {
    let records = broker.topic("demo").records().unwrap();
    records.iter().map(|record| record.value_str().unwrap().to_owned()).collect()
}

/// A thousand bytes.
pub(crate) fn line(n: usize) -> String {
    format!("{n:01000}")
}

/// So many of them, which are more than pipes hold.
pub(crate) fn append(broker: &EmbeddedBroker, n_records: usize) {
    for begin in (0..n_records).step_by(1_000) {
        let records = (begin..begin + 1_000).map(|n| ProducerRecord::new(line(n)));
        broker.topic("demo").append(0, records).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_says_that_the_broker_is_away_and_goes_on_when_it_is_back() {
    for which in 0..2 {
        let broker = broker();
        broker.topic("demo").append(0, ["1", "2"]).unwrap();
        let mut reader = Program::start(&readers(broker.bootstrap_servers())[which]);
        assert_eq!((reader.line().await, reader.line().await), ("1".to_owned(), "2".to_owned()));
        broker.stop_node(1).unwrap();
        reader.hear("warning: ").await;
        broker.restart(1).unwrap();
        broker.topic("demo").append(0, ["3"]).unwrap();
        assert_eq!(reader.line().await, "3");
        let (code, rest, said) = reader.end_with("-INT").await;
        assert_eq!((code, rest.as_str()), (Some(130), ""), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_group_commits_what_it_printed_though_the_broker_was_away() {
    for protocol in ["classic", "consumer"] {
        for which in 0..2 {
            let broker = broker();
            broker.topic("demo").append(0, ["1", "2"]).unwrap();
            let protocol = format!("group.protocol={protocol}");
            let mut arguments = readers(broker.bootstrap_servers())[which].clone();
            arguments.extend(["--group", "g", if which == 0 { "-X" } else { "--consumer-property" }, &protocol]);
            let mut reader = Program::start(&arguments);
            assert_eq!((reader.line().await, reader.line().await), ("1".to_owned(), "2".to_owned()));
            broker.crash(1).unwrap();
            reader.hear("warning: ").await;
            broker.restart(1).unwrap();
            broker.topic("demo").append(0, ["3"]).unwrap();
            assert_eq!(reader.line().await, "3");
            let (code, rest, said) = reader.end_with("-INT").await;
            assert_eq!((code, rest.as_str()), (Some(130), ""), "{arguments:?}: {said}");
            assert_eq!(broker.group("g").committed_offset("demo", 0), Some(3), "{arguments:?}: {said}");
        }
    }
}

/// What the reader prints between two crashes cannot have come from the broker at once.
#[tokio::test(flavor = "multi_thread")]
async fn much_is_read_whole_and_once_though_the_broker_crashes_again_and_again() {
    const N_RECORDS: usize = 20_000;
    for which in 0..2 {
        let broker = broker();
        append(&broker, N_RECORDS);
        let servers = broker.bootstrap_servers().to_owned();
        let mut arguments = readers(&servers)[which].clone();
        // So that little is fetched ahead.
        let ahead = ["-X", "fetch.message.max.bytes=100000", "-X", "queued.max.messages.kbytes=200"];
        let n_records = N_RECORDS.to_string();
        match which {
            0 => arguments.extend([&["--to-end"], &ahead[..]].concat()),
            _ => arguments.extend([
                "--max-messages",
                &n_records,
                "--consumer-property",
                "fetch.message.max.bytes=100000",
            ]),
        }
        let mut reader = Program::start(&arguments);
        for n in 0..N_RECORDS {
            if [100, 7_000, 15_000].contains(&n) {
                broker.crash(1).unwrap();
                broker.restart(1).unwrap();
            }
            assert_eq!(reader.line().await, line(n), "{arguments:?}");
        }
        let (code, rest, said) = reader.end().await;
        assert_eq!((code, rest.as_str()), (Some(0), ""), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_waits_for_the_broker_and_sends_each_line_once() {
    for (which, away) in AWAY.iter().enumerate() {
        let broker = broker();
        let mut sender = Program::start(&senders(broker.bootstrap_servers())[which]);
        sender.say("1").await;
        broker.topic("demo").await_records(1).await.unwrap();
        broker.stop_node(1).unwrap();
        sender.say("2").await;
        sender.say("3").await;
        sender.say_no_more();
        sender.hear(away).await;
        broker.restart(1).unwrap();
        let (code, _, said) = sender.end().await;
        assert_eq!((code, values(&broker)), (Some(0), ["1", "2", "3"].map(str::to_owned).to_vec()), "{said}");
    }
}

/// Each time it is away until that is noticed: then the client has tried to reach it some times, and waits for longer.
#[tokio::test(flavor = "multi_thread")]
async fn much_is_sent_whole_and_once_though_the_broker_goes_away_again_and_again() {
    const N_RECORDS: usize = 20_000;
    for (which, away) in AWAY.iter().enumerate() {
        let broker = broker();
        let mut sender = Program::start(&senders(broker.bootstrap_servers())[which]);
        for n in 0..N_RECORDS {
            let is_lost = [1_000, 7_000, 15_000].contains(&n);
            if is_lost {
                broker.topic("demo").await_records(n / 2).await.unwrap();
                broker.crash(1).unwrap();
            }
            // Who has sent everything does not look for a broker that is gone.
            sender.say(&line(n)).await;
            if is_lost {
                sender.hear(away).await;
                broker.restart(1).unwrap();
            }
        }
        sender.say_no_more();
        let (code, _, said) = sender.end().await;
        assert_eq!(code, Some(0), "{said}");
        let values = values(&broker);
        assert_eq!(values.len(), N_RECORDS, "{said}");
        assert!(values.iter().enumerate().all(|(n, value)| *value == line(n)), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_read_to_its_end_and_cannot_be_is_an_error_that_says_what_to_do() {
    for group in [&[][..], &["--group", "g"]] {
        let broker = EmbeddedBroker::builder().topic("demo", 1).topic("far", 1).start().unwrap();
        append(&broker, 5_000);
        let servers = broker.bootstrap_servers().to_owned();
        let few = ["-X", "fetch.message.max.bytes=10000", "-X", "queued.min.messages=1"];
        let end = ["consume", "demo", "-b", &servers, "--to-end", "--timeout", "2s"];
        let mut reader = Program::start(&[&end[..], &few, group].concat());
        assert_eq!(reader.line().await, line(0));
        broker.stop();
        let (code, _, said) = reader.end().await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("error: ") && said.contains("not all is read") && said.contains("--timeout"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_who_reads_from_a_broker_that_does_not_come_back() {
    for which in 0..2 {
        let broker = broker();
        broker.topic("demo").append(0, ["1"]).unwrap();
        let servers = broker.bootstrap_servers().to_owned();
        let mut arguments = readers(&servers)[which].clone();
        arguments.extend(["--group", "g"]);
        let mut reader = Program::start(&arguments);
        assert_eq!(reader.line().await, "1");
        broker.stop();
        reader.hear("warning: ").await;
        let (code, rest, said) = reader.end_with("-TERM").await;
        assert_eq!((code, rest.as_str()), (Some(143), ""), "{said}");
        assert!(said.contains("not committed"), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_consumer_ends_when_no_record_has_come_in_time_whatever_the_reason() {
    let broker = broker();
    broker.topic("demo").append(0, ["1"]).unwrap();
    let servers = broker.bootstrap_servers().to_owned();
    let mut reader = Program::start(&[&readers(&servers)[1][..], &["--timeout-ms", "3000"]].concat());
    assert_eq!(reader.line().await, "1");
    broker.stop();
    let (code, rest, said) = reader.end().await;
    assert_eq!((code, rest.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("TimeoutException") && said.ends_with("Processed a total of 1 messages\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_never_arrive_are_named_with_what_to_do() {
    let broker = broker();
    let servers = broker.bootstrap_servers().to_owned();
    let mut arguments = senders(&servers)[0].clone();
    arguments.extend(["-X", "delivery.timeout.ms=2000", "-X", "max.in.flight.requests.per.connection=1"]);
    let mut sender = Program::start(&arguments);
    sender.say("1").await;
    broker.topic("demo").await_records(1).await.unwrap();
    // One request after the other: the first one's acknowledgment has come when there is a second.
    let second = Arc::new(Notify::new());
    let comes = Arc::clone(&second);
    let _unanswered = broker.fault().on(Api::Produce).intercept(move |_| {
        comes.notify_one();
        Outcome::Silence
    });
    sender.say("2").await;
    second.notified().await;
    broker.stop();
    sender.say("3").await;
    sender.say_no_more();
    let (code, _, said) = sender.end().await;
    assert_eq!(code, Some(1), "{said}");
    for text in ["1 records sent", "standard input:2: ", "standard input:3: ", "delivery.timeout.ms"] {
        assert!(said.contains(text), "{text}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_who_waits_for_acknowledgments() {
    for (which, away) in AWAY.iter().enumerate() {
        let broker = broker();
        let servers = broker.bootstrap_servers().to_owned();
        let mut sender = Program::start(&senders(&servers)[which]);
        sender.say("1").await;
        broker.topic("demo").await_records(1).await.unwrap();
        broker.stop();
        sender.say("2").await;
        sender.hear(away).await;
        sender.signal("-INT").await;
        sender.hear("acknowledgment").await;
        let (code, _, said) = sender.end_with("-INT").await;
        assert_eq!(code, Some(130), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_it_is_said_so_and_not_that_the_topic_is_missing() {
    for command in ["produce", "consume"] {
        let (code, printed, said) = run(&[command, "demo", "-b", "127.0.0.1:1", "--timeout", "1s"]).await;
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{command}");
        assert!(said.contains("127.0.0.1:1") && !said.contains("topic create"), "{command}: {said}");
    }
}
