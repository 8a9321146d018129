use std::time::Duration;

use super::folder;
use crate::config::{
    AckMode, DeadLetter, Declared, Delivery, KafkaProperties, ListenerSettings, Ordering, ResolvedListener,
    RetrySettings, Subscription, TransactionLimits,
};

pub(super) fn settings() -> ListenerSettings {
    ListenerSettings {
        topics: Some(vec!["orders".to_owned()]),
        group_id: Some("billing".to_owned()),
        ..Default::default()
    }
}

fn declared(settings: &ListenerSettings) -> Declared<'_> {
    let location = Some("src/main.rs:7");
    Declared {
        id: "bill",
        settings,
        location,
        is_batch: false,
        takes_ack: false,
        returns_nothing: false,
        returns: None,
    }
}

pub(super) fn properties(toml: &str) -> KafkaProperties {
    let folder = folder(&[("kafka-app.toml", toml)]);
    KafkaProperties::builder().directory(folder.path()).read()
}

pub(super) fn resolve(toml: &str, settings: &ListenerSettings) -> Result<ResolvedListener, Vec<String>> {
    resolve_declared(toml, declared(settings))
}

fn resolve_declared(toml: &str, declared: Declared<'_>) -> Result<ResolvedListener, Vec<String>> {
    match properties(toml).resolve_listeners(&[declared], |_| Vec::new()) {
        Ok(mut listeners) => Ok(listeners.remove(0)),
        Err(error) => {
            Err(error.to_string().lines().skip(1).map(|line| line.trim_start_matches("  - ").to_owned()).collect())
        }
    }
}

#[track_caller]
pub(super) fn mistake(toml: &str, settings: &ListenerSettings) -> String {
    let list = resolve(toml, settings).expect_err("a mistake");
    assert_eq!(list.len(), 1, "{list:#?}");
    list.concat()
}

#[test]
fn what_nobody_says_has_the_defaults() {
    let expected = ResolvedListener::new("bill", "orders", "billing");
    assert_eq!(resolve("", &settings()), Ok(expected));
}

#[test]
fn the_override_wins_over_the_declaration_and_that_over_the_default() {
    let toml = "[kafka.listener]\nconcurrency = 2\nworkers = 3\nordering = \"key\"\nshutdown-timeout = \"3s\"\n\
                missing-topics-fatal = true\n[kafka.listener.retry]\nattempts = 4\nbackoff = \"1s\"\n\
                [kafka.listeners.bill]\nworkers = 5\n[kafka.listeners.bill.retry]\nattempts = 6";
    let declaration = ListenerSettings { concurrency: Some(7), workers: Some(8), ..settings() };
    let resolved = resolve(toml, &declaration).expect("right");
    assert_eq!((resolved.concurrency, resolved.workers, resolved.ordering), (7, 5, Ordering::Key));
    assert_eq!((resolved.retry.attempts, resolved.retry.backoff), (6, Duration::from_secs(1)));
    assert_eq!((resolved.shutdown_timeout, resolved.missing_topics_fatal), (Duration::from_secs(3), true));
}

#[test]
fn properties_of_all_places_are_merged() {
    let toml = "[kafka.listener.properties]\nfetch.min.bytes = 1\ndebug = \"msg\"\n\
                [kafka.listeners.bill.properties]\nfetch.min.bytes = 3";
    let properties = [("fetch.min.bytes", "2"), ("client.rack", "r")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let resolved = resolve(toml, &ListenerSettings { properties: properties.into(), ..settings() }).expect("right");
    assert_eq!(resolved.properties.get("fetch.min.bytes").map(String::as_str), Some("3"));
    assert_eq!(resolved.properties.get("client.rack").map(String::as_str), Some("r"));
    assert_eq!(resolved.properties.get("debug").map(String::as_str), Some("msg"));
}

#[test]
fn placeholders_of_the_attribute_are_replaced() {
    let toml = "[shop]\nqueues = [\"a\", \"b\"]\nspent = \"off\"";
    let declaration = ListenerSettings {
        topics: Some(vec!["${shop.queues}".to_owned(), "c".to_owned()]),
        group_id: Some("${shop.group:g}".to_owned()),
        send_to: Some("${shop.out:out}".to_owned()),
        dead_letter: Some(DeadLetter::Topic("${shop.spent}".to_owned())),
        ..Default::default()
    };
    let resolved = resolve(toml, &declaration).expect("right");
    assert_eq!(resolved.subscription, Subscription::Topics(["a", "b", "c"].map(str::to_owned).into()));
    assert_eq!((resolved.group_id.as_str(), resolved.send_to.as_deref()), ("g", Some("out")));
    assert_eq!(resolved.dead_letter, DeadLetter::Off);
    let text = mistake("", &ListenerSettings { group_id: Some("${none}".to_owned()), ..settings() });
    assert!(text.starts_with("src/main.rs:7: listener `bill`: group-id: nothing is set"), "{text}");
}

#[test]
fn the_group_may_come_from_the_consumer_section() {
    let declaration = ListenerSettings { group_id: None, ..settings() };
    let resolved = resolve("[kafka.consumer]\ngroup-id = \"all\"", &declaration).expect("right");
    assert_eq!(resolved.group_id, "all");
    let text = mistake("", &declaration);
    assert!(text.starts_with("src/main.rs:7: listener `bill`: has no group"), "{text}");
}

#[test]
fn patterns_match_whole_names() {
    for (pattern, anchored) in
        [("orders-.*", "^orders-.*$"), ("^orders-.*$", "^orders-.*$"), ("^orders", "^orders$"), ("a|b", "^(a|b)$")]
    {
        let declaration = ListenerSettings { topics: None, topic_pattern: Some(pattern.to_owned()), ..settings() };
        let resolved = resolve("", &declaration).expect("right");
        assert_eq!(resolved.subscription, Subscription::Pattern(anchored.to_owned()));
    }
}

#[test]
fn a_listener_has_topics_or_a_pattern() {
    let both = ListenerSettings { topic_pattern: Some("x".to_owned()), ..settings() };
    assert!(mistake("", &both).ends_with("listener `bill`: topics: says topic-pattern too; keep one of them"));
    let none = ListenerSettings { topics: None, ..settings() };
    assert!(mistake("", &none).contains("listener `bill`: has no topic"));
    let pattern = ListenerSettings { topics: None, topic_pattern: Some("x".to_owned()), ..settings() };
    let replaced = resolve("[kafka.listeners.bill]\ntopics = \"a\"", &pattern).expect("the override replaces it");
    assert_eq!(replaced.subscription, Subscription::Topics(vec!["a".to_owned()]));
}

#[test]
fn names_that_cannot_be_topics_are_mistakes() {
    let long = "x".repeat(250);
    for wrong in ["", "a b", "ä", "..", &long] {
        let declaration = ListenerSettings { topics: Some(vec!["ok".to_owned(), wrong.to_owned()]), ..settings() };
        match resolve("", &declaration) {
            Ok(resolved) => assert_eq!(resolved.subscription, Subscription::Topics(vec!["ok".to_owned()]), "`{wrong}`"),
            Err(list) => assert!(list.concat().contains("cannot be a topic"), "{list:?}"),
        }
    }
    let declaration = ListenerSettings { send_to: Some("a b".to_owned()), ..settings() };
    assert!(mistake("", &declaration).contains("send-to: `a b` cannot be a topic"));
}

#[test]
fn zeros_are_mistakes_where_one_is_the_least() {
    for (toml, key) in [
        ("concurrency = 0", "concurrency"),
        ("ordering = \"key\"\nworkers = 0", "workers"),
        ("ack-mode = \"count\"\nack-count = 0", "ack-count"),
        ("retry.attempts = 0", "retry.attempts"),
        ("timeout = \"0s\"", "timeout"),
        ("ack-time = \"0\"", "ack-time"),
    ] {
        let text = mistake(&format!("[kafka.listeners.bill]\n{toml}"), &settings());
        assert!(text.contains(&format!("kafka.listeners.bill.{key}: ")), "{text}");
        assert!(text.starts_with("kafka-app.toml:"), "{text}");
    }
}

#[test]
fn a_wrong_retry_is_a_mistake() {
    let second = Some(Duration::from_secs(1));
    for (retry, text) in [
        (
            RetrySettings { backoff: second, multiplier: Some(0.5), ..Default::default() },
            "retry.multiplier: must be at least 1",
        ),
        (
            RetrySettings { backoff: second, multiplier: Some(f64::NAN), ..Default::default() },
            "retry.multiplier: must be",
        ),
        (
            RetrySettings { backoff: second, jitter: Some(1.5), ..Default::default() },
            "retry.jitter: must be from 0 to 1",
        ),
        (
            RetrySettings { backoff: second, max_backoff: Some(Duration::from_millis(1)), ..Default::default() },
            "retry.max-backoff: is less than retry.backoff",
        ),
        (RetrySettings { multiplier: Some(2.0), ..Default::default() }, "has no effect without retry.backoff"),
    ] {
        let found = mistake("", &ListenerSettings { retry, ..settings() });
        assert!(found.contains(text), "{found}");
    }
}

#[test]
fn workers_need_an_ordering_with_lanes() {
    let text = mistake("", &ListenerSettings { workers: Some(4), ..settings() });
    assert!(text.contains("workers: needs ordering \"key\" or \"none\""), "{text}");
    let by_key = ListenerSettings { workers: Some(4), ordering: Some(Ordering::Key), ..settings() };
    let resolved = resolve("[kafka.listeners.bill]\nordering = \"partition\"", &by_key).expect("said later");
    assert_eq!(resolved.ordering, Ordering::Partition);
}

#[test]
fn manual_acknowledgment_and_the_ack_argument_need_each_other() {
    let manual = ListenerSettings { ack_mode: Some(AckMode::Manual), ..settings() };
    assert!(mistake("", &manual).contains("ack-mode: manual acknowledgment needs a handler that takes an `Ack`"));
    let takes_ack = Declared { takes_ack: true, ..declared(&manual) };
    assert_eq!(resolve_declared("", takes_ack).map(|resolved| resolved.ack_mode), Ok(AckMode::Manual));
    let settings = settings();
    let list = resolve_declared("", Declared { takes_ack: true, ..declared(&settings) }).expect_err("not manual");
    assert!(list.concat().contains("takes an `Ack`: its ack-mode must be"), "{list:?}");
}

#[test]
fn ack_time_and_ack_count_need_a_mode_that_uses_them() {
    let counted = ListenerSettings { ack_count: Some(5), ..settings() };
    assert!(mistake("", &counted).contains("ack-count: needs ack-mode \"count\" or \"count-time\""));
    let timed =
        ListenerSettings { ack_mode: Some(AckMode::Record), ack_time: Some(Duration::from_secs(1)), ..settings() };
    assert!(mistake("", &timed).contains("ack-time: needs ack-mode"));
    let shared = resolve("[kafka.consumer]\nauto-commit-interval = \"3s\"", &settings()).expect("right");
    assert_eq!(shared.ack_time, Duration::from_secs(3));
}

#[test]
fn batch_limits_need_a_batch_handler() {
    let limited = ListenerSettings { batch_max_records: Some(5), ..settings() };
    assert!(mistake("", &limited).contains("batch.max-records: the handler takes one record at a time"));
    let resolved = resolve_declared("", Declared { is_batch: true, ..declared(&limited) }).expect("a batch handler");
    assert_eq!(resolved.batch.max_records, 5);
}

#[test]
fn at_most_once_excludes_acks_retries_and_dead_letters() {
    let base = ListenerSettings { delivery: Some(Delivery::AtMostOnce), ..settings() };
    for (declaration, text) in [
        (ListenerSettings { ack_mode: Some(AckMode::Record), ..base.clone() }, "ack-mode: at-most-once commits before"),
        (
            ListenerSettings { retry: RetrySettings { attempts: Some(3), ..Default::default() }, ..base.clone() },
            "retry.attempts: at-most-once never delivers a record again",
        ),
        (ListenerSettings { dead_letter: Some(DeadLetter::Stop), ..base.clone() }, "dead-letter: at-most-once reports"),
        (
            ListenerSettings { dead_letter: Some(DeadLetter::Topic("dlt".into())), ..base.clone() },
            "dead-letter: at-most-once reports",
        ),
    ] {
        let found = mistake("", &declaration);
        assert!(found.contains(text), "{found}");
    }
    let manual = ListenerSettings { ack_mode: Some(AckMode::Manual), ..base.clone() };
    let list = resolve_declared("", Declared { takes_ack: true, ..declared(&manual) }).expect_err("contradiction");
    assert!(list.concat().contains("at-most-once commits before"), "{list:?}");
    let resolved = resolve("", &base).expect("right");
    assert_eq!((resolved.retry.attempts, resolved.dead_letter), (1, DeadLetter::Off));
}

#[test]
fn at_most_once_said_later_takes_the_place_of_retries_and_dead_letters() {
    let declaration = ListenerSettings {
        retry: RetrySettings { attempts: Some(3), ..Default::default() },
        dead_letter: Some(DeadLetter::Topic("orders-dlt".into())),
        ..settings()
    };
    let resolved = resolve("[kafka.listeners.bill]\ndelivery = \"at-most-once\"", &declaration).expect("right");
    assert_eq!((resolved.retry.attempts, resolved.dead_letter), (1, DeadLetter::Off));
}

fn exactly_once() -> ListenerSettings {
    ListenerSettings { delivery: Some(Delivery::ExactlyOnce), ..settings() }
}

#[test]
fn exactly_once_has_transactions_of_a_thousand_records_or_a_tenth_of_a_second() {
    let resolved = resolve("", &exactly_once()).expect("right");
    assert_eq!(resolved.transaction, TransactionLimits::default());
    let toml = "[kafka.listeners.bill.transaction]\nmax-records = 5\nmax-wait = \"0s\"\n\
                [kafka.producer.properties]\ntransaction.timeout.ms = 60000";
    let TransactionLimits { max_records, max_wait, timeout } =
        resolve(toml, &exactly_once()).expect("right").transaction;
    assert_eq!((max_records, max_wait, timeout), (5, Duration::ZERO, Duration::from_secs(60)));
}

#[test]
fn exactly_once_commits_by_itself() {
    let base = exactly_once();
    for (settings, text) in [
        (ListenerSettings { ack_mode: Some(AckMode::Manual), ..base.clone() }, "ack-mode: exactly-once commits in"),
        (ListenerSettings { ack_time: Some(Duration::from_secs(1)), ..base.clone() }, "ack-time: exactly-once commits"),
        (ListenerSettings { ack_count: Some(1), ..base.clone() }, "ack-count: exactly-once commits"),
    ] {
        let said = mistake("", &settings);
        assert!(said.contains(text), "{said}");
    }
    let takes_ack = Declared { takes_ack: true, ..declared(&base) };
    let list = resolve_declared("", takes_ack).expect_err("an Ack").concat();
    assert!(list.contains("takes an `Ack`: exactly-once commits in transactions"), "{list}");
    let later = ListenerSettings { ack_mode: Some(AckMode::Record), ..settings() };
    let resolved = resolve("[kafka.listeners.bill]\ndelivery = \"exactly-once\"", &later).expect("said later");
    assert_eq!(resolved.ack_mode, AckMode::Time);
}

#[test]
fn exactly_once_needs_committed_records_and_an_idempotent_producer() {
    for (toml, text) in [
        ("[kafka.consumer]\nisolation-level = \"read-uncommitted\"", "needs read_committed"),
        ("[kafka.listeners.bill.properties]\nisolation.level = \"read_uncommitted\"", "needs read_committed"),
        ("[kafka.producer]\nacks = \"1\"", "transactions need acks=all"),
        ("[kafka.producer.properties]\nenable.idempotence = false", "transactions need an idempotent producer"),
    ] {
        let said = mistake(toml, &exactly_once());
        assert!(said.contains("listener `bill` delivers exactly once") && said.contains(text), "{said}");
        resolve(toml, &settings()).expect("at least once does not mind");
    }
}

#[test]
fn a_transaction_outlives_its_handlers() {
    let slow = ListenerSettings { timeout: Some(Duration::from_secs(25)), ..exactly_once() };
    let said = mistake("", &slow);
    assert!(said.contains("timeout: exactly-once needs \"transaction.timeout.ms\" (30s)"), "{said}");
    resolve("[kafka.producer.properties]\ntransaction.timeout.ms = 60000", &slow).expect("longer");
    let wait = ListenerSettings { transaction_max_wait: Some(Duration::from_secs(11)), ..exactly_once() };
    let said = mistake("", &wait);
    assert!(said.contains("transaction.max-wait: must be at most a third"), "{said}");
}

#[test]
fn limits_of_transactions_need_them() {
    let said = mistake("[kafka.listeners.bill.transaction]\nmax-records = 5", &settings());
    assert!(said.contains("kafka.listeners.bill.transaction.max-records: needs delivery"), "{said}");
    let said = mistake("", &ListenerSettings { transaction_max_records: Some(0), ..exactly_once() });
    assert!(said.contains("must be at least 1"), "{said}");
}

#[test]
fn a_dead_letter_topic_the_listener_reads_is_a_circle() {
    let text = mistake("", &ListenerSettings { dead_letter: Some(DeadLetter::Topic("orders".into())), ..settings() });
    assert!(text.contains("dead-letter: the listener reads `orders` itself"), "{text}");
}

#[test]
fn an_unknown_listener_id_gets_the_nearest_one() {
    let text = mistake("[kafka.listeners.bil]\nconcurrency = 2", &settings());
    assert_eq!(text, "kafka-app.toml:2: kafka.listeners.bil: no listener has this id; did you mean `bill`?");
}

#[test]
fn two_listeners_with_one_id_are_a_mistake() {
    let settings = settings();
    let other = Declared { location: Some("src/main.rs:20"), ..declared(&settings) };
    let error = properties("").resolve_listeners(&[declared(&settings), other], |_| Vec::new()).expect_err("one id");
    let expected = "src/main.rs:20: listener `bill`: is declared twice, also at src/main.rs:7";
    assert!(error.to_string().contains(expected), "{error}");
    let other = Declared { id: "BILL", ..other };
    let error = properties("").resolve_listeners(&[declared(&settings), other], |_| Vec::new()).expect_err("one id");
    assert!(error.to_string().contains("cannot be told from `bill`"), "{error}");
}

#[test]
fn properties_of_the_declaration_are_checked_at_its_place() {
    let properties = [("max.poll.records".to_owned(), "5".to_owned())].into();
    let text = mistake("", &ListenerSettings { properties, ..settings() });
    assert!(
        text.starts_with("src/main.rs:7: listener `bill`: properties.max.poll.records: is a property of the Java"),
        "{text}"
    );
    let properties =
        [("group.protocol", "consumer"), ("session.timeout.ms", "6000")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let text = mistake("", &ListenerSettings { properties: properties.into(), ..settings() });
    assert!(
        text.starts_with("src/main.rs:7: listener `bill`: properties.session.timeout.ms: cannot be set with"),
        "{text}"
    );
}

#[test]
fn mistakes_of_the_file_and_of_all_listeners_come_together() {
    let first = ListenerSettings { topics: None, ..settings() };
    let second = ListenerSettings { concurrency: Some(0), ..settings() };
    let declared = [declared(&first), Declared { id: "ship", ..declared(&second) }];
    let error = properties("[kafka]\nclient = \"x\"\n[kafka.listeners.none]\nworkers = 1")
        .resolve_listeners(&declared, |_| Vec::new());
    let text = error.expect_err("four mistakes").to_string();
    assert!(text.starts_with("4 mistakes in the configuration:"), "{text}");
}

#[test]
fn changes_by_code_are_checked_too() {
    let mut properties = KafkaProperties::new("a:1");
    properties.consumer.client.properties.insert("group.id".to_owned(), "x".to_owned());
    let settings = settings();
    let error = properties.resolve_listeners(&[declared(&settings)], |_| Vec::new()).expect_err("owned");
    assert!(
        error.to_string().contains("code: kafka.consumer.properties.group.id: belongs to the framework"),
        "{error}"
    );
}

#[test]
fn a_listener_that_replies_sends_to_nobody_else() {
    let replies = ListenerSettings { reply: Some(true), ..settings() };
    assert!(resolve("", &replies).unwrap().reply);
    let both = ListenerSettings { send_to: Some("out".to_owned()), ..replies.clone() };
    assert!(mistake("", &both).contains("reply: says send-to too"));
    let sends = ListenerSettings { send_to: Some("out".to_owned()), ..settings() };
    assert!(!resolve("", &sends).unwrap().reply);
    let off = resolve("[kafka.listeners.bill]\nreply = false\nsend-to = \"out\"", &replies).unwrap();
    assert_eq!((off.reply, off.send_to.as_deref()), (false, Some("out")));
    let silent = Declared { returns_nothing: true, ..declared(&replies) };
    assert!(resolve_declared("", silent).unwrap_err().concat().contains("reply: the handler returns nothing"));
    assert!(resolve_declared("", Declared { returns_nothing: true, ..declared(&settings()) }).is_ok());
}
