//! `kafka-app consume`.

use std::fs;

use embedded_broker::{Api, EmbeddedBroker, ProducerRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

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
async fn a_group_has_a_position_in_every_partition_though_nothing_came_of_it() {
    for protocol in ["classic", "consumer"] {
        let broker = EmbeddedBroker::builder().topic("orders", 3).start().unwrap();
        broker.topic("orders").append(0, ["one", "two"]).unwrap();
        broker.topic("orders").append(1, ["other"]).unwrap();
        let committed =
            |group: &str| [0, 1, 2].map(|partition| broker.group(group).committed_offset("orders", partition));
        let protocol = format!("group.protocol={protocol}");
        let member = ["orders", "-X", &protocol, "--group"];
        // One record is printed, of whichever partition comes first.
        printed(&broker, &[&member[..], &["one", "--from", "earliest", "-n", "1"]].concat()).await;
        let [first, second, third] = committed("one");
        assert!([(Some(1), Some(0)), (Some(0), Some(1))].contains(&(first, second)), "{:?}", committed("one"));
        assert_eq!(third, Some(0));

        // Who comes for what is new, and leaves before there is any, goes on there.
        let fetches = broker.requests().on(Api::Fetch);
        let program = Program::start(&[&["consume", "-b", broker.bootstrap_servers()], &member[..], &["new"]].concat());
        // It knows of its partitions, which the group knows before.
        fetches.await_requests(1).await.unwrap();
        let (code, _, said) = program.end_with("-INT").await;
        assert_eq!((code, committed("new")), (Some(130), [Some(2), Some(1), Some(0)]), "{said}");
        broker.topic("orders").append(0, ["three"]).unwrap();
        assert_eq!(printed(&broker, &[&member[..], &["new", "--to-end"]].concat()).await, b"three\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_of_transactions_leave_no_lag() {
    let broker = EmbeddedBroker::builder().topic("orders", 1).start().unwrap();
    broker.topic("orders").append(0, ["one"]).unwrap();
    broker.topic("orders").append_aborted(0, ["two"]).unwrap();
    assert_eq!(printed(&broker, &["orders", "--group", "debug", "--to-end"]).await, b"one\n");
    let end = broker.topic("orders").end_offsets().unwrap()[0];
    assert_eq!(broker.group("debug").committed_offset("orders", 0), Some(end));
}

/// The configuration of an application whose member keeps its place over restarts: the tool must not take that place.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_instance_id_of_the_configuration_is_the_applications_and_not_ours() {
    let broker = EmbeddedBroker::builder().topic("orders", 2).start().unwrap();
    let folder = TempDir::new().unwrap();
    let text = format!(
        "[kafka]\nbootstrap-servers = \"{}\"\n[kafka.consumer.properties]\n\"group.instance.id\" = \"till-1\"\n",
        broker.bootstrap_servers()
    );
    fs::write(folder.path().join("kafka-app.toml"), text).unwrap();
    let dir = folder.path().display().to_string();
    let of_group = ["consume", "orders", "--config-dir", &dir, "--group", "billing", "--from", "earliest"];
    let instance_ids = || {
        let members = broker.group("billing").members();
        members.into_iter().map(|member| member.instance_id).collect::<Vec<_>>()
    };
    let application = Program::start(&[&of_group[..], &["-X", "group.instance.id=till-1"]].concat());
    broker.group("billing").await_stable(1).await.unwrap();
    assert_eq!(instance_ids(), [Some("till-1".to_owned())], "what is said on the command line counts");
    let tool = Program::start(&of_group);
    broker.group("billing").await_stable(2).await.unwrap();
    let mut both = instance_ids();
    both.sort();
    assert_eq!(both, [None, Some("till-1".to_owned())]);
    for program in [tool, application] {
        let (code, _, said) = program.end_with("-INT").await;
        assert_eq!(code, Some(130), "{said}");
    }
}
