//! Several clusters: what is said of one lies over what is said of all.

use std::time::Duration;

use super::{
    listeners::{mistake, properties, resolve, settings},
    mistake_of_file, mistakes, mistakes_of_file,
};
use crate::config::{
    DeadLetter, Declared, KafkaProperties, ListenerSettings, TransactionalIds,
    client_map::{admin_properties, consumer_properties, producer_properties},
    transactional_properties,
};

const AUDIT: &str = "[kafka.clusters.audit]\nbootstrap-servers = \"audit:1\"\n";

fn with_audit(more: &str) -> String {
    format!("{AUDIT}{more}")
}

fn on_audit() -> ListenerSettings {
    ListenerSettings { cluster: Some("audit".to_owned()), ..settings() }
}

#[test]
fn a_cluster_has_what_all_have_but_for_what_it_says_itself() {
    let all = properties(&with_audit(
        "[kafka.clusters.audit.consumer]\ngroup-id = \"auditors\"\n[kafka.clusters.audit.producer]\nacks = \"1\"\n\
         [kafka.clusters.audit.properties]\nlinger.ms = 7\n\
         [kafka]\nbootstrap-servers = \"main:1\"\nclient-id = \"shop\"\n[kafka.consumer]\ngroup-id = \"shop\"\n\
         fetch-max-wait = \"50ms\"\n[kafka.producer]\nacks = \"all\"\ntransaction-id-prefix = \"shop-\"\n\
         [kafka.template]\ndefault-topic = \"lines\"\n[kafka.admin]\noperation-timeout = \"9s\"",
    ));
    assert!(all.mistakes().is_empty(), "{:?}", all.mistakes());
    let audit = &all.clusters["audit"];
    assert_eq!((audit.bootstrap_servers().as_str(), all.bootstrap_servers().as_str()), ("audit:1", "main:1"));
    assert_eq!(audit.consumer.group_id.as_deref(), Some("auditors"));
    assert_eq!(audit.template.default_topic.as_deref(), Some("lines"));
    assert_eq!(audit.admin.operation_timeout, Duration::from_secs(9));
    let (here, there) = (producer_properties(&all), producer_properties(audit));
    for (key, at_home, abroad) in [
        ("bootstrap.servers", "main:1", "audit:1"),
        ("acks", "all", "1"),
        ("linger.ms", "5", "7"),
        ("client.id", "shop-producer", "shop-producer"),
    ] {
        assert_eq!((here[key].as_str(), there[key].as_str()), (at_home, abroad), "{key}");
    }
    let listener = resolve(&with_audit(""), &on_audit()).expect("right");
    let consumer = consumer_properties(audit, &listener, 0);
    assert_eq!((consumer["fetch.wait.max.ms"].as_str(), consumer["bootstrap.servers"].as_str()), ("50", "audit:1"));
    let id = TransactionalIds::new(audit).of_template(0);
    assert_eq!(id, "shop-template-0");
    assert_eq!(transactional_properties(&all.clusters["audit"], &id)["bootstrap.servers"], "audit:1");
}

#[test]
fn all_that_is_said_of_a_cluster_wins_over_all_that_is_said_of_every_one() {
    let all = properties(&with_audit(
        "client-id = \"a\"\nsecurity.protocol = \"plaintext\"\n[kafka.clusters.audit.properties]\n\"socket.timeout.ms\" = 2000\n\
         [kafka.consumer]\nbootstrap-servers = \"main:2\"\nclient-id = \"c\"\n[kafka.consumer.properties]\n\"socket.timeout.ms\" = 3000\n\
         [kafka.properties]\n\"security.protocol\" = \"sasl_plaintext\"\n\"sasl.mechanism\" = \"PLAIN\"\n\
         \"sasl.username\" = \"u\"\n\"sasl.password\" = \"p\"",
    ));
    assert!(all.mistakes().is_empty(), "{:?}", all.mistakes());
    let listener = resolve(&with_audit(""), &on_audit()).expect("right");
    let consumer = consumer_properties(&all.clusters["audit"], &listener, 0);
    for (key, value) in [
        ("bootstrap.servers", "audit:1"),
        ("security.protocol", "plaintext"),
        ("socket.timeout.ms", "2000"),
        ("client.id", "a-bill-0"),
    ] {
        assert_eq!(consumer[key], value, "{key}");
    }
    assert_eq!(admin_properties(&all)["security.protocol"], "sasl_plaintext");
}

#[test]
fn mistakes_of_a_cluster_are_told_once_with_their_own_place() {
    let wrong = [
        (
            "bootstrap-serves = \"a:1\"",
            "kafka-app.toml:3: kafka.clusters.audit.bootstrap-serves: unknown key; did you mean `bootstrap-servers`?",
        ),
        (
            "listener.concurrency = 2",
            "kafka-app.toml:3: kafka.clusters.audit.listener: is of all clusters: say it under kafka",
        ),
        (
            "consumer.grup-id = \"g\"",
            "kafka-app.toml:3: kafka.clusters.audit.consumer.grup-id: unknown key; did you mean `group-id`?",
        ),
        (
            "properties.\"lingr.ms\" = 1",
            "kafka-app.toml:3: kafka.clusters.audit.properties.lingr.ms: librdkafka has no such property; did you mean `linger.ms`?",
        ),
        (
            "template.reply-partition = 1",
            "kafka-app.toml:3: kafka.clusters.audit.template.reply-partition: has no use without reply-topic",
        ),
        ("security.protocol = \"tls\"", "kafka-app.toml:3: kafka.clusters.audit.security.protocol: expected"),
        (
            "producer.properties = {\"bootstrap.servers\" = \"x\"}",
            "kafka-app.toml:3: kafka.clusters.audit.producer.properties.bootstrap.servers: belongs to the framework",
        ),
        (
            "consumer.bootstrap-servers = \"a:b\"",
            "kafka-app.toml:3: kafka.clusters.audit.consumer.bootstrap-servers: expected host:port",
        ),
    ];
    for (said, text) in wrong {
        let told = mistake_of_file(&with_audit(said));
        assert!(told.starts_with(text), "{said}: {told}");
    }
    let told = mistakes_of_file(&with_audit(
        "[kafka.clusters.other]\nbootstrap-servers = \"o:1\"\n[kafka.consumer]\ngrup-id = \"g\"\nfetch-max-wait = \"soon\"",
    ));
    assert_eq!(told.len(), 2, "what all clusters share is wrong once: {told:#?}");
    assert!(
        mistakes_of_file(&with_audit(
            "[kafka.clusters.audit.template]\nreply-partition = 1\n[kafka.template]\nreply-topic = \"r\""
        ))
        .is_empty()
    );
}

#[test]
fn a_cluster_names_its_brokers_and_is_not_the_default_one() {
    let told = mistake_of_file("[kafka]\nbootstrap-servers = \"a:1\"\n[kafka.clusters.audit]\nclient-id = \"x\"");
    assert!(told.starts_with("kafka-app.toml:4: kafka.clusters.audit: names no brokers"), "{told}");
    let told = mistake_of_file("[kafka.clusters.default]\nbootstrap-servers = \"a:1\"");
    assert!(told.contains("kafka.clusters.default: the cluster `default` is kafka.* itself"), "{told}");
    assert!(mistake_of_file("kafka.clusters = 1").ends_with("kafka.clusters: expected a table"));
    assert!(mistake_of_file("kafka.clusters.audit = 1").ends_with("kafka.clusters.audit: expected a table"));
    assert!(mistake_of_file("[clusters.audit]\nx = 1").ends_with("clusters: belongs under kafka: kafka.clusters"));
}

#[test]
fn the_environment_reaches_a_cluster_whatever_its_spelling() {
    let builder = KafkaProperties::builder()
        .set("kafka.clusters.audit-log.bootstrap-servers", "code:1")
        .set("kafka.clusters.audit-log.consumer.properties.fetch.min.bytes", "2")
        .environment([
            ("KAFKA_APP__KAFKA__CLUSTERS__AUDIT_LOG__CLIENT_ID", "env"),
            ("KAFKA_APP__KAFKA__CLUSTERS__AUDIT_LOG__PROPERTIES__LINGER_MS", "9"),
        ]);
    assert_eq!(mistakes(&builder), [""; 0]);
    let all = builder.read();
    let audit = all.of_cluster(all.find_cluster("Audit-Log").expect("there"));
    assert_eq!((audit.bootstrap_servers().as_str(), audit.client.client_id.as_deref()), ("code:1", Some("env")));
    assert_eq!(producer_properties(audit)["linger.ms"], "9");
    assert_eq!(audit.consumer.client.properties["fetch.min.bytes"], "2");
}

#[test]
fn a_listener_chooses_its_cluster_and_has_what_that_says() {
    let toml = with_audit("[kafka.clusters.audit.consumer]\ngroup-id = \"auditors\"\nauto-commit-interval = \"3s\"");
    let declared = ListenerSettings { group_id: None, ..on_audit() };
    let listener = resolve(&toml, &declared).expect("right");
    assert_eq!((listener.cluster.as_deref(), listener.group_id.as_str()), (Some("audit"), "auditors"));
    assert_eq!(listener.ack_time, Duration::from_secs(3));
    let back = format!("{toml}\n[kafka.listeners.bill]\ncluster = \"default\"");
    assert_eq!(resolve(&back, &on_audit()).expect("right").cluster, None);
    let there = format!("{toml}\n[kafka.listeners.bill]\ncluster = \"audit\"");
    assert_eq!(resolve(&there, &settings()).expect("right").cluster.as_deref(), Some("audit"));
    let by_key = ListenerSettings { cluster: Some("${where}".to_owned()), ..settings() };
    let toml = format!("where = \"AUDIT\"\n{toml}");
    assert_eq!(resolve(&toml, &by_key).expect("right").cluster.as_deref(), Some("audit"));
}

#[test]
fn a_cluster_that_is_not_there_is_a_mistake_with_the_nearest_name() {
    let declared = ListenerSettings { cluster: Some("adit".to_owned()), ..settings() };
    let told = mistake(AUDIT, &declared);
    assert!(told.contains("cluster: there is no cluster `adit`; did you mean `audit`?"), "{told}");
    let told = mistake("[kafka.listeners.bill]\ncluster = \"defualt\"", &settings());
    assert!(
        told.starts_with(
            "kafka-app.toml:2: kafka.listeners.bill.cluster: there is no cluster `defualt`; did you mean `default`?"
        ),
        "{told}"
    );
    let told = mistake(&with_audit("[kafka.listener]\ncluster = \"audit\""), &settings());
    assert!(
        told.contains("kafka.listener.cluster: is not for all listeners: use kafka.listeners.<id>.cluster"),
        "{told}"
    );
}

#[test]
fn what_a_transaction_needs_is_asked_of_the_listeners_own_cluster() {
    let exactly_once = ListenerSettings { delivery: Some(crate::config::Delivery::ExactlyOnce), ..on_audit() };
    let told = mistake(&with_audit("[kafka.clusters.audit.producer]\nacks = \"1\""), &exactly_once);
    assert!(
        told.starts_with("kafka-app.toml:4: kafka.clusters.audit.producer.acks: listener `bill` delivers exactly once"),
        "{told}"
    );
    resolve(
        &with_audit("[kafka.producer]\nacks = \"1\"\n[kafka.clusters.audit.producer]\nacks = \"all\""),
        &exactly_once,
    )
    .expect("right");
}

fn declared<'d>(id: &'d str, settings: &'d ListenerSettings) -> Declared<'d> {
    Declared { id, settings, location: None, is_batch: false, takes_ack: false, returns_nothing: true, returns: None }
}

#[test]
fn dead_letters_are_handled_where_they_are() {
    let bill = ListenerSettings { dead_letter: Some(DeadLetter::Topic("dlt".to_owned())), ..on_audit() };
    let handler = ListenerSettings { dead_letters_of: Some("bill".to_owned()), ..Default::default() };
    let both = [declared("bill", &bill), declared("letters", &handler)];
    let resolved = properties(AUDIT).resolve_listeners(&both, |_| Vec::new()).expect("right");
    assert_eq!(resolved[1].cluster.as_deref(), Some("audit"));
    let elsewhere = ListenerSettings { cluster: Some("default".to_owned()), ..handler };
    let both = [declared("bill", &bill), declared("letters", &elsewhere)];
    let told = properties(AUDIT).resolve_listeners(&both, |_| Vec::new()).expect_err("a mistake").to_string();
    assert!(told.contains("handles the dead letters of `bill`, which are on the cluster `audit`"), "{told}");
}

#[test]
fn groups_of_one_name_on_two_clusters_are_two() {
    let named = |settings| ListenerSettings { group_instance_id: Some("pod-1".to_owned()), ..settings };
    let (here, there) = (named(settings()), named(on_audit()));
    let apart = [declared("here", &here), declared("there", &there)];
    properties(AUDIT).resolve_listeners(&apart, |_| Vec::new()).expect("right");
    let together = [declared("here", &there), declared("there", &there)];
    properties(AUDIT).resolve_listeners(&together, |_| Vec::new()).expect_err("one name twice in a group");
    let by_hand = ListenerSettings { partitions: Some(crate::config::Partitions::All), ..on_audit() };
    let (member, member_there) = (settings(), on_audit());
    let apart = [declared("here", &member), declared("there", &by_hand)];
    properties(AUDIT).resolve_listeners(&apart, |_| Vec::new()).expect("right");
    let together = [declared("here", &member_there), declared("there", &by_hand)];
    properties(AUDIT).resolve_listeners(&together, |_| Vec::new()).expect_err("commits beside members");
}
