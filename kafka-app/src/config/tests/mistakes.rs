use super::{folder, mistake_of_file, mistakes, mistakes_of_file};
use crate::{ErrorKind, config::KafkaProperties};

#[test]
fn all_mistakes_are_reported_together_each_with_its_source() {
    let folder = folder(&[
        (
            "kafka-app.toml",
            "[kafka]\nbootstrap-servers = \"a:1\"\n\n[kafka.consumer]\ngroup = \"x\"\nfetch-max-wait = 5\n",
        ),
        ("kafka-app-prod.toml", "[kafka.producer.properties]\nlingr.ms = 5\nlinger.ms = \"soon\"\n"),
    ]);
    let builder = KafkaProperties::builder()
        .directory(folder.path())
        .profiles(["prod"])
        .environment([("KAFKA_APP__KAFKA__LISTENER__CONCURRENCY", "many")])
        .set("kafka.template.default-topc", "x");
    let error = builder.load().expect_err("six mistakes");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().starts_with("6 mistakes in the configuration:"), "{error}");
    assert_eq!(
        mistakes(&builder),
        [
            "KAFKA_APP__KAFKA__LISTENER__CONCURRENCY: kafka.listener.concurrency: \
             expected a whole number from 0 to 4294967295",
            "code: kafka.template.default-topc: unknown key; did you mean `default-topic`?",
            "kafka-app-prod.toml:2: kafka.producer.properties.lingr.ms: \
             librdkafka has no such property; did you mean `linger.ms`?",
            "kafka-app-prod.toml:3: kafka.producer.properties.linger.ms: \
             expected a number from 0 to 900000, got `soon`",
            "kafka-app.toml:5: kafka.consumer.group: unknown key; did you mean `group-id`?",
            "kafka-app.toml:6: kafka.consumer.fetch-max-wait: a duration needs its unit: \"5ms\" or \"5s\"",
        ]
    );
}

#[test]
fn an_unknown_table_is_a_mistake_even_if_it_is_empty() {
    assert!(mistake_of_file("[kafka.consumr]").contains("kafka.consumr: unknown key; did you mean `consumer`?"));
}

#[test]
fn a_key_beside_kafka_that_was_meant_for_it_is_a_mistake() {
    assert_eq!(mistake_of_file("[kafak]\nclient-id = \"x\""), "kafka-app.toml:2: kafak: did you mean `kafka`?");
    assert!(mistake_of_file("[consumer]\ngroup-id = \"x\"").ends_with("consumer: belongs under kafka: kafka.consumer"));
    assert!(mistake_of_file("[spring.kafka]\nx = 1").contains("leave spring out"));
    assert_eq!(mistakes_of_file("[kafka-topics]\norders = \"x\"\n[shop]\nname = \"y\""), [""; 0]);
}

#[test]
fn a_value_of_the_wrong_shape_is_a_mistake() {
    assert!(mistake_of_file("kafka = 5").ends_with("kafka: expected a table"));
    assert!(mistake_of_file("[kafka]\nconsumer = 5").ends_with("kafka.consumer: expected a table"));
    assert!(mistake_of_file("[kafka]\nclient-id = [\"x\"]").contains("expected a single value"));
    assert!(mistake_of_file("[kafka]\nbootstrap-servers = { a = 1 }").contains("expected a list of names"));
    assert!(mistake_of_file("[kafka.admin]\nauto-create = \"yes\"").ends_with("expected true or false"));
    assert!(mistake_of_file("[kafka.producer]\nbatch-size = \"1 pound\"").contains("expected a size such as"));
    assert!(mistake_of_file("[kafka.listener]\nack-mode = \"bach\"").ends_with("did you mean `batch`?"));
}

#[test]
fn keys_of_spring_without_a_use_are_answered() {
    for (text, cure) in [
        ("[kafka.consumer]\nmax-poll-records = 5", "batch(max_records"),
        ("[kafka.consumer]\nenable-auto-commit = true", "kafka.listener.ack-mode"),
        ("[kafka.consumer]\nvalue-deserializer = \"x\"", "handler's arguments"),
        ("[kafka.producer]\nvalue-serializer = \"x\"", "template's types"),
        ("[kafka.listener]\ntype = \"batch\"", "signature"),
        ("[kafka.listener]\nimmediate-stop = true", "shutdown-timeout"),
        ("[kafka.listeners.bill]\ngroup = \"x\"", "say group-id"),
        ("[kafka.admin]\nclose-timeout = \"10s\"", "remove the key"),
        ("[kafka.template]\nobservation-enabled = true", "interceptor"),
        ("[kafka.ssl]\nbundle = \"x\"", "key-store"),
        ("[kafka.jaas.options]\nusername = \"x\"", "sasl.username"),
        ("[kafka.retry.topic]\nmax-delay = \"1s\"", "kafka.retry.topic.backoff.max-delay"),
        ("[kafka.retry]\nattempts = 3", "kafka.listener.retry"),
        ("[kafka.streams]\napplication-id = \"x\"", "no streams"),
    ] {
        let text = mistake_of_file(text);
        assert!(text.contains(cure), "{text}");
        assert!(!text.contains("unknown key"), "{text}");
    }
}

#[test]
fn what_is_not_for_all_listeners_is_a_mistake() {
    let text = mistake_of_file("[kafka.listener]\ntopics = [\"x\"]");
    assert!(
        text.ends_with("kafka.listener.topics: is not for all listeners: use kafka.listeners.<id>.topics"),
        "{text}"
    );
}

#[test]
fn typed_values_have_librdkafkas_limits() {
    let text = mistake_of_file("[kafka.consumer]\nheartbeat-interval = \"2h\"");
    assert_eq!(
        text,
        "kafka-app.toml:2: kafka.consumer.heartbeat-interval: \
         expected a whole number from 1 to 3600000 (as heartbeat.interval.ms), got `7200000`"
    );
    assert!(mistake_of_file("[kafka.producer]\nacks = \"most\"").contains("all, or a number"));
    assert!(mistake_of_file("[kafka.producer]\ncompression-type = \"lzma\"").contains("zstd"));
    assert!(mistake_of_file("[kafka.security]\nprotocol = \"tls\"").contains("one of plaintext, ssl"));
}

#[test]
fn placeholders_that_cannot_be_replaced_are_mistakes_at_their_place() {
    let list = mistakes_of_file(
        "[kafka]\nclient-id = \"${none}\"\n[kafka.consumer]\ngroup-id = \"${kafka.consumer.group-id}\"",
    );
    assert_eq!(
        list,
        [
            "kafka-app.toml:2: kafka.client-id: nothing is set for the placeholder `${none}`, and it has no default",
            "kafka-app.toml:4: kafka.consumer.group-id: \
             placeholders go in a circle: kafka.consumer.group-id → kafka.consumer.group-id",
        ]
    );
}

#[test]
fn listener_properties_are_checked_for_consumers() {
    let text = mistake_of_file("[kafka.listeners.bill.properties]\n\"linger.ms\" = 5");
    assert!(text.contains("is a property of producers only"), "{text}");
    let text = mistake_of_file("[kafka.listeners.bill.properties]\n\"group.id\" = \"x\"");
    assert!(text.contains("kafka.listeners.bill.properties.group.id: belongs to the framework"), "{text}");
}

#[test]
fn contradictions_between_typed_keys_and_properties_are_found() {
    let text = mistake_of_file(
        "[kafka.consumer]\nheartbeat-interval = \"1s\"\n[kafka.consumer.properties]\n\"group.protocol\" = \"consumer\"",
    );
    assert!(text.starts_with("kafka-app.toml:2: kafka.consumer.heartbeat-interval: cannot be set with"), "{text}");
}

#[test]
fn a_password_that_nobody_sends_is_a_mistake() {
    let text = mistake_of_file("[kafka.properties]\n\"sasl.password\" = \"hunter2\"");
    assert!(text.contains("sasl.password: has no effect") && !text.contains("hunter2"), "{text}");
    let sasl_for_one = "[kafka.consumer.security]\nprotocol = \"sasl_plaintext\"\n[kafka.properties]\n\
                        sasl.mechanism = \"PLAIN\"\nsasl.username = \"u\"\nsasl.password = \"hunter2\"";
    assert_eq!(mistakes_of_file(sasl_for_one), [""; 0]);
}

#[test]
fn no_message_shows_a_secret() {
    for text in [
        "[kafka.properties]\n\"sasl.pasword\" = \"hunter2\"",
        "[kafka.properties]\n\"sasl.password\" = [[\"hunter2\"]]",
        "[kafka.ssl]\nkey-password = { a = \"hunter2\" }",
        "[kafka.ssl]\nkey-pasword = \"hunter2\"",
        "[kafka.properties]\n\"sasl.password\" = \"hunter2\n",
        "[kafka.properties]\n\"ssl.truststore.password\" = \"hunter2\"",
        "[kafka]\nclient-id = \"${db.password}${none}\"\n[db]\npassword = \"hunter2\"",
        "[kafka.properties]\n\"sasl.jaas.config\" = \"hunter2\"",
    ] {
        let list = mistakes_of_file(text);
        assert!(!list.is_empty(), "{text}");
        assert!(!list.concat().contains("hunter2"), "{list:?}");
    }
}

#[test]
fn every_key_of_the_documented_tables_exists() {
    let rows = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    let keys = rows.map(|(key, _)| key).filter(|key| !key.ends_with('*')).collect::<Vec<_>>();
    assert!(keys.len() > 70, "the tables were not read: {keys:?}");
    let client = keys.iter().position(|key| *key == "bootstrap-servers").expect("first");
    let listener = keys.iter().position(|key| *key == "topics").expect("first");
    let places: Vec<String> = keys
        .iter()
        .enumerate()
        .flat_map(|(idx, key)| match key.strip_prefix("kafka.") {
            Some(_) => vec![(*key).to_owned()],
            None if (client..listener).contains(&idx) => {
                let of_all = ["kafka", "kafka.consumer", "kafka.producer", "kafka.admin"];
                let of_one = ["kafka.clusters.audit", "kafka.clusters.audit.producer"];
                of_all.into_iter().chain(of_one).map(|at| format!("{at}.{key}")).collect()
            }
            None => ["kafka.listener", "kafka.listeners.bill"].map(|at| format!("{at}.{key}")).into(),
        })
        .collect();
    for place in places {
        let list = mistakes(&KafkaProperties::builder().set(&place, "1"));
        assert!(!list.iter().any(|mistake| mistake.contains("unknown key")), "{place}: {list:?}");
    }
}

#[test]
fn a_topic_of_replies_has_a_name_and_nothing_of_it_stands_alone() {
    let text = mistake_of_file("[kafka.template]\nreply-topic = \"no topic\"");
    assert!(text.starts_with("kafka-app.toml:2: kafka.template.reply-topic: `no topic` cannot be a topic"), "{text}");
    let text = mistake_of_file("[kafka.template]\nreply-partition = 1");
    assert!(text.ends_with("kafka.template.reply-partition: has no use without reply-topic"), "{text}");
    assert!(mistake_of_file("[kafka.template]\nreply-topic = \"r\"\nreply-partition = -1").contains("reply-partition"));
}

#[test]
fn a_listener_or_a_cluster_that_is_said_in_two_spellings_is_a_mistake_of_the_start() {
    for table in ["listeners", "clusters"] {
        let file = format!("[kafka.{table}.eu-west]\ncluster = \"a\"\n\n[kafka.{table}.eu_west.retry]\nattempts = 3\n");
        let told = mistakes_of_file(&file).join("\n");
        let expected = format!(
            "kafka-app.toml:4: kafka.{table}.eu_west: is said at kafka-app.toml:1 already, as `eu-west`: that is the same name; \
             say it once"
        );
        assert!(told.contains(&expected), "{told}");
    }
}
