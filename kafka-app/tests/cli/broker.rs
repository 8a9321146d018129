//! `kafka-app broker`.

use std::io::Write;

use kafka_app::{KafkaApp, KafkaTemplate};
use tempfile::NamedTempFile;

use crate::program::{Program, run};

/// The program and what it says of where it serves.
async fn started(arguments: &[&str]) -> (Program, String) {
    let mut program = Program::start(&[&["broker", "--listen", "localhost:0"], arguments].concat());
    let line = program.line().await;
    let address = line.strip_prefix("BOOTSTRAP_SERVERS=").unwrap_or_else(|| panic!("{line}")).to_owned();
    (program, address)
}

async fn partitions(address: &str, topic: &str) -> usize {
    let app = KafkaApp::new(address).start().await.unwrap();
    let template: KafkaTemplate<str, str> = app.template();
    template.partitions_for(topic).await.unwrap().len()
}

async fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, stdout, stderr) = run(&[&["broker", "--listen", "localhost:0"], arguments].concat()).await;
    assert_eq!(stdout, "");
    (code, stderr)
}

#[tokio::test]
async fn it_says_where_it_serves_in_one_line_and_sigterm_ends_it_cleanly() {
    let (program, address) = started(&[]).await;
    assert!(address.starts_with("localhost:"), "{address}");
    assert_eq!(program.end_with("-TERM").await, (Some(0), String::new(), String::new()));
}

#[tokio::test]
async fn ctrl_c_ends_it_cleanly() {
    let (program, _) = started(&[]).await;
    assert_eq!(program.end_with("-INT").await, (Some(0), String::new(), String::new()));
}

#[tokio::test]
async fn a_client_finds_the_topics_that_were_asked_for_and_they_take_num_partitions_up() {
    let (_program, address) =
        started(&["--topic", "orders:3", "--topic", "invoices", "--property", "num.partitions=2"]).await;
    assert_eq!(partitions(&address, "orders").await, 3);
    assert_eq!(partitions(&address, "invoices").await, 2);
}

#[tokio::test]
async fn several_listeners_are_said_in_kafkas_spelling() {
    let (program, line) = started(&[
        "--listen",
        "INSIDE://127.0.0.1:0",
        "--property",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT",
    ])
    .await;
    let (first, all) = line.split_once(" LISTENERS=").unwrap();
    let second =
        all.strip_prefix(&format!("PLAINTEXT://{first},INSIDE://127.0.0.1:")).unwrap_or_else(|| panic!("{line}"));
    assert!(second.parse::<u16>().is_ok(), "{line}");
    assert_eq!(program.end_with("-TERM").await, (Some(0), String::new(), String::new()));
}

#[tokio::test]
async fn listeners_and_node_id_are_understood_as_properties() {
    let mut program = Program::start(&[
        "broker",
        "--property",
        "listeners=PLAINTEXT://localhost:0,CONTROLLER://localhost:9093",
        "--property",
        "controller.listener.names=CONTROLLER",
        "--property",
        "node.id=7",
    ]);
    let line = program.line().await;
    let address = line.strip_prefix("BOOTSTRAP_SERVERS=localhost:").unwrap_or_else(|| panic!("{line}"));
    assert!(address.parse::<u16>().is_ok(), "{line}");
}

#[tokio::test]
async fn the_command_line_wins_over_the_properties_file() {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"# from a file\nnum.partitions = \\\n  4\ndefault.replication.factor:1\n").unwrap();
    let file = file.path().to_str().unwrap();
    let (_program, address) = started(&["--properties-file", file, "--topic", "a"]).await;
    assert_eq!(partitions(&address, "a").await, 4);
    let (_program, address) =
        started(&["--properties-file", file, "--property", "num.partitions=5", "--topic", "a"]).await;
    assert_eq!(partitions(&address, "a").await, 5);
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_the_exit_code_is_1() {
    let (_program, address) = started(&[]).await;
    let (code, stdout, stderr) = run(&["broker", "--listen", &address]).await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with(&format!("error: cannot listen on {address}: Address already in use")), "{stderr}");
}

#[tokio::test]
async fn an_unknown_property_is_wrong_usage_and_the_nearest_name_is_said() {
    let (code, stderr) = refused(&["--property", "num.partitoins=3"]).await;
    assert_eq!(code, Some(2));
    assert_eq!(stderr, "error: Kafka has no broker config num.partitoins; did you mean num.partitions?\n");
}

#[tokio::test]
async fn the_server_properties_that_kafka_comes_with_is_understood_and_what_it_ignores_is_said_once() {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(include_bytes!("server.properties")).unwrap();
    let path = file.path().to_str().unwrap();
    let mut program = Program::start(&["broker", "--properties-file", path, "--listen", "localhost:0"]);
    let line = program.line().await;
    assert!(line.starts_with("BOOTSTRAP_SERVERS=localhost:"), "{line}");
    let (code, _, said) = program.end_with("-TERM").await;
    assert_eq!(code, Some(0), "{said}");
    let ignored = said.lines().find_map(|line| line.strip_prefix("properties that have no meaning here: "));
    let ignored = ignored.unwrap_or_else(|| panic!("{said}"));
    for name in ["controller.quorum.bootstrap.servers", "log.dirs", "num.io.threads", "process.roles"] {
        assert!(ignored.contains(name), "{name} is missing in {said}");
    }
}

#[tokio::test]
async fn mistakes_of_usage_are_said_and_the_exit_code_is_2() {
    for (arguments, said) in [
        (&["--property", "num.partitions"][..], "it must have the form KEY=VALUE"),
        (&["--property", "num.partitions=many"], "error: num.partitions must be a number of at least 1, not \"many\""),
        (&["--topic", "orders:none"], "the number of partitions must be at least 1, not \"none\""),
        (&["--topic", "no/slash"], "error: Topic name is invalid: "),
        (&["--topic", "twice", "--topic", "twice:2"], "error: Topic 'twice' already exists."),
        (&["--node-id=-1"], "invalid value"),
        (&["--data", "x"], "unexpected argument"),
        (&["--property", "listeners=PLAINTEXT://localhost:0"], "error: listeners is given twice"),
        (&["--listen", "STRANGE://localhost:0"], "No security protocol defined for listener STRANGE"),
    ] {
        let (code, stderr) = refused(arguments).await;
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) = run(&["broker", "--listen", "9092"]).await;
    assert_eq!(code, Some(2));
    assert!(stderr.contains("it must have the form HOST:PORT or NAME://HOST:PORT"), "{stderr}");
}

#[tokio::test]
async fn a_properties_file_that_is_not_there_or_malformed_is_named() {
    let (code, stderr) = refused(&["--properties-file", "not-there.properties"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: cannot read not-there.properties: No such file"), "{stderr}");
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(b"num.partitions=\\u00zz\n").unwrap();
    let path = file.path().to_str().unwrap();
    let (code, stderr) = refused(&["--properties-file", path]).await;
    assert_eq!(code, Some(2));
    assert_eq!(stderr, format!("error: {path}: line 1: \\u must be followed by four hexadecimal digits\n"));
}

#[tokio::test]
async fn help_is_no_failure_and_names_every_option() {
    let (code, stdout, _) = run(&["broker", "--help"]).await;
    assert_eq!(code, Some(0));
    for option in ["--listen", "--node-id", "--topic", "--property", "--properties-file"] {
        assert!(stdout.contains(option), "{option} is missing in {stdout}");
    }
}

#[tokio::test]
async fn a_broker_with_a_data_directory_that_is_killed_has_everything_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", dir.path().to_str().unwrap(), "--topic", "orders:1"];
    for round in 0..3 {
        let (program, address) = started(&arguments).await;
        let app = KafkaApp::new(address).start().await.unwrap();
        let template: KafkaTemplate<str, str> = app.template();
        for n in 0..20 {
            let sent = template.send("orders", "key", "value").await.unwrap();
            assert_eq!(sent.offset, round * 20 + n);
        }
        let (code, ..) = program.end_with("-KILL").await;
        assert_eq!(code, None, "a signal has ended it");
    }
}

#[tokio::test]
async fn a_cluster_with_a_data_directory_that_is_killed_has_everything_that_was_acknowledged_in_each_nodes_own() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let cluster = ["--brokers", "3", "--property", "default.replication.factor=3", "--topic", "orders:1"];
    let arguments = [&["--data-dir", data_dir], &cluster[..]].concat();
    for round in 0..2 {
        let (program, addresses) = started(&arguments).await;
        let app = KafkaApp::new(addresses).start().await.unwrap();
        let template: KafkaTemplate<str, str> = app.template();
        for n in 0..10 {
            assert_eq!(template.send("orders", "key", "value").await.unwrap().offset, round * 10 + n);
        }
        let (code, ..) = program.end_with("-KILL").await;
        assert_eq!(code, None, "a signal has ended it");
        let log = |node: i32| dir.path().join(format!("node-{node}/orders-0/00000000000000000000.log"));
        let first = std::fs::read(log(1)).unwrap();
        assert!(!first.is_empty() && [2, 3].iter().all(|node| std::fs::read(log(*node)).unwrap() == first));
    }
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_is_named() {
    let file = NamedTempFile::new().unwrap();
    let (code, stderr) = refused(&["--data-dir", file.path().to_str().unwrap()]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("cannot use the data directory {}", file.path().display())), "{stderr}");
}

#[tokio::test]
async fn a_cluster_does_what_is_typed_and_serves_on_when_nothing_more_is() {
    let (mut program, addresses) = started(&["--brokers", "3", "--topic", "orders:3"]).await;
    assert_eq!(addresses.split(',').count(), 3, "{addresses}");
    program.say("crash 2").await;
    let states = [program.line().await, program.line().await, program.line().await];
    let ends: Vec<_> = states.iter().map(|line| line.splitn(3, ' ').nth(2).unwrap_or_default()).collect();
    assert_eq!(ends, ["up controller", "down", "up"], "{states:?}");
    program.say("restart 2").await;
    assert!(program.line().await.ends_with("up controller"));
    assert!(program.line().await.ends_with("up"));
    assert!(program.line().await.ends_with("up"));
    program.say("stop two").await;
    program.say_no_more();
    assert_eq!(partitions(&addresses, "orders").await, 3);
    let (code, rest, errors) = program.end_with("-TERM").await;
    assert_eq!((code, rest.as_str(), errors.as_str()), (Some(0), "", "\"two\" is not the id of a node\n"));
}
