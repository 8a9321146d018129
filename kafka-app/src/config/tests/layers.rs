use std::time::Duration;

use super::{folder, mistakes};
use crate::config::{AckMode, AutoOffsetReset, DeadLetter, KafkaProperties};

const CLIENT_ID: &str = "KAFKA_APP__KAFKA__CLIENT_ID";

fn client_id(properties: &KafkaProperties) -> &str {
    properties.client.client_id.as_deref().unwrap_or("none")
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let files = [
        ("kafka-app.toml", "[kafka]\nclient-id = \"base\""),
        ("kafka-app-a.toml", "[kafka]\nclient-id = \"a\""),
        ("kafka-app-b.toml", "[kafka]\nclient-id = \"b\""),
        ("kafka-app.local.toml", "[kafka]\nclient-id = \"local\""),
    ];
    let read = |n_files: usize, profiles: &[&str], env: &[(&str, &str)], code: &[&str]| {
        let folder = folder(&files[..n_files]);
        let builder = KafkaProperties::builder().directory(folder.path()).profiles(profiles.iter().copied());
        let builder = code.iter().fold(builder, |builder, id| builder.set("kafka.client-id", *id));
        client_id(&builder.environment(env.iter().copied()).load().expect("right")).to_owned()
    };
    assert_eq!(read(0, &[], &[], &[]), "none");
    assert_eq!(read(1, &[], &[], &[]), "base");
    assert_eq!(read(2, &["a"], &[], &[]), "a");
    assert_eq!(read(3, &["a", "b"], &[], &[]), "b");
    assert_eq!(read(3, &["b", "a"], &[], &[]), "a");
    assert_eq!(read(4, &["a"], &[], &[]), "local");
    assert_eq!(read(4, &["a"], &[(CLIENT_ID, "env")], &[]), "env");
    assert_eq!(read(4, &["a"], &[(CLIENT_ID, "env")], &["code"]), "code");
}

#[test]
fn layers_are_merged_key_by_key() {
    let folder = folder(&[
        ("kafka-app.toml", "[kafka.producer.properties]\nlinger.ms = 5\n\"batch.num.messages\" = 7"),
        ("kafka-app.local.toml", "[kafka.producer.properties]\n\"linger.ms\" = 20"),
    ]);
    let properties = KafkaProperties::builder().directory(folder.path()).load().expect("right");
    let table = &properties.producer.client.properties;
    assert_eq!(table["linger.ms"], "20", "quoted or not, it is the same property");
    assert_eq!(table["batch.num.messages"], "7");
}

#[test]
fn profiles_come_from_the_environment_or_from_code() {
    let folder = folder(&[
        ("kafka-app-test.toml", "[kafka]\nclient-id = \"test\""),
        ("kafka-app-prod.toml", "[kafka]\nclient-id = \"prod\""),
    ]);
    let builder = || KafkaProperties::builder().directory(folder.path());
    let from_env = builder().environment([("KAFKA_APP_PROFILE", "test, prod")]);
    assert_eq!(client_id(&from_env.load().expect("right")), "prod");
    assert_eq!(client_id(&from_env.profiles(["test"]).load().expect("right")), "test");
    let default = builder().default_profile("test");
    assert_eq!(client_id(&default.load().expect("right")), "test");
    assert_eq!(client_id(&default.environment([("KAFKA_APP_PROFILE", "prod")]).load().expect("right")), "prod");
}

#[test]
fn a_profile_without_a_file_is_a_mistake_with_the_nearest_name() {
    let folder = folder(&[("kafka-app-prod.toml", "")]);
    let builder = KafkaProperties::builder().directory(folder.path()).environment([("KAFKA_APP_PROFILE", "prd")]);
    let expected = "KAFKA_APP_PROFILE: the profile `prd` has no file kafka-app-prd.toml; did you mean `prod`?";
    assert_eq!(mistakes(&builder), [expected]);
    let outside = builder.profiles(["../secret"]);
    assert!(mistakes(&outside).concat().starts_with("code: `../secret` is no profile"));
}

#[test]
fn files_are_found_in_the_subfolder_config_or_where_the_environment_says() {
    let folder = folder(&[
        ("config/kafka-app.toml", "[kafka]\nclient-id = \"sub\""),
        ("etc/kafka-app.toml", "[kafka]\nclient-id = \"etc\""),
    ]);
    let builder = KafkaProperties::builder().directory(folder.path());
    assert_eq!(client_id(&builder.load().expect("right")), "sub");
    let elsewhere = builder.clone().environment([("KAFKA_APP_CONFIG", "etc")]);
    assert_eq!(client_id(&elsewhere.load().expect("right")), "etc");
    let nowhere = builder.environment([("KAFKA_APP_CONFIG", "none")]);
    assert!(mistakes(&nowhere).concat().starts_with("KAFKA_APP_CONFIG: there is no directory"));
}

#[test]
fn a_file_that_stands_twice_is_a_mistake() {
    let folder = folder(&[("kafka-app.toml", ""), ("config/kafka-app.toml", "")]);
    let builder = KafkaProperties::builder().directory(folder.path());
    assert_eq!(mistakes(&builder), ["kafka-app.toml: is also in config/kafka-app.toml; keep one of them"]);
}

#[test]
fn everything_can_be_said_in_the_environment() {
    let properties = KafkaProperties::builder()
        .environment([
            ("KAFKA_APP__KAFKA__BOOTSTRAP_SERVERS", "a:1, b:2"),
            ("KAFKA_APP__KAFKA__CONSUMER__GROUP_ID", "00123"),
            ("KAFKA_APP__KAFKA__CONSUMER__AUTO_OFFSET_RESET", "latest"),
            ("KAFKA_APP__KAFKA__LISTENER__ACK_MODE", "count-time"),
            ("KAFKA_APP__KAFKA__LISTENER__SHUTDOWN_TIMEOUT", "5s"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__TOPICS", "a,b"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__RETRY__MAX_BACKOFF", "2s"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__DEAD_LETTER", "off"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__BATCH__MAX_BYTES", "1MiB"),
            ("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__PROPERTIES__FETCH_MIN_BYTES", "9"),
        ])
        .load()
        .expect("right");
    assert_eq!(properties.bootstrap_servers(), "a:1,b:2");
    assert_eq!(properties.consumer.group_id.as_deref(), Some("00123"));
    assert_eq!(properties.consumer.auto_offset_reset, Some(AutoOffsetReset::Latest));
    assert_eq!(properties.listener.settings.ack_mode, Some(AckMode::CountTime));
    assert_eq!(properties.listener.shutdown_timeout, Duration::from_secs(5));
    let on_order = &properties.listeners["on_order"];
    assert_eq!(on_order.topics.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
    assert_eq!(on_order.retry.max_backoff, Some(Duration::from_secs(2)));
    assert_eq!(on_order.dead_letter, Some(DeadLetter::Off));
    assert_eq!(on_order.batch_max_bytes, Some(1 << 20));
    assert_eq!(on_order.properties["fetch.min.bytes"], "9");
}

#[test]
fn listener_ids_are_the_same_with_dashes_and_underscores() {
    let folder = folder(&[("kafka-app.toml", "[kafka.listeners.on-order]\nconcurrency = 2\nworkers = 3")]);
    let properties = KafkaProperties::builder()
        .directory(folder.path())
        .environment([("KAFKA_APP__KAFKA__LISTENERS__ON_ORDER__CONCURRENCY", "4")])
        .load()
        .expect("right");
    assert_eq!(properties.listeners.len(), 1);
    let settings = &properties.listeners["on_order"];
    assert_eq!((settings.concurrency, settings.workers), (Some(4), Some(3)));
}

#[test]
fn placeholders_are_replaced_across_layers() {
    let folder = folder(&[(
        "kafka-app.toml",
        "[kafka]\nclient-id = \"${shop.name}-${env:HOST:none}\"\n[kafka.consumer]\ngroup-id = \"${shop.group:billing}\"\n\
         [shop]\nname = \"${shop.prefix}-shop\"\nprefix = \"x\"",
    )]);
    let properties = KafkaProperties::builder()
        .directory(folder.path())
        .environment([("HOST", "h1"), ("KAFKA_APP__SHOP__PREFIX", "my")])
        .load()
        .expect("right");
    assert_eq!(client_id(&properties), "my-shop-h1");
    assert_eq!(properties.consumer.group_id.as_deref(), Some("billing"));
    assert_eq!(properties.resolve_placeholders("${shop.name}.orders").expect("set"), "my-shop.orders");
    assert!(properties.resolve_placeholders("${shop.none}").is_err());
}

#[test]
fn the_defaults_need_no_file() {
    let properties = KafkaProperties::builder().load().expect("right");
    assert_eq!(properties.bootstrap_servers(), "localhost:9092");
    assert!(properties.admin.auto_create && !properties.admin.fail_fast && !properties.admin.modify_topic_configs);
    assert_eq!(properties.admin.operation_timeout, Duration::from_secs(30));
    assert_eq!(properties.template.close_timeout, Duration::from_secs(5));
    assert!(!properties.is_embedded());
    assert!(KafkaProperties::new("embedded").is_embedded());
}

#[test]
fn secrets_are_in_no_text() {
    let properties = KafkaProperties::builder()
        .environment([
            ("KAFKA_APP__KAFKA__PROPERTIES__SASL_PASSWORD", "hunter2"),
            ("KAFKA_APP__KAFKA__PROPERTIES__SASL_USERNAME", "app"),
            ("KAFKA_APP__KAFKA__PROPERTIES__SASL_MECHANISM", "PLAIN"),
            ("KAFKA_APP__KAFKA__SECURITY__PROTOCOL", "sasl_plaintext"),
            ("KAFKA_APP__KAFKA__SSL__KEY_PASSWORD", "hunter2"),
            ("KAFKA_APP__KAFKA__SSL__KEY_STORE_KEY", "hunter2"),
            ("KAFKA_APP__KAFKA__LISTENERS__BILL__PROPERTIES__SASL_PASSWORD", "hunter2"),
            ("MY_PASSWORD", "hunter2"),
        ])
        .load()
        .expect("right");
    let shown = format!("{properties:#?}");
    assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
}
