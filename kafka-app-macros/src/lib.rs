//! The attribute and the derive of `kafka-app`; use them through that crate, which re-exports both.
//!
//! Each goes the same way, a file a step: parse (tokens to options, which decides nothing), model (what was said, without
//! tokens but names, types and literals), check (the rules; every mistake goes into one sink), expand (tokens, which
//! cannot fail). What is generated names values and calls plain functions of `kafka_app::__private`.

mod ctxt;
mod kafka_error;
mod kafka_listener;
mod options;
mod paths;
mod values;

use proc_macro::TokenStream;

/// Makes a listener of a function.
///
/// The function stays as it is, token for token, so a unit test calls it directly; beside it stands a hidden
/// declaration of the same name, which `listeners![..]` collects (so no type or module beside it can have that name).
/// Arguments are extractors; what is returned is sent to `send_to`.
///
/// ```
/// use kafka_app::{Json, kafka_listener, listeners};
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u64, cents: u64 }
///
/// #[derive(serde::Serialize)]
/// struct Invoice { order: u64, cents: u64 }
///
/// #[kafka_listener(topic = "orders", group = "billing", send_to = "invoices")]
/// async fn bill(Json(order): Json<Order>) -> Result<Json<Invoice>, std::io::Error> {
///     Ok(Json(Invoice { order: order.id, cents: order.cents }))
/// }
///
/// assert_eq!(listeners![bill][0].id(), "bill");
/// ```
///
/// # Options
///
/// Strings that name a topic, a group or a property's value may hold `${key:default}` placeholders, resolved from the
/// configuration at start. Topics may be paths of `Topic<K, V>` constants, `id` and `group` paths of `&'static str` ones.
/// Everything can be overridden under `kafka.listeners.<id>`.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `topic`, `topics = [..]`, `topic_pattern` | exactly one of them | none |
/// | `partitions` | `[0, 1]`, `"0-5, 7"` or `"all"` that there are when it starts: it takes these of its topics by itself, in every process, without sharing them in a group; committed is only under a `group` of its own | shared in the group |
/// | `from` | where it begins then, at each start: `"committed"`, `"earliest"`, `"latest"`, `"earliest+10"`, `"latest-10"`, an offset, `"timestamp:<ms>"` | `"committed"`, without a group by `auto-offset-reset` |
/// | `group` | consumer group | `kafka.consumer.group-id` |
/// | `cluster` | name of a cluster of `kafka.clusters`, which it reads from, and which all it returns, retries and gives up goes to | that of `kafka.*` |
/// | `id` | name in configuration, metrics, logs and health | the function's name |
/// | `delivery` | `"at-most-once"`, `"at-least-once"`, `"exactly-once"`; the last commits offsets and outputs in one transaction | `"at-least-once"` |
/// | `ack` | `"record"`, `"batch"`, `"time"`, `"count"`, `"count-time"`, `"manual"`, `"manual-immediate"`; the last two need an `Ack` argument | `"time"` |
/// | `ack_time`, `ack_count` | how often, for `"time"`, `"count"`, `"count-time"` | `"1s"`, 1 |
/// | `concurrency` | consumers of this listener in this process | 1 |
/// | `ordering`, `workers` | `"partition"`, `"key"`, `"none"`; lanes per consumer for the last two | `"partition"`, 16 |
/// | `batch(max_records, max_wait, max_bytes)` | bounds of a `Batch<T>` argument; with `ordering = "key"` or `"none"` of what is gathered, and dealt out to the lanes then | 500, `"0s"`, none |
/// | `send_to` | topic of returned values; a payload that is returned needs it, or `reply` | none |
/// | `reply` | returned values answer the request that was handled: they go to the topic that its headers name | off |
/// | `filter` | path of a `fn(&RawRecord) -> bool`; true keeps the record | none |
/// | `retry(attempts, backoff, multiplier, max_backoff, jitter)` | deliveries in place | 10, `"0s"`, 1, none, 0 |
/// | `retry_topics(attempts, backoff, multiplier, max_backoff, jitter, topics, suffix, dlt_suffix, auto_create, replication_factor, concurrency)` | deliveries from topics of their own, while the records behind go on; `topics` is `"per-delay"`, `"per-attempt"` or `"single"`; then `retry(attempts)` is 1 unless said | off; 3, `"1s"`, 1, none, 0, `"per-delay"`, `"-retry"`, `"-dlt"`, true, the broker's, the listener's |
/// | `circuit_breaker(failures, pause, max_pause, probes)` | while what the handler needs is down, no record is handled and none is given up; `probes` is how often one record may try in vain before its failures count again | off; 5, `"10s"`, `"5m"`, no limit |
/// | `dead_letter_brake(share, within, at_least)` | a listener of whose records more than that share would become dead letters stops, and is not started again by itself | off; `"50%"`, `"1m"`, 20 |
/// | `dead_letter` | a topic, `"*-dlt"` (the record's topic with `-dlt`), `"off"` or `"stop"` | `"stop"`; with `retry_topics` the record's topic with `-dlt` |
/// | `dead_letters_of`, `on_failure` | the id of a listener whose dead letters are read, in place of topics, and what is done about one that fails; see [`macro@dlt_handler`] | none, `"retry"` |
/// | `timeout` | longest time for one call | none |
/// | `rate_limit` | records handed over in a time, as in `"100/s"`, over all consumers of this process and its retry topics | none |
/// | `auto_start` | whether it starts with the application | true |
/// | `start_after` | id of the listener that it starts after: when that has finished, or else runs | none |
/// | `until_end` | it finishes when its group has read what there was when it started | off |
/// | `restart(attempts, backoff, multiplier, max_backoff, reset_after)` | whether it starts again after a failure, and when; `attempts` must be said | never |
/// | `group_instance_id` | a name that its consumer keeps over restarts, for static membership; `-n` behind it with `concurrency` | none |
/// | `idle_event_interval` | after how long without a record a consumer tells `ListenerEvent::Idle` | never |
/// | `on_revoke` | `"drain"`, `"cancel"` | `"drain"` |
/// | `properties("key" = "value", ..)` | librdkafka properties of its consumers | none |
/// | `crate = path` | where `kafka_app` is, if renamed | `::kafka_app` |
#[proc_macro_attribute]
pub fn kafka_listener(arguments: TokenStream, item: TokenStream) -> TokenStream {
    kafka_listener::attribute(arguments.into(), &item.into()).into()
}

/// Makes a listener of the dead letters of another, whose id `of` says; all other options are those of
/// [`macro@kafka_listener`].
///
/// It reads that listener's dead letter topics, in its group with `-dlt`. What it fails to handle goes to the end of the
/// topic and comes again a second later (`on_failure = "retry"`, the default), is logged and counted and stays in the
/// topic (`"skip"`), or stops it (`"stop"`); with a `dead_letter` of its own it goes there. A letter that cannot be
/// decoded, or whose error has the class `#[dead_letter]`, comes no more: it is skipped, and its topic keeps it.
///
/// ```
/// use kafka_app::{Headers, Text, dlt_handler, kafka_listener, listeners};
///
/// #[kafka_listener(topic = "orders", group = "billing", retry_topics(attempts = 4))]
/// async fn bill(Text(order): Text) -> Result<(), std::io::Error> {
///     println!("{order}");
///     Ok(())
/// }
///
/// #[dlt_handler(of = "bill")]
/// async fn look_into(order: String, headers: Headers) {
///     let why = headers.last("kafka_exception-message").flatten().map(String::from_utf8_lossy);
///     eprintln!("{order} was not billed: {}", why.unwrap_or_default());
/// }
///
/// assert_eq!(listeners![bill, look_into][1].id(), "look_into");
/// ```
#[proc_macro_attribute]
pub fn dlt_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    kafka_listener::dlt_handler(arguments.into(), &item.into()).into()
}

/// Says of an error what is to be done with the record: `#[retry]`, `#[not_now]`, `#[dead_letter]`, `#[skip]` or `#[stop]`
/// on a variant.
///
/// `#[dead_letter(topic = "fraud")]` sends the record to a topic of its own, and `#[retry(dead_letter = "fraud")]` when its
/// deliveries are spent; `"*-fraud"` is the record's topic with `-fraud`. Such a topic is not created.
///
/// `#[not_now(after = "30s")]` is of an error that is not the record's: no record of the listener is handled for so long, and
/// the delivery does not count; then one record tries, and the others follow it. `after` may also name a field that is a
/// `Duration`, as in `#[not_now(after = retry_after)]` or `#[not_now(after = 0)]`.
///
/// On the type itself it is the class of every variant that has none; without any it is `#[retry]`. The type
/// implements `std::error::Error` itself.
///
/// ```
/// use kafka_app::{ErrorClass, KafkaError};
///
/// #[derive(Debug, KafkaError)]
/// enum BillingError {
///     Busy, // delivered again
///     #[not_now(after = "30s")]
///     Maintenance,
///     #[dead_letter]
///     NoSuchCustomer,
///     #[skip]
///     AlreadyBilled,
///     #[stop]
///     WrongCredentials,
/// }
/// # impl std::fmt::Display for BillingError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{self:?}") }
/// # }
/// # impl std::error::Error for BillingError {}
///
/// assert_eq!(BillingError::Busy.class(), ErrorClass::Retry);
/// assert_eq!(BillingError::Maintenance.class(), ErrorClass::NotNow(std::time::Duration::from_secs(30)));
/// assert_eq!(BillingError::AlreadyBilled.class(), ErrorClass::Skip);
/// ```
#[proc_macro_derive(KafkaError, attributes(retry, not_now, dead_letter, skip, stop, kafka_error))]
pub fn kafka_error(item: TokenStream) -> TokenStream {
    kafka_error::derive(item.into()).into()
}
