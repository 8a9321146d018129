//! What the attribute accepts, and what the listeners it declares say of themselves.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]

mod extractors;

use std::{io, time::Duration};

use extractors::{Attempt, Batch, Topic, Words};
use kafka_app::{
    AckMode, DeadLetter, Delivery, Listener, OnRevoke, Ordering, config::RetrySettings, kafka_listener, listeners,
};

fn said(listener: &Listener) -> String {
    format!("{listener:?}")
}

/// Documented, as any function.
#[kafka_listener(topic = "orders")]
pub async fn plainest() {}

#[kafka_listener(topics = ["orders", "${returns:returned}", KEPT], group = GROUP, id = ID, filter = extractors::keep)]
pub(crate) fn synchronous(Words(words): Words<'_>, Topic(topic): Topic) -> Result<(), io::Error> {
    if words.is_empty() { Err(io::Error::other(topic)) } else { Ok(()) }
}

const KEPT: &str = "kept";
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
fn options_are_sugar_for_the_builder() {
    let by_hand = Listener::batch("everything", everything {})
        .topic_pattern("orders-.*")
        .delivery(Delivery::AtLeastOnce)
        .ack(AckMode::CountTime)
        .ack_time(Duration::from_millis(250))
        .ack_count(10)
        .concurrency(3)
        .ordering(Ordering::Key)
        .workers(4)
        .batch_max_records(7)
        .batch_max_wait(Duration::from_millis(1005))
        .batch_max_bytes(1024)
        .retry(RetrySettings {
            attempts: Some(3),
            backoff: Some(Duration::from_secs(1)),
            multiplier: Some(1.5),
            max_backoff: Some(Duration::from_secs(60)),
            jitter: Some(0.1),
        })
        .dead_letter(DeadLetter::Topic("orders-dead".to_owned()))
        .timeout(Duration::from_secs(5))
        .auto_start(false)
        .on_revoke(OnRevoke::Cancel)
        .property("client.id", "a")
        .property("fetch.min.bytes", "1024");
    assert_eq!(said(&listeners![everything][0]), said(&by_hand));
}

#[test]
fn the_remaining_words_reach_the_builder() {
    let by_hand = Listener::record("left_in", nested::left_in {})
        .topics(["orders"])
        .ack(AckMode::Record)
        .dead_letter(DeadLetter::Off)
        .on_revoke(OnRevoke::Drain);
    assert_eq!(said(&listeners![nested::left_in][0]), said(&by_hand));
    let by_hand = Listener::record("manual", manual {})
        .topics(["orders"])
        .ack(AckMode::ManualImmediate)
        .ordering(Ordering::None)
        .workers(1)
        .dead_letter(DeadLetter::Stop)
        .send_to("answers");
    assert_eq!(said(&listeners![manual][0]), said(&by_hand));
    let by_hand = Listener::record("fleeting", fleeting {})
        .topics(["orders"])
        .delivery(Delivery::AtMostOnce)
        .ordering(Ordering::Partition);
    assert_eq!(said(&listeners![fleeting][0]), said(&by_hand));
}

#[kafka_listener(
    topic = "orders",
    ack = "manual-immediate",
    ordering = "none",
    workers = 1,
    dead_letter = "stop",
    send_to = ANSWERS
)]
async fn manual(ack: kafka_app::Ack) -> Option<String> {
    drop(ack);
    None
}

const ANSWERS: &str = "answers";

#[kafka_listener(topic = "orders", delivery = "at-most-once", ordering = "partition")]
async fn fleeting() {}

#[test]
fn what_is_not_said_is_left_to_the_configuration() {
    let (plain, by_hand) =
        (said(&listeners![plainest][0]), Listener::record("plainest", plainest {}).topics(["orders"]));
    assert_eq!(plain, said(&by_hand));
}

#[test]
fn topics_and_groups_may_be_constants_and_hold_placeholders() {
    let by_hand = Listener::record("sync", synchronous {})
        .topics(["orders", "${returns:returned}", "kept"])
        .group("billing")
        .filter(extractors::keep);
    assert_eq!(said(&listeners![synchronous][0]), said(&by_hand));
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
    let by_hand = Listener::record("inside", inside {}).topics(["orders"]).timeout(Duration::from_secs(3600));
    assert_eq!(said(&listeners![inside][0]), said(&by_hand));
}

/// What cannot be named.
#[kafka_listener(topic = "orders", group = "g", send_to = "words")]
async fn each_word(
    line: &str,
    _words: kafka_app::Headers,
) -> Result<kafka_app::Each<impl Iterator<Item = String>>, Fault> {
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    Ok(kafka_app::Each(words.into_iter()))
}

#[derive(Debug, kafka_app::KafkaError)]
struct Fault;

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fault")
    }
}

impl std::error::Error for Fault {}

#[kafka_listener(topic = "orders", group = "g", send_to = "sums")]
fn sums(batch: kafka_app::Batch<i64>, _factor: kafka_app::State<i64>) -> Vec<Result<kafka_app::Json<i64>, String>> {
    batch.into_payloads().map(|n| Ok(kafka_app::Json(n))).collect()
}

#[kafka_listener(topic = "orders", group = "g")]
async fn routes() -> Result<Option<kafka_app::Outgoing>, String> {
    Ok(None)
}

#[test]
fn what_a_function_returns_is_in_the_topology() {
    let app = kafka_app::KafkaApp::new("localhost:1").set("kafka.listener.mixed-payloads-fatal", "false").state(2_i64);
    let text = app.listeners(listeners![each_word, sums, routes]).topology().map(|topology| topology.to_string());
    let text = text.expect("nothing is wrong");
    assert!(text.contains("  sends   words as String\n"), "{text}");
    assert!(text.contains("  sends   sums as Json<i64>\n"), "{text}");
    let silent = listeners![plainest].remove(0).group("g").send_to("words");
    let told = kafka_app::KafkaApp::new("localhost:1").listeners([silent]).topology().unwrap_err().to_string();
    assert!(told.contains("`plainest`: send-to: the handler returns nothing"), "{told}");
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
    let by_hand = Listener::record("from_a_macro", from_a_macro {}).topics(["orders"]).group("billing");
    assert_eq!(said(&listeners![from_a_macro][0]), said(&by_hand));
    let by_hand = Listener::record("from_it_again", from_it_again {}).topics(["returns"]).group("billing");
    assert_eq!(said(&listeners![from_it_again][0]), said(&by_hand));
}
