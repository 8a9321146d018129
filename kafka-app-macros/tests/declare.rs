//! What the attribute accepts, and what the listeners it declares say of themselves.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]

mod extractors;

use std::{io, time::Duration};

use extractors::{Attempt, Batch, Topic, Words};
use kafka_app::{Listener, kafka_listener, listeners};

fn said(listener: &Listener) -> String {
    format!("{listener:?}")
}

/// Documented, as any function.
#[kafka_listener(topic = "orders")]
pub async fn plainest() {}

#[kafka_listener(topics = ["orders", "${returns:returned}"], group = GROUP, id = ID, filter = extractors::keep)]
pub(crate) fn synchronous(Words(words): Words<'_>, Topic(topic): Topic) -> Result<(), io::Error> {
    if words.is_empty() { Err(io::Error::other(topic)) } else { Ok(()) }
}

const GROUP: &str = "billing";
const ID: &str = "sync";

#[kafka_listener(
    topic_pattern = "orders-.*",
    delivery = "at-least-once",
    ack = "count-time",
    ack_time = "250ms",
    ack_count = 10,
    concurrency = 3,
    ordering = "key",
    workers = 4,
    batch(max_records = 7, max_wait = "1s 5ms", max_bytes = "1KiB"),
    retry(attempts = 3, backoff = "1s", multiplier = 1.5, max_backoff = "1m", jitter = 0.1),
    dead_letter = DEAD,
    timeout = "5s",
    auto_start = false,
    on_revoke = "cancel",
    properties("fetch.min.bytes" = 1024, "client.id" = "a"),
)]
async fn everything(words: Batch<Words<'_>>) -> Vec<Result<(), String>> {
    words.0.iter().map(|_| Ok(())).collect()
}

const DEAD: &str = "orders-dead";

mod nested {
    use super::extractors::Words;

    #[kafka_listener(topic = "orders", delivery = "at-most-once", ordering = "none", workers = 2)]
    #[cfg(any())]
    pub(super) async fn left_out(words: Words<'_>) {}

    #[kafka_app::kafka_listener(topic = "orders", on_revoke = "drain", dead_letter = "off", ack = "record")]
    #[cfg(test)]
    #[inline]
    pub(super) async fn left_in<'a>(
        _words: Words<'a>,
        word: &'a Words<'a>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    where
        'a: 'a,
    {
        word.0.is_empty().then_some(()).ok_or_else(|| "not empty".into())
    }
}

#[test]
fn a_listener_is_named_after_its_function() {
    assert_eq!(listeners![plainest][0].id(), "plainest");
    assert_eq!(listeners![synchronous][0].id(), "sync");
}

#[test]
fn listeners_are_collected_in_order_by_their_paths() {
    let ids: Vec<_> = listeners![nested::left_in, everything, plainest,].iter().map(|l| l.id().to_owned()).collect();
    assert_eq!(ids, ["left_in", "everything", "plainest"]);
    assert!(listeners![].is_empty());
}

#[test]
fn options_become_the_settings_of_the_builder() {
    let said = said(&listeners![everything][0]);
    for part in [
        r#"topic_pattern: Some("orders-.*")"#,
        "delivery: Some(AtLeastOnce)",
        "ack_mode: Some(CountTime)",
        "ack_time: Some(250ms)",
        "ack_count: Some(10)",
        "concurrency: Some(3)",
        "ordering: Some(Key)",
        "workers: Some(4)",
        "batch_max_records: Some(7)",
        "batch_max_wait: Some(1.005s)",
        "batch_max_bytes: Some(1024)",
        "attempts: Some(3), backoff: Some(1s), multiplier: Some(1.5), max_backoff: Some(60s), jitter: Some(0.1)",
        r#"dead_letter: Some(Topic("orders-dead"))"#,
        "timeout: Some(5s)",
        "auto_startup: Some(false)",
        "on_revoke: Some(Cancel)",
        r#"{"client.id": "a", "fetch.min.bytes": "1024"}"#,
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn what_is_not_said_is_left_to_the_configuration() {
    let (plain, by_hand) =
        (said(&listeners![plainest][0]), Listener::record("plainest", plainest {}).topics(["orders"]));
    assert_eq!(plain, said(&by_hand));
}

#[test]
fn topics_and_groups_may_be_constants_and_hold_placeholders() {
    let said = said(&listeners![synchronous][0]);
    assert!(said.contains(r#"topics: Some(["orders", "${returns:returned}"])"#), "{said}");
    assert!(said.contains(r#"group_id: Some("billing")"#), "{said}");
}

#[test]
fn the_function_is_called_directly() {
    assert_eq!(synchronous(Words("pay"), Topic("orders".to_owned())).map_err(|e| e.to_string()), Ok(()));
    let error = synchronous(Words(""), Topic("orders".to_owned())).unwrap_err();
    assert_eq!(error.to_string(), "orders");
}

#[test]
fn a_listener_may_be_declared_in_a_function() {
    #[kafka_listener(topic = "orders", timeout = "1h")]
    async fn inside(attempt: Attempt) {
        let _ = attempt.0;
    }
    let said = said(&listeners![inside][0]);
    assert!(said.contains(&format!("{:?}", Some(Duration::from_secs(3600)))), "{said}");
}

macro_rules! declare {
    ($name:ident, $topic:literal, $group:expr, $ty:ty) => {
        #[kafka_listener(topic = $topic, group = $group)]
        async fn $name(argument: $ty) {
            let _ = argument;
        }
    };
}

declare!(from_a_macro, "orders", "billing", Words<'_>);
declare!(from_it_again, "returns", GROUP, Attempt);

#[test]
fn a_listener_may_be_declared_by_a_macro() {
    let listeners = listeners![from_a_macro, from_it_again];
    assert!(said(&listeners[0]).contains(r#"topics: Some(["orders"])"#));
    assert!(said(&listeners[1]).contains(r#"group_id: Some("billing")"#));
}
