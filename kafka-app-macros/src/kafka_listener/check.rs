//! What options must and must not say together.

use std::time::Duration;

use proc_macro2::Span;
use syn::Ident;

use super::{
    function::Function,
    model::{DeadLetter, Delivery, Options, Ordering, RetryTopicNames},
};
use crate::{ctxt::Ctxt, options::Slot, values::TopicName};

/// Reports every contradiction.
pub(crate) fn rules(options: &Options, function: &Function, cx: &Ctxt) {
    topics(options, cx);
    by_hand(options, cx);
    at_most_once(options, cx);
    exactly_once(options, function, cx);
    acknowledgment(options, function, cx);
    lanes(options, cx);
    batch(options, function, cx);
    retry(options, cx);
    restart(options, cx);
    retry_topics(options, cx);
    circuit_breaker(options, cx);
    dead_letter_brake(options, cx);
    dead_letter(options, cx);
    dead_letters_of(options, cx);
    returns(options, function, cx);
}

fn topics(options: &Options, cx: &Ctxt) {
    let said =
        [options.topic.name(), options.topics.name(), options.topic_pattern.name(), options.dead_letters_of.name()];
    let mut said = said.into_iter().flatten();
    match said.next() {
        None => cx.error_at(
            Span::call_site(),
            "no topic: say `topic = \"orders\"`, `topics = [\"orders\", \"returns\"]` or `topic_pattern = \"orders-.*\"`",
        ),
        Some(first) => {
            for other in said {
                cx.error(other, format!("`{other}` with `{first}`: exactly one says which topics are read"));
            }
        }
    }
}

/// Partitions that are taken by itself: no group shares them out.
fn by_hand(options: &Options, cx: &Ctxt) {
    let Some(partitions) = options.partitions.name() else {
        if let Some(from) = options.from.name() {
            cx.error(from, "`from` needs `partitions`: members of a group go on where it has committed");
        }
        return;
    };
    let refused: [(Option<&Ident>, &str); 3] = [
        (options.topic_pattern.name(), "topics must be named"),
        (
            options.retry_topics.name(),
            "retry topics are shared, and what is taken here is not: retry in place, by `retry(..)`",
        ),
        (options.group_instance_id.name(), "what is taken here is not shared in a group"),
    ];
    for (name, reason) in refused {
        if let Some(name) = name {
            cx.error(name, format!("`{name}` cannot be with `{partitions}`: {reason}"));
        }
    }
    if let (Some(name), Some(Delivery::ExactlyOnce)) = (options.delivery.name(), options.delivery.get()) {
        cx.error(name, format!("exactly-once cannot be with `{partitions}`: a group fences who has lost a partition"));
    }
}

/// At-most-once commits first, so nothing that comes after a failure can apply.
fn at_most_once(options: &Options, cx: &Ctxt) {
    if options.delivery.get() != Some(&Delivery::AtMostOnce) {
        return;
    }
    let refused: [(Option<&Ident>, &str); 7] = [
        (options.ack.name(), "offsets are committed before the function sees the record"),
        (options.ack_time.name(), "offsets are committed before the function sees the record"),
        (options.ack_count.name(), "offsets are committed before the function sees the record"),
        (options.retry.name(), "no record is delivered twice"),
        (options.retry_topics.name(), "no record is delivered twice"),
        (options.dead_letter.name(), "a failed record is reported and counted, and is gone"),
        (options.dead_letter_brake.name(), "a failed record is reported and counted, and is gone"),
    ];
    for (name, reason) in refused {
        if let Some(name) = name {
            cx.error(name, format!("`{name}` cannot be with `delivery = \"at-most-once\"`: {reason}"));
        }
    }
}

/// Exactly-once commits in transactions, so there is nothing to acknowledge.
fn exactly_once(options: &Options, function: &Function, cx: &Ctxt) {
    if options.delivery.get() != Some(&Delivery::ExactlyOnce) {
        return;
    }
    for name in [options.ack.name(), options.ack_time.name(), options.ack_count.name()].into_iter().flatten() {
        cx.error(
            name,
            format!("`{name}` cannot be with `delivery = \"exactly-once\"`: offsets are committed in transactions"),
        );
    }
    for argument in function.arguments_of("Ack") {
        cx.error(
            argument,
            "an `Ack` cannot be with `delivery = \"exactly-once\"`: offsets are committed in transactions",
        );
    }
}

fn acknowledgment(options: &Options, function: &Function, cx: &Ctxt) {
    if options.delivery.get() == Some(&Delivery::ExactlyOnce) {
        return; // It has rules of its own.
    }
    let mode = options.ack.get().copied();
    let mut arguments = function.arguments_of("Ack");
    match (arguments.next(), options.ack.name(), mode) {
        (Some(argument), None, _) => {
            cx.error(argument, "an `Ack` argument needs `ack = \"manual\"` or `ack = \"manual-immediate\"`");
        }
        (Some(_), Some(name), Some(mode)) if !mode.is_manual() => {
            cx.error(name, "an `Ack` argument needs `ack = \"manual\"` or `ack = \"manual-immediate\"`");
        }
        (None, Some(name), Some(mode)) if mode.is_manual() => {
            cx.error(name, "manual acknowledgment needs an `Ack` argument");
        }
        _ => {}
    }
    for argument in arguments {
        cx.error(argument, "a record has one `Ack`");
    }
    if let (Some(name), Some(false)) = (options.ack_time.name(), time_applies(options)) {
        cx.error(name, "`ack_time` needs `ack = \"time\"` or `ack = \"count-time\"`");
    }
    if let (Some(name), Some(false)) = (options.ack_count.name(), count_applies(options)) {
        cx.error(name, "`ack_count` needs `ack = \"count\"` or `ack = \"count-time\"`");
    }
}

/// `None` where the mode could not be read.
fn time_applies(options: &Options) -> Option<bool> {
    match options.ack.name() {
        // Without a word, offsets are committed by time.
        None => Some(true),
        Some(_) => options.ack.get().map(|mode| mode.has_time()),
    }
}

fn count_applies(options: &Options) -> Option<bool> {
    match options.ack.name() {
        None => Some(false),
        Some(_) => options.ack.get().map(|mode| mode.has_count()),
    }
}

fn lanes(options: &Options, cx: &Ctxt) {
    let Some(name) = options.workers.name() else { return };
    let by_partition = match options.ordering.name() {
        None => true,
        Some(_) => options.ordering.get() == Some(&Ordering::Partition),
    };
    if by_partition {
        cx.error(
            name,
            "`workers` needs `ordering = \"key\"` or `ordering = \"none\"`: a partition in its own order has one lane",
        );
    }
}

fn batch(options: &Options, function: &Function, cx: &Ctxt) {
    if let Some(name) = options.batch.name()
        && !function.takes_batch()
    {
        cx.error(name, "`batch(..)` needs a `Batch<T>` argument");
    }
    for argument in function.arguments_of("Batch").skip(1) {
        cx.error(argument, "a listener takes one `Batch<T>`");
    }
}

fn retry(options: &Options, cx: &Ctxt) {
    if let Some(retry) = options.retry.get() {
        backoff(&retry.backoff, &retry.max_backoff, cx);
    }
}

fn restart(options: &Options, cx: &Ctxt) {
    let (Some(name), Some(restart)) = (options.restart.name(), options.restart.get()) else { return };
    backoff(&restart.backoff, &restart.max_backoff, cx);
    if restart.attempts.name().is_none() {
        cx.error(name, "`restart(..)` says how often: `restart(attempts = 5)`");
    }
}

fn circuit_breaker(options: &Options, cx: &Ctxt) {
    let Some(breaker) = options.circuit_breaker.get() else { return };
    if let (Some(name), Some(longest), Some(pause)) =
        (breaker.max_pause.name(), breaker.max_pause.get(), breaker.pause.get())
        && longest < pause
    {
        cx.error(name, "`max_pause` is shorter than `pause`");
    }
}

fn dead_letter_brake(options: &Options, cx: &Ctxt) {
    let Some(brake) = options.dead_letter_brake.get() else { return };
    if let (Some(name), Some(within)) = (brake.within.name(), brake.within.get())
        && *within < Duration::from_secs(1)
    {
        cx.error(name, "`within` must be at least 1s: as often is looked at it");
    }
}

fn backoff(first: &Slot<Duration>, longest: &Slot<Duration>, cx: &Ctxt) {
    if let (Some(name), Some(longest), Some(first)) = (longest.name(), longest.get(), first.get())
        && longest < first
    {
        cx.error(name, "`max_backoff` is shorter than `backoff`");
    }
}

fn retry_topics(options: &Options, cx: &Ctxt) {
    let Some(name) = options.retry_topics.name() else { return };
    if let Some(pattern) = options.topic_pattern.name() {
        cx.error(
            name,
            format!(
                "`{name}` with `{pattern}`: retry topics are created and read from the start, so topics must be named"
            ),
        );
    }
    if let Some(end) = options.until_end.name().filter(|_| options.until_end.get() == Some(&true)) {
        cx.error(
            name,
            format!("`{name}` with `{end}`: retry topics are read after the end; retry in place, by `retry(..)`"),
        );
    }
    let Some(retry) = options.retry_topics.get() else { return };
    backoff(&retry.backoff, &retry.max_backoff, cx);
    if let (Some(name), Some(1)) = (retry.attempts.name(), retry.attempts.get()) {
        cx.error(name, "`attempts` must be at least 2: the first time, and one from a retry topic");
    }
    if let (Some(name), Some(RetryTopicNames::Single)) = (retry.topics.name(), retry.topics.get())
        && retry.multiplier.get().is_some_and(|factor| *factor > 1.0)
    {
        cx.error(
            name,
            "`topics = \"single\"` needs one delay: in one topic a short delay waits for the long one before it",
        );
    }
}

/// A record that fails again and again would go round for ever.
fn dead_letter(options: &Options, cx: &Ctxt) {
    let Some(DeadLetter::Topic(TopicName::Literal(target))) = options.dead_letter.get() else { return };
    let topics = options.topics.get().into_iter().flatten().chain(options.topic.get());
    for topic in topics {
        if let TopicName::Literal(topic) = topic
            && topic.value() == target.value()
        {
            cx.error(
                target,
                format!("the listener reads {:?} itself: dead letters go to another topic", target.value()),
            );
        }
    }
}

fn dead_letters_of(options: &Options, cx: &Ctxt) {
    let Some(of) = options.dead_letters_of.name() else {
        if let Some(name) = options.on_failure.name() {
            cx.error(name, "`on_failure` is for handlers of dead letters: others have `retry` and `dead_letter`");
        }
        return;
    };
    if let Some(name) = options.retry_topics.name() {
        cx.error(
            name,
            format!("`{name}` with `{of}`: what fails goes to the end of the dead letters, see `on_failure`"),
        );
    }
    if let (Some(name), Some(dead_letter)) = (options.on_failure.name(), options.dead_letter.name()) {
        cx.error(name, format!("`{name}` with `{dead_letter}`, which says already where it gives up to"));
    }
}

fn returns(options: &Options, function: &Function, cx: &Ctxt) {
    if let Some(name) = options.send_to.name()
        && function.returns_nothing
    {
        cx.error(name, "`send_to` has nothing to send: the function returns no value");
    }
    let Some(reply) = options.reply.name().filter(|_| options.reply.get() != Some(&false)) else { return };
    if function.returns_nothing {
        cx.error(reply, "`reply` has nothing to answer with: the function returns no value");
    }
    if let Some(send_to) = options.send_to.name() {
        cx.error(send_to, "`send_to` with `reply`: what is returned goes to the topic that the request names");
    }
}
