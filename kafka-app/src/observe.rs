//! What listeners log, in one list. Every event names listener, topic, partition, offset and attempt, never contents.

use std::{fmt, time::Duration};

use tracing::{debug, error, warn};

/// Which delivery of which record an event is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) listener: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) attempt: u32,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset, attempt, .. } = self;
        write!(f, "topic `{topic}`, partition {partition}, offset {offset}, delivery {attempt}")
    }
}

macro_rules! event {
    ($level:ident, $name:literal, $place:expr, $($field:tt)+) => {
        $level!(
            name: $name,
            target: "kafka_app::listener",
            listener = $place.listener,
            topic = $place.topic,
            partition = $place.partition,
            offset = $place.offset,
            attempt = $place.attempt,
            $($field)+
        )
    };
}

/// A delivery failed and the record will be delivered again.
pub(crate) fn retrying(place: Place<'_>, error: &str, delay: Duration) {
    event!(warn, "listener.retrying", place, error, ?delay, "the record failed and is delivered again");
}

/// A delivery failed, not by its record's fault: the record waits and is delivered again. What opened the circuit is told
/// once, by the breaker.
pub(crate) fn postponed(place: Place<'_>, error: &str) {
    event!(debug, "listener.postponed", place, error, "the record waits until what its handler needs is back");
}

/// A delivery failed and leaves its transaction: with all of it, or to be tried again later.
pub(crate) fn leaving_transaction(place: Place<'_>, error: &str, delay: Duration) {
    event!(
        warn,
        "listener.leaving_transaction",
        place,
        error,
        ?delay,
        "the record failed and comes again in another transaction"
    );
}

/// A delivery failed and the record is now in a retry topic.
pub(crate) fn forwarded(place: Place<'_>, error: &str, retry_topic: &str, delay: Duration) {
    event!(
        warn,
        "listener.forwarded",
        place,
        error,
        retry_topic,
        ?delay,
        "the record failed and is handled again from a retry topic"
    );
}

/// A record needs a schema, and the registry does not answer.
pub(crate) fn without_registry(place: Place<'_>, error: &str, delay: Duration) {
    event!(
        warn,
        "listener.without_registry",
        place,
        error,
        ?delay,
        "the schema registry does not answer: the record waits, and it is asked again"
    );
}

/// A record was given up and is now in the dead letter topic.
pub(crate) fn dead_lettered(place: Place<'_>, error: &str, dead_letter_topic: &str) {
    event!(
        error,
        "listener.dead_lettered",
        place,
        error,
        dead_letter_topic,
        "the record went to the dead letter topic"
    );
}

/// A record was given up without a dead letter.
pub(crate) fn skipped(place: Place<'_>, error: &str) {
    event!(error, "listener.skipped", place, error, "the record failed and is skipped");
}

/// A record stops its listener.
pub(crate) fn stopping(place: Place<'_>, error: &str) {
    event!(error, "listener.stopping", place, error, "the record failed and stops the listener");
}

/// A record the handler returned, or a dead letter, was not acknowledged and is sent again.
pub(crate) fn resending(place: Place<'_>, error: &str, to: &str, delay: Duration) {
    event!(warn, "listener.resending", place, error, to, ?delay, "a record could not be sent and is sent again");
}

/// A record that was returned at most once was lost.
pub(crate) fn output_lost(place: Place<'_>, error: &str, to: &str) {
    event!(error, "listener.output_lost", place, error, to, "a returned record could not be sent and is lost");
}

/// A handler returned a value that neither names a topic nor answers a request that does.
pub(crate) fn nobody_asked(place: Place<'_>) {
    event!(
        debug,
        "listener.nobody_asked",
        place,
        "the record has no header `kafka_replyTopic`: what was returned is dropped"
    );
}

/// A reply went to a topic or partition that does not exist any more, or that does not take it.
pub(crate) fn reply_refused(place: Place<'_>, error: &str, to: &str) {
    event!(
        warn,
        "listener.reply_refused",
        place,
        error,
        to,
        "a reply was refused where the request wants it, and is dropped"
    );
}

/// The partitions of a dead letter or retry topic are unknown, so that its records go where the partitioner says.
pub(crate) fn partitions_unknown(place: Place<'_>, error: &str, to: &str) {
    event!(warn, "listener.partitions_unknown", place, error, to, "the record does not keep its partition");
}
